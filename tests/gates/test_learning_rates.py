"""Learning rates of a model are those that its sharpness has, and their exponents what a set-up implies."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.models import zoo
from theorychecks.models.training import drawn
from theorychecks.statistics.statuses import Status


class Frozen(nn.Module):
    """Trains its readout alone: sharpness is the largest eigenvalue of 2/N phi phi^T."""

    def __init__(self, width):
        super().__init__()
        self.first, self.head = nn.Linear(5, width, bias=False), nn.Linear(width, 1, bias=False)
        self.first.weight.requires_grad_(False)

    def forward(self, x):
        return self.head(torch.relu(self.first(x)))


INPUTS, TARGETS = zoo.pairs(1, outputs=1, samples=8)[0]
FROZEN = tc.Model(
    Frozen,
    lambda module: torch.optim.SGD([module.head.weight], lr=1e-3),
    [(INPUTS, TARGETS)] * 60,
    loss=F.mse_loss,
    name="frozen",
)


def stable(*, widths, steps, reach=12.0, **design):
    return tc.Sweep(
        tc.MaxStableLearningRate("loss", reach=reach), replace(FROZEN, steps=steps), widths=widths, **design
    )


def largest_stable(width, place, seed):
    module = drawn(FROZEN, width, place, seed, 1).module
    features = torch.relu(module.first(INPUTS)).detach()
    return 2 / (1e-3 * float(torch.linalg.eigvalsh(features.T @ features)[-1]) * 2 / len(features))


def test_the_largest_stable_rate_is_two_over_the_sharpness():
    measurement = tc.measure(stable(widths=(64, 128), steps=60, seeds=3)).measurements[tc.Parts()]
    for width, values in zip((64, 128), measurement.values, strict=True):
        for seed, value in enumerate(values):
            # To a quarter of an octave, and three steps that have not yet grown.
            assert abs(math.log2(value / largest_stable(width, (0, "width", float(width)), seed))) < 0.4


def test_it_falls_as_one_over_the_width():
    fall = tc.PowerLaw(-1, within=0.15, rival=-0.5)
    sweep = stable(widths=tc.widths(64, 1024), steps=20, seeds=32)
    tc.check(sweep, fall)
    tc.check_refuted(sweep, tc.PowerLaw(0, within=0.15, rival=-0.5))


def test_dense_widths_are_judged_and_decided():
    """Five of them span less than an exponent needs, and looks take more."""
    sweep = stable(widths=(64, 96, 128, 192, 256, 384, 512), steps=20, budget=64)
    (finding,) = tc.check(sweep, tc.PowerLaw(-1, within=0.24, rival=-0.5))
    assert finding.measurement.axis_values[-1] == 512


def test_rates_that_are_all_stable_are_bounds():
    sweep = stable(widths=(64, 128), steps=10, reach=1.0, seeds=3)
    assert {status for row in tc.measure(sweep).measurements[tc.Parts()].statuses for status in row} == {Status.ABOVE}


def test_the_best_rate_of_a_perceptron_transfers():
    model = zoo.perceptron(batches=zoo.pairs(1, samples=16) * 8)
    sweep = tc.Sweep(tc.OptimalLearningRate(reach=6), model, widths=(64, 128, 256), seeds=3)
    measurement = tc.measure(sweep).measurements[tc.Parts()]
    values = measurement.values
    assert {status for row in measurement.statuses for status in row} == {Status.OK}
    # Four times as wide, and within an octave.
    assert abs(sum(map(math.log2, values[0])) - sum(map(math.log2, values[2]))) / 3 < 1


@pytest.mark.parametrize("limit", [None, 2])
def test_a_model_that_is_not_finite_is_refused(limit):
    model = zoo.perceptron(loss=lambda found, targets: found.sum() * math.nan, batches=zoo.pairs(10))
    with pytest.raises(tc.ModelError, match="`the loss` is not finite at width 64, before any step"):
        tc.measure(tc.Sweep(tc.MaxStableLearningRate("loss", limit=limit), model, widths=(64, 128), seeds=3))


def test_a_limit_on_losses_needs_positive_ones():
    model = zoo.perceptron(loss=lambda found, targets: -found.square().sum() - 1, batches=zoo.pairs(10))
    with pytest.raises(ValueError, match=r"in units of the first loss, which must be positive; got -.* Add a constant"):
        tc.measure(tc.Sweep(tc.MaxStableLearningRate("loss", limit=2), model, widths=(64, 128), seeds=3))
