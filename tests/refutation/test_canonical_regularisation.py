"""The claims of properties/test_canonical_regularisation.py fail when their dynamics are broken by hand."""

import math

import pytest
import torch
from claims_under_test import Claim, refuted

import theorychecks as tc
from properties.subjects import descent
from properties.subjects.posterior_ensemble import Ensemble
from theorychecks.dynamics import zero_loss
from theorychecks.dynamics.two_layer import TwoLayer

FILE = "test_canonical_regularisation"
KERNEL = Claim(
    FILE,
    "test_a_vanishing_ridge_does_not_move_the_kernel_regime",
    lambda module: {"activation": tc.TANH, "start": "independent", "task": module.TASK},
)
PLAIN = Claim(
    FILE,
    "test_plain_ridge_biases_the_kernel_regime_as_well",
    lambda module: {"activation": tc.TANH, "start": "doubled", "task": module.TASK},
)
SHORT_STEPS = Claim(
    FILE,
    "test_short_steps_end_where_shorter_ones_do",
    lambda module: {"activation": tc.TANH, "task": module.TASK},
)

NOISE = Claim(
    "test_noise_modelling",
    "test_randomised_networks_with_a_ridge_sample_the_posterior_of_their_tangent_kernel",
    lambda module: {"depth": 1, "activation": tc.TANH, "noise": 0.3, "data": module.TASK},
)

BY_SCALE = Claim(
    FILE,
    "test_the_kkt_residual_does_not_vanish_richly_and_falls_as_the_inverse_output_scale_lazily",
    lambda module: {"activation": tc.TANH, "start": "independent", "task": module.TASK},
)
HELD_OUT = Claim(
    "test_held_out_bias",
    "test_an_explicit_ridge_changes_rich_networks_more_than_lazy_ones_at_widths_16_to_512",
    lambda module: {"activation": tc.TANH, "start": "independent", "task": module.TASK},
)


def prior_of_the_readout_alone(patch):
    # In place of all layers but the readout.
    def prior(own, initial, inputs, generator):
        direction = [torch.zeros_like(matrix) for matrix in initial]
        direction[-1] = torch.randn(direction[-1].shape, generator=generator)
        return own.derivative(initial, direction, inputs)

    patch.setattr(Ensemble, "_prior", prior)


def ridge_towards_zero(patch):
    right = zero_loss.slide

    def slide(fitting, weights, anchor, **options):
        return right(fitting, weights, torch.zeros_like(weights), duration=4.0, slide_step=0.05)

    patch.setattr(zero_loss, "slide", slide)


def output_too_small_by_root_width(patch):
    right = TwoLayer._factor
    patch.setattr(TwoLayer, "_factor", lambda self, weights: right(self, weights) / math.sqrt(weights.shape[2]))


def anchored_at_zero(patch):
    right = zero_loss.anchored_flow

    def flow(fitting, weights, **options):
        return right(fitting, weights, anchor=torch.zeros_like(weights), **options)

    patch.setattr(zero_loss, "anchored_flow", flow)


def gradient_of_the_sum_of_squares(patch):
    # The rate is meant for half a mean over four samples.
    right = descent.gradient_descent
    patch.setattr(descent, "gradient_descent", lambda *given, rate: right(*given, rate=8 * rate))


@pytest.mark.parametrize(
    ("mistake", "claim", "caught_by"),
    [
        pytest.param(ridge_towards_zero, KERNEL, "drift of the weights", marks=pytest.mark.slow),
        pytest.param(output_too_small_by_root_width, KERNEL, "KKT residual", marks=pytest.mark.slow),
        (gradient_of_the_sum_of_squares, SHORT_STEPS, "KKT residual"),
        (output_too_small_by_root_width, BY_SCALE, "KKT residual"),
        pytest.param(anchored_at_zero, HELD_OUT, "held-out points, kernel", marks=pytest.mark.slow),
        (prior_of_the_readout_alone, NOISE, "variance over the posterior's"),
    ],
)
def test_broken_dynamics_are_refuted_and_on_fresh_seeds_again(mistake, claim, caught_by, judged):
    assert caught_by in refuted(judged(claim, mistake)).label


def test_the_same_steps_pass_unbroken(judged):
    assert judged(SHORT_STEPS).outcome == "pass"


def test_a_control_no_longer_fails_where_every_ridge_pulls_towards_zero(judged):
    recorder = judged(PLAIN, ridge_towards_zero)
    finding = recorder.findings[-1]
    assert recorder.outcome != "pass", finding.reason
    assert finding.role == "control"
    assert finding.verdict is finding.confirmation.verdict is tc.Verdict.SUPPORTED
