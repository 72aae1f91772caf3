"""Random features: their kernels' means, regression on them, and the formulas that it obeys."""

import numpy as np
import pytest
from scipy import integrate
from sklearn.linear_model import Ridge

import theorychecks as tc
from properties.subjects.random_features import (
    effective_ridge,
    first_layer_kernel,
    gaussian_features,
    neural_features,
    readout_kernel,
    regression_on_features,
    ridgeless_variance,
)
from theorychecks.kernels import kernel_regression

RNG = np.random.default_rng


def inputs(count=9, dimension=5, seed=0):
    points = RNG(seed).standard_normal((count, dimension))
    return points * np.sqrt(dimension) / np.linalg.norm(points, axis=1, keepdims=True)


def test_the_readout_kernel_is_a_gaussian_expectation():
    points = inputs(2)
    correlation = points[0] @ points[1] / 5

    def integrand(v, u):
        other = correlation * u + np.sqrt(1 - correlation**2) * v
        return np.tanh(u) * np.tanh(other) * np.exp(-(u * u + v * v) / 2) / (2 * np.pi)

    wanted = integrate.dblquad(integrand, -9, 9, -9, 9)[0] * tc.TANH.gain**2
    assert readout_kernel(points, tc.TANH)[0, 1] == pytest.approx(wanted, rel=1e-6)
    assert readout_kernel(points, tc.TANH)[0, 0] == pytest.approx(1.0, rel=1e-9)


def test_the_first_layers_kernel_of_relu_is_the_arc_cosine_kernel_of_degree_zero():
    points = inputs(4)
    products = points @ points.T / 5
    angles = np.arccos(np.clip(products, -1, 1))
    # Cho and Saul 2009: E[1(u > 0) 1(v > 0)] = (pi - angle) / 2 pi; the gain is the square root of two.
    np.testing.assert_allclose(first_layer_kernel(points, tc.RELU), products * (1 - angles / np.pi), atol=1e-7)


def test_the_first_layers_kernel_is_a_gaussian_expectation_of_slopes():
    points = inputs(2)
    correlation = points[0] @ points[1] / 5

    def integrand(v, u):
        other = correlation * u + np.sqrt(1 - correlation**2) * v
        return np.cosh(u) ** -2 * np.cosh(other) ** -2 * np.exp(-(u * u + v * v) / 2) / (2 * np.pi)

    wanted = integrate.dblquad(integrand, -9, 9, -9, 9)[0] * tc.TANH.gain**2 * correlation
    assert first_layer_kernel(points, tc.TANH)[0, 1] == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("activation", [tc.RELU, tc.TANH], ids=str)
def test_kernels_of_neural_features_have_the_limit_as_their_mean(activation):
    points = inputs(4)
    rows = neural_features(points, 8, 4000, activation, RNG(0))
    found = (rows @ np.swapaxes(rows, 1, 2)).mean(axis=0)
    np.testing.assert_allclose(found, readout_kernel(points, activation), atol=0.03)


def test_gaussian_features_have_their_kernel():
    kernel = readout_kernel(inputs(4), tc.RELU)
    rows = gaussian_features(kernel, 10, 4000, RNG(1))
    np.testing.assert_allclose((rows @ np.swapaxes(rows, 1, 2)).mean(axis=0), kernel, atol=0.03)


def test_regression_on_features_is_scikit_learns():
    rows, targets = RNG(2).standard_normal((8, 6)), RNG(3).standard_normal(5)
    wanted = Ridge(alpha=0.7, fit_intercept=False).fit(rows[:5], targets).predict(rows[5:])
    np.testing.assert_allclose(regression_on_features(rows[:5], rows[5:], targets, ridge=0.7), wanted, rtol=1e-10)
    interpolated = regression_on_features(rows[:5], rows[:5], targets)
    np.testing.assert_allclose(interpolated, targets, rtol=1e-9)


def test_the_effective_ridge_of_one_eigenvalue_is_a_root_of_a_quadratic():
    # P equal eigenvalues d: lt^2 + (d - ridge - P d / F) lt - ridge d = 0.
    d, samples, features, ridge = 2.0, 6, 10, 0.5
    b = d - ridge - samples * d / features
    wanted = (-b + np.sqrt(b * b + 4 * ridge * d)) / 2
    assert effective_ridge(d * np.eye(samples), features, ridge) == pytest.approx(wanted, rel=1e-10)
    assert effective_ridge(d * np.eye(samples), 10**9, ridge) == pytest.approx(ridge, rel=1e-6)


def test_the_mean_over_features_is_regression_with_the_effective_ridge():
    kernel, targets = readout_kernel(inputs(9), tc.RELU), RNG(4).standard_normal(6)
    rows = gaussian_features(kernel, 12, 20000, RNG(5))
    mean = regression_on_features(rows[:, :6], rows[:, 6:], targets, ridge=0.5).mean(axis=0)
    train, cross = kernel[:6, :6], kernel[6:, :6]
    near = kernel_regression(train, cross, targets, ridge=effective_ridge(train, 12, 0.5))
    far = kernel_regression(train, cross, targets, ridge=0.5)
    assert np.linalg.norm(mean - near) < 0.2 * np.linalg.norm(mean - far)


def test_ridgeless_gaussian_features_have_the_stated_mean_and_variance():
    kernel, targets = readout_kernel(inputs(9), tc.RELU), RNG(6).standard_normal(6)
    rows = gaussian_features(kernel, 20, 20000, RNG(7))
    found = regression_on_features(rows[:, :6], rows[:, 6:], targets)
    exact = kernel_regression(kernel[:6, :6], kernel[6:, :6], targets)
    np.testing.assert_allclose(found.mean(axis=0), exact, atol=5 * found.std() / np.sqrt(20000))
    variance = ridgeless_variance(kernel, 6, targets, 20)
    np.testing.assert_allclose(found.var(axis=0), variance, rtol=0.05)
    assert not np.allclose(found.var(axis=0), variance * 13 / 20, rtol=0.05)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: neural_features(np.ones(3), 2, 1, tc.RELU, RNG(0)), "a non-empty matrix"),
        (lambda: neural_features(np.ones((3, 2)), 0, 1, tc.RELU, RNG(0)), "counted from one"),
        (lambda: gaussian_features(np.diag([1.0, -1.0]), 2, 1, RNG(0)), "positive semidefinite"),
        (lambda: regression_on_features(np.ones((3, 2)), np.ones((1, 2)), np.ones(3)), "Take more features"),
        (lambda: regression_on_features(np.ones((3, 2)), np.ones((1, 4)), np.ones(3)), "shapes must be"),
        (lambda: effective_ridge(np.eye(2), 4, 0.0), "belongs to a positive one"),
        (lambda: ridgeless_variance(np.eye(4), 3, np.ones(3), 4), "finite from 5 features on"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
