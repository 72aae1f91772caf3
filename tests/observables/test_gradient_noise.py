"""Gradient noise is the standard deviation of a gradient from batch to batch, and falls with the root of the batch."""

import functools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from theorychecks.engines.run import Unanswerable
from theorychecks.observables import GradientSize

SIZES = (4, 8, 16, 32, 64)
NO_CORRECTIONS = tc.FiniteSizeClass(rho=1 / 64, omegas=(1.0,))
"""Of independent samples the variance of the mean falls as 1/B exactly."""
ROOT = tc.PowerLaw(-1 / 2, within=0.1, rival=0, corrections=NO_CORRECTIONS)


def build():
    return nn.Sequential(nn.Linear(6, 16, bias=False), nn.Tanh(), nn.Linear(16, 3, bias=False))


def optimizer(module, _size):
    return torch.optim.SGD(module.parameters(), lr=0.01)


def batches(draw, size, *, distinct=None, count=4):
    """Of so many samples, of which some are distinct."""
    found = []
    for _ in range(count):
        inputs, targets = (torch.randn(distinct or size, features, generator=draw) for features in (6, 3))
        times = size // len(inputs)
        found.append((inputs.repeat(times, 1), targets.repeat(times, 1)))
    return found


def model(**options):
    return tc.Model(build, optimizer, functools.partial(batches, **options), loss=F.mse_loss, axis="batch size")


def noise(given, **options):
    return tc.Sweep(tc.GradientNoise(), given, batch_sizes=SIZES, **options)


def test_it_is_the_deviation_of_gradients_of_its_batches():
    """Held against plain torch, seed by seed."""
    found = tc.measure(noise(model(), seeds=3)).measurements
    draw, matrices = [], {}

    @tc.observable
    def kept(run):
        starts = run.trainer.ensemble(run.width, run.root_seed, run.seeds, batches=4)
        matrices[run.width] = {k: run.weights(k, 0) for k in (0, 1)}
        draw.append([start.batches for start in starts.starts])
        return torch.ones(len(run.seeds))

    tc.measure(tc.Sweep(kept, model(), batch_sizes=SIZES, seeds=3))
    for place, size in enumerate(SIZES):
        for seed in range(3):
            gradients = []
            for inputs, targets in draw[place][seed]:
                first, last = (matrices[size][k][seed].clone().requires_grad_() for k in (0, 1))
                outputs = torch.tanh(inputs @ first.T) @ last.T
                gradients.append(torch.autograd.grad(F.mse_loss(outputs, targets), (first, last)))
            for layer, each in zip(("0", "2"), zip(*gradients, strict=True), strict=True):
                expected = np.sqrt(np.var(torch.stack(each).numpy(), axis=0, ddof=1).mean())
                parts = tc.Parts(layer=layer, role="hidden")
                assert found[parts].values[place][seed] == pytest.approx(expected, rel=1e-4)


def test_it_falls_as_the_root_of_the_batch_of_independent_samples():
    tc.check(noise(model(), budget=32), ROOT)


def test_it_does_not_fall_where_more_samples_are_the_same_ones():
    repeated = noise(model(distinct=4), budget=32)
    tc.check(repeated, tc.PowerLaw(0, within=0.1, rival=-1 / 2, corrections=NO_CORRECTIONS))
    tc.check_refuted(repeated, ROOT)


def of_width(width):
    return nn.Sequential(nn.Linear(6, width), nn.Linear(width, 3))


class Scaled(nn.Module):
    """With a number of its own, and layers that draw and that mix samples."""

    def __init__(self, width):
        super().__init__()
        self.first, self.last = nn.Linear(6, width), nn.Linear(width, 3)
        self.norm, self.drop, self.scale = nn.BatchNorm1d(width), nn.Dropout(0.3), nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        return self.scale * self.last(self.norm(self.drop(torch.relu(self.first(x)))))


@pytest.mark.parametrize("observable", [tc.GradientNoise(), GradientSize(), tc.DecayTime()])
def test_a_parameter_may_be_a_single_number(observable):
    def decaying(module):
        return torch.optim.AdamW(module.parameters(), weight_decay=0.1)

    given = tc.Model(Scaled, decaying, batches(torch.Generator().manual_seed(0), 8), loss=F.mse_loss)
    for each in tc.measure(tc.Sweep(observable, given, widths=(8, 16, 32), seeds=3)).measurements.values():
        assert all(min(cell) > 0 for cell in each.values)


@pytest.mark.parametrize("given, said", [([None] * 3, "its 3 batches are all the same"), ([None], "it has one batch")])
def test_batches_that_do_not_differ_have_none(given, said):
    batch = batches(torch.Generator().manual_seed(0), 4)[0]
    fixed = tc.Model(of_width, lambda m: optimizer(m, 4), [batch for _ in given], loss=F.mse_loss)
    with pytest.raises(Unanswerable, match=f"{said}. Give several"):
        tc.measure(tc.Sweep(tc.GradientNoise(), fixed, widths=(8, 16, 32)))


def test_a_training_of_the_package_has_one_batch():
    training = tc.Training(
        tc.MLP(2, tc.TANH, tc.NTK), learning_rate=tc.scaled(0.1, width=0), data=tc.Sphere(), loss=tc.MSE, steps=1
    )
    with pytest.raises(Unanswerable, match=r"has one batch of all of its data\. Sweep a tc\.Model"):
        tc.measure(tc.Sweep(tc.GradientNoise(), training, widths=(8, 16, 32)))
