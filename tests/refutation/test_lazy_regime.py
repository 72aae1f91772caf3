"""Claims on kernels, linearisations, residual modes, output scales and balances fail when their subject is broken."""

import pytest
import torch
from breakages import BREAKAGES
from claims_under_test import Claim, refuted

import theorychecks as tc
from theorychecks.engines import dense


def canonical(module):
    return {"activation": tc.TANH, "data": module.TEACHER}


CLAIMS = {
    "LZ-2": Claim("test_lazy_regime", "test_the_tangent_kernel_moves_by_one_over_width", canonical),
    "LZ-3": Claim("test_lazy_regime", "test_a_wide_network_follows_its_linearisation", canonical),
    "LZ-10": Claim("test_lazy_regime", "test_modes_of_the_residual_decay_by_themselves", canonical),
    "LZ-4": Claim(
        "test_output_scale",
        "test_networks_become_lazy_with_their_output_scale",
        lambda module: {"depth": 1, **canonical(module)},
    ),
    "EX-1": Claim(
        "test_output_scale",
        "test_gradient_descent_conserves_balances_up_to_its_step",
        lambda module: {"depth": 1, "activation": tc.RELU, "data": module.TEACHER},
    ),
}


def readouts_equal(monkeypatch):
    """The two copies have the same readout, so that nothing cancels and f_0 is not zero."""
    right = dense._twice

    def wrong(half, role):
        return torch.cat([half, half], dim=2) if role == "output" else right(half, role)

    monkeypatch.setattr(dense, "_twice", wrong)


MISTAKES = {name: breakage.apply for name, breakage in BREAKAGES.items()} | {"readouts equal": readouts_equal}


@pytest.mark.parametrize(
    "mistake, claim",
    [
        ("input learning rate too large", "LZ-2"),
        ("one step too few", "LZ-3"),
        ("one step too few", "LZ-10"),
        ("another activation's derivative", "LZ-3"),
        ("readouts equal", "LZ-4"),
        ("gradients of the initial weights", "EX-1"),
    ],
)
def test_a_broken_subject_is_refuted_and_on_fresh_seeds_again(mistake, claim, judged):
    refuted(judged(CLAIMS[claim], MISTAKES[mistake]))
