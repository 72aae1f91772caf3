"""Gates for models of one's own: copy what resembles yours, and put your model in its place.

A model is described by how it is built at any width, how it is trained, and on what; nothing is inherited. Gates train
it at several widths and hold every module and parameter, or its learning rates, against what its parametrization
predicts.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import theorychecks as tc

BASE_WIDTH = 64
VOCABULARY, LENGTH = 32, 8


# A decoder-only transformer of four layers, with attention, in plain torch.


class Attention(nn.Module):
    """Causal attention of four heads; maximal update divides by their size, standard practice by its root."""

    def __init__(self, width: int, *, heads: int = 4, maximal_update: bool = True) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (BASE_WIDTH / heads) ** 0.5 / (width / heads) if maximal_update else (width / heads) ** -0.5
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(-2, -3) for part in self.qkv(x).chunk(3, dim=-1)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=self.scale)
        return self.proj(mixed.transpose(-2, -3).flatten(-2))


class Block(nn.Module):
    """One layer of a decoder."""

    def __init__(self, width: int, *, maximal_update: bool) -> None:
        super().__init__()
        self.ln1, self.attn = nn.LayerNorm(width), Attention(width, maximal_update=maximal_update)
        self.ln2, self.fc1, self.fc2 = nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln1(x))
        return x + self.fc2(F.gelu(self.fc1(self.ln2(x))))


class Decoder(nn.Module):
    """Four layers; maximal update has a readout of order one behind a multiplier that falls as one over the width."""

    def __init__(self, width: int, *, maximal_update: bool = True) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCABULARY, width), nn.Embedding(LENGTH, width)
        self.blocks = nn.ModuleList(Block(width, maximal_update=maximal_update) for _ in range(4))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, VOCABULARY, bias=False)
        self.multiplier = BASE_WIDTH / width if maximal_update else 1.0
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                embeds, reads = "tokens" in name or "places" in name, name == "head.weight" and maximal_update
                fan_in = 1 if embeds else BASE_WIDTH if reads else parameter.shape[1]
                nn.init.normal_(parameter, std=fan_in**-0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.places(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.multiplier * self.head(self.norm(x))


def one_rate(model: nn.Module) -> torch.optim.Optimizer:
    """AdamW with one learning rate for all, as standard parametrization has it."""
    return torch.optim.AdamW(model.parameters(), lr=5e-4)


def scaled_rates(model: nn.Module, *, hidden: str, rate: float = 5e-4) -> torch.optim.Optimizer:
    """AdamW under maximal update: the learning rate of hidden matrices falls as one over the width."""
    matrices = [p for name, p in model.named_parameters() if p.ndim > 1 and name.startswith(hidden)]
    others = [p for name, p in model.named_parameters() if not (p.ndim > 1 and name.startswith(hidden))]
    width = matrices[0].shape[1]
    groups = [{"params": others}, {"params": matrices, "lr": rate * BASE_WIDTH / width}]
    return torch.optim.AdamW(groups, lr=rate, weight_decay=0.0)


def token_batches() -> list[tuple[Tensor, Tensor]]:
    """One batch for four steps: sequences, each to be continued by the next token of a cycle."""
    tokens = torch.randint(VOCABULARY, (4, LENGTH), generator=torch.Generator().manual_seed(0))
    return [(tokens, (3 * tokens + 1) % VOCABULARY)] * 4


def next_token_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy, in nats a token."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


DECODER = tc.Model(
    Decoder, functools.partial(scaled_rates, hidden="blocks"), token_batches(), loss=next_token_loss, name="decoder"
)
STANDARD_DECODER = tc.Model(
    functools.partial(Decoder, maximal_update=False), one_rate, token_batches(), loss=next_token_loss, name="decoder"
)


@tc.gate(id="YM-1")
def test_decoder_is_in_maximal_update() -> None:
    """Every module and parameter of a four-layer decoder under AdamW scales as maximal update has it."""
    tc.coordinate_check(DECODER, tc.MAXIMAL_UPDATE, widths=tc.widths(64, 1024))


@tc.gate(id="YM-2", evidence=True)
def test_decoder_with_one_learning_rate_is_not() -> None:
    """The same decoder in the standard parametrization is caught: the layer of its queries, keys and values and both
    feed-forward layers move too much, by n^1.
    """
    found = tc.coordinate_check_refuted(STANDARD_DECODER, tc.MAXIMAL_UPDATE, widths=tc.widths(64, 1024))
    too_large = [c.where for c in found.diagnosis.culprits if (c.kind, round(c.exponent)) == ("learning rate", 1)]
    assert all(any(layer in where for where in too_large) for layer in ("attn.qkv.weight", "fc1.weight", "fc2.weight"))


@tc.gate(id="YM-3", evidence=True)
def test_gate_of_the_decoder_catches_mutations() -> None:
    """Breaking the decoder's set-up in four ways, each of which changes a width exponent, fails its gate."""
    names = ("attention scale", "optimizer epsilon", "readout init", "input learning rate")
    tc.mutations(DECODER, tc.MAXIMAL_UPDATE, widths=tc.widths(32, 512), names=names)


# A multilayer perceptron under SGD, whose learning rates are measured as well.


class Perceptron(nn.Module):
    """Two hidden layers; the readout has no bias, which a multiplier would make small."""

    def __init__(self, width: int, *, maximal_update: bool = True) -> None:
        super().__init__()
        self.first, self.second, self.head = (
            nn.Linear(16, width),
            nn.Linear(width, width),
            nn.Linear(width, 4, bias=False),
        )
        self.multiplier = BASE_WIDTH / width if maximal_update else 1.0
        for layer in (self.first, self.second):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.head.weight)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.first, self.second):
            x = torch.tanh(layer(x))
        return self.multiplier * self.head(x)


def scaled_sgd(model: nn.Module) -> torch.optim.Optimizer:
    """SGD under maximal update: all that is not a hidden matrix has a learning rate that grows as the width."""
    others = [parameter for name, parameter in model.named_parameters() if name != "second.weight"]
    rate = 0.25 * model.second.weight.shape[0] / BASE_WIDTH
    return torch.optim.SGD([{"params": [model.second.weight]}, {"params": others, "lr": rate}], lr=0.25)


def regression_batches() -> list[tuple[Tensor, Tensor]]:
    """One batch for ten steps: a random teacher's answers to random questions."""
    draw = torch.Generator().manual_seed(0)
    inputs, teacher = torch.randn(32, 16, generator=draw), torch.randn(16, 4, generator=draw) / 4
    return [(inputs, inputs @ teacher)] * 10


PERCEPTRON = tc.Model(Perceptron, scaled_sgd, regression_batches(), loss=F.mse_loss, name="perceptron")
STANDARD_PERCEPTRON = tc.Model(
    functools.partial(Perceptron, maximal_update=False),
    lambda model: torch.optim.SGD(model.parameters(), lr=0.1),
    regression_batches(),
    loss=F.mse_loss,
    name="perceptron",
)
STABLE = tc.MaxStableLearningRate("loss", limit=2)
THETA_OF_ONE = tc.PowerLaw(0, within=0.24, rival=-0.5)


@tc.gate(id="YM-4")
def test_perceptron_is_in_maximal_update() -> None:
    """Every module and parameter of a perceptron under SGD scales as maximal update has it; breaking it is caught."""
    tc.coordinate_check(PERCEPTRON, tc.MAXIMAL_UPDATE, widths=tc.widths(64, 1024))
    tc.mutations(PERCEPTRON, tc.MAXIMAL_UPDATE, widths=tc.widths(64, 1024))


@tc.gate(id="YM-5")
def test_learning_rates_of_the_perceptron_transfer() -> None:
    """The largest stable learning rate and the best one are Theta(1); in standard parametrization the first is not."""
    stable = tc.Sweep(STABLE, replace(PERCEPTRON, steps=10), widths=tc.widths(64, 1024), budget=64)
    tc.check(stable, THETA_OF_ONE)
    tc.check(stable.with_observable(tc.OptimalLearningRate(reach=2)), THETA_OF_ONE)
    tc.check_refuted(replace(stable, training=replace(STANDARD_PERCEPTRON, steps=10)), THETA_OF_ONE)


# A small convolutional network.


class ConvNet(nn.Module):
    """Three convolutions, whose channels are its width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.body = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.head = nn.Linear(width, 4, bias=False)
        for layer in (self.stem, *self.body):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.head.weight)

    def forward(self, images: Tensor) -> Tensor:
        x = torch.tanh(self.stem(images))
        for layer in self.body:
            x = torch.tanh(layer(x))
        return self.head(x.mean(dim=(-2, -1))) * (BASE_WIDTH / self.head.in_features)


def image_batches() -> list[tuple[Tensor, Tensor]]:
    """One batch for four steps: stripes of four directions in noise."""
    labels = torch.arange(8) % 4
    across, angles = torch.linspace(0, 6, 4), labels[:, None, None] * torch.pi / 4
    stripes = torch.cos(across * angles.cos() + across[:, None] * angles.sin())
    noise = torch.randn(8, 4, 4, generator=torch.Generator().manual_seed(0))
    return [((stripes + noise / 2)[:, None], labels)] * 4


CONV_NET = tc.Model(
    ConvNet,
    functools.partial(scaled_rates, hidden="body", rate=1e-3),
    image_batches(),
    loss=F.cross_entropy,
    name="convolutional network",
)


@tc.gate(id="YM-6", evidence=True)
def test_convolutional_network_is_in_maximal_update() -> None:
    """Every module and parameter of a convolutional network is in maximal update; four breakages are caught."""
    tc.coordinate_check(CONV_NET, tc.MAXIMAL_UPDATE, widths=tc.widths(64, 1024))
    names = ("readout init", "hidden learning rate", "optimizer epsilon", "weight decay")
    tc.mutations(CONV_NET, tc.MAXIMAL_UPDATE, widths=tc.widths(32, 512), names=names)


# GPT-2 of Hugging Face's transformers, from a config: nothing is downloaded, and the model computes its own loss.


def gpt2(width: int) -> nn.Module:
    """Two layers, readout tied to the embedding; wider models have more heads of one size."""
    transformers = pytest.importorskip("transformers", reason="pip install 'theorychecks[hf]' for the GPT-2 example")
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=LENGTH,
        n_embd=width,
        n_layer=2,
        n_head=width // 16,
        use_cache=False,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = transformers.GPT2LMHeadModel(config)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            # Its matrices are stored as (in, out).
            nn.init.normal_(parameter, std=1.0 if "wte" in name or "wpe" in name else parameter.shape[0] ** -0.5)
    model.transformer.ln_f.weight.data.fill_(1.0)
    return Scaled(model, BASE_WIDTH / width / 8)


class Scaled(nn.Module):
    """A language model whose logits are multiplied by a number, and which computes its loss itself."""

    def __init__(self, model: nn.Module, multiplier: float) -> None:
        super().__init__()
        self.model, self.multiplier = model, multiplier

    def forward(self, input_ids: Tensor, labels: Tensor) -> dict[str, Any]:
        logits = self.multiplier * self.model(input_ids=input_ids).logits
        return {"loss": next_token_loss(logits[:, :-1], labels[:, 1:]), "logits": logits}


def gpt2_batches() -> list[dict[str, Tensor]]:
    """Keywords of the model, for four steps."""
    tokens = token_batches()[0][0]
    return [{"input_ids": tokens, "labels": tokens}] * 4


GPT2 = tc.Model(gpt2, functools.partial(scaled_rates, hidden="model.transformer.h"), gpt2_batches(), name="GPT-2")
STANDARD_GPT2 = tc.Model(gpt2, one_rate, gpt2_batches(), name="GPT-2")


@tc.gate(id="YM-7")
def test_gpt2_with_one_learning_rate_is_not_in_maximal_update() -> None:
    """Hugging Face's GPT-2 with a muP readout and one learning rate is caught at its queries, keys and values."""
    found = tc.coordinate_check_refuted(STANDARD_GPT2, tc.MAXIMAL_UPDATE, widths=tc.widths(32, 512))
    blamed = {culprit.where: culprit.kind for culprit in found.diagnosis.culprits}
    assert blamed["model.transformer.h.*.attn.c_attn.weight"] == "learning rate"


@tc.gate(id="YM-8")
def test_gpt2_is_in_maximal_update() -> None:
    """Hugging Face's GPT-2, drawn by fan-in and with a muP readout, scales as maximal update has it once hidden
    learning rates fall as one over the width.
    """
    tc.coordinate_check(GPT2, tc.MAXIMAL_UPDATE, widths=tc.widths(64, 1024))
