"""Claims on feature-learning strength fail when the dynamics, or what is read off them, are broken by hand."""

import pytest
import torch
from claims_under_test import Claim, refuted

from properties.subjects import product_of_weights, target_risk

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
    "test_products_of_weights",
    "test_loss_curves_of_large_strengths_coincide_after_rescaling_time",
    lambda module: {"product": module.FACTORS[3]},
)


def overall_mean(inputs, labels):
    signed = (inputs * labels[:, :, None]).mean(dim=1)
    return torch.stack([signed, -signed], dim=1)


def mean_of_all_inputs(patch):
    """In place of that of the own class."""
    patch.setattr(target_risk, "class_means", overall_mean)


def root_of_the_output_scale(patch):
    right = target_risk.balanced

    def rooted(neurons, dimension, *, output_scale, generators):
        return right(neurons, dimension, output_scale=output_scale**0.5, generators=generators)

    patch.setattr(target_risk, "balanced", rooted)


def learning_rate_without_the_strength(patch):
    patch.setattr(product_of_weights, "rich_rate", lambda products: 200.0)


@pytest.mark.parametrize(
    "claim, mistake",
    [
        (NEURONS_TO_CLASS, mean_of_all_inputs),
        (ANGLES, root_of_the_output_scale),
        (LOSS_CURVES, learning_rate_without_the_strength),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(claim, mistake, judged):
    refuted(judged(claim, mistake))


@pytest.mark.parametrize("claim", [NEURONS_TO_CLASS, ANGLES, LOSS_CURVES])
def test_claims_pass_without_a_mistake(claim, judged):
    assert judged(claim).outcome == "pass"
