"""Regression on random features: how it comes near regression with their kernel, and what so many features cost.

P_f features act as a larger ridge does; without a ridge their mean is exact and their variance known.
"""

import functools

import numpy as np
from hypothesis import example, given

import theorychecks as tc
from properties.subjects.random_features import (
    effective_ridge,
    gaussian_features,
    neural_features,
    readout_kernel,
    regression_on_features,
    ridgeless_variance,
)
from theorychecks.kernels import first_order_regression, kernel_regression
from theorychecks.strategies import activations, regression_data

TWELVE = tc.Teacher(dimension=8, outputs=1, samples=12, test_samples=16, largest_cosine=0.8)
RIDGE = 1.0
"""Between four and five of the kernel's twelve degrees of freedom are left at a ridge of one."""
IN_FEATURES = tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,), unit=8, fewest_units=4)
"""The unit is above the degrees of freedom."""


@functools.lru_cache(maxsize=8)
def kernel_and_limit(activation, data):
    """The kernel of training and then test inputs, and ridge regression with it, [test input]."""
    drawn = data.draw()
    kernel, samples = readout_kernel(np.concatenate([drawn.inputs, drawn.test_inputs]), activation), len(drawn.inputs)
    train, cross = kernel[:samples, :samples], kernel[samples:, :samples]
    return kernel, kernel_regression(train, cross, drawn.targets[:, 0], ridge=RIDGE)


def gaps(features, draws, rng, activation, data):
    """Of ridge regression on random features from the limit, and these without what is linear in their kernel."""
    drawn = data.draw()
    kernel, limit = kernel_and_limit(activation, data)
    samples, targets = len(drawn.inputs), drawn.targets[:, :1]
    train, cross = kernel[:samples, :samples], kernel[samples:, :samples]
    rows = neural_features(np.concatenate([drawn.inputs, drawn.test_inputs]), features, draws, activation, rng)
    found = rows @ np.swapaxes(rows[:, :samples], 1, 2)
    gap = kernel_regression(found[:, :samples], found[:, samples:], targets, ridge=RIDGE)[..., 0] - limit
    linear = first_order_regression(
        train, cross, found[:, :samples] - train, found[:, samples:] - cross, targets, ridge=RIDGE
    )[..., 0]
    return gap, gap - linear


@tc.quantity(along="features", name="distance of one draw", cost=1.0)
def distance_of_one(features, draw, *, activation, data):
    """Of ridge regression on random features from kernel ridge regression, relative to it."""
    _, limit = kernel_and_limit(activation, data)
    drawn = [gaps(int(features), 1, draw.rng(seed), activation, data)[0] for seed in draw.seeds]
    return [np.sqrt(np.mean(gap**2) / np.mean(limit**2)) for gap in drawn]


@tc.quantity(along="features", name="distance of the mean over draws", cost=1.0)
def distance_of_mean(features, draw, *, activation, data):
    """Over 64 draws a seed."""
    left = np.stack([gaps(int(features), 64, draw.rng(seed), activation, data)[1] for seed in draw.seeds])
    return tc.size_of_mean(left)


@tc.claim(
    id="KR-3",
    source="Rahimi, Recht 2007 (from memory); the bias derived here, as in Jacot et al. 2020, arXiv:2002.08404",
)
@given(activation=activations(), data=regression_data(samples=12, outputs=1, largest_cosine=0.8, test_samples=16))
@example(activation=tc.TANH, data=TWELVE)
def test_random_feature_ridge_regression_tends_to_kernel_ridge_regression(activation, data):
    """Ridge regression on P_f random features differs from ridge regression with the NNGP by Theta(P_f^-1/2), and its
    mean over draws by Theta(1/P_f) only.
    """
    one = distance_of_one(activation=activation, data=data).over((64, 256, 1024, 4096, 16384), budget=64)
    mean = distance_of_mean(activation=activation, data=data).over((64, 128, 256, 512, 1024), budget=32)
    single = tc.PowerLaw(-1 / 2, corrections=IN_FEATURES)
    bias = tc.PowerLaw(-1, corrections=IN_FEATURES, within=0.2, rival=-1 / 2)

    tc.check(one, single)
    tc.check(mean, bias)
    tc.check_refuted(one, bias)
    tc.check_refuted(mean, single)


def problem(seed, draw, activation, samples=12, test_samples=8):
    """Inputs on a sphere, the kernel of all of them, and the targets of a random function with that kernel."""
    rng = draw.rng(seed, "problem")
    inputs = rng.standard_normal((samples + test_samples, 8))
    inputs *= np.sqrt(8) / np.linalg.norm(inputs, axis=1, keepdims=True)
    kernel = readout_kernel(inputs, activation)
    return kernel, gaussian_features(kernel, 1, 1, rng)[0, :samples, 0]


EFFECTIVE, OWN, OF_TWICE = "the effective ridge", "their own ridge", "that of twice the features"
SMALL_RIDGE = 0.3


@functools.lru_cache(maxsize=32)
def distances_by_ridge(features, times, activation, place, seeds):
    """Of the mean over 2,000 draws of so many times the Gaussian features, from kernel regression with any ridge."""
    draw, found = tc.Draw(seeds, place), {EFFECTIVE: [], OF_TWICE: [], OWN: []}
    for seed in seeds:
        kernel, targets = problem(seed, draw, activation)
        train, cross = kernel[:12, :12], kernel[12:, :12]
        rows = gaussian_features(kernel, features * times, 2000, draw.rng(seed, "features"))
        mean = regression_on_features(rows[:, :12], rows[:, 12:], targets, ridge=SMALL_RIDGE).mean(axis=0)
        used = (*(effective_ridge(train, features * k, SMALL_RIDGE) for k in (1, 2)), SMALL_RIDGE)
        for name, each in zip(found, used, strict=True):
            found[name].append(np.linalg.norm(mean - kernel_regression(train, cross, targets, ridge=each)))
    return found


@tc.quantity(along="features", name="distance to regression with {ridge}, {times} times the features")
def distance_to_regression(features, draw, *, activation, ridge, times=1):
    """Of the mean over draws, from kernel regression."""
    return distances_by_ridge(int(features), times, activation, draw.place, tuple(draw.seeds))[ridge]


@tc.claim(
    id="KR-4",
    source="Jacot, Simsek, Spadaro, Hongler, Gabriel 2020, arXiv:2002.08404 (abstract; the equation from memory, and "
    "measured here)",
)
@given(activation=activations())
@example(activation=tc.TANH)
def test_random_features_have_an_effective_ridge(activation):
    """The mean of ridge regression on 16 to 48 Gaussian features of 12 samples lies nearer to kernel regression with
    the effective ridge than to that with their own, 0.3, or with that of twice the features; the mean over twice the
    features does not.
    """
    effective, own, twice = (
        distance_to_regression(activation=activation, ridge=ridge).over((16, 24, 48), seeds=12)
        for ridge in (EFFECTIVE, OWN, OF_TWICE)
    )
    nearer = tc.Ordering("below")
    tc.check(effective, nearer, against=own)
    tc.check(effective, nearer, against=twice)
    # Of twice as many features the other ridge is the effective one.
    more, right = (
        distance_to_regression(activation=activation, ridge=ridge, times=2).over((16, 24, 48), seeds=12)
        for ridge in (EFFECTIVE, OF_TWICE)
    )
    tc.check_refuted(more, nearer, against=right)


FEATURES = (24, 36, 60)


@functools.cache
def gaussian_problem(activation):
    """One and the same problem, so that formulas are numbers; draws of features make the seeds."""
    return problem(0, tc.Draw((0,), ("KR-5",)), activation)


def gaussian_regressions(features, draw, activation, ridge):
    """(Ridge) regression on Gaussian features, [draw, test input] for each seed."""
    kernel, targets = gaussian_problem(activation)
    # A place that does not depend on the axis value: these numbers are kept.
    own = tc.Draw(draw.seeds, (draw.place[0], "side", 1.0))
    for seed in draw.seeds:
        rows = gaussian_features(kernel, features, 400, own.rng(seed, features))
        yield regression_on_features(rows[:, :12], rows[:, 12:], targets, ridge=ridge)


def ridgeless_limit(activation):
    """Regression with the kernel itself, [test input]."""
    kernel, targets = gaussian_problem(activation)
    return kernel_regression(kernel[:12, :12], kernel[12:, :12], targets)


@tc.quantity(along="features", name="mean prediction along that of the kernel")
def mean_prediction(features, draw, *, activation, ridge):
    """Of (ridge) regression on Gaussian features, along ridgeless regression with their kernel."""
    limit = ridgeless_limit(activation)
    found = gaussian_regressions(int(features), draw, activation, ridge)
    return [float((one.mean(axis=0) @ limit) / (limit @ limit)) for one in found]


@tc.quantity(along="features", name="mean square distance from that of the kernel")
def square_distance(features, draw, *, activation, ridge):
    """From ridgeless regression with the kernel: without a ridge that is the variance."""
    limit = ridgeless_limit(activation)
    return [np.mean((one - limit) ** 2) for one in gaussian_regressions(int(features), draw, activation, ridge)]


@tc.claim(id="KR-5", source="derived here by inverse Wishart moments; agrees with Jacot et al. 2020, arXiv:2002.08404")
@given(activation=activations())
@example(activation=tc.TANH)
def test_ridgeless_gaussian_features_are_unbiased_with_a_known_variance(activation):
    """On one problem of P = 12 samples, and without a ridge, predictions of 24 to 60 = P_f Gaussian features have a
    mean whose projection on ridgeless kernel regression is 1 within 3 per cent, and a variance, averaged over test
    inputs, that is that of the posterior times y K^-1 y / (P_f - P - 1) within 8 per cent. With a ridge of 0.3 neither
    holds.
    """
    kernel, targets = gaussian_problem(activation)

    def known_variance(features):
        return np.mean(ridgeless_variance(kernel, 12, targets, features))

    (mean, variance), (smaller, further) = (
        [
            each(activation=activation, ridge=ridge).over(FEATURES, budget=64)
            for each in (mean_prediction, square_distance)
        ]
        for ridge in (0.0, SMALL_RIDGE)
    )
    with_ridge = f"ridge {SMALL_RIDGE:g}"
    tc.check(mean, tc.Equal(0.03), against=1.0)
    tc.check(variance, tc.Equal(0.08), against=known_variance)
    tc.check_refuted(smaller, tc.Equal(0.03), against=1.0, label=f"{mean.title}, {with_ridge}")
    tc.check_refuted(further, tc.Equal(0.08), against=known_variance, label=f"{variance.title}, {with_ridge}")
