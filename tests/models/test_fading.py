"""What is small before training where readouts are: found by making them smaller, wherever they lie."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from tests.models import zoo
from theorychecks.gates.expectations import predicted
from theorychecks.models.coordinates import EFFECTIVE, RELATIVE, SIZE, Coordinate
from theorychecks.models.fading import fading as find_fading
from theorychecks.observables.coordinates import Moment


class Bottleneck(nn.Module):
    """A bottleneck of fixed size inside, what is done behind it, and a readout."""

    def __init__(self, width, after=lambda y: y, *, stream=False, outputs=lambda y: y):
        super().__init__()
        self.first, self.down = nn.Linear(5, width, bias=False), nn.Linear(width, 4, bias=False)
        self.between, self.up = after, nn.Linear(4, width, bias=False)
        self.mixed, self.head = nn.Linear(width, width, bias=False), nn.Linear(width, 3, bias=False)
        self.stream, self.outputs = stream, outputs

    def forward(self, x):
        x = torch.tanh(self.first(x))
        y = self.up(self.between(self.down(x)))
        return self.outputs(self.head(torch.tanh(self.mixed(x + y if self.stream else y))))


def parts(**options):
    return zoo.parts_of(zoo.plain(build=lambda width: Bottleneck(width, **options))).modules


def fading(modules):
    return {name for name, part in modules.items() if part.fades}


ALL = {"down", "up", "mixed", "head", ""}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ALL),
        ({"after": torch.tanh}, ALL),
        ({"after": F.gelu}, ALL),
        ({"after": lambda y: y.softmax(-1)}, {"down", "attention logits", "head", ""}),
        ({"after": torch.sigmoid}, {"down", "head", ""}),
        ({"after": lambda y: F.layer_norm(y, (4,))}, {"down", "head", ""}),
        ({"after": lambda y: y + 1}, {"down", "head", ""}),
        ({"stream": True}, {"down", "up", "head", ""}),
        ({"outputs": lambda y: y + 0.1}, ALL - {""}),
        ({"outputs": lambda y: y.log_softmax(-1)}, ALL - {""}),
    ],
    ids=["as it is", "tanh", "gelu", "softmax", "sigmoid", "norm", "constant", "stream", "bias", "log-softmax"],
)
def test_what_is_proportional_to_a_readout_fades_with_it(options, expected):
    assert fading(parts(**options)) == expected


def at_first(anatomy, name):
    moments = [Moment(Coordinate(name, SIZE), 0)]
    return predicted(tc.MAXIMAL_UPDATE, anatomy, moments, scale_free=True, first_update=1).values()


@pytest.mark.parametrize("after", [nn.Softmax(-1), nn.Sigmoid()])
def test_a_module_of_fixed_size_inside_is_no_output(after):
    """Its probabilities are about 1/4 or 1/2 at every width."""
    anatomy = zoo.parts_of(zoo.plain(build=lambda width: Bottleneck(width, after)))
    assert not anatomy.modules["between"].fades
    assert anatomy.readouts == ("head",)
    (expected,) = at_first(anatomy, "between")
    assert (expected.exponent, expected.at_most) == (0, True)


def test_a_readout_that_is_tied_or_biased_does_not_make_outputs_small():
    assert fading(zoo.parts_of(zoo.MODELS["tied"]).modules) == set()
    biased = zoo.parts_of(zoo.plain(build=zoo.Reused)).modules
    assert not biased["head"].fades
    assert not biased[""].fades


def test_a_readout_of_zeros_fades():
    assert {"head", ""} <= fading(zoo.parts_of(zoo.plain(build=zoo.Perceptron)).modules)


def test_parameters_are_left_as_they_were():
    modules = []

    def build(width):
        modules.append((module := Bottleneck(width), {k: v.clone() for k, v in module.state_dict().items()}))
        return module

    zoo.parts_of(zoo.plain(build=build))
    for module, before in modules:
        assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


class Several(nn.Module):
    """Returns what it reads out, and features, in one tuple."""

    def __init__(self, width):
        super().__init__()
        self.first, self.head = nn.Linear(5, width), nn.Linear(width, 3, bias=False)

    def forward(self, x):
        features = torch.tanh(self.first(x))
        return self.head(features), features


def test_each_tensor_of_several_is_a_part_of_its_own():
    modules = zoo.parts_of(zoo.plain(build=Several, loss=lambda out, y: F.mse_loss(out[0], y))).modules
    roles = {name: (part.role, part.fades) for name, part in modules.items()}
    assert roles == {
        "first": ("hidden", False),
        "head": ("output", True),
        "[0]": ("output", True),
        "[1]": ("hidden", False),
    }


def test_what_fades_is_predicted_to_be_small_at_first_and_bounded_later():
    anatomy = zoo.parts_of(zoo.plain(build=Bottleneck))
    moments = [Moment(Coordinate("up", SIZE), step) for step in (0, 1)]
    moments.append(Moment(Coordinate("up", EFFECTIVE, "up.weight"), 1))
    expected = predicted(tc.MAXIMAL_UPDATE, anatomy, moments, scale_free=True, first_update=1)
    assert [(each.exponent, each.at_most) for each in expected.values()] == [(-0.5, True), (0, True), (0, True)]
    streamed = zoo.parts_of(zoo.plain(build=lambda width: Bottleneck(width, stream=True)))
    (mixed,) = at_first(streamed, "mixed")
    assert (mixed.exponent, mixed.at_most) == (0, False)


class Starved(Bottleneck):
    """A matrix behind the bottleneck has a bias that is not zero: what it returns is no longer small."""

    def __init__(self, width):
        super().__init__(width)
        self.mixed = nn.Linear(width, width)


def updates_of(build, name, *, scale_free=True, parametrization=tc.MAXIMAL_UPDATE):
    """What is predicted of a weight's updates after two steps, as (exponent, whether it is a bound)."""
    anatomy = zoo.parts_of(zoo.plain(build=build))
    coordinates = [Coordinate(name, quantity, f"{name}.weight") for quantity in (EFFECTIVE, RELATIVE)]
    moments = [Moment(coordinate, step) for step in (1, 4) for coordinate in coordinates]
    found = predicted(parametrization, anatomy, moments, scale_free=scale_free, first_update=1)
    told = {(moment.coordinate.quantity, moment.step): (x.exponent, x.at_most) for moment, x in found.items()}
    return told.get((EFFECTIVE, 1)), told.get((EFFECTIVE, 4)), told.get((RELATIVE, 1)), told.get((RELATIVE, 4))


@pytest.mark.parametrize("build, name", [(Bottleneck, "head"), (Bottleneck, "mixed"), (Starved, "mixed")])
def test_updates_of_what_is_given_something_small_are_bounded_and_by_that_the_first_one_is_constant(build, name):
    bound, constant = (0, True), (0, False)
    assert updates_of(build, name) == (bound, bound, constant, None)
    assert updates_of(build, name, scale_free=False) == (bound, bound, None, None)
    # What is read out before is given what is not small, and so is what has a stream beside it.
    assert updates_of(build, "down")[:2] == (constant, constant)
    assert updates_of(lambda width: Bottleneck(width, stream=True), "head")[:2] == (constant, constant)


def test_parameters_are_left_as_they_were_where_a_forward_pass_fails():
    class Failing(Bottleneck):
        def forward(self, x):
            if self.head.weight.abs().sum() < self.size / 2:
                raise RuntimeError("too small")
            return super().forward(x)

    torch.manual_seed(0)
    module = Failing(8)
    module.size = module.head.weight.abs().sum().item()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(RuntimeError, match="too small"):
        find_fading(zoo.plain(), module, ["head.weight"], zoo.pairs()[0])
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
