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


class Unseen:
    """What has not been seen of a matrix, drawn when a norm asks for it, and kept: all norms are of one matrix.

    It is kept until further products become known; Frobenius and spectral norms draw theirs apart.
    """

    def __init__(self, products: GaussianProducts, generators: Sequence[torch.Generator]) -> None:
        self.products = products
        self.generators = generators
        self._counts = (-1, -1)
        self._known: _Known
        self._squares: Tensor | None = None
        self._formed: Tensor | None = None
        self._unfoldings: list[_Unfolding | None] = []

    def norm(self, norm: Norm, scale: Tensor, inner: Tensor) -> Tensor:
        """Norm of c w + P^T M Q, [seed].

        Args:
            norm: "frobenius" or "spectral".
            scale: c, [seed]; w has entries of variance one.
            inner: M, [seed, p, q] of the first directions.

        Raises:
            ValueError: for an unknown norm.
        """
        if norm not in ("frobenius", "spectral"):
            raise ValueError(f"a norm is 'frobenius' or 'spectral'; got {norm!r}")
        counts = (self.products.left.count, self.products.right.count)
        if counts != self._counts:
            self._counts, self._known = counts, _Known.of(self.products)
            self._squares, self._formed, self._unfoldings = None, None, []
        if norm == "frobenius":
            return self._frobenius(scale.to(torch.float64), inner.to(torch.float64)).to(inner.dtype)
        if min(self.products.shape) < max(_FORMED_BELOW, 2 * sum(counts)):
            return self._spectral_of_formed(scale[:, None, None], inner)
        return self._spectral_unfolded(scale, inner)

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        self.generators = [self.generators[k] for k in seeds.tolist()]
        self._counts = (-1, -1)

    def _frobenius(self, scale: Tensor, inner: Tensor) -> Tensor:
        """The unseen part's square is a chi-square."""
        known = self._known
        if self._squares is None:
            left, right = self.products.left.used, self.products.right.used
            free = ((self.products.shape[0] - left) * (self.products.shape[1] - right)).tolist()
            pairs = zip(self.generators, free, strict=True)
            drawn = [_random(own).chisquare(df) if df > 0 else 0.0 for own, df in pairs]
            self._squares = torch.tensor(drawn, dtype=torch.float64).to(known.both.device)
        traces = known.images.diagonal(dim1=1, dim2=2).sum(-1) + known.back_images.diagonal(dim1=1, dim2=2).sum(-1)
        initial = traces - known.both.square().sum((1, 2)) + self._squares
        cross = (known.both[:, : inner.shape[1], : inner.shape[2]] * inner).sum((1, 2))
        return (scale**2 * initial + 2 * scale * cross + inner.square().sum((1, 2))).clamp_min(0.0).sqrt()

    def _spectral_of_formed(self, scale: Tensor, inner: Tensor) -> Tensor:
        products = self.products
        left, right = products.left.rows, products.right.rows
        if self._formed is None:
            fresh = inner.new_empty(inner.shape[0], *products.shape)
            every = torch.ones(fresh.shape[:2], dtype=torch.bool)
            FreshGaussians(self.generators).write(fresh, fresh, every, transposed=True)
            fresh -= left.mT @ (left @ fresh)
            unseen = fresh - (fresh @ right.mT) @ right
            back = products.back_images.rows
            beside = back - (back @ right.mT) @ right
            self._formed = unseen + products.images.rows.mT @ right + left.mT @ beside
        p, q = inner.shape[1:]
        return largest_singular_value(scale * self._formed + left[:, :p].mT @ inner @ right[:, :q])

    def _spectral_unfolded(self, scale: Tensor, inner: Tensor) -> Tensor:
        if not self._unfoldings:
            grams = [[gram[k].cpu().numpy() for gram in self._known] for k in range(len(self.generators))]
            self._unfoldings = [
                _Unfolding(each, self.products.shape, _random(own))
                if all(np.isfinite(gram).all() for gram in each)
                else None
                for each, own in zip(grams, self.generators, strict=True)
            ]
        exact = inner.to("cpu", torch.float64).numpy()
        norms = [
            unfolding.norm(float(scale[k]), exact[k])
            if unfolding is not None and np.isfinite(exact[k]).all()
            else np.nan
            for k, unfolding in enumerate(self._unfoldings)
        ]
        return torch.tensor(norms, dtype=torch.float64).to(inner)


class _Unfolding:
    """One seed's w in coordinates [P, L, new ones] by [Q, K, new ones].

    A product with a new direction leaves the coordinates in use along one new one, as far as the length of all that is
    left: a chi. Conditioning is that of `GaussianProducts`.
    """

    def __init__(self, grams: Sequence[Array], shape: tuple[int, int], random: np.random.Generator) -> None:
        both, images, back = grams
        self.random = random
        # Lanczos needs some n^(1/3) steps to resolve the edge of a Gaussian matrix's spectrum.
        self.steps = 40 + math.ceil(12 * min(shape) ** (1 / 3))
        below, beside = _root(images - both.T @ both), _root(back - both @ both.T)
        # A small part of the largest singular value's own spread, which is some n^(-2/3) (Tracy and Widom).
        self.tolerance = min(1e-4, 0.16 * min(shape) ** (-2 / 3))
        # Slots of directions that this seed has no use for are no coordinates.
        self.rows = _Side(np.diag(back) > 0, np.hstack([both, beside]), shape[0])
        self.columns = _Side(np.diag(images) > 0, np.hstack([both.T, below]), shape[1])

    def norm(self, scale: float, inner: Array) -> float:
        """The largest singular value of c w + P^T M Q."""
        rows, columns = (len(side.valid) + self.steps + 2 for side in (self.rows, self.columns))
        self.rows.make_room(self.steps + 2, rows, columns)
        self.columns.make_room(self.steps + 2, columns, rows)

        def apply(vectors: Tensor) -> Tensor:
            return self._product(vectors, self.columns, self.rows, scale, inner.T)

        def apply_transpose(vectors: Tensor) -> Tensor:
            return self._product(vectors, self.rows, self.columns, scale, inner)

        start = torch.from_numpy(self.columns.fresh(self.random))[None]
        return float(spectral_norm(apply, apply_transpose, start, rank=self.steps, tolerance=self.tolerance))

    def _product(self, vectors: Tensor, asked: _Side, other: _Side, scale: float, inner: Array) -> Tensor:
        vector = vectors[0].numpy()
        coordinates, direction = asked.split(vector)
        if direction is not None:
            drawn = other.fresh(self.random)
            known = other.directions[: other.count]
            drawn += (other.images[: other.count] @ direction - known @ drawn) @ known
            asked.learn(direction, drawn)
        made = scale * (coordinates @ asked.images[: asked.count])
        made[: inner.shape[1]] += vector[: inner.shape[0]] @ inner
        return torch.from_numpy(made)[None]


class _Side:
    """Directions asked for on one side of a matrix, in this side's coordinates, and their images, in the other's."""

    def __init__(self, slots: NDArray[np.bool_], images: Array, size: int) -> None:
        self.count, length = images.shape
        self.directions = np.zeros((self.count, length))
        self.directions[:, : self.count] = np.diag(slots.astype(float))
        self.images = images
        self.valid = np.ones(length, dtype=bool)
        self.valid[: self.count] = slots
        self.left = size - int(self.valid.sum())

    def make_room(self, more: int, own: int, others: int) -> None:
        """Grow arrays for so many more directions, and for so many coordinates of this side and of the other."""
        self.directions = _grown(self.directions[: self.count], more, own)
        self.images = _grown(self.images[: self.count], more, others)

    def fresh(self, random: np.random.Generator) -> Array:
        """A normal vector of this side: coordinates in use, and one more as long as all the others together."""
        drawn = np.zeros(self.directions.shape[1])
        used = len(self.valid)
        drawn[:used] = np.where(self.valid, random.standard_normal(used), 0.0)
        drawn[used] = math.sqrt(random.chisquare(self.left))
        self.valid = np.append(self.valid, True)
        self.left -= 1
        return drawn

    def split(self, vector: Array) -> tuple[Array, Array | None]:
        """Coordinates in the directions, the one that is new included if there is one."""
        directions = self.directions[: self.count]
        coordinates = directions @ vector
        left = vector - coordinates @ directions
        # Twice, as a second norm's vectors lie close to the first one's.
        again = directions @ left
        left -= again @ directions
        size = float(np.linalg.norm(left))
        if size <= 1e-12 * float(np.linalg.norm(vector)):
            return coordinates + again, None
        return np.append(coordinates + again, size), left / size

    def learn(self, direction: Array, image: Array) -> None:
        """Take a direction and its image in."""
        self.directions[self.count], self.images[self.count] = direction, image
        self.count += 1


def _grown(rows: Array, more: int, length: int) -> Array:
    """Rows with so many more below them, and as long as this; what is cut off or added is zero."""
    grown = np.zeros((len(rows) + more, length))
    kept = min(rows.shape[1], length)
    grown[: len(rows), :kept] = rows[:, :kept]
    return grown


def _root(gram: Array) -> Array:
    """Symmetric square root of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(gram)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


def _random(own: torch.Generator) -> np.random.Generator:
    """Numpy's generator for what torch's have not: chi-squares."""
    return np.random.default_rng(int(torch.randint(2**62, (1,), generator=own)))
