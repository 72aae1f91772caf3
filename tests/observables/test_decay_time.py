"""The time of decay is one over the part of the weights that a step takes away when no gradient holds it up."""

import functools
import math
from dataclasses import replace
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.models import deep
from theorychecks.engines.run import Unanswerable

WIDTHS = (16, 32, 64, 128)
RATE, DECAY = 1e-3, 1e-4
DRAW = torch.Generator().manual_seed(0)
VALUES = [(torch.randn(8, 6, generator=DRAW), torch.randn(8, 3, generator=DRAW))]


def build(width):
    return nn.Sequential(nn.Linear(6, width), nn.Linear(width, width, bias=False), nn.Linear(width, 3, bias=False))


class OfAnotherPackage(torch.optim.Optimizer):
    """Steps along signs, with a decay that is decoupled and goes by another name."""

    def __init__(self, parameters, lr, decay):
        super().__init__(parameters, {"lr": lr, "shrink": decay})

    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.data.mul_(1 - group["lr"] * group["shrink"]).sub_(group["lr"] * parameter.grad.sign())


class Scheduled(OfAnotherPackage):
    """Its decay is a function of the number of the step."""

    def __init__(self, parameters, decay_at, decay=DECAY):
        super().__init__(parameters, RATE, decay)
        self.decay_at, self.decay, self.count = decay_at, decay, 0

    def step(self):
        self.count += 1
        self.param_groups[0]["shrink"] = self.decay * self.decay_at(self.count)
        super().step()


def model(optimizer, **options):
    return tc.Model(build, optimizer, VALUES, loss=F.mse_loss, **options)


def times(trained, **values):
    found = tc.measure(tc.Sweep(tc.DecayTime(), trained, **(values or {"widths": WIDTHS})))
    assert all(all(each.exact) for each in found.measurements.values())
    assert found.trainings == 0
    return {
        parts["parameter"]: [cell[0] for cell in measurement.values]
        for parts, measurement in found.measurements.items()
    }


@pytest.mark.parametrize(
    "kind, expected",
    [
        (functools.partial(torch.optim.AdamW, weight_decay=DECAY), 1 / (RATE * DECAY)),
        (functools.partial(torch.optim.AdamW, weight_decay=DECAY, amsgrad=True, fused=True), 1 / (RATE * DECAY)),
        (functools.partial(torch.optim.NAdam, weight_decay=DECAY, decoupled_weight_decay=True), 1 / (RATE * DECAY)),
        (functools.partial(torch.optim.SGD, weight_decay=DECAY), 1 / (RATE * DECAY)),
        (functools.partial(torch.optim.SGD, weight_decay=DECAY, momentum=0.9), 0.1 / (RATE * DECAY)),
        (functools.partial(torch.optim.SGD, weight_decay=DECAY, momentum=0.9, nesterov=True), 0.1 / (RATE * DECAY)),
        (functools.partial(torch.optim.SGD, weight_decay=DECAY, momentum=0.9, dampening=0.9), 1 / (RATE * DECAY)),
        (functools.partial(OfAnotherPackage, decay=DECAY), 1 / (RATE * DECAY)),
    ],
)
def test_a_decay_too_small_for_four_steps_has_its_time(kind, expected):
    found = times(model(lambda module: kind(module.parameters(), lr=RATE)))
    assert list(found) == ["0.weight", "0.bias", "1.weight", "2.weight"]
    for each in found.values():
        assert each == pytest.approx([expected] * len(WIDTHS), rel=1e-4)


@pytest.mark.parametrize("part", [0.5, 0.1, 0.01])
def test_it_is_one_over_the_part_that_a_step_takes_away_however_large_and_half_a_step_more_than_to_one_over_e(part):
    found = times(model(lambda m: torch.optim.AdamW(m.parameters(), lr=0.1, weight_decay=10 * part)))
    assert found["1.weight"] == pytest.approx([1 / part] * len(WIDTHS), rel=1e-9)
    # The next terms of the series are a twelfth of the part and a 24th of its square.
    assert -1 / math.log1p(-part) == pytest.approx(1 / part - 1 / 2, abs=part / 8)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_it_is_the_time_in_which_weights_come_to_one_over_e(momentum):
    """Held against steps of the optimizer itself, as many as it says, and more than a momentum's own time."""
    options = {"lr": 0.01, "weight_decay": 0.01 * (1 - momentum), "momentum": momentum}
    (time,) = {
        round(t) for each in times(model(lambda m: torch.optim.SGD(m.parameters(), **options))).values() for t in each
    }
    weight = nn.Parameter(torch.ones(3, dtype=torch.float64))
    optimizer = torch.optim.SGD([weight], **options)
    for _ in range(time):
        weight.grad = torch.zeros(3, dtype=torch.float64)
        optimizer.step()
    assert weight.tolist() == pytest.approx([math.exp(-1)] * 3, rel=2e-3)


@pytest.mark.parametrize("momentum", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("part", [0.5, 0.1, 0.01, 0.001, 1e-4])
@pytest.mark.parametrize("kind", ["plain", "nesterov", "dampened"])
def test_with_momentum_it_is_the_part_of_late_steps_however_large(momentum, part, kind):
    """Held against many steps of the optimizer itself, which come to take the same part each, unless weights swing."""
    how = {"plain": {}, "nesterov": {"nesterov": True}, "dampened": {"dampening": momentum}}[kind]
    options = {"lr": 0.1, "weight_decay": 10 * part, "momentum": momentum} | how
    weight = nn.Parameter(torch.tensor([1e150], dtype=torch.float64))
    optimizer, late = torch.optim.SGD([weight], **options), []
    for _ in range(2000 if momentum > 0.9 else 400):
        before = weight.item()
        weight.grad = torch.zeros(1, dtype=torch.float64)
        optimizer.step()
        late.append(1 - weight.item() / before)
    trained = model(lambda m: torch.optim.SGD(m.parameters(), **options))
    if late[-1] == pytest.approx(late[-20], rel=1e-6):
        assert times(trained)["1.weight"] == pytest.approx([1 / late[-1]] * len(WIDTHS), rel=1e-6)
    else:
        with pytest.raises(Unanswerable, match=r"take no fixed part of `0\.weight` away"):
            times(trained)


def muon_and_adamw(module):
    _, hidden, readout = module
    others = [*module[0].parameters(), readout.weight]
    return [
        torch.optim.Muon([hidden.weight], lr=0.02, weight_decay=0.1),
        torch.optim.AdamW(others, lr=RATE, weight_decay=0.0),
    ]


def test_a_list_of_optimizers_has_times_of_what_decays():
    assert times(model(muon_and_adamw)) == {"1.weight": pytest.approx([500.0] * len(WIDTHS), rel=1e-6)}


def maximal_update(module, *, power):
    """Rates of one over the width, and a decay that is a power of it."""
    first, hidden, readout = module
    width = readout.in_features
    return torch.optim.AdamW(
        [
            {"params": [hidden.weight, readout.weight], "lr": RATE / width, "weight_decay": DECAY * width**power},
            {"params": first.parameters(), "weight_decay": DECAY},
        ],
        lr=RATE,
    )


SWEPT = {"widths": tc.widths(16, 256)}
CONSTANT = tc.PowerLaw(0, within=0.2, rival=1 / 2)


def test_under_maximal_update_a_fixed_decay_slows_down_with_the_width_and_one_that_grows_does_not():
    hidden = {
        power: tc.Sweep(tc.DecayTime(), model(functools.partial(maximal_update, power=power)), **SWEPT).of(
            role="hidden"
        )
        for power in (0, 1)
    }
    tc.check(hidden[1], CONSTANT)
    tc.check(hidden[0], tc.PowerLaw(1, within=0.2, rival=1 / 2))
    tc.check_refuted(hidden[0], CONSTANT)
    tc.check_refuted(hidden[1], tc.PowerLaw(1, within=0.2, rival=1 / 2))


def test_along_the_depth_three_blocks_stand_for_all():
    def decaying(module):
        return torch.optim.AdamW(module.parameters(), lr=RATE / len(module.blocks), weight_decay=DECAY)

    found = times(replace(deep.perceptron(), optimizer=decaying), depths=(4, 8, 16, 32))
    assert found["blocks.(middle).up.weight"] == pytest.approx([d / (RATE * DECAY) for d in (4, 8, 16, 32)], rel=1e-6)


def test_along_the_training_length_a_decay_of_one_over_the_steps_is_part_of_the_training():
    def rule(module, steps):
        return torch.optim.AdamW(module.parameters(), lr=RATE, weight_decay=1 / (RATE * steps))

    trained = tc.Model(functools.partial(build, 16), rule, VALUES, loss=F.mse_loss, axis="training length")
    lengths = (1000, 4000, 16000)
    # Nothing is trained, and one batch is enough.
    for each in times(trained, training_lengths=lengths).values():
        assert each == pytest.approx(lengths, rel=1e-6)


QUICK = (lambda t: t == 3, lambda t: t, lambda t: 0.99**t, lambda t: 1 - t / 1000, lambda t: 1.1**t)


def slow(t):
    """A cosine over a thousand steps, which is rounding where the decay is small."""
    return (1 + math.cos(math.pi * t / 1000)) / 2


def whole_step(module):
    return lambda batch: None


def pruned_adam(module):
    return torch.optim.Adam(module.parameters(), lr=RATE, weight_decay=DECAY)


@pytest.mark.parametrize(
    "optimizer, said",
    [
        *(
            (
                lambda m, law=law, decay=decay: Scheduled(m.parameters(), law, decay),
                "part of .* changes from step to step",
            )
            for law, decay in [*product(QUICK, (DECAY, 10.0)), (slow, 10.0)]
        ),
        (whole_step, r"a function makes its training steps, each with a gradient\. Ask a tc\.Model whose optimizer"),
        (pruned_adam, r"take no fixed part of `0\.weight` away, .*Take a decoupled decay, torch\.optim\.AdamW"),
        (
            lambda m: torch.optim.SGD(m.parameters(), lr=1.0),
            r"takes nothing away .* at width 16\. Give it a weight_dec",
        ),
        (lambda m: torch.optim.LBFGS(m.parameters()), r"makes no step without a gradient \(TypeError.*tc\.quantity"),
    ],
)
def test_what_has_no_time_of_decay_says_so(optimizer, said):
    with pytest.raises(Unanswerable, match=said):
        times(model(optimizer))


def test_a_training_of_the_package_has_none():
    training = tc.Training(
        tc.MLP(2, tc.TANH, tc.NTK), learning_rate=tc.scaled(0.1, width=0), data=tc.Sphere(), loss=tc.MSE, steps=1
    )
    with pytest.raises(Unanswerable, match=r"a tc\.Training's optimizers have no weight decay\. Sweep a tc\.Model"):
        tc.measure(tc.Sweep(tc.DecayTime(), training, widths=WIDTHS))
