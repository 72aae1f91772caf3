"""Decoders whose attention or whose optimizer is otherwise than usual: correct ones pass, and mistakes are named."""

import dataclasses
import functools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.gates.under_check import checked
from tests.models import correct
from theorychecks.gates.coordinate_check import STEPS

WIDTHS = tc.widths(32, 512)
HIDDEN = ("attention", "gate", "up", "down")
SIZE = 16


def decoder(build, optimizer=None):
    optimizer = optimizer or functools.partial(correct.adam, hidden=HIDDEN)
    return dataclasses.replace(correct.MODELS["decoder"], build=build, optimizer=optimizer)


def judged(build, optimizer=None):
    return checked(decoder(build, optimizer), widths=WIDTHS, steps=STEPS)


def named(check):
    """The first mistake, and whatever is sure."""
    return [
        (culprit.kind, culprit.where, round(2 * culprit.exponent) / 2)
        for place, culprit in enumerate(check.diagnosis.culprits)
        if culprit.sure or not place
    ]


class Shared(nn.Module):
    """More and more heads of sixteen, which share keys and values: the width is read out for these."""

    def __init__(self, width, power):
        super().__init__()
        self.query, self.out = correct.linear(width, width), correct.linear(width, width)
        self.key, self.value = (nn.Linear(width, SIZE, bias=False) for _ in range(2))
        for layer in (self.key, self.value):
            nn.init.normal_(layer.weight, std=0.0 if power is None else correct.BASE ** (power - 0.5) * width**-power)

    def forward(self, x):
        query = self.query(x).unflatten(-1, (-1, SIZE)).transpose(-2, -3)
        key, value = (part(x).unsqueeze(-3).expand_as(query) for part in (self.key, self.value))
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=1 / SIZE)
        return self.out(mixed.transpose(-2, -3).flatten(-2))


def sharing(width, power):
    module = correct.Decoder(width)
    module.attention = Shared(width, power)
    return module


@pytest.mark.parametrize("power", [1.0, None])
def test_keys_and_values_of_a_fixed_size_are_drawn_as_readouts_are(power):
    check = judged(functools.partial(sharing, power=power))
    assert check.passed, str(check)


def test_keys_and_values_of_a_fixed_size_are_no_hidden_matrices():
    check = judged(functools.partial(sharing, power=0.5))
    assert check.failed
    first, *_ = named(check)
    assert first in [("init", f"attention.{part}", 0.5) for part in ("key", "value")], str(check)


def multiplied(width, names, power, *, std=None):
    """A decoder in which a power of the width multiplies what some layers return, drawn with one std if so desired."""
    module = correct.Decoder(width)
    for name in names:
        layer = module.get_submodule(name)
        if std is not None:
            nn.init.normal_(layer.weight, std=std)
        layer.register_forward_hook(lambda _part, _given, output: (width / correct.BASE) ** power * output)
    return module


OFF_IN_BOTH = (("init", "", -0.5), ("learning rate", ".weight", -1.0))
"""Entries of one size times 1/n are smaller than n^-1/2 by a root, and Adam's steps of 1/n are by all of it."""
LAYERS = ("attention.query", "attention.key", "attention.value", "attention.out", "gate", "up", "down")


def with_epsilon(module, *, epsilon):
    optimizer = correct.adam(module, hidden=HIDDEN)
    for group in optimizer.param_groups:
        group["eps"] = epsilon
    return optimizer


def test_layers_that_are_divided_by_the_width_once_more_have_multipliers_too_small():
    """What reaches queries and keys is then so small that an epsilon holds their updates back as well."""
    build = functools.partial(multiplied, names=LAYERS, power=-1.0)
    check = judged(build, functools.partial(with_epsilon, epsilon=1e-6))
    assert check.failed
    assert {("multiplier", -1.0)} == {(kind, power) for kind, _, power in named(check)}, str(check)
    right = judged(correct.Decoder, functools.partial(with_epsilon, epsilon=1e-6))
    assert not right.failed, str(right)


def test_queries_and_keys_that_are_multiplied_as_readouts_are_move_too_little():
    names = ("attention.query", "attention.key")
    check = judged(functools.partial(multiplied, names=names, power=-1.0, std=correct.BASE**-0.5))
    assert check.failed
    inits, rates = ([(kind, f"{name}{of}", off) for name in names] for kind, of, off in OFF_IN_BOTH)
    assert named(check) == [*inits, *rates], str(check)


def zeros(width):
    module = correct.Decoder(width)
    nn.init.zeros_(module.attention.query.weight), nn.init.zeros_(module.leave.weight)
    return module


def test_zero_queries_and_a_zero_readout_pass():
    check = judged(zeros)
    assert check.passed, str(check)


def decaying(module, *, decay, make=torch.optim.AdamW, power=1.0, others=0.0):
    """Hidden matrices decay by so much times a power of the width, and all else by another number."""
    groups = correct.adam(module, hidden=HIDDEN).param_groups
    rest, scaled = ({"params": group["params"], "lr": group["lr"]} for group in groups)
    scaled |= {"weight_decay": decay * (module.width / correct.BASE) ** power}
    return make([rest | {"weight_decay": others}, scaled], lr=2e-3)


@pytest.mark.parametrize("decay", [0.1, 30.0])
def test_a_decay_by_the_same_share_at_every_width_passes(decay):
    """Rates fall as the decay grows: a step takes 1/5000 of a hidden matrix, or 6 %."""
    check = judged(correct.Decoder, functools.partial(decaying, decay=decay))
    assert check.passed, str(check)


@pytest.mark.slow
def test_a_decay_of_all_weights_by_the_same_share_at_every_width_passes():
    """The readout as well, of which a step takes more than it learns at these widths."""
    check = judged(correct.Decoder, functools.partial(decaying, decay=30.0, others=30.0))
    assert check.passed, str(check)
    assert {moment.coordinate.parameter for moment in check.undecayed} == {"leave.weight"}


@pytest.mark.slow
def test_a_decay_in_gradients_of_a_decoder_is_named():
    l2 = functools.partial(decaying, decay=0.1, make=torch.optim.Adam, power=0.0)
    check = judged(correct.Decoder, l2)
    assert check.failed
    assert {"weight decay"} == {kind for kind, *_ in named(check)}, str(check)
