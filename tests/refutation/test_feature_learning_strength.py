"""Claims on feature-learning strength fail when the dynamics, or what is read off them, are broken by hand."""

import pytest
import torch
from claims_under_test import Claim

import theorychecks as tc
from theorychecks.dynamics import product_of_weights, target_risk
from theorychecks.experiment import execution

FILE = "test_feature_learning_strength"
NEURONS_TO_CLASS = Claim(
    FILE,
    "test_neurons_are_within_the_root_of_the_scale_of_their_own_class_mean",
    lambda module: {"task": module.SEPARATE},
)
ANGLES = Claim(
    FILE, "test_the_angle_of_neurons_to_their_own_class_is_linear_in_the_scale", lambda module: {"neurons": 32}
)
LOSS_CURVES = Claim(
    FILE,
    "test_loss_curves_of_large_strengths_coincide_after_rescaling_time",
    lambda module: {"product": module.FACTORS[3]},
)


@pytest.fixture(autouse=True)
def _nothing_done(monkeypatch):
    # Runs made without the mistake have the same descriptions as those with it.
    monkeypatch.setattr(execution, "_DONE", {})


def refuted(claim):
    """Whether the claim fails by a prediction that is refuted, and again on fresh seeds."""
    recorder = claim.run()
    finding = recorder.findings[-1]
    assert finding.role == "prediction", finding.reason
    assert finding.confirmation is not None, finding.reason
    assert finding.confirmation.verdict is tc.Verdict.REFUTED
    return recorder.outcome == "fail"


def overall_mean(inputs, labels):
    signed = (inputs * labels[:, :, None]).mean(dim=1)
    return torch.stack([signed, -signed], dim=1)


def test_the_mean_of_all_inputs_in_place_of_the_own_class_is_refuted(monkeypatch):
    monkeypatch.setattr(target_risk, "class_means", overall_mean)
    assert refuted(NEURONS_TO_CLASS)


def test_the_root_of_the_output_scale_in_its_place_is_refuted(monkeypatch):
    right = target_risk.balanced

    def rooted(neurons, dimension, *, output_scale, generators):
        return right(neurons, dimension, output_scale=output_scale**0.5, generators=generators)

    monkeypatch.setattr(target_risk, "balanced", rooted)
    assert refuted(ANGLES)


def test_a_learning_rate_without_its_factor_of_the_strength_is_refuted(monkeypatch):
    monkeypatch.setattr(product_of_weights, "rich_rate", lambda products: 200.0)
    assert refuted(LOSS_CURVES)


@pytest.mark.parametrize("claim", [NEURONS_TO_CLASS, ANGLES, LOSS_CURVES])
def test_claims_pass_without_a_mistake(claim):
    assert claim.run().outcome == "pass"
