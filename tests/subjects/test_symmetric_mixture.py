"""The excess error is that of the closed form for lines, and zero for the best one."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

from properties.subjects.symmetric_mixture import SymmetricMixture


def generators(count):
    return [np.random.default_rng([7, seed]) for seed in range(count)]


def line(angle, dimension):
    direction = torch.zeros(dimension, dtype=torch.float64)
    direction[0], direction[1] = math.cos(angle), math.sin(angle)
    return lambda inputs: inputs @ direction


@pytest.mark.parametrize("angle", [0.02, 0.3, 1.2, 2.5])
def test_the_excess_error_of_a_line_is_the_closed_form(angle):
    mixture = SymmetricMixture(dimension=8, separation=1.2, spread=0.6)
    excess = mixture.excess_error(line(angle, 8), 20_000, generators(16))
    # A line errs on the share of a normal variable beyond its distance from a centre.
    expected = norm.cdf(-2 * math.cos(angle)) - norm.cdf(-2)
    standard_error = excess.std() / math.sqrt(len(excess))
    assert abs(excess.mean() - expected) < 4 * standard_error
    assert standard_error < 0.03 * expected
    assert abs(excess.mean() - 1.2 * expected) > 4 * standard_error


def test_the_best_line_has_no_excess_error():
    assert (SymmetricMixture(dimension=5).excess_error(line(0.0, 5), 1000, generators(3)) == 0).all()


def test_clouds_have_their_centres_spread_and_classes():
    mixture = SymmetricMixture(dimension=3, separation=2.0, spread=0.5)
    inputs, labels = mixture.draw(4000, generators(2), first=1000)
    assert inputs.shape == (2, 4000, 3)
    assert ((labels > 0).sum(dim=1) == 1000).all()
    torch.testing.assert_close(
        (inputs * labels[:, :, None]).mean(dim=1)[:, 0], torch.full((2,), 2.0).double(), atol=0.04, rtol=0
    )
    torch.testing.assert_close(inputs[:, :, 1:].std(dim=1), torch.full((2, 2), 0.5).double(), atol=0.03, rtol=0)
    again, _ = mixture.draw(4000, generators(2))
    assert not torch.equal(inputs, again)


def test_a_class_without_samples_and_sizes_that_are_not_positive_are_refused():
    with pytest.raises(ValueError, match="both classes have one sample or more; got 4 of 4"):
        SymmetricMixture().draw(4, generators(1), first=4)
    with pytest.raises(ValueError, match="dimension, separation and spread are positive"):
        SymmetricMixture(spread=0.0)
