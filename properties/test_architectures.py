"""What is claimed of multilayer perceptrons, asked of a decoder with attention and of a residual convolutional network.

Both are built in plain torch, in maximal update: the decoder is that of `test_your_model`. Left out are roles for which
no theory is known to us: attention logits, and gains and biases of norms.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import theorychecks as tc
from properties.papers import LARGE_RATES
from properties.test_your_model import BASE_WIDTH, Decoder, image_batches, next_token_loss, token_batches
from theorychecks.observables import CoordinateSize

WIDTHS = tc.widths(64, 1024)
STEPS = 2
Rates = Callable[[float], dict[str, float]]
"""From the width over the base width to learning rates by role."""


class Residual(nn.Module):
    """A stem, two residual blocks of two convolutions each, and a readout of their means; channels are the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1, bias=False),
                nn.Tanh(),
                nn.Conv2d(width, width, 3, padding=1, bias=False),
            )
            for _ in range(2)
        )
        self.head = nn.Linear(width, 4, bias=False)
        for name, parameter in self.named_parameters():
            fan_in = BASE_WIDTH if name == "head.weight" else parameter[0].numel()
            nn.init.normal_(parameter, std=fan_in**-0.5)

    def forward(self, images: Tensor) -> Tensor:
        """Logits, behind a multiplier that falls as one over the width."""
        x = self.stem(images)
        for block in self.blocks:
            x = x + block(torch.tanh(x))
        return self.head(torch.tanh(x).mean(dim=(-2, -1))) * (BASE_WIDTH / self.head.in_features)


def optimizer(
    module: nn.Module, *, kind: type[torch.optim.Optimizer], rate: float, rates: Rates
) -> torch.optim.Optimizer:
    """One of torch's, with learning rates by role: hidden matrices lie in blocks, and the head reads out."""
    ratio = module.head.weight.shape[1] / BASE_WIDTH
    groups: dict[str, list[nn.Parameter]] = {"hidden": [], "output": [], "other": []}
    for name, parameter in module.named_parameters():
        matrix = name.startswith("blocks") and parameter.ndim > 1
        groups["hidden" if matrix else "output" if name == "head.weight" else "other"].append(parameter)
    by_role = rates(ratio)
    return kind([{"params": found, "lr": rate * by_role[role]} for role, found in groups.items()], lr=rate)


def adam(ratio: float) -> dict[str, float]:
    """Maximal update by Adam (Yang et al. 2022, arXiv:2203.03466, Table 8, with a multiplier in the readout)."""
    return {"hidden": 1 / ratio, "output": 1.0, "other": 1.0}


def descent(ratio: float) -> dict[str, float]:
    """Maximal update by gradient descent: the multiplier of the readout makes gradients fall as one over the width."""
    return {"hidden": 1.0, "output": ratio, "other": ratio}


def lazy(ratio: float) -> dict[str, float]:
    """Adam with all that features see slowed by the root of the width, and the readout by the width."""
    return {"hidden": ratio**-1.5, "output": 1 / ratio, "other": ratio**-0.5}


def standard(ratio: float) -> dict[str, float]:
    """One rate for all."""
    return dict.fromkeys(("hidden", "output", "other"), 1.0)


def described(
    build: Callable[[int], nn.Module], kind: type[torch.optim.Optimizer], rate: float, rates: Rates
) -> tc.Model:
    """A model with its own data, trained by one of torch's optimizers."""
    reads = issubclass(getattr(build, "func", build), Decoder)
    return tc.Model(
        build,
        functools.partial(optimizer, kind=kind, rate=rate, rates=rates),
        token_batches() if reads else image_batches(),
        loss=next_token_loss if reads else F.cross_entropy,
        steps=STEPS,
        name=f"{'decoder' if reads else 'residual'}, {kind.__name__}",
    )


DECODER_ADAM = described(Decoder, torch.optim.Adam, 5e-4, adam)
DECODER_SGD = described(Decoder, torch.optim.SGD, 0.1, descent)
RESIDUAL_ADAM = described(Residual, torch.optim.Adam, 3e-3, adam)
RESIDUAL_SGD = described(Residual, torch.optim.SGD, 0.1, descent)
ALL = pytest.mark.parametrize("model", [DECODER_ADAM, DECODER_SGD, RESIDUAL_ADAM, RESIDUAL_SGD], ids=lambda m: m.name)
SCALED = pytest.mark.parametrize("model", [DECODER_ADAM, RESIDUAL_ADAM, RESIDUAL_SGD], ids=lambda m: m.name)
"""Without the decoder under plain gradients, whose queries and keys move by n^-1/2 too little at first."""
LAZY = {
    DECODER_ADAM: described(Decoder, torch.optim.Adam, 5e-4, lazy),
    RESIDUAL_ADAM: described(Residual, torch.optim.Adam, 3e-3, lazy),
    RESIDUAL_SGD: described(Residual, torch.optim.Adam, 3e-3, lazy),
}


def with_one_rate(slower: float = 1.0) -> dict[tc.Model, tc.Model]:
    """With one learning rate for all layers, under which hidden ones move more the wider they are, or a share of it."""
    decoder = functools.partial(Decoder, maximal_update=False)
    return {
        DECODER_ADAM: described(decoder, torch.optim.Adam, 5e-4 / slower, standard),
        RESIDUAL_ADAM: described(Residual, torch.optim.Adam, 3e-3 / slower, standard),
        RESIDUAL_SGD: described(
            Residual, torch.optim.SGD, 0.1 / slower, lambda ratio: dict.fromkeys(standard(ratio), ratio)
        ),
    }


WRONG, GENTLY_WRONG = with_one_rate(), with_one_rate(slower=10)
"""Gently, features move by less than their size at every width: beyond that their growth saturates."""
EFFECTIVE, EFFECTIVE_BY_CHANCE = tc.Alignment("effective"), tc.Alignment("effective", direction="random")
PROPAGATING, UPDATE = tc.Alignment("propagating"), tc.UpdateSize("effective")
ALIGNED, RANDOM_LIKE = tc.PowerLaw(1, within=0.2, rival=1 / 2), tc.PowerLaw(1 / 2, within=0.2, rival=1)
FLAT, SLOWED = tc.Plateau(within=0.2, rival=-1 / 2), tc.PowerLaw(-1 / 2, within=0.2, rival=0)


def swept(observable: tc.Observable, model: tc.Model) -> tc.Sweep:
    """At the widths above."""
    return tc.Sweep(observable, model, widths=WIDTHS, budget=8)


@tc.claim(
    id="A1/models",
    source="Haas et al. 2025, arXiv:2505.22491, alignment exponents p = 1 (public notes on it); Everett et al. 2024, "
    "arXiv:2407.05872, full alignment (a public summary); measured here for attention, convolutions and residual "
    "branches",
    paper=LARGE_RATES,
)
@ALL
def test_updates_of_a_decoder_and_a_residual_network_are_aligned_with_their_inputs(model):
    """After two steps in maximal update, by Adam and by gradient descent, of a decoder with attention and of a residual
    convolutional network, RMS(dW x) / (RMS(dW) RMS(x)) grows as Theta(n) for hidden matrices and the readout, and stays
    Theta(1) for embeddings and the stem. With random vectors in place of x the first two are not Theta(n).
    """
    ratios = swept(tc.Together((EFFECTIVE, EFFECTIVE_BY_CHANCE)), model)

    tc.check(ratios.of(observable=EFFECTIVE.title, role="hidden"), ALIGNED)
    tc.check(ratios.of(observable=EFFECTIVE.title, role="output"), ALIGNED)
    tc.check(ratios.of(observable=EFFECTIVE.title, role="input"), tc.Plateau(within=0.2, rival=1 / 2))
    tc.check_refuted(ratios.of(observable=EFFECTIVE_BY_CHANCE.title, role=("hidden", "output")), ALIGNED)


@tc.claim(
    id="A2/models",
    source="Haas et al. 2025, arXiv:2505.22491, alignment exponent q = 1/2 (public notes on it); Yang and Hu 2021, "
    "arXiv:2011.14522 (public notes on it); measured here for attention, convolutions and residual branches",
    paper=LARGE_RATES,
)
@ALL
def test_initial_weights_of_a_decoder_and_a_residual_network_see_updates_as_random(model):
    """After two steps in maximal update, by Adam and by gradient descent, of a decoder with attention and of a residual
    convolutional network, RMS(W_0 dx) / (RMS(W_0) RMS(dx)) grows as Theta(n^1/2) for hidden matrices, and
    RMS(dW x) / (RMS(dW) RMS(x)) does not.
    """
    ratios = swept(tc.Together((PROPAGATING, EFFECTIVE)), model)

    tc.check(ratios.of(observable=PROPAGATING.title, role="hidden"), RANDOM_LIKE)
    tc.check_refuted(ratios.of(observable=EFFECTIVE.title, role="hidden"), RANDOM_LIKE)


@tc.claim(
    id="LZ-11/models",
    source="Yang and Hu 2021, arXiv:2011.14522, Corollary 3.9, for gradient descent and multilayer perceptrons (public "
    "notes on it); lazy rates of Adam derived here",
    evidence=True,
)
@SCALED
def test_features_of_a_decoder_and_a_residual_network_move_when_rich_and_hardly_when_lazy(model):
    """In maximal update, of the decoder by Adam and of the residual network by Adam and by gradient descent, features
    of every layer move by Theta(1) in two steps, and by Theta(n^-1/2) where Adam's learning rates are smaller by n^1/2
    (by n for the readout). With one small learning rate for all layers (of the decoder, in standard parametrization; by
    gradient descent one in proportion to the width) those of hidden matrices move by neither.
    """
    rich, slow, wrong = (swept(tc.FeatureChange(), each) for each in (model, LAZY[model], GENTLY_WRONG[model]))

    tc.check(rich, FLAT)
    tc.check(slow, SLOWED)
    tc.check_refuted(wrong.of(role="hidden"), FLAT)
    tc.check_refuted(wrong.of(role="hidden"), SLOWED)


@tc.claim(
    id="M1/models",
    source="Yang et al. 2022, arXiv:2203.03466, by the coordinate check of the authors' package (its page read)",
    evidence=True,
)
@SCALED
def test_coordinates_of_a_decoder_and_a_residual_network_stay_of_order_one(model):
    """After two steps in maximal update, of the decoder by Adam and of the residual network by Adam and by gradient
    descent, the coordinates of every layer but the readout, and what updates of these layers make of their inputs, are
    Theta(1); with one learning rate for all layers (of the decoder, in standard parametrization; by gradient descent
    one in proportion to the width) what hidden updates make is not.
    """
    checked = tc.Together((CoordinateSize(), UPDATE))

    tc.check(swept(checked, model).of(role=("input", "hidden")), FLAT)
    tc.check_refuted(swept(UPDATE, WRONG[model]).of(role="hidden"), FLAT)
