"""Code that a diagnosis ends with mends a model: pasted beside its build and optimizer, it turns the gate green."""

import functools
from dataclasses import replace

import pytest
import torch
from torch import nn

import theorychecks as tc
from tests.gates.under_check import checked, examined
from tests.models import zoo
from theorychecks.gates.culprit import Culprit
from theorychecks.gates.mending import mending
from theorychecks.models.coordinates import EFFECTIVE, SIZE, Coordinate
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import Interval

WIDTHS = tc.widths(32, 512)


def pasted(model, code):
    """A model beside whose build and optimizer the code is pasted and called, as it says where."""
    names = {}
    exec(code, names)

    def build(width):
        module = model.build(width)
        if "mend_inits" in names:
            names["mend_inits"](module)
        return module

    def optimizer(module):
        made = model.optimizer(module)
        if "mend_rates" in names:
            names["mend_rates"](module, made)
        return made

    return replace(model, build=build, optimizer=optimizer)


def plain_adam(module):
    return torch.optim.Adam(module.parameters(), lr=3e-3)


def drawn_too_large(width):
    module = zoo.Perceptron(width)
    nn.init.normal_(module.second.weight, std=32**-0.5)
    return module


class Residual(nn.Module):
    """A stream that a first layer, blocks and a readout of zeros behind a multiplier share."""

    def __init__(self, width):
        super().__init__()
        linear = functools.partial(nn.Linear, bias=False)
        self.enter, self.leave, self.ratio = linear(5, width), linear(width, 3), 32 / width
        self.blocks = nn.ModuleList(nn.Sequential(linear(width, width), nn.Tanh()) for _ in range(2))
        nn.init.zeros_(self.leave.weight)

    def forward(self, x):
        x = self.enter(x)
        for block in self.blocks:
            x = x + block(x)
        return self.leave(x) * self.ratio


BROKEN = {
    "one rate for all": (zoo.perceptron(optimizer=plain_adam), "mend_rates", {"second.weight"}),
    "an init": (zoo.perceptron(build=drawn_too_large), "mend_inits", {"second.weight"}),
    "blocks": (
        zoo.perceptron(build=Residual, optimizer=plain_adam),
        "mend_rates",
        {"blocks.0.0.weight", "blocks.1.0.weight"},
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_pasted_code_mends_one_mistake(name):
    model, function, meant = BROKEN[name]
    check = checked(model, widths=WIDTHS)
    assert check.failed
    assert str(check).endswith(f"\n\n{check.mending}")
    assert f"def {function}(" in check.mending
    assert check.mending.count("\ndef mend_") == 1
    again = checked(pasted(model, check.mending), widths=WIDTHS)
    assert again.passed, f"{check}\n{again}"
    assert again.mending == ""
    assert changed(model, check.mending, 128) == meant
    assert changed(model, check.mending, 32) == set()


def changed(model, code, width):
    """Names of parameters of which the code changes initial values or learning rates, at a width."""
    found = []
    for each in (model, pasted(model, code)):
        torch.manual_seed(0)
        module = each.build(width)
        rates = {id(p): group["lr"] for group in each.optimizer(module).param_groups for p in group["params"]}
        found.append({name: (rates[id(p)], float(p.detach().std())) for name, p in module.named_parameters()})
    return {name for name, values in found[0].items() if found[1][name] != values}


class Odd(nn.Module):
    """Names which patterns match that are not meant."""

    def __init__(self, width):
        super().__init__()
        linear = functools.partial(nn.Linear, bias=True)
        self.layers = nn.ModuleList(nn.ModuleDict({"up": linear(width, width)}) for _ in range(3))
        self.layers[1]["inner"] = nn.ModuleDict({"up": linear(width, width)})
        self.first, self.head = linear(5, width), linear(width, 3)
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        x = self.norm(self.first(x))
        for layer in self.layers:
            x = torch.tanh(layer["up"](x))
        return self.head(self.layers[1]["inner"]["up"](x))


def culprit(kind, parts, exponent, sure=True):
    quantity = SIZE if kind == "init" else EFFECTIVE
    moment = Moment(Coordinate(parts[0], quantity), 0)
    return Culprit(kind, ", ".join(parts), exponent, Interval(0.4, 0.6), moment, parts, sure=sure)


@pytest.mark.parametrize(
    ("culprits", "changed_at"),
    [
        # A star would stand for layers.1.inner.up as well.
        (
            [culprit("learning rate", tuple(f"layers.{i}.up.weight" for i in range(3)), 1.0)],
            {f"layers.{i}.up.weight": 1 / 4 for i in range(3)},
        ),
        ([culprit("learning rate", ("layers.0.up.weight",), -0.5)], {"layers.0.up.weight": 2}),
        (
            [culprit("learning rate", ("first.weight",), -1.0), culprit("learning rate", ("head.weight",), 0.6)],
            {"first.weight": 4, "head.weight": 1 / 2},
        ),
        # A bias is as large as its owner has drawn it; a norm has vectors alone.
        ([culprit("init", ("first",), 0.5)], {"first.weight": 1 / 2}),
        ([culprit("init", ("norm",), -1.0)], {"norm.weight": 4}),
        ([culprit("learning rate", ("first.weight",), -1.0, sure=False)], {}),
        ([culprit("multiplier", ("head",), 1.0), culprit("epsilon", ("first.weight",), -1.0)], {}),
    ],
)
def test_code_changes_what_is_off_for_sure_and_nothing_else(culprits, changed_at):
    model = zoo.perceptron(build=Odd, optimizer=plain_adam)
    code = mending(culprits, examined(model, widths=WIDTHS).anatomy)
    assert bool(code) == bool(changed_at)
    factors = {}
    torch.manual_seed(0)
    module = Odd(128)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    mended = pasted(replace(model, build=lambda width: module), code)
    mended.build(128)
    for group in mended.optimizer(module).param_groups:
        for name, parameter in module.named_parameters():
            if any(parameter is each for each in group["params"]):
                drawn = parameter.detach().norm() / before[name].norm() if before[name].any() else 1.0
                factors[name] = float(drawn) * group["lr"] / 3e-3
    assert set(factors) == set(before)
    assert {name: by for name, by in factors.items() if by != pytest.approx(1)} == pytest.approx(changed_at)


def test_groups_keep_their_other_options():
    model = BROKEN["one rate for all"][0]
    code = mending([culprit("learning rate", ("second.weight",), 1.0)], examined(model, widths=WIDTHS).anatomy)
    names = {}
    exec(code, names)
    module = model.build(64)
    optimizer = torch.optim.AdamW([{"params": module.parameters(), "weight_decay": 0.3}], lr=1.0)
    names["mend_rates"](module, optimizer)
    assert [(group["lr"], group["weight_decay"]) for group in optimizer.param_groups] == [
        (1, 0.3),
        (0.5, 0.3),
        (1, 0.3),
    ]
