"""The largest stable learning rate is 2 / sharpness where training is convex, and is bracketed and censored honestly."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from theorychecks.engines import Limits
from theorychecks.engines.choice import Choice
from theorychecks.engines.deferred import DeferredRun
from theorychecks.engines.matrix import Tally
from theorychecks.networks import ERF, LINEAR, MLP, MSE, NTK, RELU, STANDARD, Teacher, Training, scaled
from theorychecks.observables import MaxStableLearningRate
from theorychecks.observables.stability import OUTPUT_LIMIT, stable
from theorychecks.statistics.parts import Parts
from theorychecks.statistics.statuses import Status

DATA = Teacher(dimension=6, samples=5, test_samples=1)
SEEDS = tuple(range(6))


def deferred(activation=ERF, *, base=1.0, parametrization=NTK, steps=80, rate=None, width=64, seeds=SEEDS, **options):
    # The input layer learns at 64^-20 of the readout's rate, so that the loss is a quadratic function of what moves.
    rate = rate or scaled(base, input=-20)
    network = MLP(1, activation, parametrization)
    training = Training(network, learning_rate=rate, data=DATA, loss=MSE, steps=steps, dtype="float64", **options)
    return DeferredRun(training, width, seeds, 0)


def threshold(described, *, criterion="loss", **options):
    return MaxStableLearningRate(criterion, **options).read(described)[Parts()]


def sharpness(described):
    """Largest eigenvalue of the readout's Hessian: of its features' Gram matrix over the samples, from numpy."""
    for seed in range(len(described.seeds)):
        features = described.features(1, 0)[seed].numpy() * described.layers[1].multiplier
        yield np.linalg.eigvalsh(features @ features.T)[-1] / DATA.samples


@pytest.mark.parametrize("activation", [LINEAR, ERF, RELU], ids=repr)
@pytest.mark.parametrize("base", [1.0, 30.0, 0.01])
@pytest.mark.parametrize("resolution", [0.25, 0.0625])
def test_in_a_convex_problem_it_is_two_over_the_sharpness(activation, base, resolution):
    described = deferred(activation, base=base, steps=200)
    found = threshold(described, resolution=resolution)
    assert found.statuses == (Status.OK,) * 6
    expected = np.array([2 / value for value in sharpness(described)])
    octaves = np.log2(found.values.numpy() / expected)
    # The middle of a bracket that holds the truth; the loss needs a little more than the limit to grow in 200 steps.
    assert np.all(np.abs(octaves) <= resolution / 2 + 0.03)


def test_a_finer_resolution_is_finer():
    described = deferred(steps=200)
    expected = np.log2([2 / value for value in sharpness(described)])
    coarse, fine = (
        np.abs(np.log2(threshold(described, resolution=resolution).values.numpy()) - expected).max()
        for resolution in (1.0, 0.03)
    )
    assert fine < 0.05 < coarse


def test_the_last_bracket_has_a_stable_and_an_unstable_end():
    described = deferred()
    found = threshold(described, resolution=0.25)
    for sign, expected in ((-1, True), (1, False)):
        # The training's own rate is one, so that rates are factors.
        ends = found.values * 2.0 ** (sign * 0.125)
        histories = described.histories(SEEDS, ends, Limits())
        assert stable(histories, "loss", math.inf).tolist() == [expected] * 6


def test_thresholds_do_not_sit_on_one_grid():
    found = threshold(deferred(), resolution=0.25)
    places = np.log2(found.values.numpy()) / 0.25 % 1
    assert np.ptp(places) > 0.2
    assert len(np.unique(places.round(6))) == 6


def test_the_grid_belongs_to_the_seed_and_not_to_its_company():
    together = threshold(deferred(), resolution=0.5).values
    alone = torch.cat([threshold(deferred(seeds=(seed,)), resolution=0.5).values for seed in SEEDS])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=0.0)


def test_rates_are_reported_with_their_global_width_factor():
    # The same rate written in another way.
    plain = threshold(deferred(rate=scaled(1.0, input=-20)), resolution=0.0625)
    factor = threshold(deferred(rate=scaled(64.0, width=-1, input=-20)), resolution=0.0625)
    torch.testing.assert_close(factor.values, plain.values, rtol=1e-9, atol=0.0)


@pytest.mark.parametrize("criterion, limit", [("outputs", 1e30), ("activations", 1e30)])
def test_training_that_never_turns_unstable_is_censored_from_below(criterion, limit):
    found = threshold(deferred(steps=2), criterion=criterion, limit=limit, reach=4)
    assert found.statuses == (Status.ABOVE,) * 6
    assert (found.values >= 2.0**4).all()


@pytest.mark.parametrize("criterion", ["outputs", "activations"])
def test_training_that_is_always_unstable_is_censored_from_above(criterion):
    found = threshold(deferred(steps=2), criterion=criterion, limit=1e-9, reach=4)
    assert found.statuses == (Status.BELOW,) * 6
    assert (found.values <= 2.0**-4).all()


def test_a_longer_reach_finds_what_a_shorter_one_censors():
    described = deferred(base=1e-3, steps=200)
    assert set(threshold(described, reach=4).statuses) == {Status.ABOVE}
    found = threshold(described, reach=16)
    assert set(found.statuses) == {Status.OK}
    expected = [2 / value for value in sharpness(described)]
    np.testing.assert_allclose(np.log2(found.values.numpy() / expected), 0, atol=0.16)


@pytest.mark.parametrize("criterion", ["loss", "outputs", "activations"])
def test_several_rates_at_once_find_what_one_at_a_time_finds(criterion):
    described = deferred(RELU, parametrization=STANDARD, rate=scaled(0.05), steps=30)
    alone = replace(described, choice=Choice("dense", 6), tally=Tally())
    found, expected = (threshold(each, criterion=criterion) for each in (described, alone))
    torch.testing.assert_close(found.values, expected.values, rtol=1e-12, atol=0.0)
    assert found.statuses == expected.statuses
    # Three at once do what two halvings in a row do.
    assert alone.tally.trainings < described.tally.trainings < 2.5 * alone.tally.trainings


def test_networks_that_have_diverged_are_trained_no_further():
    described = deferred(RELU, parametrization=STANDARD, rate=scaled(0.05), steps=30)
    seeds, factors = list(SEEDS), torch.full((6,), 2.0**12)
    factors[0] = 1e-3
    stopped = described.histories(seeds, factors, Limits(activations=30.0))
    stopped_flops = described.tally.flops
    whole = described.histories(seeds, factors, Limits())
    assert stopped_flops < 0.8 * (described.tally.flops - stopped_flops)
    torch.testing.assert_close(stopped.losses[:, 0], whole.losses[:, 0])
    assert torch.isnan(stopped.losses[-1, 1:]).all()
    for criterion in ("loss", "activations"):
        assert stable(stopped, criterion, 30.0).tolist() == stable(whole, criterion, 30.0).tolist()


class Fixed:
    """A run with given histories, [t, seed]."""

    def __init__(self, losses, sizes=None):
        self.losses = torch.tensor(losses).T
        self.peak_outputs = self.losses if sizes is None else torch.tensor(sizes).T
        self.peak_activations = self.peak_outputs


def test_the_loss_criterion_compares_the_last_losses_with_the_first():
    nan, inf = float("nan"), float("inf")
    histories = [
        [1.0, 5.0, 0.9, 0.9, 0.9],
        [1.0, 0.5, 0.9, 1.2, 1.3],
        [1.0, inf, 0.1, 0.1, 0.1],
        [1.0, nan, 0.1, 0.1, 0.1],
    ]
    assert stable(Fixed(histories), "loss", math.inf).tolist() == [True, False, False, False]
    # And all of them with a limit, in units of the first.
    doubled = [[2 * loss for loss in row] for row in histories]
    assert stable(Fixed(doubled), "loss", 5.0).tolist() == [True, False, False, False]
    assert not stable(Fixed(doubled), "loss", 4.9).any()


@pytest.mark.parametrize("criterion", ["outputs", "activations"])
def test_the_size_criteria_look_at_every_step_and_need_finite_losses(criterion):
    nan, inf = float("nan"), float("inf")
    sizes = [[1.0, 9.0, 1.0], [1.0, 11.0, 1.0], [1.0, nan, 1.0], [1.0, 1.0, 1.0]]
    losses = [[1.0, 1.0, 5.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, inf]]
    assert stable(Fixed(losses, sizes), criterion, 10.0).tolist() == [True, False, False, False]


def test_criteria_differ_where_outputs_grow_and_the_loss_counts_them():
    described = deferred(RELU, parametrization=STANDARD, rate=scaled(0.05), steps=30)
    loss, activations = (threshold(described, criterion=c) for c in ("loss", "activations"))
    assert set(loss.statuses) == {Status.OK}
    assert (activations.values >= loss.values * 2**-0.5).all()


def test_options_are_checked():
    with pytest.raises(ValueError, match="'loss', 'outputs' or 'activations'; got 'gradients'"):
        MaxStableLearningRate("gradients")
    for resolution, reach in ((0, 12), (1.5, 12), (0.25, 0.5)):
        with pytest.raises(ValueError, match=f"got {resolution} and {reach}"):
            MaxStableLearningRate("loss", resolution=resolution, reach=reach)


def test_every_option_tells_observables_apart_and_a_limit_counts_however_it_is_given():
    apart = {
        MaxStableLearningRate("loss"),
        MaxStableLearningRate("outputs"),
        MaxStableLearningRate("activations"),
        MaxStableLearningRate("activations", limit=10.0),
        MaxStableLearningRate("loss", resolution=0.5),
        MaxStableLearningRate("loss", reach=6),
    }
    assert len(apart) == 6
    assert MaxStableLearningRate("outputs") == MaxStableLearningRate("outputs", limit=OUTPUT_LIMIT)
