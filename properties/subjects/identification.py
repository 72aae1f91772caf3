"""Small two-layer networks that are fitted to rounding, and whether two of them are one up to a symmetry.

f(x) = sum_i a_i phi(w_i . x), of so many neurons as the teacher that it is fitted to has. Levenberg and Marquardt's
method takes most starts to a local minimum or to zero loss; the latter are the networks that have the teacher's
function.
"""

from __future__ import annotations

from typing import Final

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from theorychecks.networks import Activation

_STARTS: Final = 32
"""Tried at once; a tenth of them, or more, end at zero loss where there are four neurons."""
_ROUNDS, _STEPS = 64, 60
_FITTED: Final = 1e-24
"""Squared distance of outputs, in units of the targets' squares."""


def outputs(activation: Activation, networks: Tensor, inputs: Tensor) -> Tensor:
    """Of networks [network, neuron, 1 + d], the readout weight of a neuron first, at inputs [P, d]; [network, P]."""
    return torch.einsum("bk,bkp->bp", networks[:, :, 0], activation.function(networks[:, :, 1:] @ inputs.T))


def networks_of_one_function(
    activation: Activation, teacher: Tensor, inputs: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Two networks, fitted from starts of their own, that equal a teacher [neuron, 1 + d] on the inputs [P, d].

    Raises:
        ArithmeticError: if no two starts out of two thousand end at zero loss.
    """
    targets = outputs(activation, teacher[None], inputs)
    found = torch.empty((0, *teacher.shape), dtype=teacher.dtype)
    for _ in range(_ROUNDS):
        starts = torch.randn((_STARTS, *teacher.shape), generator=generator, dtype=teacher.dtype)
        ends, losses = _fitted(activation, starts, inputs, targets)
        found = torch.cat([found, ends[losses < _FITTED * targets.square().sum()]])
        if len(found) >= 2:
            # Those that were under way still: another round takes them as close as rounding lets them.
            first, second = _fitted(activation, found[:2], inputs, targets)[0]
            return first, second
    raise ArithmeticError(
        f"of {_STARTS * _ROUNDS} starts {len(found)} have ended at zero loss, where two are compared. Take fewer "
        "neurons."
    )


def distance_after_matching(first: Tensor, second: Tensor, *, signs: bool) -> float:
    """The distance of two networks [neuron, 1 + d] when neurons are permuted at best, relative to the first's size.

    Args:
        first: a network.
        second: another one, of as many neurons.
        signs: whether a neuron may change the sign of all its parameters, as an odd activation allows.
    """
    squares = (first[:, None] - second).square().sum(2)
    if signs:
        squares = torch.minimum(squares, (first[:, None] + second).square().sum(2))
    rows, columns = linear_sum_assignment(squares.numpy())
    return float(squares[rows, columns].sum().sqrt() / first.norm())


def _fitted(activation: Activation, networks: Tensor, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Ends of Levenberg and Marquardt's method, and their sums of squares, [network]."""
    damping = torch.full((len(networks),), 1e-2, dtype=networks.dtype)
    residuals = outputs(activation, networks, inputs) - targets
    losses = residuals.square().sum(1)
    for _ in range(_STEPS):
        before = networks[:, :, 1:] @ inputs.T
        values = activation.function(before)
        slopes = activation.slope(before, values) * networks[:, :, :1]
        jacobian = torch.cat([values[:, :, None], slopes[:, :, None] * inputs.T], dim=2).flatten(1, 2)
        step = _step(jacobian, residuals, damping)
        moved = networks - step.reshape(networks.shape)
        there = outputs(activation, moved, inputs) - targets
        better = there.square().sum(1) < losses
        networks = torch.where(better[:, None, None], moved, networks)
        residuals = torch.where(better[:, None], there, residuals)
        losses = residuals.square().sum(1)
        damping = torch.where(better, damping * 0.3, damping * 4).clamp(1e-12, 1e10)
    return networks, losses


def _step(jacobian: Tensor, residuals: Tensor, damping: Tensor) -> Tensor:
    """The damped step of Gauss and Newton, [network, parameter], in whatever units parameters have.

    It is found in units of each parameter's own effect, since neurons that saturate have next to none, and a system of
    such different sizes may be singular to rounding.

    Args:
        jacobian: [network, parameter, P].
        residuals: [network, P].
        damping: relative to the diagonal, [network].
    """
    sizes = jacobian.norm(dim=2)
    units = torch.where(sizes > 0, sizes, 1.0)
    scaled = jacobian / units[:, :, None]
    curvature = scaled @ scaled.mT + damping[:, None, None] * torch.diag_embed(torch.ones_like(units))
    solved: Tensor = torch.linalg.solve(curvature, scaled @ residuals[:, :, None])
    return solved[..., 0] / units
