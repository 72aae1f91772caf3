"""Muon: momentum made orthogonal, so that steps have one size in every direction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, get_args

import torch
from torch import Tensor

from theorychecks.networks.optimizers.optimizer import Optimizer, check_decay
from theorychecks.networks.parametrization import LayerRole, Parametrization

Orthogonalisation = Literal["svd", "newton-schulz"]

_COEFFICIENTS: Final = (3.4445, -4.7750, 2.0315)
_ITERATIONS: Final = 5
"""Of the authors, who chose them for a steep slope at zero (Jordan et al. 2024, and torch.optim.Muon)."""

_AT_ONCE: Final = 2**22
"""Entries of matrices that are made orthogonal together, at most: it takes ten times their memory for a while."""


@dataclass(frozen=True, kw_only=True)
class Muon(Optimizer):
    """Orthogonalised momentum for all matrices (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon).

    With m <- momentum m + gradient = U S V^T a step goes along U V^T, of spectral norm one. It looks no step ahead
    (Nesterov), and has no factor for the matrix's shape: how rates depend on shapes, the parametrization says.

    Attributes:
        momentum: decay of m.
        orthogonalisation: "svd" is exact; singular values of m that rounding alone can explain stay zero, as a batch
            of B samples gives a gradient of rank B. "newton-schulz" is what is used in practice, five steps that take
            singular values from 0.002 of the Frobenius norm on into [0.68, 1.21], and smaller ones less far. A ridge
            towards the initial weights adds the rounding of weights to m, which neither tells from gradients.
    """

    momentum: float = 0.95
    orthogonalisation: Orthogonalisation = "svd"

    # Of each singular value a one is left.
    heavy_ball: ClassVar[None] = None

    def __post_init__(self) -> None:
        check_decay("a momentum", self.momentum)
        if self.orthogonalisation not in get_args(Orthogonalisation):
            raise ValueError(
                f"orthogonalisation is {' or '.join(map(repr, get_args(Orthogonalisation)))}; "
                f"got {self.orthogonalisation!r}"
            )

    @property
    def copies(self) -> int:
        """The momentum."""
        return 1 if self.momentum else 0

    def exponent(self, parametrization: Parametrization, role: LayerRole) -> float | None:
        """That of updates whose spectral norm is of order one."""
        return parametrization.scaling(role).muon

    def step(self, gradient: Tensor, state: Sequence[Tensor], count: int) -> tuple[Tensor, float]:
        """Along the orthogonal factor of the sum of past gradients."""
        summed = gradient
        if self.momentum:
            (velocity,) = state
            summed = velocity.mul_(self.momentum).add_(gradient)
        made, together = torch.empty_like(summed), max(_AT_ONCE // summed[0].numel(), 1)
        for seeds, place in zip(torch.split(summed, together), torch.split(made, together), strict=True):
            # LAPACK knows no half precision.
            work = seeds.to(torch.promote_types(seeds.dtype, torch.float32))
            # In units of the largest entry no square overflows or vanishes.
            largest = work.abs().amax(dim=(1, 2), keepdim=True)
            work = work / torch.where(largest == 0, 1.0, largest)
            if self.orthogonalisation == "svd":
                place.copy_(_by_svd(work, rounding=torch.finfo(seeds.dtype).eps))
            else:
                place.copy_(_by_newton_schulz(work))
        return made, 1.0


def _by_svd(matrices: Tensor, *, rounding: float) -> Tensor:
    """U V^T, with singular vectors of what is not rounding, [seed, rows, columns]; NaN for a seed that is not finite.

    Args:
        matrices: [seed, rows, columns].
        rounding: of their entries, relative.
    """
    # LAPACK raises for a matrix that is not finite, and would take all other seeds with it.
    finite = matrices.isfinite().all(dim=2).all(dim=1)
    left, sizes, right = torch.linalg.svd(matrices[finite], full_matrices=False)
    # Rounded entries add at most `rounding` of the Frobenius norm. The decomposition itself was seen to add up to 8
    # units of its precision at width 1,024, growing as the root of the width.
    unit = max(rounding, math.sqrt(max(matrices.shape[1:])) * torch.finfo(matrices.dtype).eps)
    kept = sizes > unit * sizes.norm(dim=1, keepdim=True)
    made = torch.full_like(matrices, torch.nan)
    made[finite] = torch.bmm(left * kept[:, None, :], right)
    return made


def _by_newton_schulz(matrices: Tensor) -> Tensor:
    """U p(p(...p(S))) V^T with the polynomial p(s) = a s + b s^3 + c s^5, from S / ||S||_F on."""
    a, b, c = _COEFFICIENTS
    wide = matrices if matrices.shape[1] <= matrices.shape[2] else matrices.mT
    norm = torch.linalg.vector_norm(wide, dim=(1, 2), keepdim=True)
    made = wide / torch.where(norm == 0, 1.0, norm)
    for _ in range(_ITERATIONS):
        gram = torch.bmm(made, made.mT)
        made = torch.baddbmm(made, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), made, beta=a)
    return made if wide is matrices else made.mT
