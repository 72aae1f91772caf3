"""Matrix: one layer's weights for all seeds, as training sees them; and the tally of what products cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from theorychecks.engines.run import Norm
from theorychecks.networks import Layer


@dataclass
class Tally:
    """What trainings have cost.

    Attributes:
        flops: floating-point operations of all matrix products.
        trainings: networks trained.
    """

    flops: float = 0.0
    trainings: int = 0

    def bmm(self, left: Tensor, right: Tensor) -> Tensor:
        """A product of matrices by seed, [seed, a, b] and [seed, b, c], counted."""
        self.flops += 2.0 * left.numel() * right.shape[-1]
        return torch.bmm(left, right)

    def bmm_into(
        self, out: Tensor, left: Tensor, right: Tensor, *, added_to: Tensor | None = None, scale: float = 1.0
    ) -> None:
        """Write such a product, times a scale and added to something, into memory that is already there."""
        self.flops += 2.0 * left.numel() * right.shape[-1]
        if added_to is None:
            torch.bmm(left, right, out=out)
        elif added_to is out:
            out.baddbmm_(left, right, alpha=scale)
        else:
            torch.baddbmm(added_to, left, right, alpha=scale, out=out)


class Matrix(Protocol):
    """One layer's trainable matrix for all seeds.

    Products include the layer's multiplier: W is the multiplier times the trainable matrix. Vectors are rows,
    [seed, point, fan_in] going forward and [seed, point, fan_out] going backward.
    """

    @property
    def layer(self) -> Layer:
        """Which layer's."""
        ...

    def forward(self, features: Tensor) -> Tensor:
        """W times features, now."""
        ...

    def backward(self, gradients: Tensor) -> Tensor:
        """W transposed times gradients, now."""
        ...

    def descend(self, gradients: Tensor, features: Tensor, rate: float) -> None:
        """One step of the optimizer, after `forward` of these features and, above the input, `backward`.

        Args:
            gradients: derivative of the loss in what W produces, [seed, point, fan_out].
            features: what W was applied to, [seed, point, fan_in].
            rate: the layer's learning rate, before each seed's own factor.
        """
        ...

    def keep(self, time: int, *, last: bool) -> None:
        """Record the matrix as it is now; after the last record it changes no more."""
        ...

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        ...

    def values(self, time: int) -> Tensor:
        """W at a recorded time, [seed, fan_out, fan_in].

        Raises:
            Unanswerable: where it is not stored.
        """
        ...

    def apply(self, vectors: Tensor, time: int) -> Tensor:
        """W at a recorded time times vectors."""
        ...

    def apply_change(self, vectors: Tensor, time: int) -> Tensor:
        """The change of W since time 0 times vectors."""
        ...

    def apply_transpose(self, vectors: Tensor, time: int) -> Tensor:
        """W at a recorded time, transposed, times vectors."""
        ...

    def norm(self, norm: Norm, time: int) -> Tensor:
        """Norm of W at a recorded time, [seed]."""
        ...

    def change_norm(self, norm: Norm, time: int) -> Tensor:
        """Norm of the change of W since time 0, [seed]."""
        ...
