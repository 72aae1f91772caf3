"""Models that have several outputs, a softmax inside, a learned scale, or branches that begin at nought, are judged."""

import functools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.gates.under_check import checked
from tests.models import correct, zoo

WIDTHS = tc.widths(64, 1024)
BASE = correct.BASE


def adam(module, *, hidden, powers=(), rate=2e-3):
    """Adam in maximal update, but for another power of the width in the rates of what has a word in its name."""
    ratio, powers = module.width / BASE, {**dict.fromkeys(hidden, -1.0), **dict(powers)}
    groups = [
        {"params": [parameter], "lr": rate * ratio ** next((p for word, p in powers.items() if word in name), 0.0)}
        for name, parameter in module.named_parameters()
    ]
    return torch.optim.Adam(groups)


def judged(build, optimizer, **options):
    given = {"build": build, "optimizer": optimizer, "batches": zoo.pairs(samples=16)} | options
    return checked(zoo.plain(**given), widths=WIDTHS)


def named(check):
    """The mistake that is named first, and whatever is sure."""
    told = [c for place, c in enumerate(check.diagnosis.culprits) if c.sure or not place]
    return {(c.kind, c.where, round(2 * c.exponent) / 2) for c in told}


class Several(nn.Module):
    """Returns what it reads out, multiplied or not, and the features behind that."""

    def __init__(self, width, *, multiplied=True):
        super().__init__()
        self.width, self.multiplier = width, BASE / width if multiplied else 1.0
        self.first, self.second = correct.linear(5, width), correct.linear(width, width)
        self.head = correct.readout(width, 3)

    def forward(self, x):
        features = self.second(torch.tanh(self.first(x)))
        return {"found": self.multiplier * self.head(torch.tanh(features)), "features": features}


def of_both(outputs, targets):
    return F.mse_loss(outputs["found"], targets) + 0.01 * outputs["features"].square().mean()


def test_each_of_several_outputs_is_judged_as_what_it_is():
    optimizer = functools.partial(adam, hidden=["second"])
    right = judged(Several, optimizer, loss=of_both)
    assert right.passed, str(right)
    wrong = judged(functools.partial(Several, multiplied=False), optimizer, loss=of_both)
    assert wrong.failed
    assert named(wrong) == {("multiplier", "head", 1.0)}, str(wrong)


class Gated(nn.Module):
    """Two layers are weighted by shares that a softmax, being a module, makes of what is read out for it."""

    def __init__(self, width, *, power=1.0):
        super().__init__()
        self.width, self.first = width, correct.linear(5, width)
        self.gate, self.soft = nn.Linear(width, 2, bias=False), nn.Softmax(dim=-1)
        self.each, self.head = nn.ModuleList(correct.linear(width, width) for _ in range(2)), correct.readout(width, 3)
        nn.init.normal_(self.gate.weight, std=BASE ** (power - 0.5) / width**power)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        shares = self.soft(self.gate(x))
        mixed = sum(shares[:, k : k + 1] * layer(x) for k, layer in enumerate(self.each))
        return BASE / self.width * self.head(torch.tanh(mixed))


def test_a_softmax_inside_is_judged_as_no_output_and_what_it_is_given_is():
    optimizer = functools.partial(adam, hidden=["gate", "each"])
    right = judged(Gated, optimizer)
    assert right.passed, str(right)
    wrong = judged(functools.partial(Gated, power=0.5), optimizer)
    assert named(wrong) == {("init", "gate", 0.5)}, str(wrong)


class Tempered(Several):
    """What it reads out is multiplied by a number that it learns."""

    def __init__(self, width):
        super().__init__(width)
        self.scale = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return self.scale.exp() * super().forward(x)["found"]


def test_a_learned_scale_of_outputs_has_a_constant_rate():
    optimizer = functools.partial(adam, hidden=["second"])
    right = judged(Tempered, optimizer)
    assert right.passed, str(right)
    wrong = judged(Tempered, functools.partial(optimizer, powers=[("scale", 1.0)], rate=5e-4))
    assert wrong.failed
    # What it multiplies is small at first, so that its updates are judged from above only.
    assert {(kind, part) for kind, part, _ in named(wrong)} == {("learning rate", "scale")}, str(wrong)


class Branched(nn.Module):
    """A branch with a norm of its own, whose last matrix is drawn or zero."""

    def __init__(self, width, *, std=1.0):
        super().__init__()
        self.width, self.first, self.norm = width, correct.linear(5, width), nn.LayerNorm(width)
        self.up, self.down = correct.linear(width, width), correct.linear(width, width)
        self.head = correct.readout(width, 3)
        with torch.no_grad():
            self.down.weight *= std

    def forward(self, x):
        x = self.first(x)
        return BASE / self.width * self.head(x + self.down(torch.tanh(self.up(self.norm(x)))))


@pytest.mark.parametrize("std", [1.0, 0.0])
def test_vectors_in_a_branch_are_judged_though_it_begins_at_nought(std):
    build, optimizer = functools.partial(Branched, std=std), functools.partial(adam, hidden=["up", "down"])
    right = judged(build, optimizer)
    assert right.passed, str(right)
    wrong = judged(build, functools.partial(optimizer, powers=[("norm", 1.0)], rate=5e-4))
    assert wrong.failed
    assert {part for _, part, _ in named(wrong)} == {"norm.weight", "norm.bias"}, str(wrong)
    assert {(kind, off) for kind, _, off in named(wrong)} == {("learning rate", 1.0)}, str(wrong)


class Uniform(Branched):
    """Every matrix is drawn with one std, at every width."""

    def __init__(self, width):
        super().__init__(width)
        for name, parameter in self.named_parameters():
            if "norm" not in name:
                nn.init.normal_(parameter, std=0.05)


def test_inits_and_rates_that_are_off_in_the_same_layers_are_both_named():
    """One std and one rate for all: inits are off by a root and updates by all of the width, which no multiplier is."""
    check = judged(Uniform, functools.partial(adam, hidden=(), rate=2e-4))
    inits = {("init", name, 0.5) for name in ("up", "down")}
    rates = {("learning rate", f"{name}.weight", 1.0) for name in ("up", "down")}
    assert inits | rates <= named(check), str(check)
