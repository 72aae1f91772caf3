"""GaussianProducts: a Gaussian matrix known by its products alone, drawn when they are asked for; exact in law.

With orthonormal rows Q and P of the forward and backward directions asked for so far, X = w Q^T and Y = w^T P^T, a new
direction u orthogonal to Q has

    w u = (I - P^T P) g + P^T Y^T u,    g ~ N(0, s^2 I),

and a backward direction the mirror image: Gaussian conditioning, as in Bolthausen (2014, arXiv:1201.2891); Lu (2021, "Householder
Dice", IEEE Trans. Inf. Theory 67(12)) does the same with reflectors.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from theorychecks.engines.basis import Basis, Rows
from theorychecks.engines.matrix import Tally


class Source(Protocol):
    """Where products with new directions come from."""

    def products(self, directions: Tensor, taken: Tensor, *, transposed: bool) -> Tensor:
        """The matrix, or its transpose, times directions; what of it lies along known ones does not matter.

        Args:
            directions: orthonormal, [seed, point, size], zero where not taken.
            taken: whether a seed has this direction, [seed, point].
            transposed: whether they go backward.
        """
        ...

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        ...


class FreshGaussians:
    """A `Source` of independent N(0, s^2) numbers, each seed's from a generator of its own."""

    def __init__(
        self, shape: tuple[int, int], size: float, generators: list[torch.Generator], *, like: Tensor
    ) -> None:
        self.shape = shape
        self.size = size
        self.generators = generators
        self.dtype, self.device = like.dtype, like.device

    def products(self, directions: Tensor, taken: Tensor, *, transposed: bool) -> Tensor:
        """Numbers for the directions that are taken, and zeros for the others."""
        # Drawn on the CPU whatever the device, so that networks are the same on all of them.
        drawn = torch.zeros(*taken.shape, self.shape[1 if transposed else 0], dtype=self.dtype)
        for rows, used, own in zip(drawn, taken.cpu(), self.generators, strict=True):
            for row in rows[used] if not used.all() else rows:
                torch.randn(len(row), generator=own, dtype=self.dtype, out=row)
        return drawn.mul_(self.size).to(self.device)

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        self.generators = [self.generators[k] for k in seeds.tolist()]


class GaussianProducts:
    """Products of a matrix [fan_out, fan_in], for all seeds.

    Attributes:
        right, left: directions asked for, forward and backward.
        images, back_images: what the matrix and its transpose make of them.
    """

    def __init__(self, seeds: int, shape: tuple[int, int], capacity: tuple[int, int], source: Source, *, like: Tensor, tally: Tally) -> None:
        self.source = source
        self.tally = tally
        self.shape = shape
        self.right = Basis(seeds, shape[1], capacity[0], like=like, tally=tally)
        self.left = Basis(seeds, shape[0], capacity[1], like=like, tally=tally)
        self.images = Rows(seeds, shape[0], capacity[0], like=like)
        self.back_images = Rows(seeds, shape[1], capacity[1], like=like)

    def take_right(self, vectors: Tensor) -> Tensor:
        """Ask for the matrix times vectors [seed, point, fan_in]; their coordinates, so that it is them times images."""
        coordinates, taken = self.right.extend(vectors)
        if taken.shape[1]:
            self.images.append(self._draw(taken, self.right, self.left, self.back_images, transposed=False))
        return coordinates

    def take_left(self, vectors: Tensor) -> Tensor:
        """Ask for the transpose times vectors [seed, point, fan_out]; their coordinates."""
        coordinates, taken = self.left.extend(vectors)
        if taken.shape[1]:
            self.back_images.append(self._draw(taken, self.left, self.right, self.images, transposed=True))
        return coordinates

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        for part in (self.right, self.left, self.images, self.back_images):
            part.select(seeds)
        self.source.select(seeds)

    def _draw(self, taken: Tensor, asked: Basis, other: Basis, known: Rows, *, transposed: bool) -> Tensor:
        """Products with the directions just added, conditional on all products of the other side."""
        directions = asked.rows[:, -taken.shape[1] :]
        drawn = self.source.products(directions, taken, transposed=transposed)
        if other.count:
            replaced = self.tally.bmm(directions, known.rows.mT) - other.coordinates(drawn)
            self.tally.add_bmm(drawn, replaced, other.rows)
        return drawn
