"""Clouds of weighted neurons as measures: mixtures of two, and what is between two sets of weights instead.

A cloud is mu = sum_i m_i delta(a_i, w_i) with masses that add up to one, and its function
f(x) = int a phi(w . x / d^1/2) dmu is linear in it. So a loss that is convex in the function is convex in mu
(Chizat and Bach 2018, arXiv:1805.09545, Section 1, for signed measures), whatever the neurons are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor

from theorychecks.networks import Activation


class Clouds(NamedTuple):
    """Neurons [cloud, 1 + d, N], the readout weight first, and their masses [N], the same in all clouds."""

    neurons: Tensor
    masses: Tensor


class PointLoss(NamedTuple):
    """A loss of an output and a target."""

    name: str
    value: Callable[[Tensor, Tensor], Tensor]


def _squared(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).square() / 2


def _logistic(outputs: Tensor, targets: Tensor) -> Tensor:
    return torch.nn.functional.softplus(-outputs * targets)


def _squared_tanh(outputs: Tensor, targets: Tensor) -> Tensor:
    return (torch.tanh(outputs) - targets).square() / 2


SQUARED: Final = PointLoss("squared error", _squared)
LOGISTIC: Final = PointLoss("logistic loss", _logistic)
SQUARED_TANH: Final = PointLoss("squared error of tanh", _squared_tanh)
"""Bounded in the output, so not convex in it."""


def random_clouds(neurons: int, dimension: int, generators: Sequence[torch.Generator]) -> Clouds:
    """Independent standard normal parameters, all of one mass; one cloud a generator."""
    shape = (1 + dimension, neurons)
    drawn = torch.stack([torch.randn(shape, generator=own, dtype=torch.float64) for own in generators])
    return Clouds(drawn, torch.full((neurons,), 1.0 / neurons, dtype=torch.float64))


def outputs(clouds: Clouds, activation: Activation, inputs: Tensor) -> Tensor:
    """Each cloud's function at inputs [Q, d], [cloud, Q]."""
    values = activation.function(inputs / math.sqrt(inputs.shape[1]) @ clouds.neurons[:, 1:])
    return (values @ (clouds.neurons[:, 0] * clouds.masses)[..., None])[..., 0]


def mixture(one: Clouds, other: Clouds, share: float) -> Clouds:
    """The measures (1 - share) one + share other, which hold the neurons of both."""
    _check_share(share)
    neurons = torch.cat([one.neurons, other.neurons], dim=2)
    return Clouds(neurons, torch.cat([(1 - share) * one.masses, share * other.masses]))


def interpolated(one: Clouds, other: Clouds, share: float) -> Clouds:
    """Neuron by neuron, the weights (1 - share) theta_i + share theta'_i.

    Raises:
        ValueError: for clouds that differ in their masses.
    """
    _check_share(share)
    if one.neurons.shape != other.neurons.shape or not torch.equal(one.masses, other.masses):
        raise ValueError("weights are interpolated neuron by neuron, so both clouds have the same number and masses")
    return Clouds(torch.lerp(one.neurons, other.neurons, share), one.masses)


def trained(
    clouds: Clouds, activation: Activation, inputs: Tensor, targets: Tensor, loss: PointLoss, *, rate: float, steps: int
) -> Clouds:
    """After full-batch descent in the mean-field scaling: each neuron moves by its gradient over its mass.

    Args:
        clouds: where they start.
        activation: phi.
        inputs: [P, d].
        targets: [P], or [cloud, P] where each cloud has its own.
        loss: averaged over samples.
        rate: of each step.
        steps: how many.
    """
    neurons = clouds.neurons
    for _ in range(steps):
        with torch.enable_grad():  # a sweep reads without gradients
            neurons = neurons.detach().requires_grad_()
            values = loss.value(outputs(Clouds(neurons, clouds.masses), activation, inputs), targets)
            (gradient,) = torch.autograd.grad(values.mean(dim=-1).sum(), neurons)
        neurons = neurons - rate * gradient / clouds.masses
    return Clouds(neurons.detach(), clouds.masses)


def _check_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1; got {share}")
