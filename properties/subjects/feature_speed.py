"""Where one step of gradient descent moves features, and where the loss would have them go, in deep ReLU networks.

At the last layer's features f_L a step moves by d, and the loss has the gradient g there. The cosine of -d and g is the
backward-feature angle's (Chizat, Netrapalli 2024, arXiv:2311.18718). Every matrix meets three vectors: features on the
way forward, the gradient on the way back, and what earlier layers have moved features by. So its products are drawn
instead of it, exact in law, at a cost linear in the width (Gaussian conditioning; derived here).
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
_TINY: Final = np.finfo(np.float64).tiny


class _Seen(NamedTuple):
    """What a layer's matrix has met: features and the gradient, [draw, width], and what it has made of the features."""

    features: FloatArray
    image: FloatArray
    gradient: FloatArray
    back_image: FloatArray


def alignment(
    width: int, depth: int, draws: int, rng: np.random.Generator, *, branch: float | None = None
) -> FloatArray:
    """Cosines of the change of the last features and the backward pass, of independent networks at one input, [draw].

    Layers are f_l = W_l phi(f_(l-1)), or f_l = f_(l-1) + branch W_l phi(f_(l-1)), with weights of variance 2 / width,
    all trained at one small rate. Features f_0 are standard normal and stay, and the gradient at f_L is independent of
    the layers, as that of a random readout is.

    Raises:
        ValueError: unless width, depth and draws are positive.
    """
    if min(width, depth, draws) < 1:
        raise ValueError(f"width, depth and draws are positive; got {width}, {depth} and {draws}")
    plain, scale = branch is None, 1.0 if branch is None else branch
    std = math.sqrt(2 / width)
    state = rng.standard_normal((draws, width))
    states, met = [state], []
    for _ in range(depth):
        features = np.maximum(state, 0.0)
        image = std * _norm(features) * rng.standard_normal((draws, width))
        state = scale * image + (0.0 if plain else state)
        states.append(state)
        met.append((features, image))
    gradient = rng.standard_normal((draws, width))
    last, layers = gradient, []
    for (features, image), before in zip(reversed(met), reversed(states[:-1]), strict=True):
        fresh = std * _norm(gradient) * rng.standard_normal((draws, width))
        back_image = fresh + features * _over_square(_dot(image, gradient) - _dot(features, fresh), features)
        layers.append(_Seen(features, image, gradient, back_image))
        gradient = scale * (before > 0) * back_image + (0.0 if plain else gradient)
    moved = np.zeros((draws, width))
    for seen, before in zip(reversed(layers), states[:-1], strict=True):
        pushed = _times(seen, (before > 0) * moved, std, rng)
        own = scale**2 * _dot(seen.features, seen.features) * seen.gradient
        moved = scale * pushed + own + (0.0 if plain else moved)
    return np.asarray((_dot(moved, last) / (_norm(moved) * _norm(last)))[:, 0])


def limit(depth: int) -> float:
    """The cosine in infinitely wide plain networks, (3 L / (2 L^2 + 1))^1/2.

    With J_l from layer l's output to the last, a step moves features by the sum of J_l J_l^T, times the gradient. Its
    trace is L, a matrix and a layer of ReLU add two to the second moment, 1 + 2 (L - l), and products of two terms have
    the trace of the later one's square: the sum over l of (2 l - 1) (1 + 2 (L - l)) is (2 L^3 + L) / 3 (derived here).
    """
    return math.sqrt(3 * depth / (2 * depth**2 + 1))


def _times(seen: _Seen, vectors: FloatArray, std: float, rng: np.random.Generator) -> FloatArray:
    """The matrix times vectors, given what it has made of features, and its transpose of the gradient."""
    along = _over_square(_dot(seen.features, vectors), seen.features)
    across = vectors - along * seen.features
    fresh = std * _norm(across) * rng.standard_normal(vectors.shape)
    replaced = _over_square(_dot(seen.back_image, across) - _dot(seen.gradient, fresh), seen.gradient)
    return np.asarray(along * seen.image + fresh + replaced * seen.gradient)


def _dot(one: FloatArray, other: FloatArray) -> FloatArray:
    """Products of rows, [draw, 1]."""
    return np.asarray((one * other).sum(axis=1, keepdims=True))


def _norm(rows: FloatArray) -> FloatArray:
    return np.sqrt(_dot(rows, rows))


def _over_square(numbers: FloatArray, rows: FloatArray) -> FloatArray:
    """Numbers over squared norms, zero for rows of zeros."""
    return np.asarray(numbers / np.maximum(_dot(rows, rows), _TINY))
