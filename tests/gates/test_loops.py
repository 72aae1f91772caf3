"""How people train is gated as it is, and a mistake in it is found."""

import functools
import importlib
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

import theorychecks as tc
from tests.gates.under_check import checked
from tests.installed import installed
from tests.models import zoo
from theorychecks.engines.module import Trainer

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


def in_three(module):
    """The groups of one optimizer, each in an optimizer of its own."""
    return [torch.optim.Adam(group["params"], lr=group["lr"]) for group in zoo.scaled_adam(module).param_groups]


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


class Normed(torch.optim.Optimizer):
    """Steps of one size: root mean squares of entries are the learning rate, if counted as they are."""

    def __init__(self, parameters, lr, count):
        super().__init__(parameters, {"lr": lr})
        self.count = count

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                size = parameter.grad.norm() / self.count(parameter) ** 0.5
                parameter.sub_(group["lr"] * parameter.grad / size)


def of_its_owners(module, *, count):
    """A class of nobody's but the model's owner for the hidden matrix, in a function that makes whole steps."""
    others = torch.optim.Adam([module.first.weight, module.head.weight], lr=3e-3)
    normed = Normed([module.second.weight], 3e-3 * zoo.WIDTHS[0] / module.second.in_features, count)

    def step(batch):
        inputs, targets = batch
        for each in (others, normed):
            each.zero_grad()
        F.mse_loss(module(inputs), targets).backward()
        for each in (others, normed):
            each.step()

    return step


def test_a_step_of_an_owners_class_that_counts_too_few_entries_is_too_small():
    """A bug of this kind: entries of one filter are counted where those of the whole matrix are meant."""
    build = functools.partial(zoo.Perceptron, readout=zoo.WIDTHS[0] ** -0.5)

    def counting(count):
        return decided(model(build=build, optimizer=functools.partial(of_its_owners, count=count)))

    right, wrong = counting(torch.Tensor.numel), counting(lambda _: zoo.WIDTHS[0] ** 2)
    assert right.passed, str(right)
    assert wrong.failed
    assert "- learning rate of `second.weight` too small by n^1 " in str(wrong)


@pytest.fixture(scope="session")
def schedulefree(tmp_path_factory):
    target = installed(tmp_path_factory, "schedulefree==1.4.1")
    sys.path.insert(0, target)
    yield importlib.import_module("schedulefree")
    sys.path.remove(target)


def in_bfloat16(module, batch):
    with torch.autocast("cpu", torch.bfloat16):
        return module(batch[0])


LOOPS = {
    "list": (muon_and_adam, 0.5),
    "step function": (accumulating, -0.5),
}


def check_both(optimizer, wrong, **changes):
    right = decided(model(optimizer=optimizer, **changes))
    assert right.passed, str(right)
    broken = decided(model(optimizer=functools.partial(optimizer, hidden=wrong), **changes))
    assert broken.failed, str(broken)
    assert "- learning rate of `second.weight` too large by n^1/2" in str(broken)


@pytest.mark.parametrize("name", [pytest.param(name, marks=MUON if name == "list" else ()) for name in LOOPS])
def test_a_loop_is_judged_as_it_is(name):
    check_both(*LOOPS[name])


def test_a_first_step_with_a_rate_of_nought_is_not_judged():
    labels = [finding.label for finding in decided(model(optimizer=accumulating)).findings]
    moved = [label for label in labels if "change" in label or "update" in label]
    assert moved
    assert all(label.endswith(f"step {STEPS}") for label in moved)


@pytest.mark.parametrize("rate", [3e-3, 1e-4])
def test_changes_below_the_rounding_of_autocast_are_judged(rate):
    """At the smaller rate an update is less than a rounding, and would seem to scale as n^1/4 where it does as n^1/2."""
    optimizer = functools.partial(zoo.scaled_adam, rate=rate)
    check_both(optimizer, -0.5, forward=in_bfloat16, loss=lambda outputs, targets: F.mse_loss(outputs.float(), targets))


def test_a_schedule_free_optimizer_is_judged_in_its_mode_of_training(schedulefree):
    """Defazio et al. 2024, arXiv:2405.15682: the weights are those at which gradients are taken."""

    def optimizer(module, *, hidden=-1.0, trains=True):
        groups = [
            {"params": group["params"], "lr": group["lr"]}
            for group in zoo.scaled_adam(module, hidden=hidden, rate=1e-2).param_groups
        ]
        made = schedulefree.AdamWScheduleFree(groups)
        if trains:
            made.train()
        return made

    check_both(optimizer, -0.5)
    with pytest.raises(tc.ModelError, match=r"Optimizer was not in train mode when step is called\. .*\.train\(\)"):
        decided(model(optimizer=functools.partial(optimizer, trains=False)))


def test_rates_of_optimizers_in_a_list_are_those_of_one_that_has_all_parameters():
    several, one = (
        Trainer(model(optimizer=optimizer), zoo.WIDTHS, steps=STEPS).blueprint(32)
        for optimizer in (in_three, zoo.scaled_adam)
    )
    assert one.rates == {"first.weight": 3e-3, "second.weight": 1.5e-3, "head.weight": 3e-3}
    assert several.rates == one.rates
    assert several.unscalable == ""
