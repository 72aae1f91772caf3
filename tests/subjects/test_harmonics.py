"""Spectra agree with quadrature, with random matrices' traces and with known zeros."""

import numpy as np
import pytest
from scipy import integrate, special

from properties.subjects.harmonics import (
    exponential_profile,
    harmonics,
    hypercube_spectrum,
    kernel_matrix,
    power_series,
    power_series_profile,
    sphere_spectrum,
    tangent_kernel_profile,
)
from theorychecks.kernels import analytic_kernels


def by_quadrature(profile, dimension, degree):
    """E kappa(t) P_l(t) under the law of a coordinate."""
    order = dimension / 2 - 1

    def integrand(t):
        polynomial = special.eval_gegenbauer(degree, order, t) / special.eval_gegenbauer(degree, order, 1.0)
        return profile(t) * polynomial * (1 - t * t) ** ((dimension - 3) / 2)

    total, _ = integrate.quad(lambda t: (1 - t * t) ** ((dimension - 3) / 2), -1, 1)
    return integrate.quad(integrand, -1, 1, epsabs=1e-14, epsrel=1e-11)[0] / total


@pytest.mark.parametrize("profile", [exponential_profile(), tangent_kernel_profile(2)], ids=["exponential", "NTK"])
@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
def test_eigenvalues_on_the_sphere_are_those_of_quadrature(profile, degree):
    found = sphere_spectrum(profile, 12).eigenvalues[degree]
    assert found == pytest.approx(by_quadrature(profile, 12, degree), rel=1e-4)
    assert found != pytest.approx(by_quadrature(profile, 13, degree), rel=1e-4)


def test_a_power_of_the_cosine_has_the_eigenvalues_of_its_expansion():
    # t^2 = (1 - 1/d) P_2 + 1/d, and kappa = sum_l N_l lambda_l P_l.
    found = sphere_spectrum(power_series_profile([0, 0, 1]), 10, degrees=4)
    wanted = [1 / 10, 0, 0.9 / harmonics(10, 2), 0]
    np.testing.assert_allclose(found.eigenvalues, wanted, rtol=1e-12, atol=1e-15)
    assert found.remainder == pytest.approx(0, abs=1e-12)


def test_all_degrees_add_up_to_the_trace():
    found = sphere_spectrum(exponential_profile(), 4096, degrees=8)
    assert found.eigenvalues @ found.multiplicities + found.remainder == pytest.approx(1.0, rel=1e-12)
    # sum_j>=8 1 / (e j!): the degrees above the last, since in high dimension t^j is of degree j alone.
    beyond = 1 - sum(1 / special.factorial(j) for j in range(8)) / np.e
    assert found.remainder == pytest.approx(beyond, rel=0.02)


def test_one_relu_layer_without_biases_has_no_odd_harmonics_from_three_on():
    one, two = (sphere_spectrum(tangent_kernel_profile(depth), 16) for depth in (1, 2))
    traces = one.eigenvalues * one.multiplicities
    assert traces[[3, 5, 7]].max() < 1e-12
    assert traces[[1, 2, 4, 6]].min() > 1e-4
    assert (two.eigenvalues * two.multiplicities)[[3, 5, 7]].min() > 1e-4


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_profile_is_the_analytic_tangent_kernel(depth):
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((6, 5))
    inputs *= np.sqrt(5) / np.linalg.norm(inputs, axis=1, keepdims=True)
    ntk = analytic_kernels(inputs, depth=depth, activation="relu", weight_variance=2.0).ntk
    np.testing.assert_allclose(kernel_matrix(tangent_kernel_profile(depth), inputs, inputs), ntk / ntk[0, 0], rtol=1e-7)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_eigenvalues_on_the_hypercube_are_those_of_the_whole_matrix(degree):
    corners = 1.0 - 2 * ((np.arange(256)[:, None] >> np.arange(8)) & 1)
    parity = corners[:, :degree].prod(axis=1)
    image = kernel_matrix(exponential_profile(), corners, corners) @ parity / 256
    found = hypercube_spectrum(exponential_profile(), 8)
    np.testing.assert_allclose(image, found.eigenvalues[degree] * parity, rtol=1e-9, atol=1e-14)
    assert found.multiplicities[degree] == special.comb(8, degree)


@pytest.mark.parametrize("dimension", [12, 24, 256])
def test_eigenvalues_of_an_exponential_on_the_hypercube_have_a_closed_form(dimension):
    degrees = np.arange(5)
    wanted = np.cosh(1 / dimension) ** (dimension - degrees) * np.sinh(1 / dimension) ** degrees / np.e
    found = hypercube_spectrum(exponential_profile(), dimension, degrees=5).eigenvalues
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_harmonics_are_counted_as_polynomials_less_those_of_two_degrees_below():
    for dimension in (3, 8, 20):
        for degree in (1, 2, 3, 4):
            polynomials = special.comb(dimension + degree - 1, degree)
            lower = special.comb(dimension + degree - 3, degree - 2) if degree > 1 else 0
            assert harmonics(dimension, degree) == polynomials - lower


def test_coefficients_of_an_exponential_are_those_of_its_series():
    np.testing.assert_allclose(power_series(exponential_profile())[:10], 1 / special.factorial(np.arange(10)) / np.e)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: tangent_kernel_profile(0), "one hidden layer or more"),
        (lambda: tangent_kernel_profile(True), "one hidden layer or more"),
        (lambda: power_series_profile([1, -1]), "none negative"),
        (lambda: power_series_profile([0.0]), "some positive"),
        (lambda: exponential_profile(0.0), "a positive scale"),
        (lambda: sphere_spectrum(exponential_profile(), 7), "from 8 dimensions on"),
        (lambda: hypercube_spectrum(exponential_profile(), 8, degrees=9), "counted from one"),
        (lambda: hypercube_spectrum(exponential_profile(), 1024, degrees=6), "degree 5 is lost in rounding"),
        (lambda: sphere_spectrum(lambda t: t - 0.5 * t**2, 12, 4), "its eigenvalue of degree 2 is -"),
    ],
)
def test_what_has_no_spectrum_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
