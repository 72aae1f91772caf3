"""Products of L weights, or of L random matrices with ReLU between them, at feature-learning strength gamma.

The output is the product less its initial value, divided by gamma, and fits targets by gradient descent on half the
mean squared error. At gamma << 1 weights hardly move and the sharpness is that of the start, of order gamma^-2. At
gamma >> 1 weights have to grow to gamma^(1/L), where the sharpness is of order gamma^(-2/L) (for the product of weights
exactly, (1 + gamma)^(1/L) from weights of one; derived here).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

LOSS_LEFT: Final = 0.5
HIGHEST_LOSS: Final = 10.0
"""Training is stable when no more than the first part of its initial loss is left and no step has it above the second.

Without the second, rates count at which the loss grows by orders of magnitude and weights end up elsewhere.
"""
_OCTAVES: Final = 5
_PARTS: Final = 8


@dataclass(frozen=True, kw_only=True)
class Products:
    """Products of layers, one a seed, and what they are to fit.

    Attributes:
        layers: [seed, fan_out, fan_in] each, the first first, with ReLU between layers wider than one.
        inputs: [sample, dimension].
        targets: [sample].
        strength: gamma.
        multiplier: in front of the product.
    """

    layers: tuple[Tensor, ...]
    inputs: Tensor
    targets: Tensor
    strength: float
    multiplier: float = 1.0

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
        for before, after in itertools.pairwise(sizes)
    )
    return Products(layers=layers, inputs=inputs, targets=targets, strength=strength, multiplier=neurons**-0.5)


def rich_rate(products: Products) -> float:
    """gamma^(2/L), with which stable learning rates grow once weights have to."""
    return float(products.strength ** (2 / products.depth))


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
    """The largest learning rate at which training is stable for so many steps, [seed]; see `HIGHEST_LOSS`.

    Looked for in factors of two, and then of 2^(1/8), on a grid about a guess that is off by a random offset for each
    seed. Zero where no rate within five octaves is stable, infinite where the largest is.

    Args:
        start: initial products.
        guess: middle of the grid.
        steps: of gradient descent.
        offsets: in [0, 1), one a seed.
    """
    middle = math.log2(guess) + torch.tensor(offsets, dtype=torch.float64)[:, None]
    coarse = middle + torch.arange(-_OCTAVES, _OCTAVES + 1)
    last = _last(_converges(start, coarse, steps))
    low = coarse.gather(1, last.clamp_min(0)[:, None])
    fine = low + torch.arange(_PARTS) / _PARTS
    best = low[:, 0] + (_last(_converges(start, fine, steps)).clamp_min(0) + 0.5) / _PARTS
    found = torch.where(last < 0, 0.0, torch.exp2(best))
    return torch.where(last == 2 * _OCTAVES, math.inf, found)


def _last(answers: Tensor) -> Tensor:
    """The last place of each row that is true, -1 where none is."""
    places = torch.arange(answers.shape[1]).expand_as(answers)
    return torch.where(answers, places, -1).amax(dim=1)


def _converges(start: Products, exponents: Tensor, steps: int) -> Tensor:
    """Whether each seed is stable at each of its rates, 2 to these exponents, [seed, rate]."""
    seeds, rates = exponents.shape
    copies = replace(start, layers=tuple(layer.repeat_interleave(rates, dim=0) for layer in start.layers))
    last = peak = torch.ones(seeds * rates, dtype=torch.float64)
    for loss in _losses(copies, torch.exp2(exponents).flatten(), steps):
        last = loss.nan_to_num(nan=math.inf)
        peak = torch.maximum(peak, last)
    return ((last <= LOSS_LEFT) & (peak <= HIGHEST_LOSS)).reshape(seeds, rates)


def _losses(start: Products, rate: Tensor, steps: int) -> Iterator[Tensor]:
    """Relative losses at the start and after each step, [seed]."""
    layers = list(start.layers)
    linear = max(layer.shape[1] for layer in layers) == 1
    gate: Callable[[Tensor], Tensor] = torch.ones_like if linear else (lambda values: (values > 0).to(values.dtype))
    factor, unit = start.multiplier / start.strength, start.targets.square().mean()
    initial = None
    for _ in range(steps + 1):
        signals, gates = [start.inputs.T.expand(len(rate), -1, -1)], []
        for layer in layers[:-1]:
            before = layer @ signals[-1]
            gates.append(gate(before))
            signals.append(before * gates[-1])
        product = (layers[-1] @ signals[-1])[:, 0]
        initial = product if initial is None else initial
        error = factor * (product - initial) - start.targets
        yield error.square().mean(dim=1) / unit
        push = (error * (factor * rate / len(start.targets))[:, None])[:, None]
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
