"""Basis: orthonormal rows that grow as vectors come in, for all seeds at once; and Rows, a stack of rows that grows."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from theorychecks.engines.matrix import Tally

_ROUNDING: Final = 8.0
"""In units of the precision: what is left of a vector below this many, relative to it, is rounding and no direction."""
_SMALLEST_PIVOT: Final = 1e-12
"""Relative, of a Gram matrix in double precision; rows closer to each other than its root wait for another round."""
_ROUNDS: Final = 4


class Rows:
    """Rows [seed, count, size], into which more can be put."""

    def __init__(self, seeds: int, size: int, capacity: int, *, like: Tensor) -> None:
        self.count = 0
        self._store = like.new_empty(seeds, capacity, size)

    @property
    def rows(self) -> Tensor:
        """All rows so far."""
        return self._store[:, : self.count]

    def append(self, rows: Tensor) -> None:
        """Put rows behind the others."""
        end = self.count + rows.shape[1]
        if end > self._store.shape[1]:
            self._store = torch.cat([self.rows, rows], dim=1)
        else:
            self._store[:, self.count : end] = rows
        self.count = end

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        self._store = self._store[seeds]


class Basis(Rows):
    """Orthonormal rows [seed, count, size]. A row that a seed has no use for is zero there.

    New vectors are projected off the rows twice (twice is enough: Giraud, Langou, Rozloznik 2005), and orthonormalised
    among each other by Cholesky factors of their Gram matrix, whose small pivots are directions that are not there.
    """

    def __init__(self, seeds: int, size: int, capacity: int, *, like: Tensor, tally: Tally) -> None:
        super().__init__(seeds, size, capacity, like=like)
        self.tally = tally
        self.used = torch.zeros(seeds, dtype=torch.int64, device=like.device)
        """How many rows are directions, by seed."""

    def extend(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Take vectors [seed, point, size] in.

        Returns:
            Their coordinates [seed, point, count], and which of the rows just added are directions [seed, added].
        """
        known = self.rows
        coordinates = self.tally.bmm(vectors, known.mT)
        left = vectors - self.tally.bmm(coordinates, known) if self.count else vectors
        if self.count:
            again = self.tally.bmm(left, known.mT)
            left = left - self.tally.bmm(again, known)
            coordinates = coordinates + again
        fresh, inner, taken = self._orthonormal(left, torch.linalg.vector_norm(vectors, dim=-1, dtype=torch.float64))
        used = taken.any(dim=0)
        if not used.all():
            fresh, inner, taken = fresh[:, used], inner[:, :, used], taken[:, used]
        self.append(fresh)
        self.used += taken.sum(dim=1)
        return torch.cat([coordinates, inner], dim=-1), taken

    def coordinates(self, vectors: Tensor) -> Tensor:
        """Products of vectors with the rows, [seed, point, count]."""
        return self.tally.bmm(vectors, self.rows.mT)

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        super().select(seeds)
        self.used = self.used[seeds]

    def _orthonormal(self, left: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Orthonormal rows for what is left of vectors of given sizes, coordinates in them, and which rows are used.

        Row i belongs to vector i, and is used if that vector has a direction that earlier ones have not.
        """
        floor = _ROUNDING * torch.finfo(left.dtype).eps * sizes
        fresh, taken = torch.zeros_like(left), torch.zeros(left.shape[:2], dtype=torch.bool, device=left.device)
        rest = left
        for _ in range(_ROUNDS):
            waiting = ~taken & (torch.linalg.vector_norm(rest, dim=-1, dtype=torch.float64) > floor)
            if not waiting.any():
                break
            rows, found = self._independent(torch.where(waiting[..., None], rest, 0.0), floor)
            # Differences of nearly equal vectors carry their rounding errors along, magnified: clean once more.
            rows = rows - self.tally.bmm(self.tally.bmm(rows, fresh.mT), fresh)
            if self.count:
                rows = rows - self.tally.bmm(self.coordinates(rows), self.rows)
            rows, still = self._independent(rows, torch.full_like(floor, 0.5))
            fresh, taken = fresh + rows, taken | (found & still)
            rest = left - self.tally.bmm(self.tally.bmm(left, fresh.mT), fresh)
        return fresh, self.tally.bmm(left, fresh.mT), taken

    def _independent(self, vectors: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors orthonormalised in their order, zero where less than the floor is new, and where more is."""
        exact = vectors.to(torch.float64)
        factor, taken = _cholesky(self.tally.bmm(exact, exact.mT), floor)
        rows = torch.linalg.solve_triangular(factor, exact, upper=False)
        return torch.where(taken[..., None], rows, 0.0).to(vectors.dtype), taken


def _cholesky(gram: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
    """Lower factors of Gram matrices [seed, point, point], with units on the diagonal where a pivot is too small."""
    size = gram.shape[-1]
    scale = gram.diagonal(dim1=-2, dim2=-1)
    smallest = torch.maximum(floor.square(), _SMALLEST_PIVOT * scale)
    factor, rest = torch.zeros_like(gram), gram.clone()
    taken = torch.zeros_like(floor, dtype=torch.bool)
    for k in range(size):
        pivot = rest[:, k, k]
        taken[:, k] = found = (pivot > smallest[:, k]) & torch.isfinite(pivot)
        column = torch.where(found[:, None], rest[:, :, k] / pivot.clamp_min(1e-300).sqrt()[:, None], 0.0)
        column[:, :k] = 0.0
        factor[:, :, k] = column
        rest -= column[:, :, None] * column[:, None, :]
    factor.diagonal(dim1=-2, dim2=-1)[~taken] = 1.0
    return factor, taken
