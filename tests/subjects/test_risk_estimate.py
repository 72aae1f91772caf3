"""The estimate agrees with regressions and its limits, and learning curves with regressions one by one."""

import math

import numpy as np
import pytest

from properties.subjects.harmonics import (
    Spectrum,
    exponential_profile,
    kernel_matrix,
    sphere_spectrum,
    tangent_kernel_profile,
)
from properties.subjects.risk_estimate import (
    first_below_half,
    learning_curve,
    risk_estimate,
    samples_to_half_error,
)
from properties.subjects.targets import on_sphere, zonal_harmonic
from theorychecks.kernels import kernel_regression


def spectrum(*eigenvalues, sizes=None, remainder=0.0):
    sizes = np.ones(len(eigenvalues)) if sizes is None else np.array(sizes, dtype=float)
    return Spectrum(np.array(eigenvalues), sizes, remainder)


def test_one_eigenvalue_without_a_remainder_is_linear_regression():
    # N equal eigenvalues and no ridge: L = n / N, and the risk of linear regression on n < N samples is 1 - n / N.
    linear = spectrum(0.3, sizes=[100])
    for samples in (10, 50, 90):
        assert risk_estimate(linear, [1.0], samples) == pytest.approx(1 - samples / 100, rel=1e-8)
    assert samples_to_half_error(linear, [1.0]) == pytest.approx(50, rel=1e-8)


def test_the_estimate_solves_its_own_equation():
    two = spectrum(1.0, 0.01, sizes=[3, 40], remainder=0.2)
    samples, ridge, power = 12.0, 0.1, np.array([1.0, 2.0])
    # By bisection of the defining equation, apart from the module's own search.
    low, high = 1e-9, 1e3
    for _ in range(200):
        kappa = math.sqrt(low * high)
        spent = 3 * 1.0 / (1.0 + kappa) + 40 * 0.01 / (0.01 + kappa) + 0.3 / kappa
        low, high = (kappa, high) if spent > samples else (low, kappa)
    learned = np.array([1.0, 0.01]) / (np.array([1.0, 0.01]) + kappa)
    wanted = ((1 - learned) ** 2 @ power) / (1 - (3 * learned[0] ** 2 + 40 * learned[1] ** 2) / samples)
    assert risk_estimate(two, power, samples, ridge=ridge) == pytest.approx(wanted, rel=1e-9)


def errors(profile, degree, samples, seed, dimension=16):
    rng = np.random.default_rng(seed)
    inputs = on_sphere(samples + 400, dimension, rng)
    targets = np.stack([zonal_harmonic(inputs[:, j] / np.sqrt(dimension), degree, dimension) for j in range(8)], axis=1)
    matrix = kernel_matrix(profile, inputs, inputs[:samples])
    return learning_curve(matrix[:samples], matrix[samples:], targets[:samples], targets[samples:])


def test_the_estimate_is_what_regressions_give():
    power = np.eye(10)[2]
    estimated = sphere_spectrum(exponential_profile(), 16)
    curves = np.mean([errors(exponential_profile(), 2, 250, seed) for seed in range(12)], axis=0)
    for samples in (60, 120, 240):
        assert curves[samples - 1] == pytest.approx(risk_estimate(estimated, power, samples), rel=0.06)
        assert curves[samples - 1] != pytest.approx(risk_estimate(estimated, power, 1.5 * samples), rel=0.06)


def test_a_learning_curve_is_regression_on_ever_more_samples():
    rng = np.random.default_rng(1)
    inputs, targets = on_sphere(30, 9, rng), rng.standard_normal((30, 2))
    matrix = kernel_matrix(exponential_profile(), inputs, inputs[:20])
    found = learning_curve(matrix[:20], matrix[20:], targets[:20], targets[20:])
    for samples in (1, 7, 20):
        predicted = kernel_regression(matrix[:samples, :samples], matrix[20:, :samples], targets[:samples])
        wanted = ((predicted - targets[20:]) ** 2).sum() / (targets[20:] ** 2).sum()
        assert found[samples - 1] == pytest.approx(wanted, rel=1e-9)


def test_half_error_is_reached_between_two_samples_for_good():
    assert first_below_half([1.0, 0.4, 0.6, 0.4, 0.3]) == pytest.approx(3.5)
    assert first_below_half([0.4, 0.3]) == 1.0
    assert first_below_half([0.6, 0.5]) == math.inf


def test_a_kernel_without_the_targets_harmonics_never_learns_it():
    one_layer = sphere_spectrum(tangent_kernel_profile(1), 16)
    with pytest.raises(ValueError, match="no samples teach it them"):
        samples_to_half_error(one_layer, np.eye(10)[3])
    assert samples_to_half_error(one_layer, np.eye(10)[2]) < 1000


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_samples_to_half_error_grow_by_one_power_a_degree(degree):
    few, many = (
        samples_to_half_error(sphere_spectrum(exponential_profile(), d), np.eye(10)[degree]) for d in (2048, 4096)
    )
    assert np.log2(many / few) == pytest.approx(degree, abs=0.01)


@pytest.mark.parametrize(
    "power, samples, ridge, words",
    [
        ([1.0, 1.0], 5, 0.0, "for each of 1 degrees"),
        ([-1.0], 5, 0.0, "none negative"),
        ([1.0], 0, 0.0, "positive number of samples"),
        ([1.0], 5, -1.0, "no negative ridge"),
    ],
)
def test_what_has_no_risk_is_refused(power, samples, ridge, words):
    with pytest.raises(ValueError, match=words):
        risk_estimate(spectrum(0.3, sizes=[10]), power, samples, ridge=ridge)


def test_a_learning_curve_refuses_shapes_that_do_not_fit_and_repeated_inputs():
    with pytest.raises(ValueError, match="shapes must be"):
        learning_curve(np.eye(3), np.ones((2, 3)), np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match="remove repeated inputs"):
        learning_curve(np.ones((3, 3)), np.ones((2, 3)), np.ones((3, 1)), np.ones((2, 1)))


def test_what_all_harmonics_explain_leaves_no_risk_at_as_many_samples():
    one_degree = Spectrum(np.array([1.0]), np.array([100.0]), 0.0)
    assert risk_estimate(one_degree, [1.0], 100.0) == 0.0


@pytest.mark.parametrize("curve", [[], [np.nan, 0.2], [0.9, np.inf]])
def test_a_curve_without_numbers_is_refused(curve):
    with pytest.raises(ValueError, match="a finite error for one sample and more"):
        first_below_half(curve)
