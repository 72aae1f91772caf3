"""Along the depth three blocks stand for all: each depth has them where it has them, and what is read there is theirs."""

import itertools

import pytest
import torch
from torch import nn

import theorychecks as tc
from tests.models import deep
from theorychecks.models.blocks import Blocks
from theorychecks.models.coordinates import everywhere, read_coordinates
from theorychecks.models.depth import depth_anatomy
from theorychecks.models.state import as_it_was


def anatomy_of(model):
    with as_it_was():
        torch.manual_seed(0)
        return depth_anatomy(model, model.build(4), model.build(8), (4, 8), model.batches[0])


@pytest.mark.parametrize(
    "build, expected",
    [
        (deep.Perceptron, {"blocks.(first)": "blocks.0", "blocks.(middle)": "blocks.8", "blocks.(last)": "blocks.15"}),
        # The readout of a sequence is its last module at every depth, and no block.
        (deep.InSequence, {"(first)": "1", "(middle)": "9", "(last)": "16", "0": "0", "5": "17"}),
    ],
)
def test_blocks_are_what_there_is_more_of(build, expected):
    model = deep.perceptron(build)
    blocks = Blocks.of(model, model.build(4), model.build(8), (4, 8))
    assert blocks.places(model.build(16)).modules == expected


class Stages(nn.Module):
    """Two kinds of blocks in turn, each with a list inside that does not grow."""

    def __init__(self, depth):
        super().__init__()
        self.layer_0 = nn.Linear(3, 3)
        for k in range(1, depth + 1):
            sizes = (3, 5, 3) if k % 2 else (3, 7, 3)
            parts = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
            self.add_module(f"layer_{k}", parts)


def test_blocks_of_two_kinds_have_names_of_their_own():
    model = tc.Model(Stages, deep.adam, deep.VALUES, axis="depth")
    places = Blocks.of(model, Stages(8), Stages(16), (8, 16)).places(Stages(16))
    assert places.modules == {
        "layer_(first)": "layer_1",
        "layer_(middle)": "layer_9",
        "layer_(last)": "layer_15",
        "layer_(first2)": "layer_2",
        "layer_(middle2)": "layer_10",
        "layer_(last2)": "layer_16",
        "layer_0": "layer_0",
    }
    assert places.everywhere("layer_9.0.weight") == "layer_(middle).0.weight"
    assert places.here("layer_(middle).0.weight") == "layer_9.0.weight"
    # No prefix of a name is taken for the name: this block stands for no others.
    assert places.everywhere("layer_11.0.weight") is None
    assert places.everywhere("layer_0.bias") == "layer_0.bias"


def test_roles_are_those_of_what_is_in_blocks_and_what_is_not():
    found = anatomy_of(deep.decoder())
    roles = {part.name: (part.role, part.grows) for part in found.parameters}
    assert roles["blocks.(middle).attn.qkv.weight"] == ("hidden", True)
    assert roles["blocks.(last).ln1.bias"] == ("vector", True)
    assert roles["tokens.weight"] == ("fixed", False)
    assert roles["norm.weight"] == ("vector", False)
    assert found.modules["blocks.(first).attn attention logits"].role == "attention logits"
    assert found.is_block("blocks.(last)")
    assert not found.is_block("blocks.(last).attn")


@pytest.mark.parametrize("build", [deep.Perceptron, deep.InSequence])
def test_what_is_read_at_a_depth_is_what_blocks_there_are_given_and_add(build):
    model = deep.perceptron(build)
    anatomy = anatomy_of(model)
    module = model.build(16)
    here = anatomy.at(model, module, 16)
    batch = deep.VALUES[0]
    read = everywhere(
        read_coordinates(module, here, lambda: model.outputs_and_loss(module, batch)).readings, here.places
    )
    found = {str(name): float(value) for name, value in read.items()}

    def size(tensor):
        return float(tensor.square().mean().sqrt())

    with torch.no_grad():
        stream = [(module.enter if build is deep.Perceptron else module[0])(batch[0])]
        for block in module.blocks:
            stream.append(block(stream[-1]))
    blocks = "blocks." if build is deep.Perceptron else ""
    assert {
        f"{blocks}(first), input": size(stream[0]),
        f"{blocks}(middle), input": size(stream[8]),
        f"{blocks}(last), input": size(stream[15]),
        f"{blocks}(last), size": size(stream[16]),
        f"{blocks}(first), added": size(stream[1] - stream[0]),
        f"{blocks}(middle), added": size(stream[9] - stream[8]),
    }.items() <= {name: pytest.approx(value, rel=1e-5) for name, value in found.items()}.items()
    assert not [name for name in found if "blocks.7" in name or name.startswith("7")]


class Cancelled(deep.Perceptron):
    """Each block's last matrix is zero at first, and hides nothing of what its biases do; a batch norm hides one."""

    def __init__(self, depth):
        super().__init__(depth)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(deep.WIDTH, 8), nn.BatchNorm1d(8), nn.ReLU(), deep.linear(8, deep.WIDTH))
            for _ in range(depth)
        )
        for block in self.blocks:
            nn.init.zeros_(block[-1].weight)

    def forward(self, x):
        x = self.enter(x)
        for block in self.blocks:
            x = x + block(x)
        return self.leave(x)


def test_biases_before_norms_are_cancelled_and_others_behind_zero_branches_are_not():
    model = tc.Model(Cancelled, deep.adam, deep.VALUES, loss=nn.functional.mse_loss, axis="depth")
    assert set(anatomy_of(model).cancelled) == {f"blocks.({place}).0.bias" for place in ("first", "middle", "last")}


class Called(nn.Module):
    """A block as Hugging Face calls one: by keywords, a mask among them."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(deep.WIDTH, 8), nn.ReLU(), nn.Linear(8, deep.WIDTH))

    def forward(self, *, mask, hidden_states):
        return hidden_states + mask[:, None] * self.inner(hidden_states)


class ByKeyword(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.enter, self.leave = nn.Linear(deep.VALUES[0][0].shape[-1], deep.WIDTH), nn.Linear(deep.WIDTH, 4)
        self.blocks = nn.ModuleList(Called() for _ in range(depth))

    def forward(self, x):
        mask, x = torch.ones(len(x)), self.enter(x)
        for block in self.blocks:
            x = block(mask=mask, hidden_states=x)
        return self.leave(x)


def test_blocks_that_are_called_by_keyword_are_given_the_stream():
    model = tc.Model(ByKeyword, deep.adam, deep.VALUES, loss=lambda y, _: y.square().mean(), axis="depth")
    anatomy, module, batch = anatomy_of(model), model.build(8), deep.VALUES[0]
    here = anatomy.at(model, module, 8)
    read = everywhere(
        read_coordinates(module, here, lambda: model.outputs_and_loss(module, batch)).readings, here.places
    )
    found = {str(name): float(value) for name, value in read.items()}
    with torch.no_grad():
        stream = module.enter(batch[0])
        added = module.blocks[0].inner(stream)
    assert found["blocks.(first), input"] == pytest.approx(float(stream.square().mean().sqrt()), rel=1e-5)
    assert found["blocks.(first), added"] == pytest.approx(float(added.square().mean().sqrt()), rel=1e-4)
