"""Claims about optimizers fail where a step is wrong by hand."""

from dataclasses import replace

import pytest
from claims_under_test import Claim, refuted

import theorychecks as tc
from properties.subjects import weight_decay

MUON = Claim(
    "test_optimizers",
    "test_muon_moves_layers_by_their_shape",
    lambda module: {
        "depth": 2,
        "activation": tc.RELU,
        "loss": tc.MSE,
        "data": 0,
        "muon": tc.Muon(),
        "by_entries": tc.SignDescent(),
    },
)


def steps_of_one_size_by_entry(patch):
    """Muon's steps are scaled up to entries of order one in the mean square, as some packages do."""
    right = tc.Muon.step

    def wrong(own, gradient, state, count):
        direction, divisor = right(own, gradient, state, count)
        return max(gradient.shape[1:]) ** 0.5 * direction, divisor

    patch.setattr(tc.Muon, "step", wrong)


SIZE = Claim(
    "test_optimizers",
    "test_weights_of_adamw_have_the_size_of_the_root_of_rate_over_decay",
    lambda module: {"varied": "decay", "activation": tc.TANH, "noise": 1.0},
)
COURSE = Claim(
    "test_optimizers",
    "test_weights_of_adamw_change_in_units_of_the_inverse_of_rate_times_decay",
    lambda module: {"activation": tc.TANH, "noise": 2.0},
)
FORGETTING = Claim(
    "test_optimizers",
    "test_with_a_fixed_decay_wide_matrices_take_longer_to_forget_their_start",
    lambda module: {"activation": tc.TANH, "noise": 2.0},
)


def decay_in_the_gradient(patch):
    """AdamW has its decay in the gradient, as an L2 penalty has it."""
    right = weight_decay.weights_in_time

    def wrong(begin, descent, activation, generators):
        return right(begin, replace(descent, decay="in the gradient"), activation, generators)

    patch.setattr(weight_decay, "weights_in_time", wrong)


def decay_times_one_rate(patch):
    """The decay of both matrices is multiplied by the rate of the first."""
    right = weight_decay.weights_in_time

    def wrong(begin, descent, activation, generators):
        (first, second), (one, other) = descent.rates, descent.decays
        return right(begin, replace(descent, decays=(one, other * first / second)), activation, generators)

    patch.setattr(weight_decay, "weights_in_time", wrong)


@pytest.mark.parametrize(
    ("claim", "mistake"),
    [
        (MUON, steps_of_one_size_by_entry),
        (SIZE, decay_in_the_gradient),
        (COURSE, decay_in_the_gradient),
        (FORGETTING, decay_times_one_rate),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(claim, mistake, judged):
    refuted(judged(claim, mistake))
