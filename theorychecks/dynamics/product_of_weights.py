"""Products of L weights, or of L random matrices with ReLU between them, at feature-learning strength gamma.

The output is the product less its initial value, divided by gamma, and fits targets by gradient descent on half the mean
squared error. At gamma << 1 weights hardly move and the sharpness is that of the start, of order gamma^-2. At
gamma >> 1 weights have to grow to gamma^(1/L), where the sharpness is of order gamma^(-2/L) (for the product of weights
exactly, (1 + gamma)^(1/L) from weights of one; derived here).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

LOSS_LEFT: Final = 0.1
"""Training has converged when this part of its initial loss is left."""
_BRACKET: Final = 2.0
"""Factors of two by which the search for a learning rate moves until its answer changes."""
_HALVINGS: Final = 6


@dataclass(frozen=True, kw_only=True)
class Products:
    """Products of layers, one a seed, and what they are to fit.

    Attributes:
        layers: [seed, fan_out, fan_in] each, the first first, with ReLU between layers wider than one.
        inputs: [sample, dimension].
        targets: [sample].
        strength: gamma.
    """

    layers: tuple[Tensor, ...]
    inputs: Tensor
    targets: Tensor
    strength: float

    @property
    def depth(self) -> int:
        """L, the number of weight layers."""
        return len(self.layers)


def weights(depth: int, *, strength: float, generators: Sequence[torch.Generator]) -> Products:
    """Products of positive random numbers, exp(z / 4) with z standard normal; their output has to become one.

    Args:
        depth: L, two or more.
        strength: gamma.
        generators: one a seed.

    Raises:
        ValueError: for a depth below two, or a strength that is not positive.
    """
    _check(depth, strength)
    drawn = torch.stack([torch.randn(depth, generator=own, dtype=torch.float64) for own in generators])
    layers = tuple((drawn[:, k] / 4).exp()[:, None, None] for k in range(depth))
    one = torch.ones(1, dtype=torch.float64)
    return Products(layers=layers, inputs=one[:, None], targets=one, strength=strength)


def networks(
    depth: int,
    neurons: int,
    inputs: Tensor,
    targets: Tensor,
    *,
    strength: float,
    generators: Sequence[torch.Generator],
) -> Products:
    """ReLU networks without biases with independent Gaussian weights of variance 1 / fan_in; neuron sums are averages.

    Args:
        depth: L, the number of weight layers, two or more.
        neurons: of each hidden layer.
        inputs: [sample, dimension].
        targets: [sample].
        strength: gamma, on top of the readout's factor neurons^-1/2 (the maximal-update base).
        generators: one a seed.

    Raises:
        ValueError: for a depth below two, or a strength that is not positive.
    """
    _check(depth, strength)
    sizes = [inputs.shape[1], *[neurons] * (depth - 1), 1]
    layers = tuple(
        torch.stack([torch.randn(after, before, generator=own, dtype=torch.float64) for own in generators])
        / math.sqrt(before)
        for before, after in zip(sizes, sizes[1:], strict=False)
    )
    return Products(layers=layers, inputs=inputs, targets=targets, strength=strength * math.sqrt(neurons))


def crossings(start: Products, rate: Tensor, *, steps: int, levels: Sequence[float]) -> Tensor:
    """Steps until the loss first falls below these fractions of its initial value, [level, seed]; infinite where never.

    Args:
        start: initial products.
        rate: learning rate of each seed, [seed].
        steps: of gradient descent, at most.
        levels: decreasing fractions.
    """
    bars, found = torch.tensor(levels, dtype=torch.float64)[:, None], torch.full((len(levels), len(rate)), math.inf)
    before = torch.ones_like(rate)
    for step, now in enumerate(_losses(start, rate, steps)):
        share = ((before - bars) / (before - now).clamp_min(1e-300)).clamp(0, 1)
        found = torch.where(torch.isinf(found) & (now <= bars), step - 1 + share, found)
        before = now
        if not torch.isinf(found).any():
            break
    return found


def largest_rate(start: Products, guess: float, *, steps: int, offsets: Sequence[float]) -> Tensor:
    """The largest learning rate at which a tenth of the initial loss is left after so many steps, [seed].

    Found by halving on a grid of 1/16 of a factor of two, about a guess that is off by a random offset for each seed.

    Args:
        start: initial products.
        guess: where the search begins.
        steps: of gradient descent.
        offsets: in [0, 1), one a seed.
    """
    low = math.log2(guess) + torch.tensor(offsets, dtype=torch.float64)
    high = low.clone()
    converges = _converges(start, low, steps)
    # From a rate that converges upwards and from another one downwards, until the answer changes.
    open_ends = torch.ones_like(converges)
    while open_ends.any():
        low, high = (
            torch.where(open_ends & ~converges, low - _BRACKET, torch.where(open_ends, high, low)),
            torch.where(open_ends & converges, high + _BRACKET, torch.where(open_ends, low, high)),
        )
        answers = _converges(start, torch.where(converges, high, low), steps)
        open_ends &= answers == converges
    for _ in range(_HALVINGS - 1):
        middle = (low + high) / 2
        good = _converges(start, middle, steps)
        low, high = torch.where(good, middle, low), torch.where(good, high, middle)
    return torch.exp2((low + high) / 2)


def _converges(start: Products, exponents: Tensor, steps: int) -> Tensor:
    last = torch.ones_like(exponents)
    for loss in _losses(start, torch.exp2(exponents), steps):
        last = loss
    return last.nan_to_num(nan=math.inf) <= LOSS_LEFT


def _losses(start: Products, rate: Tensor, steps: int) -> Iterator[Tensor]:
    """Relative losses at the start and after each step, [seed]."""
    layers = list(start.layers)
    linear = max(layer.shape[1] for layer in layers) == 1
    gate: Callable[[Tensor], Tensor] = torch.ones_like if linear else (lambda values: (values > 0).to(values.dtype))
    initial, unit = None, start.targets.square().mean()
    for _ in range(steps + 1):
        signals, gates = [start.inputs.T.expand(len(rate), -1, -1)], []
        for layer in layers[:-1]:
            before = layer @ signals[-1]
            gates.append(gate(before))
            signals.append(before * gates[-1])
        product = (layers[-1] @ signals[-1])[:, 0]
        initial = product if initial is None else initial
        error = (product - initial) / start.strength - start.targets
        yield error.square().mean(dim=1) / unit
        push = (error * (rate / (start.strength * len(start.targets)))[:, None])[:, None]
        for k in range(len(layers) - 1, -1, -1):
            change = push @ signals[k].mT
            if k:
                push = (layers[k].mT @ push) * gates[k - 1]
            layers[k] = layers[k] - change


def _check(depth: int, strength: float) -> None:
    if depth < 2:
        raise ValueError(f"a product has two factors or more; got depth={depth}")
    if not (math.isfinite(strength) and strength > 0):
        raise ValueError(f"a feature-learning strength is a positive number; got {strength}")
