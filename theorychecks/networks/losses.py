"""Losses: means over a batch, with their gradients in the outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A loss as a mean over the samples of a batch.

    Attributes:
        name: what reports call it.
        value: outputs [seed, sample, C] and targets [sample, C] to losses [seed].
        gradient: the same to d value / d outputs, [seed, sample, C].
        needs_distributions: whether a target must be a distribution over classes.
    """

    name: str
    value: Callable[[Tensor, Tensor], Tensor] = field(repr=False)
    gradient: Callable[[Tensor, Tensor], Tensor] = field(repr=False)
    needs_distributions: bool = field(default=False, repr=False)

    def __repr__(self) -> str:
        return self.name


def _squared(outputs: Tensor, targets: Tensor) -> Tensor:
    return 0.5 * ((outputs - targets) ** 2).sum(dim=-1).mean(dim=-1)


def _squared_gradient(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets) / targets.shape[-2]


def _cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    return -(torch.log_softmax(outputs, dim=-1) * targets).sum(dim=-1).mean(dim=-1)


def _cross_entropy_gradient(outputs: Tensor, targets: Tensor) -> Tensor:
    return (torch.softmax(outputs, dim=-1) - targets) / targets.shape[-2]


def _squared_softmax(outputs: Tensor, targets: Tensor) -> Tensor:
    return _squared(torch.softmax(outputs, dim=-1), targets)


def _squared_softmax_gradient(outputs: Tensor, targets: Tensor) -> Tensor:
    p = torch.softmax(outputs, dim=-1)
    upstream = p * _squared_gradient(p, targets)
    # The Jacobian of the softmax is diag(p) - p p^T.
    return upstream - p * upstream.sum(dim=-1, keepdim=True)


MSE: Final = Loss(name="MSE", value=_squared, gradient=_squared_gradient)
"""Half the squared distance of outputs and targets, summed over outputs, averaged over samples."""

CROSS_ENTROPY: Final = Loss(
    name="cross-entropy", value=_cross_entropy, gradient=_cross_entropy_gradient, needs_distributions=True
)
"""Cross-entropy of the softmax of the outputs, averaged over samples."""

SOFTMAX_MSE: Final = Loss(
    name="MSE of softmax", value=_squared_softmax, gradient=_squared_softmax_gradient, needs_distributions=True
)
"""Half the squared distance of the outputs' softmax and targets; its gradient is bounded, and vanishes at one-hot."""

LOSSES: Final = {known.name: known for known in (MSE, CROSS_ENTROPY, SOFTMAX_MSE)}


def loss(name: str) -> Loss:
    """Look a named loss up.

    Raises:
        ValueError: for an unknown name.
    """
    if name not in LOSSES:
        raise ValueError(
            f"unknown loss {name!r}; the named ones are {', '.join(LOSSES)}. "
            "Write your own as Loss(name=..., value=..., gradient=...)."
        )
    return LOSSES[name]
