"""Claims about depth fail on networks whose blocks, averages or steps are wrong by hand."""

import numpy as np
import pytest
from claims_under_test import Claim, refuted

import theorychecks as tc
from properties.subjects import feature_speed, residual_network
from properties.subjects.residual_network import Rates

BLOCKS = Claim(
    "test_depth",
    "test_blocks_learn_at_any_depth_with_multiplier_one_over_depth",
    lambda module: {"activation": tc.TANH, "optimizer": tc.SignDescent(), "data": 0},
)
LAZY = Claim(
    "test_depth",
    "test_blocks_are_linearised_at_large_depth_with_multiplier_one_over_root_depth",
    lambda module: {"activation": tc.TANH, "optimizer": tc.SignDescent(), "data": 0},
)
UNITS = Claim(
    "test_depth",
    "test_depth_averages_as_width_does",
    lambda module: {"hidden": 1, "activation": tc.TANH, "data": 0},
)
SPEED = Claim(
    "test_depth",
    "test_features_turn_away_from_the_backward_pass_in_deep_plain_networks",
    lambda module: {"scale": 1.0},
)


def rates_without_the_depth(patch):
    """Blocks learn at a rate of order one over the root of the depth, whatever their multiplier."""
    right = residual_network.trained

    def wrong(start, inputs, targets, *, optimizer, rates, steps):
        slower = Rates(
            read_in=rates.read_in,
            up=rates.up * start.depth**-0.5,
            down=rates.down * start.depth**-0.5,
            read_out=rates.read_out,
        )
        return right(start, inputs, targets, optimizer=optimizer, rates=slower, steps=steps)

    patch.setattr(residual_network, "trained", wrong)


def blocks_that_share_their_weights(patch):
    """All blocks begin as one, so that depth averages nothing."""
    right = residual_network.gaussian_blocks
    patch.setattr(
        residual_network,
        "gaussian_blocks",
        lambda blocks, *rest: right(1, *rest) * blocks if blocks > 1 else right(1, *rest),
    )


def features_that_do_not_pass_on(patch):
    """A step moves features by their own layer's update alone."""
    patch.setattr(feature_speed, "_times", lambda seen, vectors, std, rng: np.zeros_like(vectors))


def gates_that_are_left_open(patch):
    """Features move as if each neuron were on."""
    right = feature_speed._times

    def wrong(seen, vectors, std, rng):
        return right(seen, np.abs(vectors), std, rng)

    patch.setattr(feature_speed, "_times", wrong)


@pytest.mark.parametrize(
    ("claim", "mistake"),
    [
        (BLOCKS, rates_without_the_depth),
        (LAZY, rates_without_the_depth),
        (UNITS, blocks_that_share_their_weights),
        (SPEED, features_that_do_not_pass_on),
        (SPEED, gates_that_are_left_open),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(claim, mistake, judged):
    refuted(judged(claim, mistake))
