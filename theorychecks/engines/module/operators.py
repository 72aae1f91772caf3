"""Operators: what kinds of modules multiply what they are given by a matrix, and how their weights are that matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_CONVOLUTIONS: Final = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED: Final = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_ONE: Final = 10.0
"""In units of the precision: a factor this near to one is one."""


class Operator(Protocol):
    """A linear map of vectors, whose weights have a shape of their own."""

    @property
    def numbered(self) -> bool:
        """Whether the module itself is given whole numbers in the place of vectors."""
        ...

    @property
    def groups(self) -> int:
        """Into how many blocks of equal size its rows fall, each for other entries of what it is given."""
        ...

    def matrix(self, weights: Tensor) -> Tensor:
        """Weights [seed, ...] as matrices [seed, fan_out, fan_in]."""
        ...

    def vectors(self, given: Tensor, weight: Tensor) -> Tensor:
        """What a module is given, as vectors."""
        ...

    def product(self, part: nn.Module, weight: Tensor, vectors: Tensor) -> Tensor:
        """One weight times vectors, without a bias and without a factor of the module's own."""
        ...


@dataclass(frozen=True)
class Dense:
    """Multiplies the last dimension, as `nn.Linear` does.

    Attributes:
        transposed: whether weights are [fan_in, fan_out], as in Hugging Face's `Conv1D`.
    """

    transposed: bool = False
    groups: int = 1
    numbered: bool = False

    def matrix(self, weights: Tensor) -> Tensor:
        """Weights as matrices [seed, fan_out, fan_in]."""
        return weights.mT if self.transposed else weights

    def vectors(self, given: Tensor, weight: Tensor) -> Tensor:
        """What the module is given."""
        return given

    def product(self, part: nn.Module, weight: Tensor, vectors: Tensor) -> Tensor:
        """Vectors [..., fan_in] to [..., fan_out]."""
        return vectors @ (weight if self.transposed else weight.mT)


@dataclass(frozen=True)
class Lookup:
    """Looks rows up by their number, as `nn.Embedding` does: the matrix times vectors with a single one."""

    groups: int = 1
    numbered: bool = True

    def matrix(self, weights: Tensor) -> Tensor:
        """Weights [seed, count, size] as matrices [seed, size, count]."""
        return weights.mT

    def vectors(self, given: Tensor, weight: Tensor) -> Tensor:
        """Whole numbers [...] as vectors [..., count] with a single one."""
        return F.one_hot(given.long(), num_classes=weight.shape[0]).to(weight.dtype)

    def product(self, part: nn.Module, weight: Tensor, vectors: Tensor) -> Tensor:
        """Vectors [..., count] to [..., size]."""
        return vectors @ weight


@dataclass(frozen=True)
class Convolution:
    """Multiplies patches: a fan-in is the channels that one output channel sees times the kernel's size.

    The spectral norm of this matrix is the most that it makes of one patch; that of the map from image to image is
    larger by up to the square root of the kernel's size.
    """

    transposed: bool
    groups: int
    numbered: bool = False

    def matrix(self, weights: Tensor) -> Tensor:
        """Weights as matrices [seed, output channels, input channels per group x kernel]."""
        if self.transposed:
            # [seed, group x input channels, output channels, ...]: outputs of one group lie together.
            grouped = weights.reshape(len(weights), self.groups, -1, *weights.shape[2:])
            weights = grouped.transpose(2, 3).flatten(1, 2)
        return weights.flatten(2)

    def vectors(self, given: Tensor, weight: Tensor) -> Tensor:
        """What the module is given: images, or a single one."""
        return given

    def product(self, part: nn.Module, weight: Tensor, vectors: Tensor) -> Tensor:
        """Images to images, by the module's own stride and padding."""
        if not self.transposed:
            return cast(Tensor, cast("nn.Conv2d", part)._conv_forward(vectors, weight, None))
        own = cast("nn.ConvTranspose2d", part)
        transposed: Callable[..., Tensor] = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[
            len(own.kernel_size) - 1
        ]
        return transposed(vectors, weight, None, own.stride, own.padding, own.output_padding, own.groups, own.dilation)


def candidates(part: nn.Module, weight: Tensor, given: Tensor, returned: Tensor) -> list[Operator] | str:
    """Operators that a module may be, by its type and by shapes; or why it is none that is known."""
    if isinstance(part, nn.Embedding):
        return [Lookup()]
    if not given.is_floating_point():
        return "it is given whole numbers, and is no nn.Embedding"
    if isinstance(part, _CONVOLUTIONS + _TRANSPOSED):
        return [Convolution(isinstance(part, _TRANSPOSED), cast("nn.Conv2d", part).groups)]
    if weight.ndim != 2:
        return f"its weight has {weight.ndim} dimensions, and it is no convolution of torch's"
    found: list[Operator] = [
        Dense(transposed)
        for transposed in (False, True)
        if (given.shape[-1], returned.shape[-1]) == (weight.shape if transposed else weight.shape[::-1])
    ]
    if not found:
        return (
            f"its weight is {tuple(weight.shape)}, and it makes {returned.shape[-1]} numbers of {given.shape[-1]} in "
            "the last dimension"
        )
    return found


def fitted(
    operators: list[Operator], part: nn.Module, weight: Tensor, given: Tensor, call: Callable[[Tensor, Tensor], Tensor]
) -> tuple[Operator, float] | None:
    """Which operator a module is, and by what factor of its own it multiplies its matrix; None if it is none of them.

    Random weights and vectors tell, for the module's own may be zero.

    Args:
        operators: to try.
        part: the module.
        weight: its own one, for the shape.
        given: what it was given.
        call: the module's forward, from a weight and vectors.
    """
    draw = torch.Generator().manual_seed(0)
    random = torch.randn(weight.shape, generator=draw, dtype=torch.float64).to(weight)
    vectors = given
    if given.is_floating_point():
        vectors = torch.randn(given.shape, generator=draw, dtype=torch.float64).to(given)
    made = (call(random, vectors) - call(torch.zeros_like(random), vectors)).double()
    for operator in operators:
        product = operator.product(part, random, operator.vectors(vectors, weight)).double()
        if product.shape != made.shape:
            continue
        factor = float((product * made).sum() / product.square().sum())
        if factor != 0 and float((made - factor * product).norm()) <= _rounding(weight) * float(made.norm()):
            return operator, 1.0 if abs(factor - 1) <= _ONE * torch.finfo(weight.dtype).eps else factor
    return None


def _rounding(weight: Tensor) -> float:
    """Relative difference between two ways to make one product."""
    return 1e3 * torch.finfo(weight.dtype).eps if weight.dtype in (torch.float32, torch.float64) else 0.1


def power_of_two(values: Tensor) -> Tensor:
    """The power of two next to the largest entry of each seed, [seed]; one where there is none."""
    exponents = values.abs().flatten(1).amax(dim=1).log2().round()
    return torch.where(exponents.isfinite(), exponents, 0.0).exp2()
