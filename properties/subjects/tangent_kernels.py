"""Tangent kernels of narrow networks at initialisation, many networks at once, between two inputs.

The networks have the NTK parametrization without biases: every layer is gain / sqrt(fan-in) times a standard normal
matrix, and the output is a single number.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor

from theorychecks.networks import Activation

_DIMENSION: Final = 2


class Entries(NamedTuple):
    """Of each network's tangent kernel at two inputs, [draw]."""

    diagonal: Tensor
    off_diagonal: Tensor


def two_inputs(cosine: float) -> Tensor:
    """Inputs of mean square one at an angle, [input, dimension]."""
    second = (cosine, math.sqrt(1 - cosine**2))
    return math.sqrt(_DIMENSION) * torch.tensor([(1.0, 0.0), second])


def tangent_kernels(
    inputs: Tensor, activation: Activation, *, width: int, depth: int, draws: int, generator: torch.Generator
) -> Entries:
    """Entries of so many independent networks of as many hidden layers as depth says, by backpropagation.

    Every layer's part is the product of what goes in at both inputs, times the product of what comes back.

    Raises:
        ValueError: unless width, depth and draws are positive.
    """
    if min(width, depth, draws) < 1:
        raise ValueError(f"width, depth and draws are positive; got {width}, {depth} and {draws}")
    features = inputs.T.expand(draws, -1, -1)
    layers = []
    for _ in range(depth):
        fan_in = features.shape[1]
        weights = torch.randn((draws, width, fan_in), generator=generator) * (activation.gain / math.sqrt(fan_in))
        preactivations = weights @ features
        layers.append((weights, features, activation.derivative(preactivations)))
        features = activation.function(preactivations)
    scale = activation.gain / math.sqrt(width)
    kernel = scale**2 * _products(features)
    backward = scale * torch.randn((draws, width, 1), generator=generator).expand(-1, -1, len(inputs))
    for weights, before, slopes in reversed(layers):
        backward = backward * slopes
        kernel += activation.gain**2 / before.shape[1] * _products(before) * _products(backward)
        backward = weights.mT @ backward
    return Entries(kernel[:, 0], kernel[:, 1])


def _products(columns: Tensor) -> Tensor:
    """Of the first column with itself and with the second, [draw, 2]; columns are [draw, neuron, input]."""
    return (columns[:, :, :1] * columns).sum(dim=1)
