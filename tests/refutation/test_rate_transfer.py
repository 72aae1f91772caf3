"""The claim about best rates fails where a step, or a limit, is wrong by hand."""

import pytest
from claims_under_test import Claim, refuted

from properties.subjects import best_step

BEST = Claim(
    "test_rate_transfer",
    "test_best_rates_of_deep_linear_networks_come_near_their_limit_like_one_over_root_width",
    lambda module: {"depth": 1, "data": 0},
)


def limit_of_one_layer_less(patch):
    """The limit counts one matrix too few."""
    right = best_step.limit
    patch.setattr(best_step, "limit", lambda depth, inputs, targets: right(depth - 1, inputs, targets))


def standard_readout(patch):
    """Weights and rates are those of standard parametrization."""
    right = best_step.best_rates

    def wrong(width, depth, inputs, targets, scheme, own, *, networks):
        return right(width, depth, inputs, targets, "standard", own, networks=networks)

    patch.setattr(best_step, "best_rates", wrong)


@pytest.mark.parametrize("mistake", [limit_of_one_layer_less, standard_readout])
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(mistake, judged):
    refuted(judged(BEST, mistake))
