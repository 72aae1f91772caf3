"""What a parameter or module is follows from which of its sizes grow, and can be overridden."""

import functools
import random
from dataclasses import replace
from threading import Thread

import pytest
import torch
from torch import nn

import theorychecks as tc
from tests.models import zoo

ROLES = {
    "plain": {
        "first.weight": "input",
        "first.bias": "vector",
        "second.weight": "hidden",
        "second.bias": "vector",
        "norm.weight": "vector",
        "norm.bias": "vector",
        "head.weight": "output",
    },
    "reused": {
        "first.weight": "input",
        "again.weight": "hidden",
        "again.bias": "vector",
        "head.weight": "output",
        "head.bias": "fixed",
    },
    "attentive": {
        "tokens.weight": "input",
        "attention.in_proj_weight": "hidden",
        "attention.in_proj_bias": "vector",
        "attention.out_proj.weight": "hidden",
        "attention.out_proj.bias": "vector",
        "head.weight": "output",
    },
    "convolutional": {
        "stem.weight": "input",
        "stem.bias": "vector",
        "body.weight": "hidden",
        "head.weight": "output",
        "head.bias": "fixed",
    },
    "own loss": {"inner.first.weight": "input", "inner.second.weight": "hidden", "inner.head.weight": "output"},
    "dropped": {"first.weight": "input", "norm.weight": "vector", "head.weight": "output"},
}


@pytest.mark.parametrize("name", ROLES)
def test_roles_follow_from_shapes(name):
    found = {part.name: part.role for part in zoo.parts_of(zoo.MODELS[name]).parameters}
    assert ROLES[name].items() <= found.items()


def test_a_tied_weight_has_a_role_in_each_use():
    parts = zoo.parts_of(zoo.MODELS["tied"])
    assert [(part.name, part.module, part.role) for part in parts.parameters if part.name == "tokens.weight"] == [
        ("tokens.weight", "tokens", "input"),
        ("tokens.weight", "head", "output"),
    ]
    assert parts.tied == {"tokens.weight"}
    assert not zoo.parts_of(zoo.MODELS["plain"]).tied


def test_modules_are_what_they_return():
    roles = {name: part.role for name, part in zoo.parts_of(zoo.MODELS["plain"]).modules.items()}
    assert roles == {"first": "hidden", "second": "hidden", "norm": "hidden", "head": "output", "": "output"}


def test_each_call_of_a_reused_module_is_a_part():
    assert list(zoo.parts_of(zoo.MODELS["reused"]).modules) == [
        "first",
        "again",
        "again (call 2)",
        "again (call 3)",
        "head",
        "",
    ]


@pytest.mark.parametrize("more_heads, grows", [(False, True), (True, False)])
def test_attention_logits_are_seen_and_grow_with_the_heads_alone(more_heads, grows):
    model = zoo.plain(
        build=functools.partial(zoo.Attentive, more_heads=more_heads), batches=zoo.tokens(), loss=zoo.next_token
    )
    part = zoo.parts_of(model).modules["attention attention logits"]
    assert (part.role, part.grows) == ("attention logits", grows)


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_readout_is_one_whatever_it_reads_out(outputs):
    parts = zoo.parts_of(
        zoo.plain(
            build=lambda width: nn.Sequential(nn.Linear(5, width), nn.Linear(width, outputs)),
            batches=zoo.pairs(outputs=outputs),
        )
    )
    assert [part.role for part in parts.parameters] == ["input", "vector", "output", "fixed"]
    assert parts.readouts == ("1",)


class Patches(nn.Module):
    """A class token, places and a readout that belong to no layer."""

    def __init__(self, width):
        super().__init__()
        self.token, self.places = nn.Parameter(torch.randn(1, 1, width)), nn.Parameter(torch.randn(1, 6, width))
        self.first, self.readout = nn.Linear(1, width), nn.Parameter(torch.randn(width, 3))

    def forward(self, x):
        x = torch.cat([self.token.expand(len(x), -1, -1), torch.tanh(self.first(x[..., None]))], dim=1) + self.places
        return x.mean(dim=1) @ self.readout


def test_parameters_of_no_layer_are_told_by_the_dimension_that_grows():
    found = {part.name: part.role for part in zoo.parts_of(zoo.plain(build=Patches)).parameters}
    assert found == {
        "token": "vector",
        "places": "input",
        "readout": "output",
        "first.weight": "vector",
        "first.bias": "vector",
    }


def test_a_bias_that_a_normalisation_takes_out_is_not_checked():
    parts = zoo.parts_of(zoo.MODELS["dropped"])
    assert parts.cancelled == ("first.bias",)
    assert {part.name: part.role for part in parts.parameters}["first.bias"] == "unchecked"
    assert zoo.parts_of(zoo.MODELS["plain"]).cancelled == ()
    # A readout of zeros hides nothing.
    assert zoo.parts_of(zoo.plain(build=zoo.Perceptron)).cancelled == ()


def test_dropout_is_random_and_batch_norm_is_not():
    assert zoo.parts_of(zoo.MODELS["dropped"]).random
    assert not zoo.parts_of(zoo.MODELS["plain"]).random


def elsewhere():
    thread = Thread(target=random.random)
    thread.start()
    thread.join()


@pytest.mark.parametrize(("passes", "drawn_by_the_model"), [(0, False), (1, False), (3, False), (10**9, True)])
def test_what_another_thread_draws_meanwhile_is_not_the_models(passes, drawn_by_the_model):
    """Every forward pass of a model that draws does it; a thread beside, like one of Dask's, draws in a few."""

    def build(width):
        left = iter(range(passes))
        return zoo.Wrapped(width, lambda y: y if next(left, None) is None else (elsewhere(), y)[1])

    assert zoo.parts_of(zoo.plain(build=build)).random is drawn_by_the_model


def test_roles_are_overridden_by_pattern():
    parts = zoo.parts_of(zoo.plain(roles={"*.bias": "unchecked", "head": "hidden"}))
    assert {part.role for part in parts.parameters if part.name.endswith("bias")} == {"unchecked"}
    assert parts.modules["head"].role == "hidden"


@pytest.mark.parametrize(
    "role, returned", [("output", "output"), ("hidden", "hidden"), ("input", "hidden"), ("unchecked", "hidden")]
)
def test_what_a_module_returns_is_what_the_given_role_of_its_matrix_says(role, returned):
    parts = zoo.parts_of(zoo.plain(roles={"second.weight": role}))
    assert {part.name: part.role for part in parts.parameters}["second.weight"] == role
    assert parts.modules["second"].role == returned
    assert parts.modules["norm"].role == "hidden"
    # What is read out in between is no readout of the model's.
    assert parts.readouts == ("head",)


def test_a_role_of_the_module_itself_is_the_last_word():
    parts = zoo.parts_of(zoo.plain(roles={"second.weight": "output", "second": "unchecked"}))
    assert parts.modules["second"].role == "unchecked"


def test_a_tied_weight_of_a_given_role_leaves_its_modules_as_they_are():
    parts = zoo.parts_of(replace(zoo.MODELS["tied"], roles={"tokens.weight": "output"}))
    assert {part.role for part in parts.parameters if part.name == "tokens.weight"} == {"output"}
    assert (parts.modules["tokens"].role, parts.modules["head"].role) == ("hidden", "output")


@pytest.mark.parametrize(
    "roles, said",
    [
        ({"*.scores": "hidden"}, r"roles name '\*.scores', and no parameter or module is called so; there are "),
        ({"head": "readout"}, "a role is one of input, hidden, output, .*; got 'readout' for 'head'"),
    ],
)
def test_roles_that_mean_nothing_are_refused(roles, said):
    with pytest.raises(tc.ModelError, match=said):
        zoo.parts_of(zoo.plain(roles=roles))


def deeper(width):
    return nn.Sequential(
        nn.Linear(5, width), *[nn.Linear(width, width) for _ in range(width // 8)], nn.Linear(width, 3)
    )


def flattened(width):
    module = nn.Sequential(nn.Linear(5, width), nn.Linear(width, 3))
    if width > 8:
        module[0].bias = nn.Parameter(torch.zeros(1, width))
    return module


@pytest.mark.parametrize("width", [24, 64, 1024])
def test_a_size_that_grows_in_a_part_of_it_is_followed(width):
    model, module = zoo.plain(build=zoo.Fused), zoo.Fused(width)
    parts = zoo.parts_of(model)
    parts.check(model, module, width)
    assert parts.weights_at(width) == sum(parameter.numel() for parameter in module.parameters())
    roles = {part.name: part.role for part in parts.parameters}
    assert (roles["second.weight"], roles["wide.weight"], roles["fixed.weight"]) == ("hidden", "hidden", "input")


@pytest.mark.parametrize("width", [24, 64, 1024])
@pytest.mark.parametrize("multiple", [2, 3, 4])
def test_a_size_that_is_rounded_to_multiples_is_followed(multiple, width):
    model = zoo.plain(build=functools.partial(zoo.Fused, half=lambda width: -(-width // 2 // multiple) * multiple))
    zoo.parts_of(model).check(model, model.build(width), width)


@pytest.mark.parametrize("half", [lambda width: min(width, 32) // 2, lambda width: width // 2 * (1 + 3 * (width > 32))])
def test_a_size_that_stops_growing_or_jumps_is_refused(half):
    model = zoo.plain(build=functools.partial(zoo.Fused, half=half))
    parts = zoo.parts_of(model)
    parts.check(model, model.build(32), 32)
    said = r"has shape \(\d+, \d+\) at width 128, and grows from \(\d+, \d+\) at 8 to about \(\d+, \d+\)\. Let build"
    with pytest.raises(tc.ModelError, match=said):
        parts.check(model, model.build(128), 128)


class Branching(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.one, self.other, self.head = nn.Linear(5, width), nn.Linear(5, width), nn.Linear(width, 3)
        self.width = width

    def forward(self, x):
        return self.head(self.one(x) if self.width > 8 else self.other(x))


@pytest.mark.parametrize(
    "build, said",
    [
        (lambda _: nn.Linear(5, 3), "same shapes at width 8 and 16: build ignores its width. Use the argument"),
        (deeper, "other parameters at width 16 than at 8: 3.bias, 3.weight. A gate compares one architecture"),
        (flattened, r"`0.bias` has shape \(8,\) at width 8 and \(1, 16\) at 16. Keep the number of dimensions fixed"),
        (Branching, "calls other modules at width 16 than at 8: one, other. A gate compares one architecture"),
        (lambda _: nn.Identity(), "has no parameters at width 8: there is nothing to train"),
    ],
)
def test_what_is_no_single_architecture_is_refused(build, said):
    with pytest.raises(tc.ModelError, match=said):
        zoo.parts_of(zoo.plain(build=build))
