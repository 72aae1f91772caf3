"""Residual networks of two-layer blocks, all seeds at once: h_l = h_(l-1) + m V_l phi(U_l h_(l-1)), l = 1..L.

The stream begins at h_0 = W_in x, and outputs r W_out h_L are read off its end. With m = L^-a and square blocks this is
the toy model in the code of Dey et al. 2025 (arXiv:2505.01618), with m = 1 / (L M) and M hidden units a block that of
Chizat 2025 (arXiv:2509.10167, equations 22 and 23, second-hand).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from theorychecks.networks import Activation
from theorychecks.networks.optimizers import Optimizer


@dataclass(frozen=True, kw_only=True)
class ResidualNetworks:
    """Residual networks, one a seed.

    Attributes:
        read_in: W_in, [seed, stream, input].
        up: U_l, [seed, hidden, stream] each, the first block's first.
        down: V_l, [seed, stream, hidden] each.
        read_out: W_out, [seed, output, stream].
        activation: phi.
        branch: m, in front of each block.
        readout: r, in front of the outputs.
    """

    read_in: Tensor
    up: tuple[Tensor, ...]
    down: tuple[Tensor, ...]
    read_out: Tensor
    activation: Activation
    branch: float
    readout: float

    @property
    def depth(self) -> int:
        """L, the number of blocks."""
        return len(self.up)

    def stream(self, inputs: Tensor) -> list[Tensor]:
        """h_0 to h_L at inputs [point, input], each [seed, point, stream]."""
        h = inputs @ self.read_in.mT
        states = [h]
        for up, down in zip(self.up, self.down, strict=True):
            h = h + self.branch * (self.activation.function(h @ up.mT) @ down.mT)
            states.append(h)
        return states

    def outputs(self, inputs: Tensor) -> Tensor:
        """Of inputs [point, input], [seed, point, output]."""
        return self.readout * (self.stream(inputs)[-1] @ self.read_out.mT)


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Learning rates by matrix; one that is zero leaves its matrix as it is."""

    read_in: float = 0.0
    up: float
    down: float
    read_out: float = 0.0


def gaussian_blocks(
    blocks: int, shape: tuple[int, int], std: float, generators: Sequence[torch.Generator]
) -> tuple[Tensor, ...]:
    """A matrix of independent normal entries for each block, [seed, *shape], each seed's from its own generator."""
    drawn = torch.stack([torch.randn(blocks, *shape, generator=own, dtype=torch.float64) for own in generators])
    return (std * drawn).unbind(dim=1)


def trained(
    start: ResidualNetworks, inputs: Tensor, targets: Tensor, *, optimizer: Optimizer, rates: Rates, steps: int
) -> ResidualNetworks:
    """Networks after some steps on one batch, under half the squared error, a mean over points and a sum over outputs.

    Args:
        start: where they begin.
        inputs: [point, input].
        targets: [point, output].
        optimizer: of all matrices.
        rates: its learning rates.
        steps: how many.
    """
    blocks = start.depth
    places = [rates.read_in, *[rates.up] * blocks, *[rates.down] * blocks, rates.read_out]
    weights = [start.read_in, *start.up, *start.down, start.read_out]
    moving = [k for k, rate in enumerate(places) if rate]
    states = {k: [torch.zeros_like(weights[k]) for _ in range(optimizer.copies)] for k in moving}
    for step in range(steps):
        leaves = {k: weights[k].detach().requires_grad_() for k in moving}
        with torch.enable_grad():
            now = _with(start, [leaves.get(k, weight) for k, weight in enumerate(weights)])
            loss = (now.outputs(inputs) - targets).square().sum() / (2 * len(inputs))
        gradients = torch.autograd.grad(loss, [leaves[k] for k in moving])
        for k, gradient in zip(moving, gradients, strict=True):
            direction, divisor = optimizer.step(gradient, states[k], step + 1)
            weights[k] = weights[k] - places[k] / divisor * direction
    return _with(start, weights)


def block_changes(start: ResidualNetworks, after: ResidualNetworks, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """What training has changed inside of blocks, at the stream as it is after training, over all blocks, [seed].

    Returns the root mean square of the effective update (U_T - U_0) h, and the distance of V_T phi(U_T h) from its
    expansion to first order in the block's own weights, relative to the first-order term.
    """
    phi = start.activation
    updates, far, linear = [], [], []
    blocks = zip(start.up, after.up, start.down, after.down, after.stream(inputs)[:-1], strict=True)
    for up, new_up, down, new_down, h in blocks:
        before, update = h @ up.mT, h @ (new_up - up).mT
        value = phi.function(before)
        first = (phi.slope(before, value) * update) @ down.mT + value @ (new_down - down).mT
        change = phi.function(before + update) @ new_down.mT - value @ down.mT
        updates.append(update.square().mean(dim=(1, 2)))
        far.append((change - first).square().sum(dim=(1, 2)))
        linear.append(first.square().sum(dim=(1, 2)))
    size = torch.stack(updates).mean(dim=0).sqrt()
    return size, (torch.stack(far).sum(dim=0) / torch.stack(linear).sum(dim=0)).sqrt()


def stream_change(start: ResidualNetworks, after: ResidualNetworks, inputs: Tensor) -> Tensor:
    """Root mean square by which training has moved the end of the stream, [seed]."""
    moved = after.stream(inputs)[-1] - start.stream(inputs)[-1]
    norm: Tensor = torch.linalg.vector_norm(moved, dim=(1, 2))
    return norm / math.sqrt(moved[0].numel())


def _with(start: ResidualNetworks, weights: Sequence[Tensor]) -> ResidualNetworks:
    blocks = start.depth
    up, down = tuple(weights[1 : blocks + 1]), tuple(weights[blocks + 1 : -1])
    return replace(start, read_in=weights[0], up=up, down=down, read_out=weights[-1])
