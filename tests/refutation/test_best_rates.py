"""Claims of largest stable and of best rates fail on networks that are broken by hand."""

from collections.abc import Callable

import pytest
from breakages import exponent, loss_times
from claims_under_test import Claim, refuted

import theorychecks as tc


def narrower(last: int, **setting: object) -> Callable[..., dict[str, object]]:
    """A claim's setting, at widths that are cheap: a mistake of n^1/2 shows at any."""

    def chosen(module):
        module.WIDTHS = tc.widths(last // 16, last)
        return setting

    return chosen


def few_seeds(module):
    """The fixed design of best rates, cut down likewise; a fall is one since width 64 as before."""
    for widths, seeds in (("WIDTHS", "SEEDS"), ("WIDE", "SEEDS_OF_WIDE"), ("NARROW", "SEEDS_OF_NARROW")):
        setattr(module, widths, tc.widths(32, 512))
        setattr(module, seeds, (24, 24, 16, 12, 8))
    return {}


STABLE = Claim(
    "test_learning_rates",
    "test_the_loss_alone_makes_a_root_of_the_width_in_the_largest_stable_rate",
    narrower(1024, activation=tc.RELU, data=0),
)
DEEP = Claim(
    "test_learning_rates",
    "test_cross_entropy_keeps_activations_bounded_up_to_one_over_root_width",
    narrower(1024, depth=3, activation=tc.RELU, data=0),
)
BEST = Claim(
    "test_best_rates",
    "test_the_best_rate_of_a_pass_falls_with_the_width_under_squared_error_and_far_more_slowly_under_cross_entropy",
    few_seeds,
)
COLLAPSE = Claim(
    "test_rate_and_width",
    "test_the_loss_depends_on_the_rate_times_the_width_and_features_on_the_rate_times_its_root",
    lambda module: {"depth": 3, "activation": tc.RELU, "data": 0},
)


@pytest.mark.parametrize(
    "claim, mistake",
    [
        pytest.param(
            STABLE, exponent("hidden", sgd=0.5), id="H2/ratio with a hidden rate too small", marks=pytest.mark.slow
        ),
        pytest.param(DEEP, exponent("hidden", sgd=0.5), id="H2 with a hidden rate too small"),
        pytest.param(
            BEST, loss_times(lambda run: run.width**-0.5), id="H21 averaged over the root", marks=pytest.mark.slow
        ),
        pytest.param(
            COLLAPSE,
            loss_times(lambda run: run.width**0.5),
            id="LZ-12 with gradients that grow",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(claim, mistake, judged):
    refuted(judged(claim, mistake))
