"""Basis: orthonormal rows that grow as vectors come in, for all seeds at once; and Rows, a stack of rows that grows."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from theorychecks.engines.matrix import Tally

_ROUNDING: Final = 2.0
"""In units of the precision: what is left of a vector below this many, relative to it, is rounding and no direction."""
_SMALLEST_PIVOT: Final = 200.0
"""In units of the precision, of a Gram matrix relative to its diagonal; nearer rows wait for another round."""
_SAFE_PIVOT: Final = 0.01
"""Rows further apart than its root do not magnify rounding errors enough to need cleaning."""
_ROUNDS: Final = 4
_MOST_AT_ONCE: Final = 16
"""Vectors taken in together; the factors of their Gram matrix are computed one after the other."""


class Rows:
    """Rows [seed, count, size], into which more can be put. Space is taken once, as new memory is slow to come by."""

    def __init__(self, seeds: int, size: int, capacity: int, *, like: Tensor) -> None:
        self.count = 0
        self._store = like.new_empty(seeds, capacity, size)

    @property
    def rows(self) -> Tensor:
        """All rows so far."""
        return self._store[:, : self.count]

    def add(self, count: int) -> Tensor:
        """Make room for more rows, to be written into."""
        start, self.count = self.count, self.count + count
        if self.count > self._store.shape[1]:
            seeds, capacity, size = self._store.shape
            grown = self._store.new_empty(seeds, max(self.count, capacity + capacity // 8), size)
            grown[:, :start] = self._store[:, :start]
            self._store = grown
        return self._store[:, start : self.count]

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        self._store = self._store[seeds]


class Basis(Rows):
    """Orthonormal rows. A row that a seed has no use for is zero there.

    New vectors are projected off the rows twice (twice is enough: Giraud, Langou, Rozloznik 2005), and orthonormalised
    among each other by Cholesky factors of their Gram matrix, whose small pivots are directions that are not there.
    """

    def __init__(self, seeds: int, size: int, capacity: int, *, like: Tensor, tally: Tally) -> None:
        super().__init__(seeds, size, capacity, like=like)
        self.tally = tally
        self.used = torch.zeros(seeds, dtype=torch.int64, device=like.device)
        """How many rows are directions, by seed."""
        self._left = like.new_empty(0)

    def extend(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Take vectors [seed, point, size] in.

        Returns:
            Their coordinates [seed, point, count], and which of the rows just added are directions [seed, added].
        """
        parts = torch.split(vectors, _MOST_AT_ONCE, dim=1)
        taken, coordinates = [], []
        for part in parts:
            known, found = self._extend(part)
            coordinates.append(known)
            taken.append(found)
        if len(parts) == 1:
            return coordinates[0], taken[0]
        pad = torch.nn.functional.pad
        whole = [pad(known, (0, self.count - known.shape[-1])) for known in coordinates]
        return torch.cat(whole, dim=1), torch.cat(taken, dim=1)

    def coordinates(self, vectors: Tensor) -> Tensor:
        """Products of vectors with the rows, [seed, point, count]."""
        return self.tally.bmm(vectors, self.rows.mT)

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        super().select(seeds)
        self.used = self.used[seeds]

    def _extend(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        floor = _ROUNDING * torch.finfo(vectors.dtype).eps * torch.linalg.vector_norm(vectors, dim=-1)
        left, known = vectors, self.rows
        coordinates = vectors.new_zeros(*vectors.shape[:2], 0)
        if self.count:
            coordinates = self.coordinates(vectors)
            left = self._workspace(vectors)
            self.tally.bmm_into(left, coordinates, known, added_to=vectors, scale=-1)
            again = self.coordinates(left)
            self.tally.bmm_into(left, again, known, added_to=left, scale=-1)
            coordinates = coordinates + again
        fresh = self.add(vectors.shape[1])
        taken = self._orthonormalise(left, known, fresh, floor)
        inner = self.tally.bmm(left, fresh.mT)
        if not (used := taken.any(dim=0)).all():
            self.count -= int((~used).sum())
            if used.any():
                fresh[:, : int(used.sum())] = fresh[:, used]
            inner, taken = inner[:, :, used], taken[:, used]
        self.used += taken.sum(dim=1)
        return torch.cat([coordinates, inner], dim=-1), taken

    def _workspace(self, like: Tensor) -> Tensor:
        if self._left.shape != like.shape:
            self._left = torch.empty_like(like)
        return self._left

    def _orthonormalise(self, left: Tensor, known: Tensor, fresh: Tensor, floor: Tensor) -> Tensor:
        """Write orthonormal rows for what is left of vectors, and say which of them are used, [seed, point].

        Row i belongs to vector i, and is used if that vector has a direction that earlier ones have not.
        """
        taken = self._independent(left, (known,), fresh, torch.linalg.vector_norm(left, dim=-1) > floor, floor)
        for _ in range(_ROUNDS - 1):
            if taken.all():
                break
            rest = left - self.tally.bmm(self.tally.bmm(left, fresh.mT), fresh)
            waiting = ~taken & (torch.linalg.vector_norm(rest, dim=-1) > floor)
            if not waiting.any():
                break
            more = torch.empty_like(fresh)
            taken |= self._independent(rest, (known, fresh), more, waiting, floor)
            fresh += more
        return taken

    def _independent(
        self, vectors: Tensor, known: tuple[Tensor, ...], rows: Tensor, waiting: Tensor, floor: Tensor
    ) -> Tensor:
        """Write those vectors that wait into rows, orthonormalised in their order, and zeros elsewhere."""
        transform, taken, apart = _whitening(self.tally.bmm(vectors, vectors.mT), waiting, floor)
        self.tally.bmm_into(rows, transform, vectors)
        if apart < _SAFE_PIVOT:
            # Differences of nearly equal vectors carry their rounding errors along, magnified.
            for others in known:
                self.tally.bmm_into(rows, self.tally.bmm(rows, others.mT), others, added_to=rows, scale=-1)
        gram = self.tally.bmm(rows, rows.mT)
        error = (gram - torch.diag_embed(taken.to(gram.dtype))).abs().amax()
        if not error < _SMALLEST_PIVOT * torch.finfo(gram.dtype).eps:
            transform, still, _ = _whitening(gram, taken, torch.full_like(floor, 0.5))
            self.tally.bmm_into(rows, transform, rows.clone())
            taken = taken & still
        return taken


def _whitening(gram: Tensor, among: Tensor, floor: Tensor) -> tuple[Tensor, Tensor, float]:
    """Transforms that orthonormalise vectors in their order, from their Gram matrices [seed, point, point].

    Returns:
        The transforms, zero in rows of vectors that are not taken; which are; and the smallest pivot taken, relative.
    """
    exact = gram.to(torch.float64)
    scale = exact.diagonal(dim1=-2, dim2=-1)
    smallest = torch.maximum(floor.to(torch.float64).square(), _SMALLEST_PIVOT * torch.finfo(gram.dtype).eps * scale)
    factor, rest = torch.zeros_like(exact), exact.clone()
    taken, apart = torch.zeros_like(among), 1.0
    for k in range(gram.shape[-1]):
        pivot = rest[:, k, k]
        taken[:, k] = found = among[:, k] & (pivot > smallest[:, k])
        column = torch.where(found[:, None], rest[:, :, k] * pivot.clamp_min(1e-300).rsqrt()[:, None], 0.0)
        column[:, :k] = 0.0
        factor[:, :, k] = column
        rest -= column[:, :, None] * column[:, None, :]
        apart = min(apart, float(torch.where(found, pivot / scale[:, k], 1.0).min()))
    factor.diagonal(dim1=-2, dim2=-1)[~taken] = 1.0
    units = torch.diag_embed(taken.to(torch.float64))
    inverse = torch.linalg.solve_triangular(factor, units, upper=False)
    return (inverse * taken[..., None]).to(gram.dtype), taken, apart
