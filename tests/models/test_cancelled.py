"""Vectors are cancelled that whatever follows takes out again, and not those whose effect is small."""

import pytest
import torch
from torch import nn

from tests.models import zoo
from theorychecks.models.cancelled import cancelled_among


class Branch(nn.Module):
    """A branch with biases, behind a scale of its own, and a norm that takes out the bias in front of it."""

    def __init__(self, width, scale):
        super().__init__()
        self.first, self.enter = nn.Linear(5, width, bias=False), nn.Linear(width, width)
        self.norm, self.leave = nn.BatchNorm1d(width), nn.Linear(width, width)
        self.scale = nn.Parameter(torch.full((width,), scale))
        self.head = nn.Linear(width, 3, bias=False)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        inner = torch.relu(self.norm(self.enter(x)))
        return self.head(x + self.scale * torch.tanh(self.leave(inner)))


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-6])
def test_a_small_scale_hides_no_vector_and_a_norm_takes_one_out(scale):
    parts = zoo.parts_of(zoo.plain(build=lambda width: Branch(width, scale)))
    assert parts.cancelled == ("enter.bias",)


class Single(nn.Module):
    """A bias of one entry, which the softmax takes out."""

    def __init__(self, width):
        super().__init__()
        self.first, self.head = nn.Linear(5, width), nn.Linear(width, 3)
        self.shift = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return (self.head(torch.tanh(self.first(x))) + self.shift).log_softmax(-1)


def test_shifts_of_logits_are_taken_out_and_biases_of_single_logits_are_not():
    module, batch = Single(8), zoo.pairs()[0]
    found = cancelled_among(zoo.plain(), module, ["first.bias", "head.bias", "shift"], batch)
    assert found == ("shift",)
    assert not module.shift.any()
