"""An MLP with normalisation layers, trained for its histories alone: which rates it survives, and nothing else.

Between a hidden layer's matrix and its nonlinearity stands a root-mean-square normalisation with trainable gains,
z = gamma * h / RMS(h) over neurons, point by point (Zhang and Sennrich 2019, arXiv:1910.07467, from memory).
Everything else is as the engines have it, and the same seed begins with the same weights as in the dense engine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from theorychecks.engines import Histories, Limits
from theorychecks.engines.dense import initial_weights
from theorychecks.networks import Layer, Training

_AT_ONCE = 4 * 2**20
"""Numbers of weights that are trained together, at most: what stays in the caches."""


class Sizes(NamedTuple):
    """By step and network, [t, seed]: losses, and root mean squares over points and entries.

    Attributes:
        losses: of the batch.
        activations: largest over hidden layers, of what a nonlinearity is given.
        outputs: of the network.
        produced: largest over hidden layers, of what a matrix produces, before any normalisation.
    """

    losses: Tensor
    activations: Tensor
    outputs: Tensor
    produced: Tensor


@dataclass(frozen=True)
class NormalisedTrial:
    """Trainings of one network with normalisation, at one width over some seeds: all that a rate search asks for.

    Attributes:
        training: what is trained, without a ridge and not centred. Gains are a 1 x n matrix to its optimizer, at the
            learning rate before any exponent of a role.
        width: of the hidden layers.
        seeds: which networks.
        root_seed: another one draws other networks everywhere.
        normalised: without, this is the plain network, by another program than the engines'.
        trained_gains: whether gains are trained, or stay one.
    """

    training: Training
    width: int
    seeds: Sequence[int]
    root_seed: int
    normalised: bool = True
    trained_gains: bool = True

    def __post_init__(self) -> None:
        training = self.training
        if training.ridge.strength or training.network.centred:
            raise ValueError(
                "a network with normalisation is trained without ridge and centring; "
                f"got {training.ridge}, centred={training.network.centred}"
            )

    @property
    def rate(self) -> float:
        """The learning rate that factors multiply, at width one."""
        return self.training.learning_rate.base

    @property
    def together(self) -> int:
        """How many networks are trained together, at most."""
        data = self.training.data
        layers = self.training.network.layers(self.width, inputs=data.dimension, outputs=data.outputs)
        return max(_AT_ONCE // sum(layer.fan_in * layer.fan_out for layer in layers), 1)

    def histories(self, seeds: Sequence[int], rate_factors: Tensor, limits: Limits) -> Histories:
        """Train networks, each seed as often as it is named; beyond the limits nothing is saved here."""
        return Histories(*self.sizes(seeds, rate_factors)[:3])

    def sizes(self, seeds: Sequence[int], rate_factors: Tensor) -> Sizes:
        """Train networks, each seed as often as it is named."""
        size = self.together
        parts = [self._sizes(seeds[at : at + size], rate_factors[at : at + size]) for at in range(0, len(seeds), size)]
        return Sizes(*(torch.cat(each, dim=1) for each in zip(*parts, strict=True)))

    def _sizes(self, seeds: Sequence[int], factors: Tensor) -> Sizes:
        training = self.training
        inputs, targets, _ = (
            torch.as_tensor(array, dtype=getattr(torch, training.dtype)) for array in training.data.draw()
        )
        layers = training.network.layers(self.width, inputs=inputs.shape[1], outputs=targets.shape[1])
        entries, root = training.network.entries, self.root_seed
        weights = initial_weights(layers, seeds, dtype=inputs.dtype, entries=entries, root_seed=root)
        gains = [inputs.new_ones(len(seeds), 1, self.width) for _ in layers[1:]] if self.normalised else []
        unit = training.learning_rate.base * self.width**training.learning_rate.width
        rates = [training.rate(layer.role, self.width) for layer in layers]
        rates += [unit if self.trained_gains else 0.0] * len(gains)
        factor = factors.to(inputs.dtype)[:, None, None]
        optimizer = training.optimizer
        states = [[torch.zeros_like(value) for _ in range(optimizer.copies)] for value in (*weights, *gains)]
        recorded: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
        for step in range(training.steps + 1):
            rows = training.batch(step)
            leaves = [value.requires_grad_() for value in (*weights, *gains)]
            with torch.enable_grad():
                outputs, peaks, produced = self._forward(layers, leaves, inputs[rows])
            detached = outputs.detach()
            recorded.append((training.loss.value(detached, targets[rows]), peaks, _size(detached), produced))
            if step == training.steps:
                break
            upstream = training.loss.gradient(detached, targets[rows])
            gradients = torch.autograd.grad(outputs, leaves, grad_outputs=upstream)
            with torch.no_grad():
                for value, gradient, rate, state in zip(leaves, gradients, rates, states, strict=True):
                    value.requires_grad_(False)
                    direction, divisor = optimizer.step(gradient, state, step + 1)
                    value -= factor * (rate / divisor) * direction
        return Sizes(*(torch.stack(each) for each in zip(*recorded, strict=True)))

    def _forward(self, layers: Sequence[Layer], leaves: Sequence[Tensor], inputs: Tensor) -> tuple[Tensor, ...]:
        """Outputs [seed, point, C], and the largest sizes of nonlinearities' inputs and of products, [seed]."""
        weights, gains = leaves[: len(layers)], leaves[len(layers) :]
        x = inputs.expand(len(weights[0]), *inputs.shape)
        sizes, produced = [], []
        for k, layer in enumerate(layers[:-1]):
            h = layer.multiplier * torch.bmm(x, weights[k].mT)
            produced.append(_size(h.detach()))
            if self.normalised:
                h = gains[k] * h / h.square().mean(dim=-1, keepdim=True).sqrt()
            sizes.append(_size(h.detach()))
            x = self.training.network.activation.function(h)
        outputs = layers[-1].multiplier * torch.bmm(x, weights[-1].mT)
        return outputs, torch.stack(sizes).amax(dim=0), torch.stack(produced).amax(dim=0)


def _size(values: Tensor) -> Tensor:
    """Root mean square over points and entries, [seed]."""
    norm: Tensor = torch.linalg.vector_norm(values, dim=(-2, -1))
    return norm / math.sqrt(values.shape[-2] * values.shape[-1])
