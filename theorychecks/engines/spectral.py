"""The spectral norm of many operators at once, by Golub-Kahan bidiagonalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

_TOLERANCE: Final = 1e-4
"""Per step; the value itself is then right to a few 1e-5 even at the crowded edge of a Gaussian matrix's spectrum."""
_PATIENCE: Final = 3


def spectral_norm(
    apply: Callable[[Tensor], Tensor],
    apply_transpose: Callable[[Tensor], Tensor],
    start: Tensor,
    *,
    rank: int,
    tolerance: float = _TOLERANCE,
) -> Tensor:
    """Largest singular value of a batch of linear maps, [seed].

    Lanczos vectors are reorthogonalised fully, so a map of rank r is exact after r + 1 steps, one for what
    the start has outside the row space (Golub and Kahan 1965).
    Otherwise iteration ends when the value has moved by less than a relative tolerance over several steps.

    Args:
        apply: the map, [seed, columns] to [seed, rows].
        apply_transpose: its transpose.
        start: [seed, columns], a generic starting vector.
        rank: an upper bound on the rank, at most the smaller side.
        tolerance: relative, per step.
    """
    right = torch.nn.functional.normalize(start, dim=-1)
    rights: list[Tensor] = [right]
    lefts: list[Tensor] = []
    diagonal: list[Tensor] = []
    above: list[Tensor] = []
    value = start.new_zeros(start.shape[0])
    quiet = 0
    for step in range(rank + 1):
        left = _orthogonal_to(apply(rights[-1]), lefts)
        size = torch.linalg.vector_norm(left, dim=-1)
        lefts.append(_unit(left, size))
        diagonal.append(size)
        new = _largest(diagonal, above)
        moved = torch.nan_to_num((new - value).abs() / new.clamp_min(torch.finfo(new.dtype).tiny)).max()
        value = new
        quiet = quiet + 1 if float(moved) < tolerance and step > 0 else 0
        if quiet >= _PATIENCE:
            break
        right = _orthogonal_to(apply_transpose(lefts[-1]), rights)
        size = torch.linalg.vector_norm(right, dim=-1)
        rights.append(_unit(right, size))
        above.append(size)
    return value


def _largest(diagonal: list[Tensor], above: list[Tensor]) -> Tensor:
    """Largest singular value of the bidiagonal matrices built so far; NaN where a run has diverged."""
    bidiagonal = torch.diag_embed(torch.stack(diagonal, dim=-1))
    if above:
        bidiagonal = bidiagonal + torch.diag_embed(torch.stack(above, dim=-1), offset=1)
    finite = torch.isfinite(bidiagonal).all(dim=-1).all(dim=-1)
    values = torch.linalg.matrix_norm(torch.where(finite[:, None, None], bidiagonal, 0.0), ord=2)
    return torch.where(finite, values, torch.nan)


def _orthogonal_to(vectors: Tensor, basis: list[Tensor]) -> Tensor:
    if not basis:
        return vectors
    stacked = torch.stack(basis, dim=1)
    # Twice is enough (Giraud, Langou, Rozloznik 2005).
    for _ in range(2):
        vectors = vectors - torch.einsum("skn,sk->sn", stacked, torch.einsum("skn,sn->sk", stacked, vectors))
    return vectors


def _unit(vectors: Tensor, sizes: Tensor) -> Tensor:
    """Normalised vectors; zero where nothing new is left, so that a small rank ends cleanly."""
    return torch.where(sizes[:, None] > 0, vectors / sizes[:, None].clamp_min(torch.finfo(sizes.dtype).tiny), 0.0)
