"""How people train is gated as it is, and a mistake in it is found."""

import functools

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from tests.gates.under_check import checked
from tests.models import zoo

MUON = pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon")
STEPS = 4


def model(**changes):
    return zoo.perceptron(**{"batches": zoo.pairs(STEPS, samples=16)} | changes)


def decided(given):
    return checked(given, steps=STEPS)


def muon_and_adam(module, *, hidden=0.0):
    """Muon's updates have a spectral norm that no width changes, and so its rate needs no power of the width."""
    rate = 0.02 * (module.second.weight.shape[0] / zoo.WIDTHS[0]) ** hidden
    return [
        torch.optim.Muon([module.second.weight], lr=rate, weight_decay=0.0),
        torch.optim.Adam([module.first.weight, module.head.weight], lr=3e-3),
    ]


def accumulating(module, *, hidden=-1.0):
    """Gradients of two halves of a batch, clipped, and a rate that begins at nought."""
    optimizer = zoo.scaled_adam(module, hidden=hidden)
    schedule = LambdaLR(optimizer, lambda step: min(step / 2, 1.0))

    def step(batch):
        optimizer.zero_grad()
        for x, y in zip(*(part.chunk(2) for part in batch), strict=True):
            (F.mse_loss(module(x), y) / 2).backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        schedule.step()

    return step


LOOPS = {
    "list": (muon_and_adam, 0.5),
    "step function": (accumulating, -0.5),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=MUON if name == "list" else ()) for name in LOOPS])
def test_a_loop_is_judged_as_it_is(name):
    optimizer, wrong = LOOPS[name]
    right = decided(model(optimizer=optimizer))
    assert right.passed, str(right)
    broken = decided(model(optimizer=functools.partial(optimizer, hidden=wrong)))
    assert broken.failed, str(broken)
    assert "learning rate of `second.weight` too large by n^1/2" in str(broken)


def test_a_first_step_with_a_rate_of_nought_is_not_judged():
    labels = [finding.label for finding in decided(model(optimizer=accumulating)).findings]
    moved = [label for label in labels if "change" in label or "update" in label]
    assert moved
    assert all(label.endswith(f"step {STEPS}") for label in moved)
