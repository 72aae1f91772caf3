"""Networks whose hidden weights have no scale, trained for long with weight decay on fresh batches, all seeds at once.

Behind each of two hidden matrices stands a root-mean-square normalisation over neurons, so that a matrix and its
multiples give one function; the readout is fixed. Targets are those of a teacher, with noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor

from theorychecks.networks import Activation
from theorychecks.networks.optimizers import Optimizer

INPUTS: Final = 8
OUTPUTS: Final = 4
BATCH: Final = 8
_AT_ONCE: Final = 64
"""Batches that are drawn together."""

Decay = Literal["decoupled", "in the gradient"]
"""AdamW's multiplies weights by 1 - rate * decay; an L2 penalty adds decay * weights to their gradient."""


@dataclass(frozen=True, kw_only=True)
class Descent:
    """How weights are trained.

    Attributes:
        optimizer: what makes steps of gradients.
        rates: learning rates of the first and the second matrix.
        decays: of both.
        decay: where it enters.
        noise: standard deviation of what is added to targets, which have a mean square of order one.
    """

    optimizer: Optimizer
    rates: tuple[float, float]
    decays: tuple[float, float]
    decay: Decay = "decoupled"
    noise: float = 1.0


def start(width: int, sizes: tuple[float, float], generators: Sequence[torch.Generator]) -> tuple[Tensor, Tensor]:
    """Two matrices of independent normal entries with these standard deviations, [seed, width, fan_in] each."""
    first, second = (
        torch.stack([torch.randn(width, fan_in, generator=own) for own in generators]) for fan_in in (INPUTS, width)
    )
    return sizes[0] * first, sizes[1] * second


def weights_in_time(
    begin: tuple[Tensor, Tensor],
    descent: Descent,
    activation: Activation,
    generators: Sequence[torch.Generator],
) -> Iterator[tuple[Tensor, Tensor]]:
    """The matrices after each step, for ever.

    Args:
        begin: where they start, [seed, width, fan_in] each.
        descent: how they are trained.
        activation: of both layers.
        generators: one a seed, of the readout, the teacher and all batches.
    """
    width = begin[0].shape[1]
    readout = torch.stack([torch.randn(OUTPUTS, width, generator=own) for own in generators]) / width
    teacher = torch.stack([torch.randn(OUTPUTS, INPUTS, generator=own) for own in generators]) / math.sqrt(INPUTS)
    weights = list(begin)
    states = [[torch.zeros_like(matrix) for _ in range(descent.optimizer.copies)] for matrix in weights]
    for count, (inputs, noise) in enumerate(_batches(generators), start=1):
        targets = inputs @ teacher.mT + descent.noise * noise
        leaves = [matrix.detach().requires_grad_() for matrix in weights]
        with torch.enable_grad():
            outputs = _outputs(leaves, readout, activation, inputs)
            loss = (outputs - targets).square().sum() / (2 * BATCH)
        gradients = torch.autograd.grad(loss, leaves)
        for k, (gradient, rate, decay) in enumerate(zip(gradients, descent.rates, descent.decays, strict=True)):
            if descent.decay == "in the gradient":
                gradient = gradient + decay * weights[k]
            direction, divisor = descent.optimizer.step(gradient, states[k], count)
            kept = 1 - rate * decay if descent.decay == "decoupled" else 1.0
            weights[k] = kept * weights[k] - rate / divisor * direction
        yield weights[0], weights[1]


def root_mean_square(matrices: Tensor) -> Tensor:
    """Of all entries, [seed]."""
    return matrices.square().mean(dim=(1, 2)).sqrt()


def overlap(matrices: Tensor, begin: Tensor) -> Tensor:
    """How much of the first matrices is left in these, [seed]: one at the start, zero once it is forgotten."""
    return (matrices * begin).sum(dim=(1, 2)) / begin.square().sum(dim=(1, 2))


def _outputs(weights: Sequence[Tensor], readout: Tensor, activation: Activation, inputs: Tensor) -> Tensor:
    x = inputs
    for matrix in weights:
        h = x @ matrix.mT
        x = activation.function(h / h.square().mean(dim=-1, keepdim=True).sqrt())
    return x @ readout.mT


def _batches(generators: Sequence[torch.Generator]) -> Iterator[tuple[Tensor, Tensor]]:
    """Inputs and noise, [seed, sample, size]."""
    while True:
        drawn = torch.stack(
            [torch.randn(_AT_ONCE, BATCH, INPUTS + OUTPUTS, generator=own) for own in generators], dim=1
        )
        yield from ((batch[..., :INPUTS], batch[..., INPUTS:]) for batch in drawn)
