"""Claims on the plateau after a small initialisation fail on networks that descend, or begin, otherwise."""

import math

import pytest
from claims_under_test import Claim, refuted

import theorychecks as tc
from properties.subjects import saddle_escape

SETTING = {"place": "last", "activation": tc.TANH}
POWER = Claim(
    "test_small_initialisation",
    "test_small_layers_set_the_length_of_the_plateau",
    lambda module: {"small": 3, "others": 0, **SETTING},
)
LOGARITHM = Claim(
    "test_small_initialisation",
    "test_two_small_layers_delay_by_a_logarithm",
    lambda module: {"others": 0, **SETTING},
)


def scale_to_another_power(patch):
    """Off by an eighth."""
    right = saddle_escape.gaussian
    patch.setattr(
        saddle_escape, "gaussian", lambda depth, small, scale, **others: right(depth, small, scale**0.875, **others)
    )


def a_layer_that_stays_large(patch):
    """The readout is not rescaled."""
    right = saddle_escape.gaussian
    patch.setattr(
        saddle_escape, "gaussian", lambda depth, small, scale, **others: right(depth, list(small)[:-1], scale, **others)
    )


def updates_relative_to_their_layer(patch):
    """Each layer's rate is in proportion to one over its norm, as layerwise adaptive rates have it."""
    right = saddle_escape._descent

    def wrong(start, weights):
        loss, found = right(start, weights)
        rates = [1 / saddle_escape._norm(layer)[:, None, None] for layer in weights]
        return loss, [rate * own for rate, own in zip(rates, found, strict=True)]

    patch.setattr(saddle_escape, "_descent", wrong)


def scale_inside_a_logarithm(patch):
    """The small layers have the scale exp(-2 (log 1/eps)^(1/2)), whose logarithm is no logarithm of eps."""
    right = saddle_escape.gaussian

    def wrong(depth, small, scale, **others):
        return right(depth, small, math.exp(-2 * math.log(1 / scale) ** 0.5), **others)

    patch.setattr(saddle_escape, "gaussian", wrong)


@pytest.mark.parametrize(
    ("claim", "mistake"),
    [
        (POWER, scale_to_another_power),
        (POWER, a_layer_that_stays_large),
        (POWER, updates_relative_to_their_layer),
        (LOGARITHM, scale_inside_a_logarithm),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(claim, mistake, judged):
    refuted(judged(claim, mistake))
