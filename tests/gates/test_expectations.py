"""What is predicted of layers that stand beside the way from inputs to outputs: mixing, products, recurrence, tables."""

import functools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.gates.under_check import checked, examined
from tests.models import correct, zoo
from theorychecks.gates.expectations import predicted
from theorychecks.models.coordinates import CHANGE, EFFECTIVE, RELATIVE, SIZE, Coordinate
from theorychecks.observables.coordinates import Moment

WIDTHS = tc.widths(32, 512)


def prediction(anatomy, coordinate, step, *, scale_free=True):
    moments = [Moment(coordinate, step)]
    (found,) = predicted(tc.MAXIMAL_UPDATE, anatomy, moments, scale_free=scale_free, first_update=1).values()
    return found.exponent, found.at_most


class Mixing(nn.Module):
    """Places are mixed by a perceptron whose inner size grows with the width, as that of its channels does."""

    def __init__(self, width):
        super().__init__()
        self.enter, self.mix = nn.Linear(5, width), nn.Linear(4, 4, bias=False)
        self.up, self.down = nn.Linear(4, width // 2), nn.Linear(width // 2, 4, bias=False)
        self.head = nn.Linear(width, 3, bias=False)

    def forward(self, x):
        x = torch.tanh(self.enter(x[:, None] * torch.arange(1.0, 5.0)[:, None])).transpose(1, 2)
        x = x + self.down(torch.tanh(self.up(self.mix(x))))
        return self.head(x.mean(dim=-1))


def test_a_matrix_that_takes_one_of_two_growing_dimensions_away_is_read_out():
    anatomy = zoo.parts_of(zoo.plain(build=Mixing))
    roles = {part.name: part.role for part in anatomy.parameters}
    assert (roles["up.weight"], roles["down.weight"], roles["head.weight"]) == ("input", "output", "output")
    assert roles["mix.weight"] == "fixed"
    assert prediction(anatomy, Coordinate("down", SIZE), 0) == (-0.5, True)
    assert prediction(anatomy, Coordinate("down", EFFECTIVE, "down.weight"), 1) == (0, False)


@pytest.mark.parametrize("scale_free", [True, False])
def test_a_fixed_matrix_on_growing_channels_moves_by_a_constant_under_adam(scale_free):
    anatomy = zoo.parts_of(zoo.plain(build=Mixing))
    coordinate = Coordinate("mix", EFFECTIVE, "mix.weight")
    assert prediction(anatomy, coordinate, 1, scale_free=scale_free) == (0, not scale_free)


class Towers(nn.Module):
    """Cosines of what two towers make, one for each pair."""

    def __init__(self, width):
        super().__init__()
        self.one = nn.Sequential(correct.linear(5, width), nn.Tanh(), correct.linear(width, width))
        self.other = nn.Sequential(correct.linear(5, width), nn.Tanh(), correct.linear(width, width))
        self.temperature = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.temperature.exp() * F.normalize(self.one(x), dim=-1) @ F.normalize(self.other(x), dim=-1).T


def own(outputs, _targets):
    return F.cross_entropy(5 * outputs, torch.arange(len(outputs)))


def test_a_product_of_two_growing_vectors_is_bounded_from_above():
    anatomy = zoo.parts_of(zoo.plain(build=Towers, loss=own))
    for quantity, step in ((SIZE, 0), (SIZE, 1), (CHANGE, 1)):
        assert prediction(anatomy, Coordinate("", quantity), step) == (0, True)
    # A layer, and what is made of no layer's growing output, are judged as they were.
    plain = zoo.parts_of(zoo.MODELS["plain"])
    assert not any(part.contracted for part in plain.modules.values())


class Tabled(zoo.Perceptron):
    """Beside its layers a module returns numbers that depend on the width alone."""

    def __init__(self, width):
        super().__init__(width, readout=zoo.WIDTHS[0] ** -0.5)
        self.table = Table(width)

    def forward(self, x):
        return super().forward(x + 0 * self.table(x).sum())


class Table(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.register_buffer("angles", torch.linspace(0, 1, width) ** 0.9)

    def forward(self, x):
        return self.angles.cos() + 0 * x[:, :1].detach()


def test_what_depends_on_the_width_alone_is_not_judged():
    found = examined(zoo.perceptron(build=Tabled), widths=WIDTHS).moments()
    judged, left = (
        {(moment.coordinate.module, moment.coordinate.quantity) for moment in part}
        for part in (found.judged, found.constant)
    )
    assert ("table", SIZE) in left - judged
    assert ("first", SIZE) in judged


class Loud(zoo.Perceptron):
    """A norm whose gain grows with the width: its size is the same for all seeds, and moves in training."""

    def __init__(self, width):
        super().__init__(width, readout=zoo.WIDTHS[0] ** -0.5)
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.gain = (width / WIDTHS[0]) ** 0.5

    def forward(self, x):
        inner = self.gain * self.norm(self.first(x))
        return self.multiplier * self.head(torch.tanh(self.second(inner)))


def test_what_is_the_same_for_all_seeds_and_moves_is_judged():
    found = examined(zoo.perceptron(build=Loud), widths=WIDTHS)
    assert ("norm", SIZE) in {(moment.coordinate.module, moment.coordinate.quantity) for moment in found.moments()[0]}


class Narrowed(zoo.Perceptron):
    """A bottleneck of four features stands before its second layer, and a bias behind it."""

    def __init__(self, width, *, bias=0.0):
        super().__init__(width, readout=zoo.WIDTHS[0] ** -0.5)
        self.down, self.up = nn.Linear(width, 4, bias=False), nn.Linear(4, width, bias=False)
        nn.init.normal_(self.down.weight, std=zoo.WIDTHS[0] ** 0.5 / width)
        nn.init.normal_(self.up.weight, std=0.5)
        self.shift = nn.Parameter(bias * torch.randn(width))

    def forward(self, x):
        x = self.up(self.down(torch.tanh(self.first(x))))
        return self.multiplier * self.head(torch.tanh(self.second(x) + self.shift))


def adam(module, *, hidden=-1.0):
    optimizer = zoo.scaled_adam(module, hidden=hidden)
    ratio = module.second.weight.shape[0] / zoo.WIDTHS[0]
    optimizer.add_param_group({"params": [module.down.weight], "lr": 3e-3 / ratio})
    optimizer.add_param_group({"params": [module.up.weight, module.shift], "lr": 3e-3})
    return optimizer


@pytest.mark.parametrize("bias", [0.0, 0.5])
def test_a_correct_model_with_a_bottleneck_does_not_fail(bias):
    model = zoo.perceptron(build=functools.partial(Narrowed, bias=bias), optimizer=adam)
    check = checked(model, widths=WIDTHS)
    assert not check.failed, str(check)


@pytest.mark.parametrize("hidden, off", [(-1.5, -0.5), (-2.0, -1.0), (-0.5, 0.5), (0.0, 1.0)])
def test_a_rate_behind_a_bottleneck_is_judged_by_what_its_layer_is_given(hidden, off):
    model = zoo.perceptron(build=Narrowed, optimizer=functools.partial(adam, hidden=hidden))
    check = checked(model, widths=WIDTHS, steps=1)
    culprits = {(c.where, c.kind): round(2 * c.exponent) / 2 for c in check.diagnosis.culprits}
    assert culprits == {("second.weight", "learning rate"): off}, str(check)


def warmed(module):
    """Adam whose first step has a rate of nought."""
    optimizer, rates = adam(module), []

    def first_is_nought(chosen, _arguments, _keywords):
        rates.append([group["lr"] for group in chosen.param_groups])
        for group, rate in zip(chosen.param_groups, rates[0], strict=True):
            group["lr"] = rate if len(rates) > 1 else 0.0

    optimizer.register_step_pre_hook(first_is_nought)
    return optimizer


@pytest.mark.parametrize(
    "optimizer, at, told",
    [(adam, (1, 3), {1}), (adam, (3,), set()), (warmed, (1, 3), set()), (warmed, (2, 3), set()), (warmed, (1, 2), {2})],
)
def test_of_relative_updates_the_first_one_is_predicted_and_not_the_first_that_is_read(optimizer, at, told):
    found = examined(zoo.perceptron(build=Narrowed, optimizer=optimizer), widths=WIDTHS, at=at)
    moments = found.moments().judged
    assert [moment for moment in moments if moment.coordinate.quantity == RELATIVE]
    expected = predicted(tc.MAXIMAL_UPDATE, found.anatomy, moments, scale_free=True, first_update=found.first_update)
    assert {moment.step for moment in expected if moment.coordinate.quantity == RELATIVE} == told


class Chosen(nn.Module):
    """Shares that a router gives two halves of a model, by a softmax of what it reads out."""

    def __init__(self, width):
        super().__init__()
        self.first, self.router = nn.Linear(5, width), nn.Sequential(nn.Linear(width, 2, bias=False), nn.Softmax(-1))
        self.second, self.head = nn.Linear(width, width), nn.Linear(width, 3, bias=False)

    def forward(self, x):
        x = torch.tanh(self.first(x))
        shares = self.router(x)
        return self.head(shares[:, :1] * x + shares[:, 1:] * torch.tanh(self.second(x)))


def test_changes_of_what_a_softmax_makes_of_a_readout_are_bounded_as_those_of_the_readout_are():
    anatomy = zoo.parts_of(zoo.plain(build=Chosen))
    for name in ("router.0", "router.1"):
        assert prediction(anatomy, Coordinate(name, CHANGE), 1) == (0, True)
    assert prediction(anatomy, Coordinate("router.0", EFFECTIVE, "router.0.weight"), 1) == (0, False)
    assert prediction(anatomy, Coordinate("second", CHANGE), 1) == (0, False)


class TalkingHeads(nn.Module):
    """Heads' attention logits are mixed by a matrix of a fixed size, and so are the model's inputs."""

    def __init__(self, width):
        super().__init__()
        self.stem, self.first = nn.Linear(5, 5, bias=False), nn.Linear(5, width)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.talk, self.head = nn.Linear(4, 4, bias=False), nn.Linear(width, 3, bias=False)

    def forward(self, x):
        x = torch.tanh(self.first(self.stem(x)))
        query, key = (part(x).unflatten(-1, (4, -1)).transpose(0, 1) for part in (self.query, self.key))
        logits = query @ key.transpose(-2, -1) / query.shape[-1]
        shares = self.talk(logits.movedim(0, -1)).mean(dim=-1).softmax(dim=-1)
        return self.head(shares @ x)


def test_a_matrix_that_mixes_attention_logits_moves_by_as_little_as_these_and_a_stem_by_a_constant():
    anatomy = zoo.parts_of(zoo.plain(build=TalkingHeads))
    assert prediction(anatomy, Coordinate("talk", EFFECTIVE, "talk.weight"), 1) == (0, True)
    assert prediction(anatomy, Coordinate("talk", SIZE), 0) == (0, True)
    assert prediction(anatomy, Coordinate("stem", EFFECTIVE, "stem.weight"), 1) == (0, False)
    assert prediction(anatomy, Coordinate("stem", SIZE), 0) == (0, False)
