"""Clouds of neurons as measures, their mixtures and interpolations, held against sums written out."""

import math

import pytest
import torch

import theorychecks as tc
from properties.subjects.clouds import (
    LOGISTIC,
    SQUARED,
    SQUARED_TANH,
    Clouds,
    interpolated,
    mixture,
    outputs,
    random_clouds,
    trained,
)
from theorychecks.dynamics.particles import Particles


def clouds(seed, neurons=5, dimension=3, count=2):
    return random_clouds(neurons, dimension, [torch.Generator().manual_seed(10 * seed + k) for k in range(count)])


INPUTS = torch.randn((4, 3), generator=torch.Generator().manual_seed(9), dtype=torch.float64)


def test_the_function_is_a_sum_over_weighted_neurons():
    neurons = torch.tensor([[[2.0, -1.0], [1.0, 3.0]]], dtype=torch.float64)
    found = outputs(Clouds(neurons, torch.tensor([0.25, 0.75]).double()), tc.TANH, torch.tensor([[0.5]]).double())
    assert found.item() == pytest.approx(0.25 * 2 * math.tanh(0.5) - 0.75 * math.tanh(1.5))


def test_the_function_of_a_mixture_is_the_mixture_of_functions():
    one, other = clouds(0), clouds(1)
    wanted = 0.7 * outputs(one, tc.RELU, INPUTS) + 0.3 * outputs(other, tc.RELU, INPUTS)
    torch.testing.assert_close(outputs(mixture(one, other, 0.3), tc.RELU, INPUTS), wanted)
    assert mixture(one, other, 0.3).masses.sum().item() == pytest.approx(1.0)


def test_interpolated_weights_have_another_function_but_at_the_ends():
    one, other = clouds(0), clouds(1)
    for share, end in ((0.0, one), (1.0, other)):
        found = outputs(interpolated(one, other, share), tc.TANH, INPUTS)
        torch.testing.assert_close(found, outputs(end, tc.TANH, INPUTS))
    between = outputs(interpolated(one, other, 0.5), tc.TANH, INPUTS)
    mean = (outputs(one, tc.TANH, INPUTS) + outputs(other, tc.TANH, INPUTS)) / 2
    assert not torch.allclose(between, mean, rtol=0.1)


def test_training_takes_the_mean_fields_steps():
    data = tc.Teacher(dimension=3, samples=4)
    dynamics = Particles(activation=tc.TANH, data=data, rate=0.4, dtype=torch.float64)
    start = clouds(0)
    state = start.neurons
    for _ in range(3):
        state = dynamics.step(state)
    drawn = data.draw()
    inputs, targets = torch.from_numpy(drawn.inputs), torch.from_numpy(drawn.targets[:, 0])
    # The package's loss is half the mean square as well.
    found = trained(start, tc.TANH, inputs, targets, SQUARED, rate=0.4, steps=3)
    torch.testing.assert_close(found.neurons, state, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("loss", "wanted"),
    [(SQUARED, 1.125), (LOGISTIC, math.log1p(math.exp(0.5))), (SQUARED_TANH, (math.tanh(-0.5) - 1) ** 2 / 2)],
)
def test_losses_are_what_they_are_called(loss, wanted):
    assert loss.value(torch.tensor(-0.5), torch.tensor(1.0)).item() == pytest.approx(wanted)


def test_clouds_of_different_sizes_mix_and_are_not_interpolated():
    assert mixture(clouds(0), clouds(1, neurons=7), 0.5).neurons.shape == (2, 4, 12)
    with pytest.raises(ValueError, match="same number"):
        interpolated(clouds(0), clouds(1, neurons=7), 0.5)


@pytest.mark.parametrize("between", [mixture, interpolated])
def test_a_share_lies_between_zero_and_one(between):
    with pytest.raises(ValueError, match="between 0 and 1"):
        between(clouds(0), clouds(1), 1.5)
