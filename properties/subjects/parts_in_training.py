"""Training of networks whose matrices have one learning rate each, all seeds at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Protocol, TypeVar

import torch
from torch import Tensor

from theorychecks.networks.optimizers import Optimizer


class Network(Protocol):
    """A frozen dataclass of matrices, [seed, ...] each."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def outputs(self, inputs: Tensor) -> Tensor:
        """Of one batch for all seeds, [seed, ..., output]."""
        ...


Start = TypeVar("Start", bound=Network)


def trained_parts(
    start: Start, inputs: Tensor, targets: Tensor, *, optimizer: Optimizer, rates: Mapping[str, float], steps: int
) -> Start:
    """A network after some steps on one batch, under the mean squared error.

    Args:
        start: where it begins.
        inputs: one batch.
        targets: [..., output].
        optimizer: of all matrices with a rate.
        rates: by the matrix's name.
        steps: how many.
    """
    weights: dict[str, Tensor] = {name: getattr(start, name) for name in rates}
    states = {name: [torch.zeros_like(weight) for _ in range(optimizer.copies)] for name, weight in weights.items()}
    for step in range(steps):
        leaves = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
        with torch.enable_grad():
            errors = replace(start, **leaves).outputs(inputs) - targets
            loss = errors.flatten(1).square().mean(dim=1).sum()
        gradients = torch.autograd.grad(loss, list(leaves.values()))
        for name, gradient in zip(leaves, gradients, strict=True):
            direction, divisor = optimizer.step(gradient, states[name], step + 1)
            weights[name] = weights[name] - rates[name] / divisor * direction
    return replace(start, **weights)


def begun_alike(start: Start, *names: str) -> Start:
    """The same network, in whose matrices [seed, part, ...] of these names all parts are as the first one."""
    matrices: dict[str, Tensor] = {name: getattr(start, name) for name in names}
    alike = {name: matrix[:, :1].expand_as(matrix).clone() for name, matrix in matrices.items()}
    return replace(start, **alike)
