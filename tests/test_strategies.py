"""Strategies draw what theorems quantify over, all of it and nothing else."""

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from theorychecks.networks import CROSS_ENTROPY, ERF, GELU, MSE, RELU, TANH, Digits, GaussianMixture, Teacher
from theorychecks.strategies import activations, depths, digits, losses, mixtures, regression_data

steady = settings(max_examples=40, deadline=None, derandomize=True, database=None, phases=[Phase.generate])


def is_drawn(strategy, wanted):
    find(strategy, wanted, settings=settings(steady, max_examples=500))
    return True


@steady
@given(depth=depths(2, 4))
def test_depths_lie_between_their_ends(depth):
    assert depth in (2, 3, 4)


def test_both_ends_of_the_depths_are_drawn():
    assert is_drawn(depths(2, 4), lambda depth: depth == 2)
    assert is_drawn(depths(2, 4), lambda depth: depth == 4)
    assert is_drawn(depths(), lambda depth: depth == 6)
    assert is_drawn(depths(3, 3), lambda depth: depth == 3)


@pytest.mark.parametrize("ends", [(0, 3), (3, 2), (1, 7)])
def test_depths_that_no_network_has_are_refused(ends):
    with pytest.raises(ValueError, match=f"depths lie between 1 and 6; got {ends[0]} to {ends[1]}"):
        depths(*ends)


@steady
@given(activation=activations(smooth=True))
def test_smooth_activations_are_smooth_and_nonlinear(activation):
    assert activation.smooth
    assert activation in (TANH, ERF, GELU)


def test_every_nonlinear_activation_is_drawn():
    for wanted in (RELU, TANH, ERF, GELU):
        assert is_drawn(activations(), lambda activation, wanted=wanted: activation is wanted)


def test_no_activation_left_is_an_error():
    assert is_drawn(activations(among=[RELU]), lambda activation: activation is RELU)
    with pytest.raises(ValueError, match=r"no smooth activation among \[relu\]"):
        activations(smooth=True, among=[RELU])


def test_both_losses_are_drawn():
    assert is_drawn(losses(), lambda loss: loss is MSE)
    assert is_drawn(losses(), lambda loss: loss is CROSS_ENTROPY)


@steady
@given(data=st.one_of(mixtures(samples=5, largest_seed=3), digits(samples=5, largest_seed=3)))
def test_mixtures_and_digits_have_classes(data):
    assert data.classes_are_targets
    assert data.seed in range(4)
    draw = data.draw()
    assert len(draw.inputs) == 5
    np.testing.assert_array_equal(draw.targets.sum(axis=1), 1)


def test_many_mixtures_and_digits_are_drawn():
    assert is_drawn(mixtures(), lambda data: isinstance(data, GaussianMixture) and data.seed > 0)
    assert is_drawn(digits(), lambda data: isinstance(data, Digits) and data.seed > 0)


@steady
@given(data=regression_data(samples=5, dimension=6, largest_seed=3))
def test_regression_data_have_real_targets(data):
    assert isinstance(data, Teacher)
    assert not data.classes_are_targets
    assert data.seed in range(4)
    inputs = data.draw().inputs
    assert inputs.shape == (5, 6)
    # Well separated: no two inputs within sixty degrees of parallel or antiparallel.
    assert np.abs(inputs @ inputs.T / 6 - np.eye(5)).max() <= 0.5
