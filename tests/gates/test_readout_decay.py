"""What a readout learns is judged without its decay where that is much of its update, and there alone."""

import functools
import importlib

import pytest
import torch
from torch import nn

import theorychecks as tc
from tests.gates.under_check import checked, examined
from tests.models import zoo
from theorychecks.gates.axes import predicted_along
from theorychecks.gates.budget import Affordable
from theorychecks.gates.readout_decay import learned_apart

# The package has a function of this name.
coordinate_check = importlib.import_module("theorychecks.gates.coordinate_check")
WIDE = tc.widths(64, 1024)
READ_OUT = functools.partial(zoo.Perceptron, readout=zoo.WIDTHS[0] ** -0.5)


def decaying(module, *, part=0.2, growth=0.0, rates=None, make=torch.optim.AdamW, **options):
    """A step takes a part of the readout, which may grow with the width; other rates are off by powers of it."""
    groups = zoo.scaled_adam(module).param_groups
    ratio = module.second.weight.shape[0] / zoo.WIDTHS[0]
    made = []
    for name, group in zip(("first", "second", "head"), groups, strict=True):
        rate = group["lr"] * ratio ** (rates or {}).get(name, 0.0)
        decay = part * ratio**growth / rate if name == "head" else 0.0
        made.append({"params": group["params"], "lr": rate, "weight_decay": decay})
    return make(made, **options)


def perceptron(**options):
    return zoo.perceptron(build=READ_OUT, optimizer=functools.partial(decaying, **options))


def culprits(check):
    return {(c.kind, c.where, round(2 * c.exponent) / 2) for c in check.diagnosis.culprits}


def test_a_readout_that_decays_by_more_than_it_learns_passes():
    """What decays of it falls as n^-1/2, so that its update seems too small until the width is very large."""
    check = checked(perceptron(), widths=WIDE)
    assert check.passed, str(check)
    assert {str(moment) for moment in check.undecayed} == {f"head.weight, effective update, step {k}" for k in (1, 3)}
    assert "judged without weight decay: what head.weight learns" in str(check)
    labels = {finding.label for finding in check.findings if "without weight decay" in finding.label}
    assert len(labels) == len(check.undecayed)


@pytest.mark.parametrize(
    "options, named",
    [
        ({"rates": {"head": -0.5}}, ("learning rate", "head.weight", -0.5)),
        ({"rates": {"second": 0.5}}, ("learning rate", "second.weight", 0.5)),
        ({"growth": 1.0, "part": 0.02}, ("weight decay", "head.weight", 0.5)),
    ],
    ids=["learns too little", "another mistake", "decays ever more"],
)
def test_a_readout_that_decays_hides_no_mistake(options, named):
    check = checked(perceptron(**options), widths=WIDE)
    assert check.failed, str(check)
    assert check.undecayed
    assert named in culprits(check), str(check)


def frozen(module):
    """A readout that decays and learns nothing."""
    module.head.weight.register_hook(torch.zeros_like)
    return decaying(module)


def test_a_readout_that_learns_nothing_is_judged_with_its_decay_and_fails():
    check = checked(zoo.perceptron(build=READ_OUT, optimizer=frozen), widths=WIDE)
    assert check.failed, str(check)
    assert not check.undecayed


def test_an_epsilon_is_named_behind_what_fails_without_a_decay():
    check = checked(perceptron(eps=1e-3), widths=WIDE)
    assert check.failed, str(check)
    assert check.undecayed
    assert {kind for kind, *_ in culprits(check)} == {"epsilon"}, str(check)


@pytest.mark.parametrize(("budget", "half"), [(3, 0), (7, 0), (8, 4), (64, 32)])
def test_a_time_is_shared_by_two_designs_where_half_of_it_is_enough(budget, half):
    assert affording(budget).half == half


def affording(budget):
    return Affordable(widths=len(WIDE), budget=budget, confirms=True, needed=(1.0, 2.0), timed=())


@pytest.mark.parametrize(("budget", "confirmed"), [(7, False), (64, True)])
def test_a_failure_is_confirmed_where_there_is_time_for_two_designs(budget, confirmed, monkeypatch):
    monkeypatch.setattr(coordinate_check, "affordable", lambda _examined, _seconds: affording(budget))
    right = checked(perceptron(), widths=WIDE, seconds=10.0)
    assert right.passed, str(right)
    wrong = checked(perceptron(rates={"head": -0.5}), widths=WIDE, seconds=10.0)
    assert not wrong.passed
    assert wrong.failed == confirmed, str(wrong)
    assert confirmed or "there is no time: give --theory-budget=6s" in str(wrong)


def apart(model, parametrization=tc.MAXIMAL_UPDATE):
    found = examined(model)
    expected = predicted_along(found, parametrization, found.moments().judged, first_update=1)
    return learned_apart(found, expected, parametrization)


def by_hand(module, *, optimizer):
    """The steps of an optimizer, made by a function."""
    made = optimizer(module)

    def step(batch):
        made.zero_grad()
        loss = nn.functional.mse_loss(module(batch[0]), batch[1])
        loss.backward()
        made.step()
        return loss

    return step


def test_much_of_an_update_is_judged_apart():
    assert len(apart(perceptron())) == 2


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_decay_in_plain_gradients_is_part_of_the_weights(momentum):
    assert apart(perceptron(make=torch.optim.SGD, momentum=momentum, part=0.02))


def warming_up(module):
    """A decoupled decay whose part doubles from step to step."""
    optimizer = decaying(module, part=0.02)

    def double(made, *_):
        for group in made.param_groups:
            group["lr"] *= 2

    optimizer.register_step_post_hook(double)
    return optimizer


@pytest.mark.parametrize(
    "optimizer",
    [
        functools.partial(decaying, part=0.02, make=torch.optim.SGD, momentum=0.9, dampening=0.95),
        warming_up,
    ],
    ids=["a dampened momentum", "a schedule"],
)
def test_a_part_of_the_weights_is_one_however_it_changes(optimizer):
    assert examined(zoo.perceptron(build=READ_OUT, optimizer=optimizer)).shrinking() == {"head.weight"}


class NormalisedSGD(torch.optim.SGD):
    """A step of the same length for every parameter, whose gradient has the decay in it."""

    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad.add_(parameter.detach(), alpha=group["weight_decay"])
                parameter.grad.div_(parameter.grad.norm().clamp_min(1e-30))
        kept = [group["weight_decay"] for group in self.param_groups]
        for group in self.param_groups:
            group["weight_decay"] = 0.0
        super().step(closure)
        for group, decay in zip(self.param_groups, kept, strict=True):
            group["weight_decay"] = decay


class WithScale(zoo.Perceptron):
    """Its outputs have a factor that is learned, a parameter of one element."""

    def __init__(self, width):
        super().__init__(width, readout=zoo.WIDTHS[0] ** -0.5)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, batch):
        return self.scale * super().forward(batch)


def decaying_in_gradients(module):
    scale = torch.optim.Adam([module.scale], lr=0.01, weight_decay=0.1)
    return [decaying(module, part=0.02), scale]


@pytest.mark.parametrize(
    "model, shrinking",
    [
        (perceptron(make=NormalisedSGD, part=0.02), set()),
        (zoo.perceptron(build=WithScale, optimizer=decaying_in_gradients), {"head.weight"}),
    ],
    ids=["of a step of one length", "of one element, by Adam"],
)
def test_what_does_not_grow_with_the_weights_is_no_part_of_them(model, shrinking):
    assert examined(model).shrinking() == shrinking


@pytest.mark.parametrize(
    "model",
    [
        perceptron(part=1e-5),
        perceptron(part=0.0),
        perceptron(make=torch.optim.Adam),
        zoo.perceptron(optimizer=functools.partial(decaying, part=0.02)),
        zoo.perceptron(build=READ_OUT, optimizer=functools.partial(by_hand, optimizer=decaying)),
    ],
    ids=["hardly any", "none", "in gradients that are normalised", "of a readout of zeros", "in a function"],
)
def test_what_is_no_such_decay_is_judged_with_it(model):
    assert not apart(model)


def test_the_decay_of_a_readout_that_is_of_order_one_is_judged_with_it():
    """Under this parametrization outputs are of order one before training, and so is what decays of them."""
    assert not apart(perceptron(), tc.NTK)
