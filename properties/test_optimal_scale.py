"""The best initial scale of classifiers that are trained to a fixed risk, by samples and by neurons."""

from dataclasses import dataclass

import numpy as np
import torch

import theorychecks as tc
from properties.subjects import target_risk
from properties.subjects.symmetric_mixture import SymmetricMixture
from properties.test_feature_learning_strength import PAPER, RATE, Clouds, start

TARGET = 0.1
SEPARABLE = SymmetricMixture(dimension=20, spread=0.15)
"""Pairs of inputs have y y' cos(x, x') > 0, as the source assumes, in all but few draws of 160 samples."""
OVERLAPPING = SymmetricMixture(dimension=20)
SAMPLES, NEURONS = (10, 20, 40, 80, 160), (8, 16, 32, 64, 128)
GRID = tuple(float(scale) for scale in np.geomspace(0.003, 0.6, 9))
SYSTEMS = 8
"""Read together for one optimum: the curve of a single one is too flat to have a clear one."""
BEYOND = tc.FiniteSizeClass(rho=3 / 8, omegas=(1 / 2, 1.0))


@dataclass(frozen=True)
class Group:
    """The draws of some systems that are read together."""

    draw: tc.Draw
    seed: int

    @property
    def seeds(self):
        """Of the systems."""
        return range(SYSTEMS)

    def rng(self, system, *what):
        """A system's own."""
        return self.draw.rng(self.seed, system, *what)

    def generator(self, system, *what):
        """A system's own."""
        return self.draw.generator(self.seed, system, *what)


def best_scale(task, group):
    """Where the mean logarithm of the excess error is smallest, by a parabola through the grid's best three points."""
    inputs, labels = task.draw(group)
    errors = []
    for alpha in GRID:
        begun = start(task, inputs, alpha, group)
        trained = target_risk.train_to_risk(begun, inputs, labels, levels=(TARGET,), rate=RATE).networks
        errors.append(task.excess(trained, group).log().mean())
    curve, places = torch.stack(errors).numpy(), np.log(GRID)
    best = int(np.clip(curve.argmin(), 1, len(GRID) - 2))
    square, slope, _ = np.polyfit(places[best - 1 : best + 2], curve[best - 1 : best + 2], 2)
    return float(np.exp(-slope / (2 * square)))


def best_scales(mixture, samples, neurons, draw):
    """One for each seed."""
    task = Clouds("clouds", mixture, samples, samples // 2, neurons)
    return [best_scale(task, Group(draw, seed)) for seed in draw.seeds]


@tc.quantity(along="samples", name="best initial scale, {mixture.spread:g} wide clouds")
def best_scale_by_samples(samples, draw, *, mixture):
    """With 32 neurons."""
    return best_scales(mixture, int(samples), 32, draw)


@tc.quantity(along="neurons", name="best initial scale")
def best_scale_by_neurons(neurons, draw, *, mixture):
    """On 40 samples."""
    return best_scales(mixture, 40, int(neurons), draw)


@tc.claim(
    id="FL-4",
    source="Yeom, Ha, Lee 2026, arXiv:2602.00827 (second-hand, from notes), for a best output scale c = alpha^2 of "
    "order n^-2 h^-1 on orthogonally separable samples, so alpha of order n^-1 h^-1/2; the exponents of the bounds are "
    "chosen here between that and none",
    trend=True,
    paper=PAPER,
    evidence=True,
)
def test_the_best_initial_scale_falls_with_neurons_and_more_slowly_than_the_inverse_of_the_samples():
    """On orthogonally separable samples of two clouds, trained to a fixed risk, the initial scale with the smallest
    test error falls with n samples no faster than n^-1/2, where n^-1 was said, and with h neurons at least as fast as
    h^-1/3. On overlapping clouds it does not fall with n.
    """
    slowly = tc.LowerBound(-1 / 2, within=0.1, rival=-1, corrections=BEYOND)
    falling = tc.UpperBound(-1 / 3, within=0.1, rival=0, corrections=BEYOND)
    tc.check(best_scale_by_samples(mixture=SEPARABLE).over(SAMPLES, seeds=8), slowly)
    tc.check(best_scale_by_neurons(mixture=SEPARABLE).over(NEURONS, seeds=8), falling)
    tc.check_refuted(best_scale_by_samples(mixture=OVERLAPPING).over(SAMPLES, seeds=12), falling)
