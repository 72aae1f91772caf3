"""Sharpness: the largest curvature of the full-batch squared error that gradient descent meets, in units of its rates.

With rates eta_l of its matrices W_l a step moves theta = W_l / eta_l^1/2 by the gradient in theta, so what decides
whether it is stable is the Hessian D^1/2 H D^1/2, D the diagonal of rates: its largest eigenvalue against 2 (Cohen,
Kaur, Li, Kolter and Talwalkar 2021, arXiv:2103.00065, for a single rate). It is the same in every parametrization of
the same training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from theorychecks.networks import Activation


def loss(weights: Sequence[Tensor], activation: Activation, inputs: Tensor, targets: Tensor) -> Tensor:
    """Half the squared error, averaged over inputs, of networks without biases, [seed].

    Args:
        weights: matrices from the input to the readout, [seed, fan_out, fan_in].
        activation: between them.
        inputs: [P, d], scaled as the first matrix takes them.
        targets: [P, C].
    """
    values = inputs
    for place, matrix in enumerate(weights):
        values = values @ matrix.mT
        if place < len(weights) - 1:
            values = activation.function(values)
    return ((values - targets) ** 2).sum(dim=-1).mean(dim=-1) / 2


def sharpness_times_rate(
    weights: Sequence[Tensor],
    rates: Sequence[float],
    activation: Activation,
    inputs: Tensor,
    targets: Tensor,
    *,
    iterations: int = 40,
) -> Tensor:
    """The eigenvalue of D^1/2 H D^1/2 that is largest in size, [seed], by a power iteration.

    What is returned is a Rayleigh quotient: an error in the direction enters squared, and eigenvalues close by are as
    good.

    Args:
        weights: matrices from the input to the readout, [seed, fan_out, fan_in].
        rates: of each matrix, zero for one that is not trained.
        activation: between matrices.
        inputs: [P, d].
        targets: [P, C].
        iterations: steps from a random direction.

    Raises:
        ValueError: unless there is a rate for each matrix, none negative.
    """
    if len(rates) != len(weights) or min(rates) < 0:
        raise ValueError(f"each of {len(weights)} matrices has a rate, none negative; got {tuple(rates)}")
    roots = [math.sqrt(rate) for rate in rates]
    own = torch.Generator().manual_seed(0)
    direction = [torch.randn(matrix.shape, generator=own, dtype=torch.float64) for matrix in weights]
    with torch.enable_grad():
        at = [matrix.detach().to(torch.float64).requires_grad_() for matrix in weights]
        total = loss(at, activation, inputs, targets).sum()
        gradients = torch.autograd.grad(total, at, create_graph=True)
        for _ in range(iterations):
            norm = _inner(direction, direction).sqrt()[:, None, None]
            unit = [part / norm for part in direction]
            along = [root * part for root, part in zip(roots, unit, strict=True)]
            pushed = torch.autograd.grad(gradients, at, grad_outputs=along, retain_graph=True)
            direction = [root * part for root, part in zip(roots, pushed, strict=True)]
            found = _inner(unit, direction)
    return found.detach()


def _inner(one: Sequence[Tensor], other: Sequence[Tensor]) -> Tensor:
    """Of the weights of each network, [seed]."""
    parts = [(a * b).flatten(1).sum(dim=1) for a, b in zip(one, other, strict=True)]
    return torch.stack(parts).sum(dim=0)
