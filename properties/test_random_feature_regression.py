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
def gaussian_problem(activation):
    """One and the same problem, so that formulas are numbers; draws of features make the seeds."""
    return problem(0, tc.Draw((0,), ("KR-5",)), activation)


@functools.cache
def gaussian_regressions(activation, ridge):
    """Scans of (ridge) regression on Gaussian features beside ridgeless regression with their kernel.

    Of the mean along it, and of the mean square distance from it: without a ridge that is the variance.
    """
    kernel, targets = gaussian_problem(activation)
    limit = kernel_regression(kernel[:12, :12], kernel[12:, :12], targets)

    def predictions(features, draw):
        # A place that does not depend on the axis value: these numbers are kept.
        own, count = tc.Draw(draw.seeds, (draw.place[0], "side", 1.0)), int(features)
        for seed in draw.seeds:
            rows = gaussian_features(kernel, count, 400, own.rng(seed, count))
            yield regression_on_features(rows[:, :12], rows[:, 12:], targets, ridge=ridge)

    def mean(features, draw):
        return [float((found.mean(axis=0) @ limit) / (limit @ limit)) for found in predictions(features, draw)]

    def distance(features, draw):
        return [np.mean((found - limit) ** 2) for found in predictions(features, draw)]

    options = {"along": "features", "budget": 64}
    with_ridge = f", ridge {ridge:g}" if ridge else ""
    return (
        tc.Scan(mean, FEATURES, name=f"mean prediction along that of the kernel{with_ridge}", **options),
        tc.Scan(distance, FEATURES, name=f"mean square distance from that of the kernel{with_ridge}", **options),
    )


@tc.claim(id="KR-5", source="derived here by inverse Wishart moments; agrees with Jacot et al. 2020, arXiv:2002.08404")
@given(activation=activations())
@example(activation=tc.TANH)
def test_ridgeless_gaussian_features_are_unbiased_with_a_known_variance(activation):
    """Without a ridge the mean over P_f > P + 1 Gaussian features is ridgeless kernel regression, here to 3 per cent of
    it and 8 of the variance, and the variance is that of the posterior times y K^-1 y / (P_f - P - 1); with a ridge
    the mean is smaller, and predictions lie further from kernel regression.
    """
    kernel, targets = gaussian_problem(activation)

    def known_variance(features):
        return np.mean(ridgeless_variance(kernel, 12, targets, features))

    mean, variance = gaussian_regressions(activation, 0.0)
    smaller, further = gaussian_regressions(activation, 0.3)
    tc.check(mean, tc.Equal(0.03), against=1.0)
    tc.check(variance, tc.Equal(0.08), against=known_variance)
    tc.check_refuted(smaller, tc.Equal(0.03), against=1.0)
    tc.check_refuted(further, tc.Equal(0.08), against=known_variance)
