"""Gradient descent in short steps ends where gradient flow does, and says so where it does not fit."""

import numpy as np
import pytest
import torch

import theorychecks as tc
from properties.subjects.descent import gradient_descent
from theorychecks.dynamics.two_layer import TwoLayer, initial_weights
from theorychecks.dynamics.zero_loss import Fitting, gradient_flow


def problem(activation=tc.TANH, *, seeds=2):
    """A small rich network and its initial weights."""
    drawn = tc.Sphere(dimension=4, samples=3, largest_cosine=0.5, seed=3).draw()
    network, inputs = TwoLayer(activation, 1 / 4), torch.from_numpy(drawn.inputs)
    weights = initial_weights([np.random.default_rng([5, seed]) for seed in range(seeds)], 16, 4)
    return Fitting(network, inputs, network.outputs(weights, inputs) + torch.from_numpy(drawn.targets[:, 0])), weights


def test_the_distance_to_gradient_flow_falls_with_the_rate():
    fitting, weights = problem()
    flowed = gradient_flow(fitting, weights, growth=1.05)
    coarse, fine = (gradient_descent(fitting, weights, rate=rate) for rate in (0.04, 0.02))
    travelled = (flowed - weights).norm()
    # An error of first order: extrapolating two rates leaves the second.
    assert (2 * fine - coarse - flowed).norm() < 2e-3 * travelled
    assert (coarse - flowed).norm() > 5e-3 * travelled


def test_a_rate_that_diverges_is_refused():
    with pytest.raises(ArithmeticError, match="gradient descent at rate 50 has not fitted"):
        gradient_descent(*problem(tc.LINEAR), rate=50.0)
