"""Claims on feature-learning strength fail when the dynamics, or what is read off them, are broken by hand."""

import pytest
import torch
from claims_under_test import Claim, refuted

from properties.subjects import product_of_weights, target_risk
from properties.subjects.symmetric_mixture import SymmetricMixture

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

OVER_ALIGNMENT = Claim(
    "test_over_alignment",
    "test_over_alignment_falls_and_over_fitting_rises_with_the_initial_scale",
    lambda module: {"spread": 0.5, "neurons": 32},
)
TIME_OF_ALIGNMENT = Claim(
    "test_time_of_alignment",
    "test_the_risk_falls_after_a_time_in_proportion_to_one_over_the_samples_on_the_sum_of_losses",
    lambda module: {"spread": 0.15, "neurons": 16, "alpha": 1e-2},
)

INTERIOR = Claim(
    FILE,
    "test_the_test_error_at_a_fixed_training_risk_is_smallest_at_an_interior_scale",
    lambda module: {"task": module.NOISY},
    fewer=2,
)
TURNING = Claim(
    FILE, "test_neurons_turn_to_their_own_class_as_the_scale_falls", lambda module: {"task": module.SEPARATE}
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


def inverse_output_scale(patch):
    right = target_risk.balanced

    def inverse(neurons, dimension, *, output_scale, generators):
        return right(neurons, dimension, output_scale=1e-8 / output_scale, generators=generators)

    patch.setattr(target_risk, "balanced", inverse)


def output_scale_times_a_hundred(patch):
    right = target_risk.balanced

    def larger(neurons, dimension, *, output_scale, generators):
        return right(neurons, dimension, output_scale=100 * output_scale, generators=generators)

    patch.setattr(target_risk, "balanced", larger)


def inputs_over_the_root_of_the_samples(patch):
    right = SymmetricMixture.draw

    def smaller(own, samples, generators, *, first=None):
        inputs, labels = right(own, samples, generators, first=first)
        return inputs / samples**0.5, labels

    patch.setattr(SymmetricMixture, "draw", smaller)


def learning_rate_without_the_strength(patch):
    patch.setattr(product_of_weights, "rich_rate", lambda products: 200.0)


@pytest.mark.parametrize(
    "claim, mistake",
    [
        (NEURONS_TO_CLASS, mean_of_all_inputs),
        (ANGLES, root_of_the_output_scale),
        (LOSS_CURVES, learning_rate_without_the_strength),
        (INTERIOR, output_scale_times_a_hundred),
        (TURNING, inverse_output_scale),
        (OVER_ALIGNMENT, inverse_output_scale),
        pytest.param(TIME_OF_ALIGNMENT, inputs_over_the_root_of_the_samples, marks=pytest.mark.slow),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(claim, mistake, judged):
    refuted(judged(claim, mistake))
