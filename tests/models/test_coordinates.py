"""Coordinates are what plain torch, written out for one architecture, finds."""

import functools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.models import zoo
from theorychecks.models.coordinates import CHANGE, EFFECTIVE, INPUT, PROPAGATING, SIZE, Coordinate, read_coordinates
from theorychecks.models.recording import Recording
from theorychecks.models.training import drawn, train

PLACE = (0, "width", 16.0)
WIDTH, STEPS = 16, 2


def trained(model, *, seed=3, times=(1, STEPS)):
    return train(
        model, WIDTH, PLACE, seed, steps=STEPS, recording=Recording(coordinates=times), anatomy=zoo.parts_of(model)
    )


def rms(values):
    return float(values.square().mean().sqrt())


def by_hand(model, seed=3):
    """The same training, without this package: the module before and after."""
    module = drawn(model, WIDTH, PLACE, seed, STEPS).module
    first = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}
    optimizer = model.optimizer(module)
    for batch in model.batches[:STEPS]:
        optimizer.zero_grad()
        model.outputs_and_loss(module, batch)[1].backward()
        optimizer.step()
    return first, {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def test_coordinates_of_a_perceptron_are_those_of_plain_torch():
    model = zoo.MODELS["plain"]
    found = trained(model).coordinates[STEPS]
    zero, now = by_hand(model)
    x = model.batches[0][0]

    def features(w):
        first = x @ w["first.weight"].T + w["first.bias"]
        second = torch.tanh(first) @ w["second.weight"].T + w["second.bias"]
        norm = F.layer_norm(torch.tanh(second), (WIDTH,), w["norm.weight"], w["norm.bias"])
        return {"first": first, "second": second, "norm": norm, "": zoo.BASE / WIDTH * norm @ w["head.weight"].T}

    start, end = features(zero), features(now)
    h0, h = torch.tanh(start["first"]), torch.tanh(end["first"])
    standardised = F.layer_norm(torch.tanh(end["second"]), (WIDTH,))
    moved = {name: now[name] - zero[name] for name in zero}
    expected = {
        Coordinate("first", SIZE): end["first"],
        Coordinate("second", CHANGE): end["second"] - start["second"],
        Coordinate("second", INPUT): h,
        Coordinate("first", EFFECTIVE, "first.weight"): x @ moved["first.weight"].T,
        Coordinate("second", EFFECTIVE, "second.weight"): h @ moved["second.weight"].T,
        Coordinate("second", EFFECTIVE, "second.bias"): moved["second.bias"],
        Coordinate("second", PROPAGATING): (h - h0) @ zero["second.weight"].T,
        Coordinate("norm", EFFECTIVE, "norm.weight"): standardised * moved["norm.weight"],
        Coordinate("", CHANGE): end[""] - start[""],
        # The number behind the readout is found.
        Coordinate("head", SIZE): end[""],
        Coordinate("head", EFFECTIVE, "head.weight"): zoo.BASE / WIDTH * end["norm"] @ moved["head.weight"].T,
        Coordinate("head", PROPAGATING): zoo.BASE / WIDTH * (end["norm"] - start["norm"]) @ zero["head.weight"].T,
    }
    for coordinate, values in expected.items():
        assert float(found[coordinate]) == pytest.approx(rms(values), rel=1e-4), coordinate
        assert rms(values) > 0


def test_each_call_of_a_reused_layer_has_its_own_updates():
    model = zoo.MODELS["reused"]
    found = trained(model).coordinates[STEPS]
    zero, now = by_hand(model)
    x = torch.tanh(model.batches[0][0] @ now["first.weight"].T + now["first.bias"])
    for call in ("again", "again (call 2)", "again (call 3)"):
        update = x @ (now["again.weight"] - zero["again.weight"]).T
        assert float(found[Coordinate(call, EFFECTIVE, "again.weight")]) == pytest.approx(rms(update), rel=1e-4)
        x = x + torch.tanh(x @ now["again.weight"].T + now["again.bias"])


def test_a_tied_weight_has_an_update_in_each_use():
    model = zoo.MODELS["tied"]
    found = trained(model).coordinates[STEPS]
    zero, now = by_hand(model)
    tokens, moved = model.batches[0][0], now["tokens.weight"] - zero["tokens.weight"]
    hidden = torch.tanh(now["tokens.weight"][tokens] @ now["hidden.weight"].T + now["hidden.bias"])
    assert float(found[Coordinate("tokens", EFFECTIVE, "tokens.weight")]) == pytest.approx(rms(moved[tokens]), rel=1e-4)
    assert float(found[Coordinate("head", EFFECTIVE, "tokens.weight")]) == pytest.approx(
        rms(hidden @ moved.T), rel=1e-4
    )


def scores(w, x, heads, *, masked=False):
    """Attention logits of `nn.MultiheadAttention`, from its weights."""
    query, key, _ = (x @ w["attention.in_proj_weight"].T + w["attention.in_proj_bias"]).chunk(3, dim=-1)
    query, key = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in (query, key))
    return query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])


def test_attention_logits_are_those_of_plain_torch():
    model = zoo.MODELS["attentive"]
    found = trained(model).coordinates[STEPS]
    zero, now = by_hand(model)
    tokens = model.batches[0][0]
    first, last = (scores(w, w["tokens.weight"][tokens], 2) for w in (zero, now))
    assert float(found[Coordinate("attention attention logits", SIZE)]) == pytest.approx(rms(last), rel=1e-4)
    assert float(found[Coordinate("attention attention logits", CHANGE)]) == pytest.approx(rms(last - first), rel=1e-4)


class ByHand(nn.Module):
    """Attention by an explicit softmax or the fused one, with a causal mask."""

    def __init__(self, width, *, fused):
        super().__init__()
        self.tokens, self.qk, self.head = nn.Embedding(7, width), nn.Linear(width, 2 * width), nn.Linear(width, 7)
        self.fused = fused

    def forward(self, x):
        x = self.tokens(x)
        query, key = self.qk(x).chunk(2, dim=-1)
        if self.fused:
            return self.head(F.scaled_dot_product_attention(query, key, x, is_causal=True))
        logits = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        masked = logits.masked_fill(torch.ones_like(logits).triu(1) > 0, -math.inf)
        return self.head(masked.softmax(dim=-1) @ x)


@pytest.mark.parametrize("fused", [False, True])
def test_masked_logits_are_left_out_where_they_show(fused):
    model = zoo.plain(
        build=lambda width: ByHand(width, fused=fused), optimizer=zoo.adam, batches=zoo.tokens(), loss=zoo.next_token
    )
    found = trained(model).coordinates
    x = drawn(model, WIDTH, PLACE, 3, STEPS).module
    with torch.no_grad():
        query, key = x.qk(x.tokens(model.batches[0][0])).chunk(2, dim=-1)
        logits = query @ key.transpose(-2, -1) / math.sqrt(WIDTH)
        # A fused attention shows no mask: all of its logits are read.
        kept = logits if fused else logits[torch.ones_like(logits).tril() > 0]
    assert float(found[0][Coordinate("attention logits", SIZE)]) == pytest.approx(rms(kept), rel=1e-4)
    assert 0 < float(found[STEPS][Coordinate("attention logits", CHANGE)]) < 1


def test_a_module_that_only_hands_on_is_read_once():
    found = trained(zoo.plain(build=lambda width: nn.Sequential(zoo.Plain(width)))).coordinates[0]
    assert Coordinate("0", SIZE) in found
    assert Coordinate("", SIZE) not in found


def test_sizes_that_are_not_finite_are_no_numbers():
    def loud(module):
        return torch.optim.SGD(module.parameters(), lr=1e30)

    found = trained(
        zoo.plain(optimizer=loud, build=lambda width: nn.Sequential(nn.Linear(5, width), nn.Linear(width, 3)))
    )
    assert not math.isfinite(float(found.coordinates[STEPS][Coordinate("1", SIZE)]))
    assert found.losses[0] < math.inf


CHANGES = {
    "handed on": lambda y: y,
    "another shape": lambda y: y.reshape(-1),
    "bias": lambda y: y + 0.3,
    "log softmax": lambda y: y.log_softmax(dim=-1),
    "soft cap": lambda y: torch.tanh(y / 5) * 5,
    "in a dictionary": lambda y: {"logits": y, "hidden": torch.ones(6, 4)},
    "loss alone": lambda y: (y - 1).square().mean(),
}


@pytest.mark.parametrize("name", CHANGES)
def test_multipliers_of_readouts_are_found_whatever_follows_them(name):
    def loss(found, targets):
        found = found["logits"] if isinstance(found, dict) else found
        return F.mse_loss(found, targets.reshape(found.shape)) if found.ndim else found

    model = zoo.plain(build=lambda width: zoo.Wrapped(width, CHANGES[name]), loss=loss)
    parts = zoo.parts_of(model)
    factors = []
    for width in (16, 256):
        found = train(
            model, width, PLACE, 3, steps=1, recording=Recording(coordinates=(1,)), anatomy=parts
        ).coordinates[0]
        factors.append(float(found[Coordinate("inner.head", SIZE)]) / rms(by_itself(model, width)))
    # Sixteen times as wide, sixteen times as small.
    assert math.log2(factors[0] / factors[1]) == pytest.approx(4, abs=0.15 if name != "loss alone" else 1.0)


def by_itself(model, width, seed=3):
    """What the readout returns at the start, before the model multiplies it."""
    module = drawn(model, width, PLACE, seed, 1).module.inner
    found = []
    module.head.register_forward_hook(lambda _part, _given, output: found.append(output.detach()))
    module(model.batches[0][0])
    return found[0]


def test_what_is_read_out_in_between_has_no_multiplier_of_a_readout():
    class Routed(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.first, self.router, self.last = nn.Linear(5, width), nn.Linear(width, 2), nn.Linear(width, 3)

        def forward(self, x):
            x = torch.tanh(self.first(x))
            return self.last(x * self.router(x).softmax(dim=-1)[:, :1])

    parts = zoo.parts_of(zoo.plain(build=Routed))
    assert parts.modules["router"].role == "output"
    assert parts.readouts == ("router", "last")
    assert multipliers(Routed)["router"] == 1
    assert zoo.parts_of(zoo.plain(build=zoo.Reused)).readouts == ("head",)


def multipliers(build, width=64, **options):
    """Of what calls return, at the start."""
    model = zoo.plain(build=build, **options)
    parts = zoo.parts_of(model, widths=(width, 2 * width))
    module = drawn(model, width, PLACE, 3, 1).module
    return read_coordinates(module, parts, lambda: model.outputs_and_loss(module, model.batches[0])).multipliers


class Mixed(nn.Module):
    """Four experts, called before their router is, whose sum is a small part of a stream."""

    def __init__(self, width, *, part):
        super().__init__()
        linear = functools.partial(nn.Linear, bias=False)
        self.first, self.router, self.last = linear(5, width), linear(width, 4), linear(width, 3)
        self.experts, self.part = nn.ModuleList(linear(width, width) for _ in range(4)), part

    def forward(self, x):
        x = torch.tanh(self.first(x))
        each = torch.stack([torch.tanh(expert(x)) for expert in self.experts], dim=-1)
        return self.last(x + self.part * (each * self.router(x).softmax(dim=-1).unsqueeze(-2)).sum(dim=-1))


@pytest.mark.parametrize("part", [1, 0.1, 1e-3])
def test_what_reaches_outputs_through_a_layer_that_grows_is_multiplied_by_nothing(part):
    assert multipliers(functools.partial(Mixed, part=part))["router"] == 1


class Writing(nn.Module):
    """Layers that write into what they are given, a list or a stream, before two readouts."""

    def __init__(self, width, *, kind, heads):
        super().__init__()
        self.first, self.layers = nn.Linear(5, width), nn.ModuleList(Adding(width) for _ in range(2))
        self.heads, self.norm = nn.ModuleList(nn.Linear(width, 3) for _ in range(heads)), nn.BatchNorm1d(width)
        self.factor, self.kind = 8 / width, kind

    def forward(self, x):
        x = self.norm(torch.tanh(self.first(x)))
        hidden = []
        for layer in self.layers:
            found = layer(x, hidden if self.kind == "list" else None)
            x = found if self.kind == "list" else x
        x = torch.stack(hidden).mean(dim=0) if self.kind == "list" else x
        return self.factor * sum(head(x) for head in self.heads)


class Adding(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inner, self.scale = nn.Linear(width, width), nn.Parameter(torch.ones(width))

    def forward(self, x, hidden):
        if hidden is None:
            return x.add_(self.scale * torch.tanh(self.inner(x)))
        hidden.append(x)
        return x + self.scale * torch.tanh(self.inner(x))


@pytest.mark.parametrize("kind", ["list", "stream"])
@pytest.mark.parametrize("heads", [1, 2])
def test_multipliers_are_found_of_models_whose_layers_write_into_what_they_are_given(kind, heads):
    found = multipliers(functools.partial(Writing, kind=kind, heads=heads))
    assert [float(found[f"heads.{k}"]) for k in range(heads)] == pytest.approx([1 / 8] * heads, rel=1e-3)


class Pooled(nn.Module):
    """What one readout returns, averaged, is a part of the outputs and of what the other one reads."""

    def __init__(self, width):
        super().__init__()
        self.first, self.one, self.other = nn.Linear(5, width), nn.Linear(width, 3), nn.Linear(width + 3, 3)
        self.factor = 8 / width

    def forward(self, x):
        x = torch.tanh(self.first(x))
        one = self.factor * self.one(torch.stack([x, x.roll(1, 0)], dim=1)).mean(dim=1)
        return one + self.factor * self.other(torch.cat([x, one], dim=-1))


def test_a_readout_that_feeds_another_one_has_its_own_multiplier():
    found = [multipliers(Pooled, width)["one"] for width in (16, 256)]
    assert math.log2(found[0] / found[1]) == pytest.approx(4, abs=0.1)


def test_a_bounded_output_behind_a_readout_is_moved_a_little():
    """A loss may refuse what is no probability."""
    model = zoo.plain(
        build=lambda width: nn.Sequential(nn.Linear(5, width), nn.Linear(width, 3), nn.Sigmoid()),
        loss=lambda outputs, targets: F.binary_cross_entropy(outputs, targets.sigmoid()),
    )
    parts = zoo.parts_of(model)
    assert parts.readouts == ("1", "2")
    recorded = train(model, 16, PLACE, 3, steps=1, recording=Recording(coordinates=(1,)), anatomy=parts)
    assert math.isfinite(recorded.losses[0])


class InPlace(nn.Module):
    """A residual stream, written to in place or not."""

    def __init__(self, width, *, in_place):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(5, width), nn.Linear(width, width), nn.Linear(width, 3)
        self.relu, self.in_place = nn.ReLU(inplace=in_place), in_place

    def forward(self, x):
        x = self.first(x)
        change = self.relu(self.second(torch.tanh(x)))
        if self.in_place:
            x += change
        else:
            x = x + change
        return self.head(x)


def test_operations_in_place_change_no_reading():
    found, expected = (
        trained(zoo.plain(build=lambda width, in_place=in_place: InPlace(width, in_place=in_place))).coordinates
        for in_place in (True, False)
    )
    for step, readings in expected.items():
        assert {c: float(v) for c, v in readings.items()} == pytest.approx(
            {c: float(v) for c, v in found[step].items()}, rel=1e-5
        )


def test_a_parametrised_weight_belongs_to_its_layer():
    def build(width):
        module = zoo.Plain(width)
        nn.utils.parametrizations.weight_norm(module.second)
        return module

    model = zoo.plain(build=build)
    parts = zoo.parts_of(model)
    assert {part.name: part.role for part in parts.used_in("second")} == {
        "second.bias": "vector",
        "second.parametrizations.weight.original0": "vector",
        "second.parametrizations.weight.original1": "hidden",
    }
    readings = trained(model).coordinates[STEPS]
    assert not any("parametrizations" in coordinate.module for coordinate in readings)
    assert float(readings[Coordinate("second", EFFECTIVE, "second.parametrizations.weight.original1")]) > 0


def test_a_multiplier_in_a_hook_is_one_in_the_loss():
    def build(width, *, hooked):
        module = zoo.Reused(width)
        if hooked:
            module.head.register_forward_hook(lambda _part, _given, output: 2 * output)
        return module

    once, twice = (
        trained(zoo.plain(build=lambda width, hooked=hooked: build(width, hooked=hooked), loss=loss)).coordinates[1]
        for hooked, loss in ((False, lambda y, t: F.mse_loss(2 * y, t)), (True, F.mse_loss))
    )
    for name in ("head.weight", "head.bias"):
        coordinate = Coordinate("head", EFFECTIVE, name)
        assert float(twice[coordinate]) == pytest.approx(float(once[coordinate]), rel=1e-4)
