"""Kernel regression agrees with scikit-learn, and its gradient descent with a plain loop on explicit features."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import DotProduct
from sklearn.kernel_ridge import KernelRidge

from theorychecks.kernels import first_order_regression, gradient_descent_on_kernel, kernel_regression

steady = settings(max_examples=30, deadline=None, derandomize=True)


class LinearProblem:
    """Explicit features, so that kernels and parameter space are both at hand."""

    def __init__(self, seed: int, train: int = 6, test: int = 4, features: int = 9, outputs: int = 2) -> None:
        generator = np.random.default_rng(seed)
        self.features = generator.standard_normal((train, features)) / np.sqrt(features)
        self.test_features = generator.standard_normal((test, features)) / np.sqrt(features)
        self.targets = generator.standard_normal((train, outputs))
        self.train_kernel = self.features @ self.features.T
        self.cross_kernel = self.test_features @ self.features.T

    def descend(self, learning_rate: float, steps: int, ridge: float) -> Any:
        theta = np.zeros((self.features.shape[1], self.targets.shape[1]))
        for _ in range(steps):
            gradient = self.features.T @ (self.features @ theta - self.targets) + ridge * theta
            theta = theta - learning_rate * gradient
        return self.test_features @ theta


@pytest.mark.parametrize("ridge", [0.01, 1.0])
def test_ridge_regression_equals_scikit_learn(ridge):
    p = LinearProblem(0)
    oracle = KernelRidge(kernel="precomputed", alpha=ridge).fit(p.train_kernel, p.targets).predict(p.cross_kernel)
    np.testing.assert_allclose(
        kernel_regression(p.train_kernel, p.cross_kernel, p.targets, ridge=ridge), oracle, rtol=1e-10
    )
    assert not np.allclose(
        kernel_regression(p.train_kernel, p.cross_kernel, p.targets, ridge=2 * ridge), oracle, rtol=1e-3
    )


def test_ridge_is_the_noise_variance_of_a_gaussian_process():
    p = LinearProblem(1)
    process = GaussianProcessRegressor(DotProduct(sigma_0=0.0, sigma_0_bounds="fixed"), alpha=0.3, optimizer=None)
    oracle = process.fit(p.features, p.targets).predict(p.test_features)
    np.testing.assert_allclose(
        kernel_regression(p.train_kernel, p.cross_kernel, p.targets, ridge=0.3), oracle, rtol=1e-10
    )


def test_ridgeless_regression_interpolates_and_ridge_does_not():
    p = LinearProblem(2)
    np.testing.assert_allclose(kernel_regression(p.train_kernel, p.train_kernel, p.targets), p.targets, rtol=1e-10)
    assert not np.allclose(
        kernel_regression(p.train_kernel, p.train_kernel, p.targets, ridge=0.1), p.targets, rtol=0.01
    )


def test_vector_targets_give_vector_predictions():
    p = LinearProblem(3)
    both = kernel_regression(p.train_kernel, p.cross_kernel, p.targets)
    first = kernel_regression(p.train_kernel, p.cross_kernel, p.targets[:, 0])
    assert first.shape == (4,)
    np.testing.assert_allclose(first, both[:, 0], rtol=1e-12)


def test_leading_dimensions_are_independent_problems():
    problems = [LinearProblem(seed) for seed in range(3)]
    train = np.stack([p.train_kernel for p in problems])
    cross = np.stack([p.cross_kernel for p in problems])
    targets = np.stack([p.targets for p in problems])
    options = {"learning_rate": 0.2, "steps": 7, "ridge": 0.1}
    for index, p in enumerate(problems):
        alone = (p.train_kernel, p.cross_kernel, p.targets)
        changes = (p.train_kernel, p.cross_kernel)
        np.testing.assert_allclose(kernel_regression(train, cross, targets)[index], kernel_regression(*alone))
        np.testing.assert_allclose(
            gradient_descent_on_kernel(train, cross, targets, **options)[index],
            gradient_descent_on_kernel(*alone, **options),
        )
        np.testing.assert_allclose(
            first_order_regression(train, cross, *changes, targets)[index],
            first_order_regression(*alone[:2], *changes, p.targets),
            atol=1e-12,
        )
    shared = kernel_regression(train, cross, problems[0].targets[:, 0])
    assert shared.shape == (3, 4)


@pytest.mark.parametrize("repeat_scale", [1.0, 1 + 1e-15])
def test_a_repeated_input_is_refused_without_ridge_and_accepted_with_it(repeat_scale):
    p = LinearProblem(4)
    features = np.vstack([p.features, repeat_scale * p.features[:1]])
    kernel, cross, targets = features @ features.T, p.test_features @ features.T, np.arange(7.0)
    with pytest.raises(ValueError, match=r"condition number of at least .*e\+1\d.* Pass a larger ridge, or remove"):
        kernel_regression(kernel, cross, targets)
    with pytest.raises(ValueError, match="condition number"):
        kernel_regression(np.stack([np.eye(7), kernel]), cross, targets)
    assert np.all(np.isfinite(kernel_regression(kernel, cross, targets, ridge=1e-6)))


def test_an_ill_conditioned_but_regular_kernel_is_accepted():
    kernel = np.diag([1.0, 1e-12])
    np.testing.assert_allclose(kernel_regression(kernel, kernel, [1.0, 1.0]), [1.0, 1.0])
    with pytest.raises(ValueError, match="singular to rounding"):
        kernel_regression(np.diag([1.0, 1e-17]), kernel, [1.0, 1.0])


@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("steps", [0, 1, 2, 25])
def test_gradient_descent_equals_a_plain_loop_over_parameters(ridge, steps):
    p = LinearProblem(5)
    learning_rate = 1.8 / np.linalg.eigvalsh(p.train_kernel)[-1]  # 1 - rate * eigenvalue takes both signs
    ours = gradient_descent_on_kernel(
        p.train_kernel, p.cross_kernel, p.targets, learning_rate=learning_rate, steps=steps, ridge=ridge
    )
    np.testing.assert_allclose(ours, p.descend(learning_rate, steps, ridge), rtol=1e-9, atol=1e-12)
    assert not np.allclose(ours, p.descend(learning_rate, steps + 1, ridge), rtol=1e-3)
    if steps > 1:
        assert not np.allclose(ours, p.descend(learning_rate, steps, ridge + 0.1), rtol=1e-3)


def test_gradient_descent_handles_repeated_inputs():
    p = LinearProblem(6)
    p.features = np.vstack([p.features, p.features[:1]])
    p.targets = np.vstack([p.targets, -p.targets[:1]])
    train, cross = p.features @ p.features.T, p.test_features @ p.features.T
    ours = gradient_descent_on_kernel(train, cross, p.targets, learning_rate=0.1, steps=50)
    np.testing.assert_allclose(ours, p.descend(0.1, 50, 0.0), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_long_gradient_descent_ends_at_the_regression(ridge):
    p = LinearProblem(7)
    arguments = (p.train_kernel, p.cross_kernel, p.targets)
    long = gradient_descent_on_kernel(*arguments, learning_rate=0.3, steps=10**6, ridge=ridge)
    short = gradient_descent_on_kernel(*arguments, learning_rate=0.3, steps=3, ridge=ridge)
    np.testing.assert_allclose(long, kernel_regression(*arguments, ridge=ridge), rtol=1e-8)
    assert not np.allclose(short, long, rtol=0.05)


def test_a_flat_direction_learns_at_the_exact_small_rate():
    learning_rate, steps, tiny = 0.1, 10, 1e-20
    prediction = gradient_descent_on_kernel([[tiny]], [[1.0]], [1.0], learning_rate=learning_rate, steps=steps)
    np.testing.assert_allclose(prediction, [learning_rate * steps], rtol=1e-14)  # derived here: the limit d -> 0


def test_divergence_is_an_error_that_names_the_stable_rate():
    with pytest.raises(ValueError, match=r"Stay below 2 / \(largest eigenvalue \+ ridge\) = 0.5"):
        gradient_descent_on_kernel([[3.0]], [[3.0]], [1.0], learning_rate=0.6, steps=10**5, ridge=1.0)
    settled = gradient_descent_on_kernel([[3.0]], [[3.0]], [1.0], learning_rate=0.49, steps=10**5, ridge=1.0)
    np.testing.assert_allclose(settled, [0.75])


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_first_order_change_equals_a_finite_difference(ridge):
    p, other = LinearProblem(8), LinearProblem(9)
    d_train, d_cross, step = other.train_kernel, other.cross_kernel, 1e-5

    def regress(sign: float) -> Any:
        return kernel_regression(
            p.train_kernel + sign * step * d_train, p.cross_kernel + sign * step * d_cross, p.targets, ridge=ridge
        )

    numerical = (regress(1) - regress(-1)) / (2 * step)
    ours = first_order_regression(p.train_kernel, p.cross_kernel, d_train, d_cross, p.targets, ridge=ridge)
    np.testing.assert_allclose(ours, numerical, rtol=1e-5, atol=1e-6)
    one_sided = first_order_regression(p.train_kernel, p.cross_kernel, 0 * d_train, d_cross, p.targets, ridge=ridge)
    assert not np.allclose(one_sided, numerical, rtol=0.1)


@steady
@given(seed=st.integers(0, 1000), scale=st.floats(0.1, 10))
def test_ridgeless_regression_ignores_the_scale_of_the_kernel(seed, scale):
    p = LinearProblem(seed, features=30)
    scaled = kernel_regression(scale * p.train_kernel, scale * p.cross_kernel, p.targets)
    np.testing.assert_allclose(
        scaled, kernel_regression(p.train_kernel, p.cross_kernel, p.targets), rtol=1e-8, atol=1e-10
    )
    change = first_order_regression(p.train_kernel, p.cross_kernel, p.train_kernel, p.cross_kernel, p.targets)
    np.testing.assert_allclose(change, np.zeros_like(change), atol=1e-8)


@steady
@given(seed=st.integers(0, 1000))
def test_first_order_change_averages_to_zero_over_an_unbiased_ensemble(seed):
    p, ensemble = LinearProblem(seed, features=30), [LinearProblem(seed + 1 + i) for i in range(5)]
    d_train, d_cross = np.stack([e.train_kernel for e in ensemble]), np.stack([e.cross_kernel for e in ensemble])
    changes = (d_train - d_train.mean(0), d_cross - d_cross.mean(0))
    terms = first_order_regression(p.train_kernel, p.cross_kernel, *changes, p.targets)
    assert terms.shape == (5, 4, 2)
    np.testing.assert_allclose(terms.mean(0), np.zeros((4, 2)), atol=1e-9 * np.abs(terms).max())
    assert np.abs(terms).max() > 0.01


EYE = np.eye(2)


@pytest.mark.parametrize(
    "arguments, options, message",
    [
        ((EYE, EYE, [1.0, 2.0, 3.0]), {}, "shapes must be"),
        ((EYE, np.eye(3), [1.0, 2.0]), {}, "shapes must be"),
        ((np.ones((2, 3)), EYE, [1.0, 2.0]), {}, "shapes must be"),
        (([1.0, 2.0], EYE, [1.0, 2.0]), {}, "a kernel needs two dimensions"),
        ((EYE, EYE, [1.0, np.inf]), {}, "targets must be non-empty and finite"),
        (([[1.0, 0.5], [0.4, 1.0]], EYE, [1.0, 2.0]), {}, "must be symmetric"),
        ((-EYE, EYE, [1.0, 2.0]), {}, "must be positive definite; it has eigenvalues from -1 to -1"),
        ((EYE, EYE, [1.0, 2.0]), {"ridge": -1.0}, "ridge must be finite and not negative; got -1.0"),
    ],
)
def test_regression_errors_show_the_value_and_the_rule(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        kernel_regression(*arguments, **options)


@pytest.mark.parametrize(
    "kernel, options, message",
    [
        (EYE, {"steps": -1}, "steps must be a non-negative integer; got -1"),
        (EYE, {"steps": 2.5}, "steps must be a non-negative integer"),
        (EYE, {"learning_rate": 0.0}, "learning_rate must be positive"),
        (np.diag([1.0, -0.1]), {}, "positive semidefinite; got eigenvalue -0.1"),
    ],
)
def test_gradient_descent_errors_show_the_value_and_the_rule(kernel, options, message):
    with pytest.raises(ValueError, match=message):
        gradient_descent_on_kernel(kernel, EYE, [1.0, 2.0], **({"learning_rate": 0.1, "steps": 1} | options))


def test_a_change_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="must have its kernel's last two dimensions"):
        first_order_regression(EYE, EYE, np.eye(3), EYE, [1.0, 2.0])
