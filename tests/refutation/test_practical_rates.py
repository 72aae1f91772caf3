"""Claims about rates in practice fail where an optimizer scales rates wrongly with the width."""

import functools

import pytest
from claims_under_test import Claim, refuted

from properties import test_architectures as architectures
from properties import test_practical_rates as rates


def claim(test, widths=(16, 32, 64, 128, 256), **setting):
    """At widths that take seconds."""

    def narrow(module):
        module.WIDTHS = module.WIDE = widths
        return setting

    return Claim("test_practical_rates", test, narrow)


def best(test, widths, seeds, **setting):
    """A claim of best rates on few models and short passes."""

    def cheap(module):
        module.STEPS, module.LAST = 16, 4
        module.WIDTHS, module.SEEDS = widths, seeds
        module.NARROW, module.SEEDS_OF_NARROW = module.WIDTHS, module.SEEDS
        return setting

    return Claim("test_practical_best_rates", test, cheap)


IMAGES = {"architecture": "convolutional network"}
BEST = "test_the_best_rate_of_a_pass_by_sgd_falls_as_one_over_width_or_faster_under_squared_error"
BEST_OF_ADAM = "test_the_best_rate_of_a_pass_by_adam_falls_as_one_over_width_or_faster_under_squared_error"
EDGE = "test_features_of_every_hidden_layer_of_a_decoder_move_at_the_edge"
ENTROPY = "test_sgd_keeps_features_bounded_up_to_one_over_root_width_under_cross_entropy"
ADAM = "test_adam_keeps_features_bounded_up_to_one_over_width_under_either_loss"
SQUARED = "test_sgd_is_stable_up_to_one_over_width_at_most_under_squared_error"


def rates_times(power, roles):
    """The rates of some roles have a power of the width too many."""

    def apply(patch):
        right = architectures.optimizer

        def optimizer(module, *, kind, rate, rates):
            return right(module, kind=kind, rate=rate, rates=functools.partial(altered, rates=rates))

        def altered(ratio, *, rates):
            return {role: rate * ratio ** (power * (role in roles)) for role, rate in rates(ratio).items()}

        for module in (architectures, rates):
            patch.setattr(module, "optimizer", optimizer)

    return apply


HIDDEN, ALL = ("hidden",), ("hidden", "output", "other")


@pytest.mark.parametrize(
    "broken, mistake",
    [
        pytest.param(claim(EDGE), rates_times(-1 / 2, HIDDEN), id="hidden rates too small"),
        pytest.param(claim(ENTROPY, (16, 32, 48, 64, 128), **IMAGES), rates_times(1, ALL), id="rates times the width"),
        pytest.param(claim(SQUARED, **IMAGES), rates_times(-1, ALL), id="rates over the width"),
        pytest.param(
            claim(ADAM, (16, 32, 48, 64, 128), loss="MSE", **IMAGES),
            rates_times(1 / 2, ALL),
            id="rates of Adam times the root",
        ),
        # Rates that fall so much too fast are made up for by a best factor that grows.
        pytest.param(
            best(BEST, (16, 32, 48, 96, 128), (12, 8, 8, 4, 4), **IMAGES),
            rates_times(-2, ALL),
            id="best rates, SGD's over the square of the width",
        ),
        pytest.param(
            best(BEST_OF_ADAM, (32, 48, 64, 128, 256), (16, 16, 12, 8, 4)),
            rates_times(-2, ALL),
            id="best rates, Adam's over the square of the width",
        ),
    ],
)
@pytest.mark.slow
def test_rates_that_scale_wrongly_are_refuted_and_on_fresh_seeds_again(broken, mistake, judged):
    refuted(judged(broken, mistake))
