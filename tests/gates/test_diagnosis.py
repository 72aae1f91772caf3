"""Diagnoses name what is off by itself, and not what follows from it."""

import dataclasses
import functools
import importlib

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.gates.under_check import checked, examined
from tests.models import correct, zoo
from theorychecks.gates.budget import Affordable
from theorychecks.models.adjusted import adjusted_model
from theorychecks.models.adjustment import Adjustment

WIDTHS = tc.widths(32, 512)
READ_OUT = functools.partial(zoo.Perceptron, readout=zoo.WIDTHS[0] ** -0.5)


def culprits(check):
    return {culprit.where: (culprit.kind, round(2 * culprit.exponent) / 2) for culprit in check.diagnosis.culprits}


def sure(check):
    return {c.where: (c.kind, round(2 * c.exponent) / 2) for c in check.diagnosis.culprits if c.sure}


def coupled(module):
    """Adam whose gradients hold a decay larger than themselves: updates follow the signs of the weights."""
    optimizer = zoo.scaled_adam(module)
    for group in optimizer.param_groups:
        group["weight_decay"] = 1.0
    return optimizer


def test_a_decay_in_gradients_is_named_where_updates_are_too_small():
    check = checked(zoo.perceptron(build=READ_OUT, optimizer=coupled), widths=WIDTHS)
    assert check.failed
    named = culprits(check)
    assert named
    assert {kind for kind, _ in named.values()} == {"weight decay"}, str(check)


def test_an_update_that_a_cure_finds_in_order_is_none_of_an_epsilon():
    """The rate of the hidden matrix is right at the narrowest widths, and too small at others."""

    def build(model):
        return adjusted_model(model, lambda width: Adjustment(updates={"second.weight": min(1.0, (64 / width) ** 0.9)}))

    check = checked(build(zoo.perceptron(build=READ_OUT)), widths=tc.widths(32, 1024))
    assert not [where for where, (kind, _) in culprits(check).items() if kind == "epsilon"], str(check)


def late(module):
    """What enters is halved by the first step at the widest network: so is what hidden matrices are given there."""
    optimizer = zoo.scaled_adam(module)
    if module.second.weight.shape[0] == WIDTHS[-1]:

        def halved(_optimizer, _arguments, _keywords):
            with torch.no_grad():
                module.first.weight.mul_(0.3)

        optimizer.register_step_post_hook(halved)
    return optimizer


def test_what_is_given_too_little_at_one_end_makes_no_rate_too_small():
    check = checked(zoo.perceptron(build=READ_OUT, optimizer=late), widths=WIDTHS, steps=1)
    assert "second.weight" not in culprits(check), str(check)


class Squeezed(nn.Module):
    """A residual layer with a gate through a few features, drawn as a readout or as a hidden matrix."""

    def __init__(self, width, *, squeeze=1.0):
        super().__init__()
        self.width = width
        self.enter, self.head = correct.linear(5, width), nn.Linear(width, 3, bias=False)
        self.squeeze, self.excite = nn.Linear(width, 16, bias=False), correct.linear(16, width)
        nn.init.normal_(self.squeeze.weight, std=32 ** (squeeze - 0.5) * width**-squeeze)
        nn.init.normal_(self.head.weight, std=32**-0.5)

    def forward(self, x):
        x = torch.tanh(self.enter(x))
        return 32 / self.width * self.head(x + torch.tanh(self.excite(self.squeeze(x))))


def adam(module):
    ratio = module.width / 32
    others = [module.enter.weight, module.head.weight, module.excite.weight]
    return torch.optim.Adam([{"params": others}, {"params": [module.squeeze.weight], "lr": 2e-3 / ratio}], lr=2e-3)


@pytest.mark.parametrize("squeeze, expected", [(1.0, {}), (0.5, {"squeeze": ("init", 0.5)})])
def test_a_layer_behind_one_that_is_off_is_held_against_what_it_is_given(squeeze, expected):
    model = zoo.perceptron(build=functools.partial(Squeezed, squeeze=squeeze), optimizer=adam)
    check = checked(model, widths=WIDTHS)
    assert culprits(check) == expected, str(check)


class Cell(nn.Module):
    """A recurrent cell of one module, whose matrices are drawn with a power of the width."""

    def __init__(self, width, *, inputs=0.0):
        super().__init__()
        self.width = width
        self.cell, self.head = nn.RNN(2, width, batch_first=True, bias=False), nn.Linear(width, 3, bias=False)
        nn.init.normal_(self.cell.weight_ih_l0, std=0.5 * (width / 32) ** inputs)
        nn.init.normal_(self.cell.weight_hh_l0, std=0.5 * width**-0.5)
        nn.init.normal_(self.head.weight, std=32**-0.5)

    def forward(self, x):
        return 32 / self.width * self.head(self.cell(x.unflatten(-1, (4, 2)))[0][:, -1])


def cell_adam(module):
    inner = [module.cell.weight_hh_l0]
    others = [module.cell.weight_ih_l0, module.head.weight]
    return torch.optim.Adam([{"params": others}, {"params": inner, "lr": 0.064 / module.width}], lr=2e-3)


def test_an_init_inside_of_a_module_is_no_multiplier():
    model = zoo.perceptron(
        build=functools.partial(Cell, inputs=-0.5), optimizer=cell_adam, batches=zoo.pairs(inputs=8, samples=16)
    )
    check = checked(model, widths=WIDTHS)
    assert culprits(check)["cell"] == ("init", -0.5), str(check)
    assert "multiplier" not in {kind for kind, _ in culprits(check).values()}


class Chain(nn.Module):
    """Two hidden layers in a row, drawn with another power of the width."""

    def __init__(self, width, *, hidden=0.0, enter=0.0):
        super().__init__()
        self.width = width
        self.enter, self.one, self.other = (correct.linear(5, width), *(correct.linear(width, width) for _ in range(2)))
        self.head = nn.Linear(width, 3, bias=False)
        nn.init.normal_(self.head.weight, std=32**-0.5)
        with torch.no_grad():
            self.enter.weight *= (width / 32) ** enter
            for layer in (self.one, self.other):
                layer.weight *= (width / 32) ** hidden

    def forward(self, x):
        return 32 / self.width * self.head(torch.tanh(self.other(torch.tanh(self.one(torch.tanh(self.enter(x)))))))


def sgd(module, rate=0.1):
    others, ratio = [module.enter.weight, module.head.weight], module.width / 32
    hidden = [module.one.weight, module.other.weight]
    return torch.optim.SGD([{"params": hidden}, {"params": others, "lr": rate * ratio}], lr=rate)


@pytest.mark.parametrize(
    "changes, expected",
    [({"hidden": -0.5}, {"one": -0.5, "other": -0.5}), ({"enter": -0.5}, {"enter": -0.5})],
)
def test_by_plain_gradients_inits_are_no_multipliers_and_nothing_else_is_sure(changes, expected):
    check = checked(zoo.perceptron(build=functools.partial(Chain, **changes), optimizer=sgd), widths=WIDTHS, steps=1)
    inits = {where: off for where, (kind, off) in culprits(check).items() if kind == "init"}
    assert inits == expected, str(check)
    assert {kind for kind, _ in sure(check).values()} <= {"init"}, str(check)


def test_a_missing_readout_multiplier_is_sure_by_plain_gradients():
    def loud(width):
        module = Chain(width)
        module.head.register_forward_hook(lambda _part, _given, output: output * width / 32)
        return module

    check = checked(zoo.perceptron(build=loud, optimizer=functools.partial(sgd, rate=0.02)), widths=WIDTHS, steps=1)
    assert sure(check)["head"] == ("multiplier", 1), str(check)


def larger(module, *, names, power=0.5):
    """Matrices drawn larger by a power of the width."""
    with torch.no_grad():
        for name in names:
            module.get_parameter(name).mul_((module.width / WIDTHS[0]) ** power)
    return module


def test_logits_of_queries_and_keys_that_are_too_large_have_no_multiplier_of_their_own():
    decoder, names = correct.MODELS["decoder"], ("attention.query.weight", "attention.key.weight")
    model = dataclasses.replace(decoder, build=lambda width: larger(correct.Decoder(width), names=names))
    check = checked(model, widths=WIDTHS, steps=1)
    named = culprits(check)
    assert named["attention.query"] == named["attention.key"] == ("init", 0.5)
    assert next(iter(named)) in ("attention.query", "attention.key")
    assert not [where for where in sure(check) if "logits" in where], str(check)


class Unscaled(correct.Attention):
    """Logits are not divided by the size of heads."""

    def forward(self, x):
        query, key, value = (
            part(x).unflatten(-1, (4, -1)).transpose(-2, -3) for part in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=self.causal, scale=0.25)
        return self.out(mixed.transpose(-2, -3).flatten(-2))


def test_logits_without_a_scale_are_named_besides_an_init_that_is_off_by_half_of_that():
    def build(width):
        module = correct.Decoder(width)
        module.attention = Unscaled(width)
        return larger(module, names=["attention.value.weight"])

    check = checked(dataclasses.replace(correct.MODELS["decoder"], build=build), widths=WIDTHS, steps=1)
    assert culprits(check)["attention.value"] == ("init", 0.5), str(check)
    assert culprits(check)["attention attention logits"] == ("multiplier", 1), str(check)


class Scaled(nn.Module):
    """Multiplies by a gain of its own for each feature."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return self.weight * x


class Gained(zoo.Perceptron):
    """What the first layer returns, of entries that grow with the width, has a gain behind a norm or behind nothing."""

    def __init__(self, width, *, gain):
        super().__init__(width, readout=zoo.WIDTHS[0] ** -0.5)
        self.gain = gain(width)
        with torch.no_grad():
            self.first.weight *= (width / WIDTHS[0]) ** 0.5

    def forward(self, x):
        inner = self.gain(self.first(x))
        return self.multiplier * self.head(torch.tanh(self.second(torch.tanh(inner))))


def gained(module, *, power):
    """Adam, with a power of the width in the gain's rate."""
    optimizer, ratio = zoo.scaled_adam(module), module.second.weight.shape[0] / zoo.WIDTHS[0]
    optimizer.add_param_group({"params": list(module.gain.parameters()), "lr": 3e-3 * ratio**power})
    return optimizer


@pytest.mark.parametrize(
    "gain, power", [(nn.RMSNorm, 0.0), (nn.RMSNorm, 0.5), (nn.LayerNorm, 0.5), (Scaled, 0.0), (Scaled, 0.5)]
)
def test_the_rate_of_a_gain_is_held_against_what_it_multiplies(gain, power):
    """A norm takes out that it is given too much, and a gain alone does not."""
    model = zoo.perceptron(build=functools.partial(Gained, gain=gain), optimizer=functools.partial(gained, power=power))
    check = checked(model, widths=WIDTHS, steps=1)
    named = culprits(check)
    assert named["first"] == ("init", 0.5), str(check)
    rates = {off for where, (kind, off) in named.items() if kind == "learning rate" and where.startswith("gain")}
    assert rates == ({power} if power else set()), str(check)


def test_cures_are_tried_at_widths_that_a_time_budget_buys(monkeypatch):
    widths, seen = (32, 48, 64, 96, 128, 192, 256, 384, 512), []
    # The package has a function of this name.
    gate = importlib.import_module("theorychecks.gates.coordinate_check")
    diagnosed = gate.diagnosed

    def noted(found, findings):
        seen.append(found)
        return diagnosed(found, findings)

    monkeypatch.setattr(gate, "diagnosed", noted)
    monkeypatch.setattr(gate, "affordable", lambda *_: Affordable(7, 8, True, (1.0, 1.0), (3,) * 7))
    checked(zoo.perceptron(), widths=widths, seconds=1.0, steps=1)
    (found,) = seen
    assert found.over_all().widths == (32, 48, 96, 256)


def test_cures_are_tried_over_all_widths_that_were_looked_at():
    widths = (32, 48, 64, 96, 128, 256)
    assert examined(zoo.perceptron(), widths=widths).on((4,) * 6).over_all().widths == (32, 48, 96, 256)
