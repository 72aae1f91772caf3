"""Neurons that switch off are counted, and balances read off, as numpy does in a run's weights."""

import numpy as np
import pytest

from theorychecks.engines import Unanswerable, dense
from theorychecks.engines.choice import Choice
from theorychecks.engines.deferred import DeferredRun
from theorychecks.networks import LINEAR, MLP, MSE, NTK, RELU, TANH, Teacher, Training, scaled
from theorychecks.observables import BalanceDrift, SwitchedOff
from theorychecks.observables.balance import _drift
from theorychecks.statistics.parts import Parts

DATA = Teacher(dimension=4, outputs=2, samples=5, test_samples=7)
SEEDS = (0, 1, 2)


def training(depth=2, activation=RELU, **options):
    options = {"learning_rate": scaled(0.5), "data": DATA, "steps": 5, "dtype": "float64"} | options
    return Training(MLP(depth, activation, NTK), loss=MSE, **options)


def values(observable, described, width=12):
    run = DeferredRun(described, width, SEEDS, 0)
    return {str(parts): reading.values.numpy() for parts, reading in observable.read(run).items()}


@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize("points", ["train", "test"])
def test_neurons_that_switch_off_are_counted_less_those_that_switch_on(layer, points):
    described, draw = training(), DATA.draw()
    run = dense.train(described, 12, SEEDS)
    x = draw.inputs if points == "train" else draw.test_inputs
    expected = []
    for seed in range(3):
        on = []
        for time in (0, 5):
            h = x @ run.weights(0, time)[seed].numpy().T
            if layer == 2:
                h = np.maximum(h, 0) @ run.weights(1, time)[seed].numpy().T
            on.append(h > 0)
        expected.append((on[0].sum() - on[1].sum()) / on[0].size)
    assert max(expected) > 0
    np.testing.assert_allclose(values(SwitchedOff(layer, points), described)[""], np.maximum(expected, 0))


def test_layers_and_points_that_there_are_not_are_refused():
    with pytest.raises(ValueError, match="numbered from 1; got 0"):
        SwitchedOff(0)
    with pytest.raises(ValueError, match="points are 'train' or 'test'; got 'both'"):
        SwitchedOff(points="both")
    with pytest.raises(ValueError, match="hidden layers 1 to 2; got layer=3"):
        values(SwitchedOff(3), training())


def test_a_balance_is_incoming_less_outgoing_squares():
    described = training(2)
    run, found = dense.train(described, 12, SEEDS), values(BalanceDrift(), described)
    assert list(found) == ["layer 1", "layer 2"]
    multipliers = [layer.multiplier for layer in run.layers]
    for layer in (1, 2):
        for seed in range(3):
            squares = []
            for time in (0, 5):
                below, above = (run.weights(k, time)[seed].numpy() / multipliers[k] for k in (layer - 1, layer))
                squares.append(((below**2).sum(axis=1), (above**2).sum(axis=0)))
            change = (squares[1][0] - squares[1][1]) - (squares[0][0] - squares[0][1])
            size = np.sqrt(np.mean(change**2)) / np.sqrt(np.mean((squares[0][0] + squares[0][1]) ** 2))
            assert found[f"layer {layer}"][seed] == pytest.approx(size, rel=1e-9)


@pytest.mark.parametrize("activation", [RELU, LINEAR])
def test_small_steps_conserve_balances_where_the_activation_is_homogeneous(activation):
    def drifts(activation, rate):
        return values(BalanceDrift(), training(2, activation, learning_rate=scaled(rate), steps=round(1 / rate)))

    coarse, fine, bent = drifts(activation, 0.02), drifts(activation, 0.01), drifts(TANH, 0.01)
    for layer in ("layer 1", "layer 2"):
        np.testing.assert_allclose(coarse[layer] / fine[layer], 2, rtol=0.1)
        assert (bent[layer] > 5 * fine[layer]).all()


def test_a_first_step_breaks_the_balance_by_second_order():
    one, two = (
        _drift(dense.train(training(1, learning_rate=scaled(rate), steps=1), 12, SEEDS), 1) for rate in (1e-3, 2e-3)
    )
    np.testing.assert_allclose((two / one).numpy(), 4, rtol=1e-3)


def test_networks_that_are_not_stored_have_no_balance():
    with pytest.raises(
        Unanswerable, match=r"weights of hidden 2 .*matrix_free engine stores none\. Use engine 'dense'"
    ):
        BalanceDrift().read(DeferredRun(training(2), 600, SEEDS, 0, Choice("matrix_free", 8)))


def test_matrices_with_a_narrow_side_are_stored_by_both_engines():
    by_dense, free = (
        BalanceDrift().read(DeferredRun(training(1), 600, tuple(range(40)), 0, Choice(engine, 40)))
        for engine in ("dense", "matrix_free")
    )
    for (parts, one), (others, other) in zip(by_dense.items(), free.items(), strict=True):
        assert parts == others == Parts(layer=1, role="input")
        assert float(one.values.mean()) == pytest.approx(float(other.values.mean()), rel=0.2)
