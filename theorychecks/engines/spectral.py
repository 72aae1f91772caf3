"""The spectral norm of many operators at once, by Golub-Kahan bidiagonalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import scipy.linalg
import torch
from torch import Tensor

from theorychecks.engines.matrix import Tally
from theorychecks.engines.run import Norm

_TOLERANCE: Final = 1e-4
"""Relative. At the crowded edge of a Gaussian matrix's spectrum the error falls as 1/steps^2, until the steps resolve
single values and it falls faster, so what is left is at most steps/2 times what the last step changed."""
_LOOK_EVERY: Final = 0.125
"""How often the value is computed, in units of the steps so far."""
_PATIENCE: Final = 2
_ROUNDING: Final = 32.0
"""In units of the precision, relative to the largest vector: what is smaller is rounding."""
_SMALL: Final = 32
"""Steps up to which one call for all seeds is faster than one for each that makes use of the shape."""


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

    Args:
        apply: the map, [seed, columns] to [seed, rows].
        apply_transpose: its transpose.
        start: [seed, columns], a generic starting vector.
        rank: an upper bound on the rank, at most the smaller side, or on the steps worth taking.
        tolerance: relative, of the value's error.
    """
    rights, lefts = _Orthonormal(), _Orthonormal()
    right, _ = rights.add(start)
    rights.largest = None  # the start's size says nothing of the map's
    left, size = lefts.add(apply(right))
    diagonal, above = [size], list[Tensor]()
    value, looked, quiet = size, 1, 0
    for step in range(2, rank + 2):
        right, size = rights.add(apply_transpose(left))
        above.append(size)
        left, size = lefts.add(apply(right))
        diagonal.append(size)
        if step - looked < _LOOK_EVERY * step and step <= rank:
            continue
        new = _largest(diagonal, above)
        change = (new - value).abs() / new.clamp_min(torch.finfo(new.dtype).tiny)
        error = torch.nan_to_num(change) * step / (2 * (step - looked))
        value, looked = new, step
        quiet = quiet + 1 if float(error.max()) < tolerance else 0
        if quiet >= _PATIENCE:
            break
    return value


def norm_of(matrices: Tensor, norm: Norm, tally: Tally) -> Tensor:
    """Norm of stored matrices [seed, rows, columns].

    Raises:
        ValueError: for an unknown norm.
    """
    if norm == "frobenius":
        sizes: Tensor = torch.linalg.vector_norm(matrices, dim=(-2, -1))
        return sizes
    if norm != "spectral":
        raise ValueError(f"a norm is 'frobenius' or 'spectral'; got {norm!r}")
    rows, columns = matrices.shape[-2:]
    start = torch.randn(columns, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(matrices)
    return spectral_norm(
        lambda v: tally.bmm(matrices, v[:, :, None])[:, :, 0],
        lambda u: tally.bmm(u[:, None, :], matrices)[:, 0, :],
        start.expand(matrices.shape[0], columns),
        rank=min(rows, columns),
    )


def largest_singular_value(matrices: Tensor) -> Tensor:
    """Largest singular value of matrices [seed, rows, columns]; NaN where one is not finite, zero for empty ones."""
    if not matrices.shape[-1] or not matrices.shape[-2]:
        return matrices.new_zeros(matrices.shape[0])
    finite = torch.isfinite(matrices).all(dim=-1).all(dim=-1)
    values = torch.linalg.matrix_norm(torch.where(finite[:, None, None], matrices, 0.0), ord=2)
    return torch.where(finite, values, torch.nan)


class _Orthonormal:
    """Vectors [seed, size] to which others are made orthogonal one by one."""

    def __init__(self) -> None:
        self._count = 0
        self._store: Tensor | None = None
        self.largest: Tensor | None = None

    def add(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Take vectors in: what is new of them, normalised, and its size; zero where nothing but rounding is new."""
        if self._store is None:
            self._store = vectors.new_empty(vectors.shape[0], 16, vectors.shape[1])
        known = self._store[:, : self._count]
        # Twice is enough (Giraud, Langou, Rozloznik 2005).
        for _ in range(2 if self._count else 0):
            vectors = vectors - torch.bmm(torch.bmm(vectors[:, None], known.mT), known)[:, 0]
        sizes = torch.linalg.vector_norm(vectors, dim=-1)
        self.largest = sizes if self.largest is None else torch.maximum(self.largest, sizes)
        # A vector of rounding errors would not be orthogonal to the others, and they to it.
        rounding = _ROUNDING * torch.finfo(sizes.dtype).eps * self.largest
        unit = torch.where(sizes[:, None] <= rounding[:, None], 0.0, vectors / sizes[:, None])
        if self._count == self._store.shape[1]:
            self._store = torch.cat([self._store, torch.empty_like(self._store)], dim=1)
        self._store[:, self._count] = unit
        self._count += 1
        return unit, sizes


def _largest(diagonal: list[Tensor], above: list[Tensor]) -> Tensor:
    """Largest singular value of the bidiagonal matrices built so far."""
    if len(diagonal) <= _SMALL:
        bidiagonal = torch.diag_embed(torch.stack(diagonal, dim=-1))
        return largest_singular_value(bidiagonal + torch.diag_embed(torch.stack(above, dim=-1), offset=1))
    # It is the largest eigenvalue of a tridiagonal matrix that has the two, taken in turns, beside a diagonal of zeros.
    sides = torch.stack([entry for pair in zip(diagonal, [*above, above[-1]], strict=True) for entry in pair], dim=-1)
    last = sides.shape[-1] - 1
    values = [
        scipy.linalg.eigvalsh_tridiagonal(np.zeros(last + 1), row, select="i", select_range=(last, last))[0]
        if np.isfinite(row).all()
        else np.nan
        for row in sides[:, :-1].cpu().numpy().astype(np.float64)
    ]
    return torch.tensor(values).to(sides)
