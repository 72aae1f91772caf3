"""GaussianProducts: a Gaussian matrix known by its products alone, drawn when they are asked for; exact in law.

With orthonormal rows Q and P of the forward and backward directions asked for so far, X = w Q^T and Y = w^T P^T, a new
direction u orthogonal to Q has

    w u = (I - P^T P) g + P^T Y^T u,    g ~ N(0, I),

and a backward direction the mirror image: Gaussian conditioning, as in Bolthausen (2014, arXiv:1201.2891, from memory);
Lu (2021, "Householder Dice", IEEE Trans. Inf. Theory 67(12), second-hand) does the same with reflectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from theorychecks.engines.basis import Basis, Rows
from theorychecks.engines.matrix import Tally


class Source(Protocol):
    """Where products with new directions come from, for a matrix with entries of variance one."""

    def write(self, products: Tensor, directions: Tensor, taken: Tensor, *, transposed: bool) -> None:
        """Write the matrix, or its transpose, times directions; what of it lies along known ones does not matter.

        Args:
            products: where to, [seed, point, size].
            directions: orthonormal, zero where not taken, as their products must be.
            taken: whether a seed has this direction, [seed, point].
            transposed: whether they go backward.
        """
        ...

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        ...


class FreshGaussians:
    """A `Source` of independent normal numbers, each seed's from a generator of its own."""

    def __init__(self, generators: Sequence[torch.Generator]) -> None:
        self.generators = generators

    def write(self, products: Tensor, directions: Tensor, taken: Tensor, *, transposed: bool) -> None:
        """Numbers for the directions that are taken, and zeros for the others."""
        # Drawn on the CPU whatever the device, so that networks are the same on all of them.
        on_cpu = products.device.type == "cpu"
        drawn = products if on_cpu else torch.empty(products.shape, dtype=products.dtype)
        for rows, used, own in zip(drawn, taken.tolist(), self.generators, strict=True):
            for row, wanted in zip(rows, used, strict=True):
                if wanted:
                    torch.randn(len(row), generator=own, dtype=row.dtype, out=row)
                else:
                    row.zero_()
        if not on_cpu:
            products.copy_(drawn)

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        self.generators = [self.generators[k] for k in seeds.tolist()]


class GaussianProducts:
    """Products of a matrix [fan_out, fan_in] with entries of variance one, for all seeds.

    Attributes:
        right, left: directions asked for, forward and backward.
        images, back_images: what the matrix and its transpose make of them.
    """

    def __init__(
        self,
        seeds: int,
        shape: tuple[int, int],
        capacity: tuple[int, int],
        source: Source,
        *,
        like: Tensor,
        tally: Tally,
    ) -> None:
        self.source = source
        self.tally = tally
        self.shape = shape
        self.right = Basis(seeds, shape[1], capacity[0], like=like, tally=tally)
        self.left = Basis(seeds, shape[0], capacity[1], like=like, tally=tally)
        self.images = Rows(seeds, shape[0], capacity[0], like=like)
        self.back_images = Rows(seeds, shape[1], capacity[1], like=like)

    def take_right(self, vectors: Tensor) -> Tensor:
        """Ask for the matrix times vectors [seed, point, fan_in]: it is their coordinates, returned, times images."""
        coordinates, taken = self.right.extend(vectors)
        if taken.shape[1]:
            self._draw(taken, self.right, self.left, self.images, self.back_images, transposed=False)
        return coordinates

    def take_left(self, vectors: Tensor) -> Tensor:
        """Ask for the transpose times vectors [seed, point, fan_out]; their coordinates."""
        coordinates, taken = self.left.extend(vectors)
        if taken.shape[1]:
            self._draw(taken, self.left, self.right, self.back_images, self.images, transposed=True)
        return coordinates

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        for part in (self.right, self.left, self.images, self.back_images):
            part.select(seeds)
        self.source.select(seeds)

    def _draw(self, taken: Tensor, asked: Basis, other: Basis, images: Rows, others: Rows, *, transposed: bool) -> None:
        """Products with the directions just added, conditional on all products of the other side."""
        added = taken.shape[1]
        directions, drawn = asked.rows[:, -added:], images.add(added)
        self.source.write(drawn, directions, taken, transposed=transposed)
        if other.count:
            replaced = self.tally.bmm(directions, others.rows.mT) - other.coordinates(drawn)
            self.tally.bmm_into(drawn, replaced, other.rows, added_to=drawn)
