"""Claims about the batch size fail where a loss is a sum, or a step follows another rule."""

import functools

import pytest
import torch.nn.functional as F
from claims_under_test import Claim, refuted

import theorychecks as tc


def claim(test, **setting):
    return Claim("test_batch_size", test, lambda module: {"activation": tc.TANH} | setting)


NOISE = claim("test_gradient_noise_falls_with_the_root_of_the_batch")
RATE = claim("test_the_best_rate_is_linear_in_the_batch_for_gradients_and_a_root_for_signs")
COURSE = "test_a_training_stays_the_same_by_the_linear_rule_for_sgd_and_the_root_rule_for_adam"


def summed_loss(patch):
    """The loss is a sum over the batch, and no mean."""
    patch.setattr(F, "mse_loss", functools.partial(F.mse_loss, reduction="sum"))


def one_length(patch):
    """Gradient descent follows gradients of one length, clipped as they all are."""

    def wrong(_own, gradient, _state, _count):
        return 4 * gradient / gradient.norm(dim=-1, keepdim=True), 1.0

    patch.setattr(tc.SGD, "step", wrong)


def no_root(patch):
    """Adam divides by a size that is the same for all batches, a fourth."""
    right = tc.Adam.step

    def wrong(own, gradient, state, count):
        right(own, gradient, state, count)
        return 4 * state[0], 1 - own.betas[0] ** count

    patch.setattr(tc.Adam, "step", wrong)


@pytest.mark.parametrize(
    ("broken", "mistake"),
    [
        pytest.param(NOISE, summed_loss, id="summed loss"),
        pytest.param(RATE, one_length, id="gradients of one length, one step"),
        pytest.param(RATE, no_root, id="gradients undivided, one step"),
        pytest.param(
            claim(COURSE, kind="SGD"), one_length, id="gradients of one length, a course", marks=pytest.mark.slow
        ),
        pytest.param(claim(COURSE, kind="Adam"), no_root, id="gradients undivided, a course", marks=pytest.mark.slow),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(broken, mistake, judged):
    refuted(judged(broken, mistake))
