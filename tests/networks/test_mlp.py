"""An MLP names its matrices, and their sizes keep preactivations at one."""

import dataclasses
import math

import pytest

from theorychecks.engines import dense
from theorychecks.networks import (
    ERF,
    GELU,
    LINEAR,
    MAXIMAL_UPDATE,
    MEAN_FIELD,
    MLP,
    MSE,
    NTK,
    RELU,
    STANDARD,
    TANH,
    Sphere,
    Training,
    scaled,
)


def test_matrices_run_from_the_input_to_the_output():
    layers = MLP(3, RELU, STANDARD).layers(16, inputs=5, outputs=2)
    assert [layer.role for layer in layers] == ["input", "hidden", "hidden", "output"]
    assert [layer.name for layer in layers] == ["input", "hidden 2", "hidden 3", "output"]
    assert [(layer.fan_out, layer.fan_in) for layer in layers] == [(16, 5), (16, 16), (16, 16), (2, 16)]


def test_one_hidden_layer_has_no_hidden_matrix():
    assert [layer.role for layer in MLP(1, RELU, STANDARD).layers(16, inputs=5, outputs=2)] == ["input", "output"]


# (multiplier, initial standard deviation) of input, hidden and output at width 16, dimension 4 and gain sqrt(2), worked
# out by hand.
ROOT2 = math.sqrt(2)
BY_HAND = [
    (STANDARD, [(1, 1 / 2), (1, ROOT2 / 4), (1, ROOT2 / 4)]),
    (NTK, [(1 / 2, 1), (ROOT2 / 4, 1), (ROOT2 / 4, 1)]),
    (MEAN_FIELD, [(1 / 2, 1), (ROOT2 / 4, 1), (ROOT2 / 16, 1)]),
    (MAXIMAL_UPDATE, [(1, 1 / 2), (1, ROOT2 / 4), (1, ROOT2 / 16)]),
]


@pytest.mark.parametrize("parametrization, expected", BY_HAND, ids=lambda p: getattr(p, "name", ""))
def test_multipliers_and_initial_sizes_are_those_worked_out_by_hand(parametrization, expected):
    layers = MLP(2, RELU, parametrization).layers(16, inputs=4, outputs=3)
    for layer, (multiplier, init) in zip(layers, expected, strict=True):
        assert layer.multiplier == pytest.approx(multiplier, rel=1e-14)
        assert layer.init == pytest.approx(init, rel=1e-14)


@pytest.mark.parametrize("activation", [RELU, TANH, ERF, GELU, LINEAR], ids=repr)
@pytest.mark.parametrize("parametrization", [STANDARD, MEAN_FIELD], ids=lambda p: p.name)
def test_preactivations_start_at_one_in_every_layer(activation, parametrization):
    data = Sphere(dimension=8, samples=4)
    training = Training(MLP(3, activation, parametrization), learning_rate=scaled(1.0), data=data, loss=MSE, steps=0)
    run = dense.train(training, 512, range(16))
    for layer in (1, 2, 3):
        assert run.preactivations(layer, 0).square().mean().item() == pytest.approx(1, abs=0.08)
    # The readout under STANDARD keeps the size too; one that shrinks as 1/n does not.
    size = run.outputs(0).square().mean().item()
    assert (0.5 < size < 2) == (parametrization is STANDARD)


def test_names_stand_for_activations_and_parametrizations():
    assert MLP(2, "relu", "mean field") == MLP(2, RELU, MEAN_FIELD)
    assert MLP(2, RELU, STANDARD).under(NTK) == MLP(2, RELU, NTK)
    assert MLP(2, RELU, STANDARD, centred=True).under(NTK).centred
    with pytest.raises(ValueError, match="unknown activation 'relu6'"):
        MLP(2, "relu6", STANDARD)
    with pytest.raises(ValueError, match="unknown parametrization 'sp'"):
        MLP(2, RELU, "sp")


def test_what_is_neither_is_refused_with_its_value():
    with pytest.raises(TypeError, match="activation is an Activation or its name; got 3"):
        MLP(2, 3, STANDARD)
    with pytest.raises(TypeError, match="parametrization is a Parametrization or its name; got None"):
        MLP(2, RELU, None)


@pytest.mark.parametrize("depth", [1, 6])
def test_depths_at_both_ends_are_taken(depth):
    assert len(MLP(depth, RELU, STANDARD).layers(4, inputs=2, outputs=1)) == depth + 1


@pytest.mark.parametrize("depth", [0, 7, -1, 2.0, True, "2"])
def test_depths_outside_are_refused(depth):
    with pytest.raises(ValueError, match=f"1 to 6 hidden layers; got depth={depth!r}"):
        MLP(depth, RELU, STANDARD)


@pytest.mark.parametrize("width", [0, -4, 16.0, True])
def test_a_width_is_a_positive_integer(width):
    with pytest.raises(ValueError, match=f"a width is a positive integer; got {width!r}"):
        MLP(1, RELU, STANDARD).layers(width, inputs=2, outputs=1)


def test_a_network_is_a_value():
    network = MLP(2, RELU, STANDARD)
    assert hash(network) == hash(MLP(2, RELU, STANDARD))
    with pytest.raises(dataclasses.FrozenInstanceError):
        network.depth = 3
