"""Claims about optimizers fail where a step is wrong by hand."""

import pytest
from claims_under_test import Claim, refuted

import theorychecks as tc

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


@pytest.mark.parametrize(("claim", "mistake"), [(MUON, steps_of_one_size_by_entry)])
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(claim, mistake, judged):
    refuted(judged(claim, mistake))
