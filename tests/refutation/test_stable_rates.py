"""Claims about stable learning rates and number formats fail on networks, and on a recursion, that are wrong by hand."""

import math
from dataclasses import replace

import pytest
from breakages import exponent
from claims_under_test import Claim, refuted

import theorychecks as tc
from properties.subjects import linear_recursion

LAYERWISE = Claim(
    "test_layerwise_rates",
    "test_under_cross_entropy_activations_bound_the_input_at_root_width_and_hidden_layers_at_one_over_it",
    lambda module: {"activation": tc.RELU, "data": 0},
)
MAXIMAL = Claim(
    "test_learning_rates",
    "test_under_maximal_update_the_largest_stable_rate_is_a_constant_for_both_losses",
    lambda module: {"depth": 1, "activation": tc.RELU, "data": 0},
)
RECURSION = Claim(
    "test_catapult",
    "test_a_two_layer_linear_network_on_one_sample_is_a_recursion_of_two_numbers",
    lambda module: {"data": 0},
)
HALF_PRECISION = Claim(
    "test_precision",
    "test_outputs_overflow_half_precision_at_the_predicted_width",
    lambda module: {"activation": tc.RELU, "data": 0},
)


def readout_too_fast_under_maximal_update(patch):
    patch.setattr(tc, "MAXIMAL_UPDATE", tc.MAXIMAL_UPDATE.altered("output", sgd=-0.5), raising=False)


def recursion_without_its_last_term(patch):
    def of_first_order(state, rates, target):
        f, kernels, s2 = state
        r = f - target
        return linear_recursion.State(f - rates * r * kernels, kernels - 4 * s2 * rates * r * f, s2)

    patch.setattr(linear_recursion, "step", of_first_order)


def gradients_times_root_two(patch):
    gradient = tc.CROSS_ENTROPY.gradient
    wrong = replace(tc.CROSS_ENTROPY, gradient=lambda *given: math.sqrt(2) * gradient(*given))
    patch.setattr(tc, "CROSS_ENTROPY", wrong, raising=False)


@pytest.mark.parametrize(
    "claim, mistake",
    [
        pytest.param(LAYERWISE, exponent("input", sgd=0.5), id="input rate too small"),
        pytest.param(LAYERWISE, exponent("hidden", sgd=0.5), id="hidden rate too small", marks=pytest.mark.slow),
        (MAXIMAL, readout_too_fast_under_maximal_update),
        (RECURSION, recursion_without_its_last_term),
        pytest.param(HALF_PRECISION, gradients_times_root_two, marks=pytest.mark.slow),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(claim, mistake, judged):
    refuted(judged(claim, mistake))


def test_the_same_claim_passes_without_the_mistake(judged):
    assert judged(RECURSION).outcome == "pass"
