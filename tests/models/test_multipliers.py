"""Multipliers are the numbers that plain reading of a forward pass finds between a module and its consumers."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.models import zoo
from theorychecks.models.coordinates import CHANGE, EFFECTIVE, PROPAGATING, SIZE, Coordinate
from theorychecks.models.multipliers import followed
from theorychecks.models.recording import Recording
from theorychecks.models.stacked import train_stacked
from theorychecks.models.training import drawn, train

PLACE = (0, "width", 16.0)
WIDTH, SEEDS = 16, (3, 5)


class Between(nn.Module):
    """A branch on a residual stream, and what is done to it before it is added."""

    def __init__(self, width, change):
        super().__init__()
        self.first, self.branch, self.norm = nn.Linear(5, width), nn.Linear(width, width), nn.LayerNorm(width)
        self.head, self.dropout, self.change = nn.Linear(width, 3), nn.Dropout(0.1), change
        self.learned, self.gains = nn.Parameter(torch.tensor(3.0)), nn.Parameter(torch.full((width,), 3.0))
        self.register_buffer("constant", torch.tensor(width**-0.5))

    def forward(self, x):
        x = self.first(x)
        stream = self.learned * torch.tanh(x) * self.gains
        return self.head(self.norm(stream + self.change(self, self.branch(torch.tanh(x)))))


def in_place(y, change):
    change(y)
    return y


M = WIDTH**-0.5
MULTIPLIED = {
    "on the right": (lambda _, y: y * M, M),
    "on the left": (lambda _, y: M * y, M),
    "divided": (lambda _, y: y / 4, M),
    "a function": (lambda _, y: torch.div(torch.mul(y, 2 * M), 2), M),
    "by keyword": (lambda _, y: torch.mul(input=y, other=M), M),
    "negative": (lambda _, y: -M * y, M),
    "twice": (lambda _, y: 2 * (y * M), 2 * M),
    "a constant tensor": (lambda _, y: torch.tensor(M) * y, M),
    "a buffer": (lambda m, y: y * m.constant, M),
    "made of a buffer": (lambda m, y: y / m.constant.square().sqrt(), 1 / M),
    "in place": (lambda _, y: in_place(y, lambda y: y.mul_(M)), M),
    "divided in place": (lambda _, y: in_place(y, lambda y: y.div_(4.0)), M),
    "after views": (lambda _, y: (M * y.view(-1, 4, 4).transpose(1, 2)).transpose(1, 2).reshape(y.shape), M),
    "before views": (lambda _, y: (M * y).unflatten(-1, (2, -1)).contiguous().flatten(-2).clone(), M),
    "after a cast": (lambda _, y: (M * y.double()).float(), M),
    "in parts": (lambda _, y: torch.cat([M * part for part in y.chunk(2, dim=-1)], dim=-1), M),
    "masked": (lambda _, y: torch.where(y > 0, M * y, M * y.masked_fill(y > 1, 0.0)), M),
    "after a sum": (lambda _, y: M * (y + torch.ones_like(y)), M),
    "in the sum": (lambda _, y: torch.add(torch.zeros_like(y), y, alpha=M), M),
    "with a learned scale": (lambda m, y: m.learned.exp() * M * y, M),
    "with learned gains": (lambda m, y: M * (m.gains * y), M),
    "before a function": (lambda _, y: torch.tanh(M * y), M),
}
UNMULTIPLIED = {
    "as it is": lambda _, y: y,
    "another function first": lambda _, y: M * torch.tanh(y),
    "used as it is too": lambda _, y: torch.tanh(y) + torch.tanh(M * y),
    "a sum with itself": lambda _, y: y + M * y,
    "two numbers": lambda _, y: torch.tanh(2 * M * y) + torch.tanh(M * y),
    "a learned scale": lambda m, y: m.learned * y,
    "a learned divisor": lambda m, y: y / m.learned,
    "a function of a learned scale": lambda m, y: m.learned.exp() * y,
    "learned gains": lambda m, y: m.gains * y,
    "its own size": lambda _, y: y / y.square().mean().sqrt(),
    "one number each": lambda _, y: y * torch.linspace(0.1, 1.0, y.shape[-1]),
    "nothing": lambda _, y: 0.0 * y,
    "what has its shape": lambda _, y: M * torch.ones_like(y),
}


def model_of(change, **options):
    return zoo.plain(build=lambda width: Between(width, change), **options)


def multipliers(model, *, width=WIDTH, seed=3):
    module = drawn(model, width, PLACE, seed, 1).module
    found = followed(module, zoo.parts_of(model), lambda: model.outputs_and_loss(module, model.batches[0]))
    return {name: float(factor) for name, factor in found.items() if float(factor) != 1.0}


@pytest.mark.parametrize("name", MULTIPLIED)
def test_a_number_on_all_uses_of_an_output_is_its_multiplier(name):
    change, expected = MULTIPLIED[name]
    assert multipliers(model_of(change)) == {"branch": pytest.approx(expected, rel=1e-6)}


@pytest.mark.parametrize("name", UNMULTIPLIED)
def test_a_learned_scale_and_what_multiplies_some_uses_are_none(name):
    assert multipliers(model_of(UNMULTIPLIED[name])) == {}


def test_dropout_hands_on():
    model = model_of(lambda m, y: M * F.dropout(m.dropout(y), 0.1))
    assert multipliers(model) == {"branch": pytest.approx(M), "dropout": pytest.approx(M)}


def rms(values):
    return float(values.square().mean().sqrt())


@pytest.mark.parametrize("name", MULTIPLIED)
def test_readings_are_of_what_arrives_in_a_loop_and_stacked(name):
    change, factor = MULTIPLIED[name]
    model = model_of(change, optimizer=zoo.adam)
    given = {"steps": 1, "recording": Recording(coordinates=(1,)), "anatomy": zoo.parts_of(model)}
    together = train_stacked(model, WIDTH, PLACE, SEEDS, **given)
    module = drawn(model, WIDTH, PLACE, SEEDS[0], 1).module
    with torch.no_grad():
        returned = module.branch(torch.tanh(module.first(model.batches[0][0])))
    alone = [train(model, WIDTH, PLACE, seed, **given) for seed in SEEDS]
    assert float(alone[0].coordinates[0][Coordinate("branch", SIZE)]) == pytest.approx(
        abs(factor) * rms(returned), rel=1e-4
    )
    for place, one in enumerate(alone):
        for step, readings in one.coordinates.items():
            assert {str(c): float(value) for c, value in readings.items()} == pytest.approx(
                {str(c): float(values[place]) for c, values in together.coordinates[step].items()}, rel=1e-3, abs=1e-6
            )


def test_every_reading_of_a_module_has_its_multiplier():
    # A tenth of the branch is the same function as a branch of a tenth, and learns the same by these rates.
    def rates(scale):
        def optimizer(module):
            rest = [p for name, p in module.named_parameters() if "branch" not in name]
            return torch.optim.SGD(
                [{"params": module.branch.parameters(), "lr": 0.1 * scale}, {"params": rest}], lr=0.1
            )

        return optimizer

    class Small(Between):
        def __init__(self, width):
            super().__init__(width, lambda _, y: y)
            with torch.no_grad():
                self.branch.weight.mul_(0.1)
                self.branch.bias.mul_(0.1)

    multiplied = model_of(lambda _, y: 0.1 * y, optimizer=rates(1.0))
    small = zoo.plain(build=Small, optimizer=rates(0.01))
    recording = Recording(coordinates=(2,))
    found, expected = (
        train(model, WIDTH, PLACE, 3, steps=2, recording=recording, anatomy=zoo.parts_of(model)).coordinates[2]
        for model in (multiplied, small)
    )
    for coordinate in (
        Coordinate("branch", SIZE),
        Coordinate("branch", CHANGE),
        Coordinate("branch", PROPAGATING),
        Coordinate("branch", EFFECTIVE, "branch.weight"),
    ):
        assert float(found[coordinate]) == pytest.approx(float(expected[coordinate]), rel=1e-3), coordinate


class Layers(nn.Module):
    """Tokens and places, attention and a readout, with a number at each of their places."""

    def __init__(self, width, *, tokens=1.0, places=1.0, stream=1.0, query=1.0, scores=1.0, before=1.0, inputs=1.0):
        super().__init__()
        self.tokens, self.norm, self.last = nn.Embedding(7, width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.places = nn.Parameter(torch.randn(5, width))
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        self.head = nn.Linear(width, 7, bias=False)
        self.numbers = (tokens, places, stream, query, scores, before, inputs)

    def forward(self, x):
        tokens, places, stream, query, scores, before, inputs = self.numbers
        x = stream * (tokens * self.tokens(x) + places * self.places)
        y = inputs * self.norm(x)
        q, k, v = query * self.q(y), self.k(y), self.v(y)
        x = x + (scores * (q @ k.transpose(-2, -1))).softmax(dim=-1) @ v
        return self.head(before * self.last(x))


def found_in(**numbers):
    return multipliers(
        zoo.plain(build=lambda width: Layers(width, **numbers), batches=zoo.tokens(), loss=zoo.next_token)
    )


@pytest.mark.parametrize(
    "numbers, expected",
    [
        ({}, {}),
        ({"tokens": 4.0}, {"tokens": 4}),
        ({"places": 0.5}, {"places": 0.5}),
        ({"stream": 4.0}, {"tokens": 4, "places": 4}),
        # What scales attention is not its queries' where there is no other scale, and theirs where there is one.
        ({"query": 0.25}, {}),
        ({"query": 0.25, "scores": 0.125}, {"q": 0.25}),
        # A norm makes inputs of one size, whatever follows; what reads it out takes the number for its own.
        ({"before": 0.25}, {}),
        ({"inputs": 0.25}, {}),
    ],
)
def test_multipliers_belong_to_what_they_change(numbers, expected):
    assert found_in(**numbers) == expected


class Dividing(nn.Linear):
    def forward(self, x):
        return super().forward(x / 4)


def test_a_number_inside_of_a_module_is_its_own():
    def build(width):
        module = Between(width, lambda _, y: y)
        module.branch = nn.Sequential(nn.Linear(width, width), Dividing(width, width))
        return module

    assert multipliers(zoo.plain(build=build)) == {}


def test_a_module_that_only_multiplies_hands_on():
    class Times(nn.Module):
        def forward(self, x):
            return 4 * x

    def build(width):
        module = Between(width, lambda _, y: y)
        module.branch = nn.Sequential(nn.Linear(width, width), Times())
        return module

    assert multipliers(zoo.plain(build=build)) == {"branch.0": 4}


def test_fused_attention_without_a_scale_takes_that_of_its_queries():
    class Fused(Layers):
        def __init__(self, width, *, scale):
            super().__init__(width)
            self.scale = scale

        def forward(self, x):
            x = self.tokens(x)
            q, k, v = (part(self.norm(x))[:, None] for part in (self.q, self.k, self.v))
            x = x + F.scaled_dot_product_attention(0.25 * q, k, 4.0 * v, scale=self.scale)[:, 0] + self.places
            return self.head(self.last(x))

    for scale, expected in ((1.0, {"v": 4}), (0.5, {"q": 0.25, "v": 4}), (None, {"q": 0.25, "v": 4})):
        model = zoo.plain(
            build=lambda width, scale=scale: Fused(width, scale=scale), batches=zoo.tokens(), loss=zoo.next_token
        )
        assert multipliers(model) == expected


def test_a_multiplier_in_the_loss_is_on_the_outputs_and_the_readout():
    def loss(outputs, targets):
        return F.mse_loss(0.25 * outputs, targets)

    sizes = [
        train(
            model, WIDTH, PLACE, 3, steps=1, recording=Recording(coordinates=(1,)), anatomy=zoo.parts_of(model)
        ).coordinates[0]
        for model in (zoo.plain(), zoo.plain(loss=loss))
    ]
    for name in ("", "head"):
        before, after = (float(found[Coordinate(name, SIZE)]) for found in sizes)
        assert math.isclose(after, before / 4, rel_tol=1e-5)


class ByNothing(zoo.Plain):
    """What it computes beside its outputs is divided by a number that is zero."""

    def forward(self, x):
        found = super().forward(x)
        self.share = found.detach() / self.nothing
        return found + self.nothing * found.detach()

    nothing = 0.0


def test_a_factor_of_zero_is_no_multiplier_and_no_error():
    model = zoo.plain(build=ByNothing)
    parts = zoo.parts_of(model)
    module = ByNothing(16)
    found = followed(module, parts, lambda: module(model.batches[0][0]))
    assert all(bool(factor.isfinite()) and float(factor) > 0 for factor in found.values())
