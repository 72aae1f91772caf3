"""Gradient flow of networks some of whose layers begin small, up to the end of the plateau.

Where layers are small the flow is slow, and takes time in proportion to a power of their size. Its steps are as long as
the weights of the moment allow, so that a plateau costs steps in proportion to the logarithm of that time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from theorychecks.networks import Activation

MOST_STEPS: Final = 5000


@dataclass(frozen=True)
class Networks:
    """Networks without biases, one a seed, and what each has to fit.

    Attributes:
        weights: [seed, fan_out, fan_in] each, the first layer first.
        inputs: [seed, dimension, sample].
        targets: [seed, 1, sample].
        activation: between the layers.
    """

    weights: tuple[Tensor, ...]
    inputs: Tensor
    targets: Tensor
    activation: Activation


def gaussian(
    depth: int,
    small: Sequence[int],
    scale: float,
    *,
    activation: Activation,
    neurons: int,
    samples: int,
    dimension: int,
    generators: Sequence[torch.Generator],
) -> Networks:
    """Weights of variance gain^2 / fan-in, those of the small layers times the scale; targets are linear, of size one.

    Args:
        depth: number of weight layers, two or more.
        small: their places, from zero on.
        scale: what they are multiplied by.
        activation: between the layers.
        neurons: of each hidden layer.
        samples: of each seed's data.
        dimension: of inputs, which are standard normal.
        generators: one a seed, of data and weights.

    Raises:
        ValueError: for a depth below two, or a scale that is not positive.
    """
    if depth < 2 or not scale > 0:
        raise ValueError(f"networks have two layers or more and a positive scale; got {depth} and {scale}")
    sizes = [dimension, *[neurons] * (depth - 1), 1]

    def drawn(*shape: int) -> Tensor:
        return torch.stack([torch.randn(shape, generator=own, dtype=torch.float64) for own in generators])

    inputs, direction = drawn(dimension, samples), drawn(1, dimension)
    targets = direction @ inputs
    weights = tuple(
        drawn(sizes[k + 1], sizes[k]) * (activation.gain / math.sqrt(sizes[k])) * (scale if k in small else 1.0)
        for k in range(depth)
    )
    return Networks(weights, inputs, targets / targets.square().mean(dim=2, keepdim=True).sqrt(), activation)


def escape_times(start: Networks, *, share: float, stride: float) -> Tensor:
    """When half the mean squared error first is below a share of what it is at outputs of zero, [seed].

    Gradient flow in steps of the explicit midpoint rule, in none of which a layer moves by more than about the stride
    times its norm; infinite for those that `MOST_STEPS` do not bring there.
    """
    weights, bar = start.weights, share * start.targets.square().mean(dim=(1, 2)) / 2
    time, found = torch.zeros_like(bar), torch.full_like(bar, math.inf)
    loss, descent = _descent(start, weights)
    for _ in range(MOST_STEPS):
        rates = [_norm(own) / _norm(layer) for own, layer in zip(descent, weights, strict=True)]
        step = stride / torch.stack(rates).amax(dim=0)
        _, halfway = _descent(start, _moved(weights, descent, step / 2))
        weights = _moved(weights, halfway, step)
        before, (loss, descent) = loss, _descent(start, weights)
        part = ((before - bar) / (before - loss)).clamp(0, 1)
        found = torch.where(torch.isinf(found) & (loss <= bar), time + part * step, found)
        time = time + step
        if not torch.isinf(found).any():
            break
    return found


def _descent(start: Networks, weights: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """The loss, [seed], and minus its gradient by layer."""
    features, slopes = [start.inputs], []
    for layer in weights[:-1]:
        preactivations = layer @ features[-1]
        slopes.append(start.activation.derivative(preactivations))
        features.append(start.activation.function(preactivations))
    error = weights[-1] @ features[-1] - start.targets
    backward, found = -error / start.targets.shape[2], []
    for k in range(len(weights) - 1, -1, -1):
        found.append(backward @ features[k].mT)
        if k:
            backward = (weights[k].mT @ backward) * slopes[k - 1]
    return error.square().mean(dim=(1, 2)) / 2, found[::-1]


def _moved(weights: Sequence[Tensor], velocity: Sequence[Tensor], time: Tensor) -> tuple[Tensor, ...]:
    return tuple(layer + time[:, None, None] * own for layer, own in zip(weights, velocity, strict=True))


def _norm(matrices: Tensor) -> Tensor:
    """Frobenius norms, [seed]."""
    return matrices.square().sum(dim=(1, 2)).sqrt()
