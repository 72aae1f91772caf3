"""A penalty on the path stops gradient flow where a flow under that penalty, in short plain steps, ends."""

import math

import numpy as np
import pytest
import torch

import theorychecks as tc
from properties.subjects.arc import arc_penalised
from theorychecks.dynamics.two_layer import TwoLayer, initial_weights
from theorychecks.dynamics.zero_loss import Fitting, gradient_flow


def problem(activation=tc.TANH, *, seeds=2):
    """A small rich network and its initial weights."""
    drawn = tc.Sphere(dimension=4, samples=3, largest_cosine=0.5, seed=3).draw()
    network, inputs = TwoLayer(activation, 1 / 4), torch.from_numpy(drawn.inputs)
    weights = initial_weights([np.random.default_rng([5, seed]) for seed in range(seeds)], 16, 4)
    return Fitting(network, inputs, network.outputs(weights, inputs) + torch.from_numpy(drawn.targets[:, 0])), weights


def apart(first, second):
    return float((first - second).norm() / second.norm())


def test_a_path_penalty_stops_on_the_trajectory_where_its_own_flow_does():
    fitting, weights = problem(seeds=1)
    strength = 0.02
    stopped = arc_penalised(fitting, weights, strength=strength, growth=1.02)

    theta, length, step = weights, 0.0, 0.1
    for _ in range(2_500):
        linearised = fitting.at(theta)
        gradient = linearised.pulled(linearised.outputs - fitting.targets)
        moved = -step * gradient * (1 - strength * length / gradient.norm())
        theta, length = theta + moved, length + float(moved.norm())
    assert apart(stopped - weights, theta - weights) < 5e-3
    # It does stop early: gradient flow goes on from there.
    assert apart(gradient_flow(fitting, weights) - weights, theta - weights) > 2e-2


@pytest.mark.parametrize("strength", [0.0, -1.0, math.nan])
def test_a_strength_is_positive(strength):
    with pytest.raises(ValueError, match="a penalty on the path has a positive strength"):
        arc_penalised(*problem(), strength=strength)


def test_a_stop_beyond_rounding_is_refused():
    with pytest.raises(ArithmeticError, match="the stop at strength 1e-30 lies beyond rounding"):
        arc_penalised(*problem(), strength=1e-30)
