"""Norms of a Gaussian matrix of which only some products are known; exact in law, and at no cost in the width.

In bases that begin with the known directions the matrix is

    [ A  K ]      A = P w Q^T, known          [p x q]
    [ L  D ]      K, L the rest of the known products, D fresh

and norms do not care which orthonormal directions follow, so that D can be drawn in coordinates (derived here).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from theorychecks.engines.conditioning import FreshGaussians, GaussianProducts
from theorychecks.engines.matrix import Tally
from theorychecks.engines.run import Norm
from theorychecks.engines.spectral import largest_singular_value, spectral_norm

_FORMED_BELOW: Final = 384
"""Matrices that are smaller than this, or than twice what is known of them, are formed for their spectral norm."""


class _Known(NamedTuple):
    """Products of known rows with each other, in double precision: A [p, q], X X^T [q, q] and Y Y^T [p, p], by seed."""

    both: Tensor
    images: Tensor
    back_images: Tensor

    @classmethod
    def of(cls, products: GaussianProducts) -> _Known:
        tally, images, back = products.tally, products.images.rows, products.back_images.rows
        found = (
            tally.bmm(products.left.rows, images.mT),
            tally.bmm(images, images.mT),
            tally.bmm(back, back.mT),
        )
        return cls(*(gram.to(torch.float64) for gram in found))


def inner_norm(inner: Tensor, norm: Norm) -> Tensor:
    """Norm of P^T M Q, which is that of M, [seed].

    Raises:
        ValueError: for an unknown norm.
    """
    if norm == "frobenius":
        sizes: Tensor = torch.linalg.vector_norm(inner, dim=(-2, -1))
        return sizes
    if norm != "spectral":
        raise ValueError(f"a norm is 'frobenius' or 'spectral'; got {norm!r}")
    return largest_singular_value(inner)


def frobenius_norm(
    products: GaussianProducts, scale: Tensor, inner: Tensor, size: float, generators: Sequence[torch.Generator]
) -> Tensor:
    """Frobenius norm of c w + P^T M Q in double precision, [seed]: the unseen part's square is a chi-square.

    Args:
        products: what is known of w.
        scale: c, [seed, 1, 1].
        inner: M, [seed, p, q] of the first directions.
        size: standard deviation of the entries of w.
        generators: one a seed.
    """
    known = _Known.of(products)
    rows, columns = products.shape
    free = (rows - products.left.used) * (columns - products.right.used)
    unseen = torch.tensor([_chi_square(own, int(df)) for own, df in zip(generators, free, strict=True)])
    traces = known.images.diagonal(dim1=1, dim2=2).sum(-1) + known.back_images.diagonal(dim1=1, dim2=2).sum(-1)
    initial = traces - known.both.square().sum((1, 2)) + size**2 * unseen.to(traces)
    c, inner = scale[:, 0, 0].to(torch.float64), inner.to(torch.float64)
    cross = (known.both[:, : inner.shape[1], : inner.shape[2]] * inner).sum((1, 2))
    return (c**2 * initial + 2 * c * cross + inner.square().sum((1, 2))).sqrt()


def spectral_norm_in_law(
    products: GaussianProducts, scale: Tensor, inner: Tensor, size: float, generators: Sequence[torch.Generator]
) -> Tensor:
    """Spectral norm of c w + P^T M Q in double precision, [seed]; arguments as for `frobenius_norm`."""
    smallest = min(products.shape)
    counts = products.left.count + products.right.count
    if smallest < max(_FORMED_BELOW, 2 * counts):
        return _norm_of_formed(products, scale, inner, size, generators)
    compressed = _Compressed(products, scale, inner, size, generators)
    return spectral_norm(compressed.apply, compressed.apply_transpose, compressed.start, rank=compressed.steps)


class _Compressed:
    """c w + P^T M Q in coordinates [P, L, new] by [Q, K, new]: the same law, without the width."""

    def __init__(
        self,
        products: GaussianProducts,
        scale: Tensor,
        inner: Tensor,
        size: float,
        generators: Sequence[torch.Generator],
    ) -> None:
        known = _Known.of(products)
        seeds, p, q = known.both.shape
        # Lanczos needs some n^(1/3) steps to resolve the edge of a Gaussian matrix's spectrum.
        self.steps = 40 + math.ceil(12 * min(products.shape) ** (1 / 3))
        self.inner, self.scale = inner.to(torch.float64), scale.to(torch.float64)
        below = _root(known.images - known.both.mT @ known.both)
        beside = _root(known.back_images - known.both @ known.both.mT)
        length = p + q + 1 + self.steps
        like = known.both.new_empty(0)
        left_valid = torch.linalg.vector_norm(products.left.rows, dim=-1) > 0.5
        right_valid = torch.linalg.vector_norm(products.right.rows, dim=-1) > 0.5
        source = _InCoordinates(products.shape, size, generators, left_valid, right_valid, length)
        self.tally = Tally()
        capacity = (q + self.steps + 1, p + self.steps + 1)
        self.products = GaussianProducts(seeds, (length, length), capacity, source, like=like, tally=self.tally)
        pad = torch.nn.functional.pad
        units = torch.eye(length, dtype=torch.float64).to(known.both)
        self.products.right.append(units[:q] * right_valid[..., None])
        self.products.left.append(units[:p] * left_valid[..., None])
        self.products.images.append(pad(torch.cat([known.both.mT, below], dim=2), (0, length - p - q)))
        self.products.back_images.append(pad(torch.cat([known.both, beside], dim=2), (0, length - p - q)))
        self.start = source.start()

    def apply(self, vectors: Tensor) -> Tensor:
        """The matrix times vectors, [seed, size]."""
        rows, columns = self.inner.shape[1:]
        vectors = vectors[:, None]
        made = self.tally.bmm(self.products.take_right(vectors) * self.scale, self.products.images.rows)
        made[..., :rows] += vectors[..., :columns] @ self.inner.mT
        return made[:, 0]

    def apply_transpose(self, vectors: Tensor) -> Tensor:
        """Its transpose times vectors, [seed, size]."""
        rows, columns = self.inner.shape[1:]
        vectors = vectors[:, None]
        made = self.tally.bmm(self.products.take_left(vectors) * self.scale, self.products.back_images.rows)
        made[..., :columns] += vectors[..., :rows] @ self.inner
        return made[:, 0]


class _InCoordinates:
    """A `Source` for a matrix in coordinates: what leaves those in use goes along a new one, with a chi's length."""

    def __init__(
        self,
        shape: tuple[int, int],
        size: float,
        generators: Sequence[torch.Generator],
        left_valid: Tensor,
        right_valid: Tensor,
        length: int,
    ) -> None:
        self.shape = shape
        self.size = size
        self.generators = generators
        p, q = left_valid.shape[1], right_valid.shape[1]
        self.valid = [left_valid.new_zeros(len(generators), length) for _ in shape]
        self.valid[0][:, :p], self.valid[1][:, :q] = left_valid, right_valid
        for valid in self.valid:
            valid[:, (p if valid is self.valid[0] else q) : p + q] = True
        self.in_use = [p + q, p + q]

    def start(self) -> Tensor:
        """A generic forward vector: all coordinates in use, and one more."""
        self.valid[1][:, self.in_use[1]] = True
        self.in_use[1] += 1
        return torch.where(self.valid[1], self._normal(1), 0.0)

    def products(self, directions: Tensor, taken: Tensor, *, transposed: bool) -> Tensor:
        """Normal numbers along coordinates in use, and the length of all the others along the next."""
        side = 1 if transposed else 0
        valid, used = self.valid[side], self.in_use[side]
        drawn = torch.where(valid, self._normal(side), 0.0)
        others = (self.shape[side] - valid.sum(dim=1)).tolist()
        tails = [math.sqrt(_chi_square(own, df)) for own, df in zip(self.generators, others, strict=True)]
        drawn[:, used] = torch.tensor(tails).to(drawn)
        valid[:, used] = True
        self.in_use[side] = used + 1
        return torch.where(taken[..., None], self.size * drawn[:, None], 0.0)

    def select(self, seeds: Tensor) -> None:
        """Never asked for."""
        raise NotImplementedError

    def _normal(self, side: int) -> Tensor:
        length = self.valid[side].shape[1]
        drawn = [torch.randn(length, generator=own, dtype=torch.float64) for own in self.generators]
        return torch.stack(drawn).to(self.valid[side].device)


def _norm_of_formed(
    products: GaussianProducts, scale: Tensor, inner: Tensor, size: float, generators: Sequence[torch.Generator]
) -> Tensor:
    rows, columns = products.shape
    source = FreshGaussians(products.shape, size, list(generators), like=inner)
    every = torch.ones(inner.shape[0], columns, dtype=torch.bool)
    fresh = source.products(inner, every, transposed=False).mT
    left, right = products.left.rows, products.right.rows
    fresh = fresh - left.mT @ (left @ fresh)
    unseen = fresh - (fresh @ right.mT) @ right
    images, back = products.images.rows, products.back_images.rows
    back_left_over = back - (back @ right.mT) @ right
    initial = unseen + images.mT @ right + left.mT @ back_left_over
    p, q = inner.shape[1:]
    whole = (scale * initial + left[:, :p].mT @ inner @ right[:, :q]).to(torch.float64)
    return largest_singular_value(whole)


def _root(gram: Tensor) -> Tensor:
    """Symmetric square roots of positive semidefinite matrices by seed; NaN where a seed has diverged."""
    finite = torch.isfinite(gram).all(-1).all(-1)[:, None, None]
    values, vectors = torch.linalg.eigh(torch.where(finite, gram, 0.0))
    roots = (vectors * values.clamp_min(0.0).sqrt()[:, None]) @ vectors.mT
    return torch.where(finite, roots, torch.nan)


def _chi_square(own: torch.Generator, degrees: int) -> float:
    """One chi-square number; torch has none that takes a generator."""
    seed = int(torch.randint(2**62, (1,), generator=own))
    return float(np.random.default_rng(seed).chisquare(degrees)) if degrees > 0 else 0.0
