"""Claims about stable learning rates and number formats fail on networks, and on a recursion, that are wrong by hand."""

import math
from dataclasses import replace

import pytest
from claims_under_test import Claim

import theorychecks as tc
from theorychecks.dynamics import linear_recursion
from theorychecks.experiment import execution

LAYERWISE = Claim(
    "test_layerwise_rates",
    "test_under_cross_entropy_activations_bound_the_input_at_root_width_and_hidden_layers_at_one_over_it",
    lambda module: {"activation": tc.RELU, "data": 0},
)
MAXIMAL = Claim(
    "test_stable_rates",
    "test_under_maximal_update_the_largest_stable_rate_is_a_constant_for_both_losses",
    lambda module: {"depth": 1, "activation": tc.RELU},
)
RECURSION = Claim(
    "test_stable_rates",
    "test_a_two_layer_linear_network_on_one_sample_is_a_recursion_of_two_numbers",
    lambda module: {"data": 0},
)
HALF_PRECISION = Claim(
    "test_precision",
    "test_outputs_overflow_half_precision_at_the_predicted_width",
    lambda module: {"activation": tc.RELU, "data": 0},
)


@pytest.fixture(autouse=True)
def _nothing_done(monkeypatch):
    # Runs made without the mistake have the same descriptions as those with it.
    monkeypatch.setattr(execution, "_DONE", {})


def refuted(claim):
    """Runs a claim up to the finding that is not as wanted, and sees that it is a prediction refuted."""
    recorder = claim.run()
    finding = recorder.findings[-1]
    return recorder.outcome == "fail" and finding.role == "prediction" and finding.verdict is tc.Verdict.REFUTED


@pytest.mark.parametrize("role", ["input", pytest.param("hidden", marks=pytest.mark.slow)])
def test_a_learning_rate_exponent_off_by_a_half_is_refuted(role, monkeypatch):
    monkeypatch.setattr(tc, "STANDARD", tc.STANDARD.altered(role, sgd=0.5), raising=False)
    assert refuted(LAYERWISE)


def test_a_readout_that_learns_too_fast_under_maximal_update_is_refuted(monkeypatch):
    monkeypatch.setattr(tc, "MAXIMAL_UPDATE", tc.MAXIMAL_UPDATE.altered("output", sgd=-0.5), raising=False)
    assert refuted(MAXIMAL)


def test_a_recursion_without_its_last_term_is_refuted(monkeypatch):
    def of_first_order(state, rates, target):
        f, kernels, s2 = state
        r = f - target
        return linear_recursion.State(f - rates * r * kernels, kernels - 4 * s2 * rates * r * f, s2)

    monkeypatch.setattr(linear_recursion, "step", of_first_order)
    assert refuted(RECURSION)


@pytest.mark.slow
def test_a_missing_factor_of_root_two_is_refuted(monkeypatch):
    gradient = tc.CROSS_ENTROPY.gradient
    wrong = replace(tc.CROSS_ENTROPY, gradient=lambda *given: math.sqrt(2) * gradient(*given))
    monkeypatch.setattr(tc, "CROSS_ENTROPY", wrong, raising=False)
    assert refuted(HALF_PRECISION)


@pytest.mark.parametrize("claim", [RECURSION], ids=["recursion"])
def test_the_same_claim_passes_without_the_mistake(claim):
    assert claim.run().outcome == "pass"
