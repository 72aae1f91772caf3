"""The claim on scaling laws in time fails on targets, and on features, that are wrong by hand."""

import pytest
import torch
from claims_under_test import Claim, refuted

from properties.subjects.power_law_features import Task

SCALING = Claim(
    "test_scaling_laws",
    "test_learned_features_improve_the_scaling_law_of_hard_targets",
    lambda module: {"beta": 0.4},
)


def coefficients_with_the_variance_left_in(patch):
    """What the target has in a feature is taken for the coefficient of that feature."""

    def wrong(task):
        numbers = torch.arange(1, task.features + 1, dtype=torch.float64)
        return numbers ** ((-task.alpha * task.beta - 1) / 2)

    patch.setattr(Task, "coefficients", wrong)


def deviations_for_variances(patch):
    """Features have their standard deviation for a variance."""
    right = Task.variances
    patch.setattr(Task, "variances", lambda task: right(task).sqrt())


@pytest.mark.parametrize("mistake", [coefficients_with_the_variance_left_in, deviations_for_variances])
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(mistake, judged):
    refuted(judged(SCALING, mistake))
