"""Norms of a Gaussian matrix of which only some products are known; exact in law, and at hardly any cost in the width.

In orthonormal bases that begin with the known directions, P of the rows and Q of the columns, the matrix is

    [ A  K ]    A = P w Q^T and K, L, the rest of the known products, are known;
    [ L  D ]    D has independent normal entries in any bases of what is left.

Norms do not care which bases those are, so D can be drawn in coordinates that come up as needed (derived here).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from theorychecks.engines.conditioning import FreshGaussians, GaussianProducts
from theorychecks.engines.run import Norm
from theorychecks.engines.spectral import largest_singular_value, spectral_norm

Array = NDArray[np.float64]
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
        found = (tally.bmm(products.left.rows, images.mT), tally.bmm(images, images.mT), tally.bmm(back, back.mT))
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
    products: GaussianProducts, scale: Tensor, inner: Tensor, generators: Sequence[torch.Generator]
) -> Tensor:
    """Frobenius norm of c w + P^T M Q, [seed]: the unseen part's square is a chi-square.

    Args:
        products: what is known of w, whose entries have variance one.
        scale: c, [seed].
        inner: M, [seed, p, q] of the first directions.
        generators: one a seed.
    """
    known = _Known.of(products)
    free = (products.shape[0] - products.left.used) * (products.shape[1] - products.right.used)
    unseen = [_random(own).chisquare(df) if df > 0 else 0.0 for own, df in zip(generators, free.tolist(), strict=True)]
    traces = known.images.diagonal(dim1=1, dim2=2).sum(-1) + known.back_images.diagonal(dim1=1, dim2=2).sum(-1)
    initial = traces - known.both.square().sum((1, 2)) + torch.tensor(unseen).to(traces)
    c, exact = scale.to(torch.float64), inner.to(torch.float64)
    cross = (known.both[:, : inner.shape[1], : inner.shape[2]] * exact).sum((1, 2))
    return (c**2 * initial + 2 * c * cross + exact.square().sum((1, 2))).sqrt().to(inner.dtype)


def spectral_norm_in_law(
    products: GaussianProducts, scale: Tensor, inner: Tensor, generators: Sequence[torch.Generator]
) -> Tensor:
    """Spectral norm of c w + P^T M Q, [seed]; arguments as for `frobenius_norm`."""
    if min(products.shape) < max(_FORMED_BELOW, 2 * (products.left.count + products.right.count)):
        return largest_singular_value(_formed(products, scale[:, None, None], inner, generators))
    known = _Known.of(products)
    norms = []
    for k, own in enumerate(generators):
        grams = [gram[k].cpu().numpy() for gram in known]
        if all(np.isfinite(gram).all() for gram in grams) and torch.isfinite(inner[k]).all():
            form = float(scale[k]), inner[k].to(torch.float64).cpu().numpy()
            norms.append(_Unfolding(grams, form, products.shape, _random(own)).norm())
        else:
            norms.append(math.nan)
    return torch.tensor(norms).to(inner)


class _Unfolding:
    """One seed's c w + P^T M Q in coordinates [P, L, new ones] by [Q, K, new ones].

    A product with a new direction leaves the coordinates in use along one new one, as far as the length of all that is
    left: a chi. Conditioning is that of `GaussianProducts`.
    """

    def __init__(
        self, grams: Sequence[Array], form: tuple[float, Array], shape: tuple[int, int], random: np.random.Generator
    ) -> None:
        both, images, back = grams
        p, q = both.shape
        self.scale, self.inner = form
        self.random = random
        # Lanczos needs some n^(1/3) steps to resolve the edge of a Gaussian matrix's spectrum.
        self.steps = 40 + math.ceil(12 * min(shape) ** (1 / 3))
        length, capacity = p + q + self.steps + 2, self.steps + 2
        below, beside = _root(images - both.T @ both), _root(back - both @ both.T)
        # Slots of directions that this seed has no use for are no coordinates.
        row_slots, column_slots = np.diag(back) > 0, np.diag(images) > 0
        self.rows = _Side(p, q, length, capacity, row_slots, np.hstack([both, beside]), shape[0])
        self.columns = _Side(q, p, length, capacity, column_slots, np.hstack([both.T, below]), shape[1])

    def norm(self) -> float:
        """The largest singular value."""
        start = torch.from_numpy(self.columns.fresh(self.random))[None]
        found = spectral_norm(self._apply, self._apply_transpose, start, rank=self.steps)
        return float(found)

    def _apply(self, vectors: Tensor) -> Tensor:
        return self._product(vectors, self.columns, self.rows, self.inner.T)

    def _apply_transpose(self, vectors: Tensor) -> Tensor:
        return self._product(vectors, self.rows, self.columns, self.inner)

    def _product(self, vectors: Tensor, asked: _Side, other: _Side, inner: Array) -> Tensor:
        vector = vectors[0].numpy()
        coordinates, direction = asked.split(vector)
        if direction is not None:
            drawn = other.fresh(self.random)
            known = other.directions[: other.count]
            drawn += (other.images[: other.count] @ direction - known @ drawn) @ known
            asked.learn(direction, drawn)
        made = self.scale * (coordinates @ asked.images[: asked.count])
        made[: inner.shape[1]] += vector[: inner.shape[0]] @ inner
        return torch.from_numpy(made)[None]


class _Side:
    """Directions asked for on one side of a matrix, in this side's coordinates, and their images, in the other's."""

    def __init__(
        self, known: int, others: int, length: int, capacity: int, slots: NDArray[np.bool_], images: Array, size: int
    ) -> None:
        self.count = known
        self.directions = np.zeros((known + capacity, length))
        self.directions[:known, :known] = np.diag(slots.astype(float))
        self.images = np.zeros((known + capacity, length))
        self.images[:known, : known + others] = images
        self.valid = np.ones(known + others, dtype=bool)
        self.valid[:known] = slots
        self.left = size - int(self.valid.sum())
        self.length = length

    def fresh(self, random: np.random.Generator) -> Array:
        """A normal vector of this side: coordinates in use, and one more as long as all the others together."""
        drawn = np.zeros(self.length)
        used = len(self.valid)
        drawn[:used] = np.where(self.valid, random.standard_normal(used), 0.0)
        drawn[used] = math.sqrt(random.chisquare(self.left))
        self.valid = np.append(self.valid, True)
        self.left -= 1
        return drawn

    def split(self, vector: Array) -> tuple[Array, Array | None]:
        """Coordinates in the directions, the one that is new included if there is one."""
        # Lanczos vectors are orthogonal to each other already, so that once is enough.
        directions = self.directions[: self.count]
        coordinates = directions @ vector
        left = vector - coordinates @ directions
        size = float(np.linalg.norm(left))
        if size <= 1e-13 * float(np.linalg.norm(vector)):
            return coordinates, None
        return np.append(coordinates, size), left / size

    def learn(self, direction: Array, image: Array) -> None:
        """Take a direction and its image in."""
        self.directions[self.count], self.images[self.count] = direction, image
        self.count += 1


def _formed(products: GaussianProducts, scale: Tensor, inner: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """The matrix c w + P^T M Q itself, with what has not been seen of w drawn."""
    fresh = inner.new_empty(inner.shape[0], *products.shape)
    every = torch.ones(fresh.shape[:2], dtype=torch.bool)
    FreshGaussians(generators).write(fresh, fresh, every, transposed=True)
    left, right = products.left.rows, products.right.rows
    fresh -= left.mT @ (left @ fresh)
    unseen = fresh - (fresh @ right.mT) @ right
    back = products.back_images.rows
    beside = back - (back @ right.mT) @ right
    initial = unseen + products.images.rows.mT @ right + left.mT @ beside
    p, q = inner.shape[1:]
    return scale * initial + left[:, :p].mT @ inner @ right[:, :q]


def _root(gram: Array) -> Array:
    """Symmetric square root of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(gram)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


def _random(own: torch.Generator) -> np.random.Generator:
    """Numpy's generator for what torch's have not: chi-squares."""
    return np.random.default_rng(int(torch.randint(2**62, (1,), generator=own)))
