"""After one step of a convex problem the best learning rate is that of a line search, and ends of the grid are bounds."""

import math

import numpy as np
import pytest

from theorychecks.engines import dense
from theorychecks.engines.deferred import DeferredRun
from theorychecks.networks import ERF, MLP, MSE, NTK, Teacher, Training, scaled
from theorychecks.observables.optimal_rate import OptimalLearningRate
from theorychecks.statistics.parts import Parts
from theorychecks.statistics.statuses import Status

DATA = Teacher(dimension=6, samples=5, test_samples=1)
SEEDS = tuple(range(5))


def deferred(base):
    # The readout alone learns: the loss is a parabola along the gradient.
    rate = scaled(base, input=-math.inf)
    network = MLP(1, ERF, NTK)
    return DeferredRun(
        Training(network, learning_rate=rate, data=DATA, loss=MSE, steps=1, dtype="float64"), 64, SEEDS, 0
    )


def line_search(described):
    run = dense.train(described.training, 64, SEEDS)
    _, targets, _ = DATA.draw()
    for seed in range(len(SEEDS)):
        features = run.features(1, 0)[seed].numpy() * run.layers[1].multiplier
        residual = features @ run.matrices[1].start[seed].numpy().T - targets
        gradient = features.T @ residual / DATA.samples
        moved = features @ gradient
        yield (gradient**2).sum() / ((moved**2).sum() / DATA.samples)


@pytest.mark.parametrize("base", [0.3, 1.0, 3.0])
def test_after_one_convex_step_it_is_the_line_search(base):
    found = OptimalLearningRate(spacing=0.25)
    described = deferred(base)
    reading = found.read(described)[Parts()]
    expected = np.array(list(line_search(described)))
    assert reading.statuses == (None,) * 5
    # A parabola in log rate through the logarithm of the loss is not the loss: within a quarter of the spacing.
    assert np.abs(np.log2(reading.values.numpy() / expected)).max() < 0.07
    assert np.abs(np.log2(reading.values.numpy() / expected * 1.3)).max() > 0.2


@pytest.mark.parametrize("base, status", [(1e-4, Status.ABOVE), (1e4, Status.BELOW)])
def test_an_optimum_beyond_the_grid_is_a_bound(base, status):
    assert set(OptimalLearningRate().read(deferred(base))[Parts()].statuses) == {status}


@pytest.mark.parametrize("spacing, reach", [(0.0, 4.0), (2.0, 4.0), (0.5, 0.5)])
def test_options_are_checked(spacing, reach):
    with pytest.raises(ValueError, match=f"got {spacing} and {reach}"):
        OptimalLearningRate(spacing=spacing, reach=reach)


def test_every_option_tells_observables_apart():
    apart = {OptimalLearningRate(**options) for options in ({}, {"spacing": 0.25}, {"reach": 2.0})}
    assert len(apart) == 3
    assert OptimalLearningRate() == OptimalLearningRate(spacing=0.5)
