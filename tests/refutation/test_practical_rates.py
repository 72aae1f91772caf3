"""Claims about rates in practice fail on a convolutional network whose optimizer scales rates wrongly with the width."""

import functools

import pytest
from claims_under_test import Claim, refuted

import theorychecks as tc
from properties import test_architectures as architectures
from properties.test_practical_rates import cross_entropy


def claim(test, **names):
    """Of the convolutional network, at widths that take seconds."""

    def setting(module):
        module.WIDTHS = module.WIDE = tc.widths(16, 256)
        return {"architecture": "convolutional network", **names}

    return Claim("test_practical_rates", test, setting)


STEP = "test_a_step_moves_layers_by_powers_of_the_width"
EDGE = "test_features_of_every_hidden_layer_move_at_the_edge"
ENTROPY = "test_sgd_keeps_features_bounded_up_to_one_over_root_width_under_cross_entropy"
SQUARED = "test_sgd_is_stable_up_to_one_over_width_at_most_under_squared_error"
ADAM = "test_adam_keeps_features_bounded_up_to_one_over_width_under_either_loss"


def rates_times(power, roles):
    """The rates of some roles have a power of the width too many."""

    def apply(patch):
        right = architectures.optimizer

        def optimizer(module, *, kind, rate, rates):
            return right(module, kind=kind, rate=rate, rates=functools.partial(altered, rates=rates))

        def altered(ratio, *, rates):
            return {role: rate * ratio ** (power * (role in roles)) for role, rate in rates(ratio).items()}

        patch.setattr(architectures, "optimizer", optimizer)

    return apply


HIDDEN, ALL = ("hidden",), ("hidden", "output", "other")


@pytest.mark.parametrize(
    "broken, mistake",
    [
        pytest.param(claim(STEP, kind="Adam"), rates_times(-1, HIDDEN), id="hidden rates of maximal update"),
        pytest.param(claim(EDGE, kind="Adam"), rates_times(-1 / 2, HIDDEN), id="hidden rates too small"),
        pytest.param(claim(ENTROPY), rates_times(1, HIDDEN), id="hidden rates too large"),
        pytest.param(claim(SQUARED), rates_times(-1, ALL), id="rates over the width"),
        pytest.param(
            claim(ADAM, loss=cross_entropy), rates_times(-1, HIDDEN), id="hidden rates of Adam's maximal update"
        ),
    ],
)
@pytest.mark.slow
def test_rates_that_scale_wrongly_are_refuted_and_on_fresh_seeds_again(broken, mistake, judged):
    refuted(judged(broken, mistake))
