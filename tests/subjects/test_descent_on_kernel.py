"""The distance of a trained network from descent on a kernel, on runs whose functions are known."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import theorychecks as tc
from properties.subjects.descent_on_kernel import distance_from_descent_on

KERNEL = np.array([[2.0, 1.0], [1.0, 3.0]])
"""Of one training input and one test input."""
DATA = tc.Teacher(dimension=4, samples=1, test_samples=1)


def run_with(outputs, steps=3, rate=0.1):
    """What is read off a run, and no more: its training and its outputs at test inputs."""
    training = SimpleNamespace(data=DATA, learning_rate=SimpleNamespace(base=rate), steps=steps)
    return SimpleNamespace(training=training, seeds=range(len(outputs)), outputs=lambda time, points: outputs)


def predicted(steps=3, rate=0.1):
    """With one sample the residual is (1 - rate k)^t of its start; the test output is k' / k times what was fitted."""
    ((target,),) = DATA.draw().targets
    return 0.5 * target * (1 - (1 - 2 * rate) ** steps)


def test_it_is_zero_where_the_network_does_what_the_kernel_does():
    outputs = torch.full((2, 1, 1), predicted(), dtype=torch.float64)
    assert distance_from_descent_on(run_with(outputs), KERNEL).tolist() == pytest.approx([0, 0], abs=1e-12)


def test_it_is_relative_to_the_prediction_and_one_a_seed():
    outputs = torch.tensor([1.5 * predicted(), -predicted()], dtype=torch.float64)[:, None, None]
    assert distance_from_descent_on(run_with(outputs), KERNEL).tolist() == pytest.approx([0.5, 2.0])


def test_each_seed_may_have_a_kernel_of_its_own():
    outputs = torch.full((2, 1, 1), predicted(), dtype=torch.float64)
    found = distance_from_descent_on(run_with(outputs), np.stack([KERNEL, [[2.0, 2.0], [2.0, 3.0]]]))
    # One prediction is p and the other 2 p, whose root mean square is (5 / 2)^1/2 p.
    assert found.tolist() == pytest.approx([0.0, 0.4**0.5])
