"""Two-layer networks of many seeds at once, with exact Jacobians that are never stored as matrices.

f(x) = scale / sqrt(n) sum_i a_i phi(w_i . x / sqrt(d)) with standard normal a_i and w_i: scale 1 is the parametrization
of Jacot, Gabriel and Hongler (2018, arXiv:1806.07572), scale n^-1/2 the mean-field one.
All weights of a network are one tensor [seed, 1 + d, n]: the row of a_i, then those of w_i.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from theorychecks.networks import Activation

Start = Literal["independent", "doubled"]
"""Whether all neurons are drawn, or half of them, and the others are their copies with the opposite sign outside."""


@dataclass(frozen=True)
class TwoLayer:
    """What a two-layer network is, whatever its weights.

    Attributes:
        activation: phi.
        scale: the output scale, in front of the sum over sqrt(n).
    """

    activation: Activation
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"an output scale is a positive number; got {self.scale!r}. Take 1, or n**-0.5.")

    def outputs(self, weights: Tensor, inputs: Tensor) -> Tensor:
        """Values at inputs [P, d], or [seed, P, d] where networks have inputs of their own; shape [seed, P]."""
        features = self.activation.function(_preactivations(weights, inputs))
        return self._factor(weights) * (features @ weights[:, 0, :, None])[..., 0]

    def linearised(self, weights: Tensor, inputs: Tensor) -> Linearised:
        """Values and derivatives at inputs [P, d] or [seed, P, d]."""
        preactivations = _preactivations(weights, inputs)
        features = self.activation.function(preactivations)
        slopes = self.activation.slope(preactivations, features) * weights[:, :1]
        factor = self._factor(weights)
        features = factor * features
        outputs = (features @ weights[:, 0, :, None])[..., 0]
        return Linearised(outputs, features, factor * slopes, inputs / math.sqrt(inputs.shape[-1]))

    def _factor(self, weights: Tensor) -> float:
        return self.scale / math.sqrt(weights.shape[2])


@dataclass(frozen=True)
class Linearised:
    """A network to first order in its weights; J is its Jacobian.

    Attributes:
        outputs: [seed, P].
        by_readout: derivatives in a_i, [seed, P, n].
        by_preactivation: derivatives in w_i . x / sqrt(d), [seed, P, n].
        inputs: x / sqrt(d), [P, d] or [seed, P, d].
    """

    outputs: Tensor
    by_readout: Tensor = field(repr=False)
    by_preactivation: Tensor = field(repr=False)
    inputs: Tensor = field(repr=False)

    def kernel(self) -> Tensor:
        """J J^T, the tangent kernel, [seed, P, P]."""
        inner = self.by_preactivation @ self.by_preactivation.mT
        return self.by_readout @ self.by_readout.mT + inner * (self.inputs @ self.inputs.mT)

    def pushed(self, change: Tensor) -> Tensor:
        """J v for a change v of the weights, [seed, P]."""
        readout = (self.by_readout @ change[:, 0, :, None])[..., 0]
        moved = (self.by_preactivation @ change[:, 1:].mT) * self.inputs
        return readout + moved.sum(-1)

    def pulled(self, coefficients: Tensor) -> Tensor:
        """J^T c for coefficients c [seed, P], in the shape of the weights."""
        readout = coefficients[:, None] @ self.by_readout
        first = (coefficients[..., None] * self.inputs).mT @ self.by_preactivation
        return torch.cat([readout, first], dim=1)


def initial_weights(
    rngs: Sequence[np.random.Generator], width: int, dimension: int, *, start: Start = "independent"
) -> Tensor:
    """Standard normal weights, one network a generator, [seed, 1 + d, n] in double precision.

    Raises:
        ValueError: for an odd width of doubled neurons.
    """
    if start == "doubled" and width % 2:
        raise ValueError(f"doubled neurons come in pairs; got {width} of them. Take an even width.")
    neurons = width // 2 if start == "doubled" else width
    drawn = torch.from_numpy(np.stack([rng.standard_normal((1 + dimension, neurons)) for rng in rngs]))
    if start == "independent":
        return drawn
    mirrored = torch.cat([-drawn[:, :1], drawn[:, 1:]], dim=1)
    return torch.cat([drawn, mirrored], dim=2)


def _preactivations(weights: Tensor, inputs: Tensor) -> Tensor:
    return (inputs / math.sqrt(inputs.shape[-1])) @ weights[:, 1:]
