"""The claim that narrow ReLU networks have an unbiased tangent kernel at one input fails on wrong networks."""

import math

import pytest
import torch
from claims_under_test import Claim, refuted

from properties.subjects import tangent_kernels

DIAGONAL = Claim(
    "test_mean_of_kernels",
    "test_the_mean_tangent_kernel_of_relu_has_no_bias_at_one_input",
    lambda module: {"depth": 2, "slope": 0.0},
)


def weights_without_a_symmetric_law(patch):
    """Their mean is not zero, so that signs of a layer's neurons tell of what comes in."""
    right = torch.randn

    def wrong(shape, *, generator):
        return (right(shape, generator=generator) + 0.5) / math.sqrt(1.25)

    patch.setattr(tangent_kernels.torch, "randn", wrong)


def products_divided_by_one_neuron_too_many(patch):
    """Every product over n neurons is n / (n + 1) of what it is."""
    right = tangent_kernels._products
    patch.setattr(
        tangent_kernels, "_products", lambda columns: right(columns) * columns.shape[1] / (columns.shape[1] + 1)
    )


@pytest.mark.parametrize("mistake", [weights_without_a_symmetric_law, products_divided_by_one_neuron_too_many])
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(mistake, judged):
    refuted(judged(DIAGONAL, mistake))
