"""A search on a grid finds the bottom of a curve that is known, and that of a training on a finer grid."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch

import theorychecks as tc
from properties.subjects.best_rates import best_rates
from theorychecks.engines import Histories, Limits
from theorychecks.engines.deferred import DeferredRun


@dataclass
class Curve:
    """Trainings whose mean loss is a function of the rate's binary logarithm."""

    loss: object
    seeds: tuple = (0, 1, 2)
    rate: float = 1.0
    tried: int = 0

    def histories(self, seeds, rate_factors, limits):
        self.tried += len(seeds)
        ends = torch.tensor([self.loss(math.log2(self.rate * float(factor))) for factor in rate_factors])
        # The mean of the last two batches, and one after them that does not count.
        losses = torch.stack([torch.full_like(ends, 9.0), 0.5 * ends, 1.5 * ends, torch.zeros_like(ends)])
        return Histories(losses, losses, losses)


OFFSETS = (-0.4, 0.0, 0.3)


@pytest.mark.parametrize("bottom", [-5.2, 0.0, 0.7, 4.9])
def test_the_bottom_of_a_parabola_is_found_exactly(bottom):
    curve = Curve(lambda octave: math.exp((octave - bottom) ** 2 / 10))
    found = best_rates(curve, OFFSETS, last=2)
    np.testing.assert_allclose(np.log2(found.rates.numpy()), bottom, atol=1e-5)
    assert found.beyond == (0, 0, 0)


def test_beside_a_divergence_it_is_the_best_rate_that_was_tried():
    curve = Curve(lambda octave: math.exp(-octave) if octave < 1.6 else math.nan)
    found = np.log2(best_rates(curve, OFFSETS, last=2).rates.numpy())
    # Grids of half octaves: the largest multiple of a half, from each offset, below the edge.
    np.testing.assert_allclose(found, [1.1, 1.5, 1.3], atol=1e-6)


@pytest.mark.parametrize("slope, side", [(1, -1), (-1, 1)])
def test_a_loss_that_falls_on_and_on_is_a_bound(slope, side):
    assert best_rates(Curve(lambda octave: math.exp(slope * octave)), OFFSETS, last=2).beyond == (side,) * 3


def test_few_rates_are_tried():
    curve = Curve(lambda octave: math.exp((octave - 0.1) ** 2), seeds=(0,))
    best_rates(curve, (0.0,), last=2)
    assert curve.tried == 5


def test_a_training_has_its_best_rate_where_a_fine_grid_has_it():
    training = tc.Training(
        tc.MLP(1, tc.RELU, tc.STANDARD),
        learning_rate=tc.scaled(4.0, width=-1),
        data=tc.GaussianMixture(samples=40 * 8, spread=0.7),
        loss=tc.MSE,
        steps=40,
        batch_size=8,
    )
    run = DeferredRun(training, 64, (0, 1, 2), 0)
    octaves = torch.arange(-4, 4, 0.05, dtype=torch.float64)
    with torch.no_grad():
        found = best_rates(run, (0.1, 0.5, 0.9), last=10)
        for seed, rate in enumerate(found.rates):
            losses = run.histories([seed] * len(octaves), 2.0**octaves, Limits()).losses[-11:-1].mean(dim=0)
            finest = octaves[losses.nan_to_num(nan=math.inf).argmin()]
            assert abs(math.log2(float(rate) / run.rate) - finest) < 0.5
