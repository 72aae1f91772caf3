"""Recursions over depth agree with the package's analytic kernels, and with their first-order expansions."""

import numpy as np
import pytest
from scipy import integrate

from properties.subjects.signal_propagation import relu_correlation_defects, tanh_variances
from theorychecks.kernels import analytic_kernels


def plane(correlation):
    return np.sqrt(2) * np.array([[1.0, 0.0], [correlation, np.sqrt(1 - correlation**2)]])


@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.7, 0.99])
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_correlations_are_those_of_the_analytic_kernel(correlation, depth):
    kernel = analytic_kernels(plane(correlation), depth=depth, activation="relu", weight_variance=2.0).nngp
    (found,) = relu_correlation_defects(1 - correlation, [depth])
    assert found == pytest.approx(1 - kernel[0, 1] / kernel[0, 0], rel=1e-9)


@pytest.mark.parametrize("slope", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("angle", [0.2, 1.0, 2.5])
def test_a_leaky_layer_is_that_of_an_adaptive_quadrature(angle, slope):
    # Two inputs at an angle are r cos t and r cos(t - angle), with t uniform; r cancels.
    def leaky(x):
        return max(x, slope * x)

    def mean(shift):
        kinks = sorted((np.pi / 2 + k * np.pi + at) % (2 * np.pi) for k in (0, 1) for at in (0.0, shift))
        return integrate.quad(lambda t: leaky(np.cos(t)) * leaky(np.cos(t - shift)), 0, 2 * np.pi, points=kinks)[0]

    (found,) = relu_correlation_defects(1 - np.cos(angle), [1], slope=slope)
    assert found == pytest.approx(1 - mean(angle) / mean(0.0), rel=1e-9)


def test_small_defects_keep_their_digits():
    # kappa(1 - e) = 1 - e + 2 sqrt(2) / (3 pi) e^(3/2) to leading order (Cho and Saul 2009, expanded).
    (found,) = relu_correlation_defects(1e-12, [1])
    assert (1e-12 - found) / 1e-18 == pytest.approx(2 * np.sqrt(2) / (3 * np.pi), rel=1e-4)


@pytest.mark.parametrize("variance", [0.2, 1.0, 3.0, 10.0])
def test_a_layer_of_tanh_has_the_variance_of_an_adaptive_quadrature(variance):
    def integrand(z):
        return np.tanh(np.sqrt(variance) * z) ** 2 * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)

    wanted = 2 * integrate.quad(integrand, 0, 40, epsabs=1e-13, limit=200)[0]
    assert tanh_variances(variance, [1])[0] == pytest.approx(wanted, rel=1e-10)


def test_constants_are_reached_and_others_are_not():
    defects = relu_correlation_defects([0.1, 1.5], [3000])[0] * 3000**2
    np.testing.assert_allclose(defects, 4.5 * np.pi**2, rtol=0.03)
    # A layer that takes off a share of that leaves so many times more, by its square.
    leaky = relu_correlation_defects([0.1, 1.5], [3000], slope=0.1)[0] * 3000**2
    np.testing.assert_allclose(leaky, 4.5 * np.pi**2 * (1.01 / 0.81) ** 2, rtol=0.03)
    variances = tanh_variances([0.1, 3.0], [3000])[0] * 3000
    np.testing.assert_allclose(variances, 0.5, rtol=0.02)
    assert tanh_variances(1.0, [3000], weight_variance=1.1)[0] > 0.04


def test_depths_on_the_way_are_those_of_shorter_ways():
    both = tanh_variances(1.0, [4, 9])
    np.testing.assert_allclose(both, [tanh_variances(1.0, [4])[0], tanh_variances(1.0, [9])[0]], rtol=1e-14)
    np.testing.assert_array_equal(relu_correlation_defects(0.5, [0, 2])[0], 0.5)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: relu_correlation_defects(0.0, [1]), "lies between 0 and 2"),
        (lambda: tanh_variances(-1.0, [1]), "variances are positive"),
        (lambda: tanh_variances(1.0, [3, 3]), "that increase"),
        (lambda: tanh_variances(1.0, []), "that increase"),
    ],
)
def test_what_is_no_depth_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
