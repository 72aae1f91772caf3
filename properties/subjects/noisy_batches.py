"""Batches with noisy targets: the best rate of one step on them, and what many steps lead to.

To second order in the rate eta, a step along u changes the expected loss by -eta G u + eta^2 u H u / 2 on average over
batches, with its gradient G and its Hessian H. The best rate is the mean of G u over that of u H u.

Along a gradient with covariance S / B, G u is |G|^2 and u H u is G H G + tr(H S) / B: below the noise scale
B = tr(H S) / G H G the best rate is in proportion to B. Along its signs u H u does not depend on B there, and G u grows
as B^1/2, with the chance that an entry has the sign of its mean (derived here).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from theorychecks.networks import Activation, Optimizer

INPUTS, NEURONS = 6, 12
_POPULATION = 2048
"""Inputs over which the expected loss is a mean."""
_SAMPLES = 4 * _POPULATION
"""In all batches together."""
_TESTS, _READ = 256, 64
"""Inputs on which a loss is read, and about how often it is."""


class Networks(NamedTuple):
    """One-hidden-layer networks and their teachers.

    Attributes:
        first: [seed, neuron, input].
        readout: [seed, neuron].
        teacher: direction of what is to be learned, [seed, input].
        activation: of neurons.
    """

    first: Tensor
    readout: Tensor
    teacher: Tensor
    activation: Activation

    @classmethod
    def drawn(cls, activation: Activation, generators: Sequence[torch.Generator]) -> Networks:
        """Entries of variance one over the fan-in."""
        parts = [
            [torch.randn(shape, generator=own, dtype=torch.float64) for own in generators]
            for shape in ((NEURONS, INPUTS), (NEURONS,), (INPUTS,))
        ]
        first, readout, teacher = map(torch.stack, parts)
        return cls(first / INPUTS**0.5, readout / NEURONS**0.5, teacher / INPUTS**0.5, activation)

    def per_sample(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs less clean targets [seed, sample], and their derivatives in all weights [seed, sample, weight]."""
        leaf = (inputs @ self.first.mT).requires_grad_()
        with torch.enable_grad():
            hidden = self.activation.function(leaf)
            (slope,) = torch.autograd.grad(hidden.sum(), leaf)
        hidden = hidden.detach()
        outputs = (hidden @ self.readout[:, :, None])[..., 0]
        inner = ((slope * self.readout[:, None])[..., None] * inputs[:, :, None]).flatten(2)
        return outputs - (inputs @ self.teacher[:, :, None])[..., 0], torch.cat([inner, hidden], dim=2)


def best_rates(
    networks: Networks,
    size: int,
    optimizer: Optimizer,
    generators: Sequence[torch.Generator],
    *,
    noise: float,
) -> Tensor:
    """The best rate of the first step of an optimizer, by the mean over many batches, [seed].

    The Hessian is that of Gauss and Newton, the mean of gradients' outer products: what it leaves out has a residual
    for a factor.

    Args:
        networks: at their start.
        size: samples in a batch, a power of two.
        optimizer: whose first step is made.
        generators: one a seed, of all inputs and noise.
        noise: standard deviation of what is added to targets.
    """
    residuals, slopes = networks.per_sample(_normal(generators, _POPULATION, INPUTS))
    gradient = (residuals[..., None] * slopes).mean(dim=1)
    hessian = slopes.mT @ slopes / _POPULATION
    descents = curvatures = torch.zeros(())
    for _ in range(_SAMPLES // _POPULATION):
        drawn = _normal(generators, _POPULATION, INPUTS + 1)
        residuals, slopes = networks.per_sample(drawn[..., :INPUTS])
        # Each batch has a mirror image, with the opposite noise: what does not depend on its sign cancels.
        clean, added = (
            (part[..., None] * slopes).reshape(len(part), -1, size, slopes.shape[2]).mean(dim=2)
            for part in (residuals, noise * drawn[..., INPUTS])
        )
        found = torch.cat([clean - added, clean + added], dim=1)
        state = [torch.zeros_like(found) for _ in range(optimizer.copies)]
        direction, divisor = optimizer.step(found, state, 1)
        steps = direction / divisor
        descents = descents + (steps @ gradient[..., None]).sum(dim=(1, 2))
        curvatures = curvatures + (steps * (steps @ hessian)).sum(dim=(1, 2))
    return descents / curvatures


def _normal(generators: Sequence[torch.Generator], count: int, features: int) -> Tensor:
    drawn = [torch.randn(count, features, generator=own, dtype=torch.float64) for own in generators]
    return torch.stack(drawn)


def excess_loss(
    networks: Networks,
    size: int,
    optimizer: Optimizer,
    rate: float,
    generators: Sequence[torch.Generator],
    *,
    noise: float,
    samples: int,
) -> Tensor:
    """Expected loss without the noise of targets, on average over the second half of a pass over so many, [seed]."""
    weights = torch.cat([networks.first.flatten(1), networks.readout], dim=1)
    states = [torch.zeros_like(weights) for _ in range(optimizer.copies)]
    tests, drawn = _normal(generators, _TESTS, INPUTS), _normal(generators, samples, INPUTS + 1)
    steps, total, read = samples // size, torch.zeros(()), 0
    every = max(steps // _READ, 1)
    for count in range(1, steps + 1):
        batch = drawn[:, (count - 1) * size : count * size]
        residuals, slopes = networks.per_sample(batch[..., :INPUTS])
        noisy = residuals - noise * batch[..., INPUTS]
        gradient = (noisy[..., None] * slopes).mean(dim=1)
        direction, divisor = optimizer.step(gradient, states, count)
        weights = weights - rate / divisor * direction
        first, readout = weights[:, :-NEURONS], weights[:, -NEURONS:]
        networks = networks._replace(first=first.reshape(-1, NEURONS, INPUTS), readout=readout)
        if count > steps // 2 and count % every == 0:
            total, read = total + networks.per_sample(tests)[0].square().mean(dim=1) / 2, read + 1
    return total / read
