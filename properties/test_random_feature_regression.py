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
MEASURED, PREDICTED = 1.0, 2.0
"""A measurement and a formula that fall on one curve agree within the margin."""


def beside(read, name, *, budget=64):
    """A scan whose two values are a measurement and its formula."""
    sides = (MEASURED, PREDICTED)
    about = (("side", "1 is measured, 2 is the formula"),)
    return tc.Scan(read, sides, along="side", name=name, budget=budget, about=about)


RIDGE = 1.0
"""Six of the kernel's degrees of freedom are left at a ridge of one, fourteen at a tenth."""
IN_FEATURES = tc.FiniteSizeClass(rho=3 / 8, omegas=(1.0,), unit=8, fewest_units=4)
"""The unit is the degrees of freedom, rounded up."""


@functools.cache
def random_feature_regressions(activation, data):
    """Distances of ridge regression on random features from kernel ridge regression: of one draw, and of means."""
    drawn = data.draw()
    kernel = readout_kernel(np.concatenate([drawn.inputs, drawn.test_inputs]), activation)
    samples, targets = len(drawn.inputs), drawn.targets[:, 0]
    train, cross = kernel[:samples, :samples], kernel[samples:, :samples]
    limit = kernel_regression(train, cross, targets, ridge=RIDGE)
    points = np.concatenate([drawn.inputs, drawn.test_inputs])

    def gaps(features, draws, rng):
        rows = neural_features(points, features, draws, activation, rng)
        found = rows @ np.swapaxes(rows[:, :samples], 1, 2)
        gap = kernel_regression(found[:, :samples], found[:, samples:], targets[:, None], ridge=RIDGE)[..., 0] - limit
        linear = first_order_regression(
            train, cross, found[:, :samples] - train, found[:, samples:] - cross, targets[:, None], ridge=RIDGE
        )[..., 0]
        return gap, gap - linear

    def one(features, draw):
        drawn = [gaps(int(features), 1, draw.rng(seed))[0] for seed in draw.seeds]
        return [np.sqrt(np.mean(gap**2) / np.mean(limit**2)) for gap in drawn]

    def many(features, draw):
        left = np.stack([gaps(int(features), 64, draw.rng(seed))[1] for seed in draw.seeds])
        return tc.size_of_mean(left)

    far, near = (64, 256, 1024, 4096, 16384), (64, 128, 256, 512, 1024)
    return (
        tc.Scan(one, far, along="features", name="distance of one draw", cost=1.0, budget=64),
        tc.Scan(many, near, along="features", name="distance of the mean over draws", cost=1.0, budget=32),
    )


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
    one, mean = random_feature_regressions(activation, data)
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


@functools.cache
def ridges(activation):
    """How much larger the effective ridge is, for a kernel of one's own each; and the ridge itself."""

    def larger(features, draw):
        kernels = [problem(seed, draw, activation)[0][:12, :12] for seed in draw.seeds]
        return [effective_ridge(kernel, int(features), RIDGE) - RIDGE for kernel in kernels]

    def itself(features, draw):
        return larger(features, draw) + np.full(len(draw.seeds), RIDGE)

    values = (64, 128, 256, 512, 1024)
    return [tc.Scan(read, values, along="features", name="effective ridge", budget=16) for read in (larger, itself)]


@functools.cache
def distances_to_ridge_regression(activation):
    """Of the mean over 2,000 draws of Gaussian features, from kernel regression with either ridge."""
    ridge = 0.3

    def read(features, draw):
        found = {"the effective ridge": [], "their own ridge": [], "that of twice the features": []}
        for seed in draw.seeds:
            kernel, targets = problem(seed, draw, activation)
            train, cross = kernel[:12, :12], kernel[12:, :12]
            rows = gaussian_features(kernel, int(features), 2000, draw.rng(seed, "features"))
            mean = regression_on_features(rows[:, :12], rows[:, 12:], targets, ridge=ridge).mean(axis=0)
            used = (*(effective_ridge(train, int(features) * k, ridge) for k in (1, 2)), ridge)
            names = ("the effective ridge", "that of twice the features", "their own ridge")
            for name, each in zip(names, used, strict=True):
                found[name].append(np.linalg.norm(mean - kernel_regression(train, cross, targets, ridge=each)))
        return found

    def distance_with(name):
        return lambda features, draw: both(features, draw)[name]

    done = {}

    def both(features, draw):
        key = features, draw.place, tuple(draw.seeds)
        if key not in done:
            done[key] = read(features, draw)
        return done[key]

    options = {"along": "features", "seeds": 12}
    values = (16, 24, 48)
    return tuple(
        tc.Scan(distance_with(name), values, name=f"distance to regression with {name}", **options)
        for name in ("the effective ridge", "their own ridge", "that of twice the features")
    )


@tc.claim(
    id="KR-4",
    source="Jacot, Simsek, Spadaro, Hongler, Gabriel 2020, arXiv:2002.08404 (abstract; the equation from memory, and "
    "measured here); the rate derived here",
)
@given(activation=activations())
@example(activation=tc.TANH)
def test_random_features_have_an_effective_ridge(activation):
    """The mean of ridge regression on Gaussian features lies nearer to kernel regression with the effective ridge than
    to that with their own, or with that of twice the features; as the equation has it, it exceeds their own by
    Theta(1/P_f).
    """
    effective, own, twice = distances_to_ridge_regression(activation)
    tc.check(effective, tc.Ordering("below"), against=own)
    tc.check_refuted(twice, tc.Ordering("below"), against=effective)

    larger, itself = ridges(activation)
    law = tc.PowerLaw(-1, corrections=IN_FEATURES)
    tc.check(larger, law)
    tc.check_refuted(itself, law)


FEATURES = (24, 36, 60)


@functools.cache
def gaussian_regressions(activation, ridge):
    """Ridgeless or ridge regression on Gaussian features, its mean and variance beside what they are without a ridge.

    The problem is one and the same, so that the formula is a number; draws of features make the seeds.
    """
    kernel, targets = problem(0, tc.Draw((0,), ("KR-5",)), activation)
    limit = kernel_regression(kernel[:12, :12], kernel[12:, :12], targets)

    def sampled(draw):
        for seed in draw.seeds:
            by_features = {}
            for features in FEATURES:
                rows = gaussian_features(kernel, features, 400, draw.rng(seed, features))
                by_features[features] = regression_on_features(rows[:, :12], rows[:, 12:], targets, ridge=ridge)
            yield by_features

    def size(predictions):
        return float((predictions.mean(axis=0) @ limit) / (limit @ limit))

    def mean(side, draw):
        if side == PREDICTED:
            return {f"{features} features": 1.0 for features in FEATURES}
        found = list(sampled(draw))
        return {f"{features} features": [size(each[features]) for each in found] for features in FEATURES}

    def variance(degrees):
        def read(side, draw):
            if side == PREDICTED:
                # The formula divides by features - samples - 1; other degrees of freedom are the control's.
                return {
                    f"{features} features": np.mean(ridgeless_variance(kernel, 12, targets, features))
                    * (features - 13)
                    / degrees(features)
                    for features in FEATURES
                }
            found = list(sampled(draw))
            return {
                f"{features} features": [np.mean((each[features] - limit) ** 2) for each in found]
                for features in FEATURES
            }

        return read

    exact, naive = variance(lambda features: features - 13), variance(lambda features: features)
    return (
        beside(mean, "mean prediction along that of the kernel"),
        beside(exact, "variance, against P_f - P - 1"),
        beside(naive, "variance, against P_f"),
    )


@tc.claim(id="KR-5", source="derived here by inverse Wishart moments; agrees with Jacot et al. 2020, arXiv:2002.08404")
@given(activation=activations())
@example(activation=tc.TANH)
def test_ridgeless_gaussian_features_are_unbiased_with_a_known_variance(activation):
    """Without a ridge the mean over P_f > P + 1 Gaussian features is ridgeless kernel regression, here to 3 per cent of
    it and 8 of the variance, and the variance is that of the posterior times y K^-1 y / (P_f - P - 1); with a ridge the
    mean is smaller, and P_f in place of P_f - P - 1 is wrong at every P_f.
    """
    mean, variance, naive = gaussian_regressions(activation, 0.0)
    tc.check(mean, tc.Collapse(0.03))
    tc.check_refuted(gaussian_regressions(activation, 0.3)[0], tc.Collapse(0.03))
    tc.check(variance, tc.Collapse(0.08))
    tc.check_refuted(naive, tc.Collapse(0.08))
