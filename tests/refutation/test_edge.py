"""Claims about the edge of controlled divergence fail when networks are broken by hand."""

from dataclasses import replace

import pytest
from breakages import BREAKAGES, exponent
from claims_under_test import Claim, refuted

import theorychecks as tc
from properties.subjects.normalised_network import NormalisedTrial

TANH = {"activation": tc.TANH, "data": 0}
RELU = {"activation": tc.RELU, "data": 0}
LIMIT = Claim(
    "test_feature_learning_limit",
    "test_wide_networks_approach_a_limit_in_which_features_move",
    lambda module: TANH | {"steps": 4},
)
BOUNDED = Claim(
    "test_fifty_steps",
    "test_activations_stay_bounded_through_fifty_steps_while_outputs_diverge",
    lambda module: TANH | {"alpha": 0.5, "depth": 2},
)
RETURN = Claim(
    "test_fifty_steps",
    "test_outputs_of_relu_networks_diverge_at_first_and_return",
    lambda module: {"data": 0},
)
PERSIST = Claim(
    "test_fifty_steps",
    "test_features_persist_behind_every_hidden_matrix_at_the_edge",
    lambda module: TANH | {"depth": 2},
)
DOUBT = Claim("test_overconfidence", "test_confidence_comes_to_exceed_accuracy_by_the_whole_error", lambda module: TANH)
UNDERFLOW = Claim(
    "test_precision",
    "test_gradients_underflow_to_zero_at_the_predicted_width",
    lambda module: RELU | {"dtype": "bfloat16"},
)
ALIGNED = Claim(
    "test_alignment",
    "test_updates_of_hidden_matrices_are_aligned_at_the_edge_though_whole_matrices_look_random",
    lambda module: TANH | {"depth": 2},
)
ADAM = Claim(
    "test_adam_and_normalisation",
    "test_under_adam_at_one_over_width_outputs_diverge_and_features_move_by_a_constant",
    lambda module: TANH | {"depth": 2},
)
ADAM_SQUARED = Claim(
    "test_adam_and_normalisation", "test_under_adam_squared_error_does_not_feed_back", lambda module: TANH
)
NORMALISED_ADAM = Claim(
    "test_adam_and_normalisation",
    "test_normalisation_keeps_outputs_at_root_width_under_adam_at_a_rate_of_one_over_it",
    lambda module: RELU,
)
NORMALISED_DESCENT = Claim(
    "test_adam_and_normalisation",
    "test_normalisation_keeps_outputs_from_compounding_under_cross_entropy_alone",
    lambda module: RELU,
)


def rates_of_the_kernel_regime(patch):
    slow = tc.STANDARD
    for role in ("input", "hidden", "output"):
        slow = slow.altered(role, sgd=0.5)
    patch.setattr(tc, "STANDARD", slow, raising=False)


def hidden_rate_of_adam(amount):
    return lambda patch: patch.setattr(tc, "STANDARD", tc.STANDARD.altered("hidden", adam=amount), raising=False)


def gradients_too_large(patch):
    # The margin grows as the root of the width, so that the crossing moves by a factor of 1.4.
    factor, gradient = 2**0.25, tc.CROSS_ENTROPY.gradient
    wrong = replace(tc.CROSS_ENTROPY, gradient=lambda *given: factor * gradient(*given))
    patch.setattr(tc, "CROSS_ENTROPY", wrong, raising=False)


def no_normalisation(patch):
    forward = NormalisedTrial._forward

    def plain(trial, layers, leaves, inputs):
        outputs, *sizes = forward(replace(trial, normalised=False), layers, leaves, inputs)
        # Gains have a gradient, of zero.
        return outputs + 0 * sum(gains.sum() for gains in leaves[len(layers) :]), *sizes

    patch.setattr(NormalisedTrial, "_forward", plain)


@pytest.mark.parametrize(
    "claim, mistake",
    [
        pytest.param(UNDERFLOW, gradients_too_large, id="N1 with gradients too large"),
        pytest.param(DOUBT, rates_of_the_kernel_regime, id="H9 with rates too small", marks=pytest.mark.slow),
        pytest.param(NORMALISED_ADAM, no_normalisation, id="H17 without normalisation", marks=pytest.mark.slow),
        pytest.param(NORMALISED_DESCENT, exponent("output", sgd=-0.5), id="H18 with a readout rate too large"),
        pytest.param(LIMIT, exponent("hidden", sgd=0.5), id="H8 with a hidden rate too small", marks=pytest.mark.slow),
        pytest.param(
            BOUNDED, exponent("hidden", sgd=-0.5), id="H2 with a hidden rate too large", marks=pytest.mark.slow
        ),
        pytest.param(
            RETURN, rates_of_the_kernel_regime, id="H2/desaturation with rates too small", marks=pytest.mark.slow
        ),
        pytest.param(
            PERSIST, exponent("hidden", sgd=0.5), id="H7 with a hidden rate too small", marks=pytest.mark.slow
        ),
        pytest.param(
            ALIGNED,
            BREAKAGES["gradients of hidden layers transposed"].apply,
            id="A1 at the edge with gradients transposed",
            marks=pytest.mark.slow,
        ),
        pytest.param(ADAM, hidden_rate_of_adam(0.5), id="H16 with a hidden rate too small", marks=pytest.mark.slow),
        pytest.param(
            ADAM_SQUARED, hidden_rate_of_adam(-0.5), id="H18/Adam with a hidden rate too large", marks=pytest.mark.slow
        ),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(claim, mistake, judged):
    refuted(judged(claim, mistake))
