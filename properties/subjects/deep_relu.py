"""Kernels of deep ReLU networks at initialisation, exact in law at any depth, without a matrix.

Weights have variance 2 / fan-in and there are no biases (He et al. 2015). A Gaussian matrix meets one or two vectors a
layer, so its products are drawn instead of it, at a cost linear in the width (derived here).
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]


class KernelsAtOneInput(NamedTuple):
    """The two kernels of finite networks at one input of mean square one, [draw]; both zero where all neurons are off.

    The infinitely wide network has nngp = 1 and ntk = depth + 1.
    """

    nngp: FloatArray
    ntk: FloatArray


def kernels_at_one_input(width: int, depth: int, draws: int, rng: np.random.Generator) -> KernelsAtOneInput:
    """Kernels at one input, of so many independent networks with scalar outputs in the NTK parametrization.

    Backwards a matrix is met a second time, by its transpose: along the features that it has met it is known, and
    across them it is drawn anew.

    Raises:
        ValueError: unless width, depth and draws are positive.
    """
    _check(width, depth, draws)
    square = np.ones((draws, 1))
    layers = []
    for _ in range(depth):
        noise = rng.standard_normal((draws, width))
        preactivations = np.sqrt(2 * square) * noise
        features = np.maximum(preactivations, 0.0)
        layers.append((square, noise, features))
        square = (features**2).mean(axis=1, keepdims=True)
    tangent = square[:, 0]
    backward = rng.standard_normal((draws, width)) / math.sqrt(width)
    for layer in reversed(range(depth)):
        before, noise, features = layers[layer]
        backward = backward * (features > 0)
        tangent = tangent + 2 * before[:, 0] * (backward**2).sum(axis=1)
        if layer:
            own = layers[layer - 1][2]
            along = own / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), np.finfo(np.float64).tiny)
            fresh = rng.standard_normal((draws, width))
            across = fresh - along * (fresh * along).sum(axis=1, keepdims=True)
            size = np.linalg.norm(backward, axis=1, keepdims=True)
            known = (noise * backward).sum(axis=1, keepdims=True)
            backward = math.sqrt(2 / width) * (along * known + across * size)
    return KernelsAtOneInput(square[:, 0], tangent)


def nngp_between_two_inputs(cosine: float, width: int, depth: int, draws: int, rng: np.random.Generator) -> FloatArray:
    """The NNGP of finite networks between two inputs of mean square one and this cosine, [draw].

    Raises:
        ValueError: unless width, depth and draws are positive, and the cosine lies between -1 and 1.
    """
    _check(width, depth, draws)
    if not -1 <= cosine <= 1:
        raise ValueError(f"a cosine lies between -1 and 1; got {cosine}")
    first, second, product = np.ones(draws), np.ones(draws), np.full(draws, float(cosine))
    for _ in range(depth):
        u, v = rng.standard_normal((2, draws, width))
        slope = product / np.maximum(first, np.finfo(np.float64).tiny)
        rest = np.sqrt(np.maximum(second - slope * product, 0.0))
        root = np.sqrt(first)
        one = np.maximum(root[:, None] * u, 0.0)
        other = np.maximum((slope * root)[:, None] * u + rest[:, None] * v, 0.0)
        first, second, product = (2 * (a * b).mean(axis=1) for a, b in ((one, one), (other, other), (one, other)))
    return np.asarray(product)


def second_layer_bias(cosine: float, width: int, draws: int, rng: np.random.Generator) -> FloatArray:
    """Numbers whose mean is the bias of the NNGP with two hidden layers, relative to its limit, [draw].

    Given the first layer's squares a, b and product p, the second layer has the mean sqrt(a b) kappa(p / sqrt(a b)).
    Its linear part in them has the limit as its mean and is taken away, so what is left is of the order of the bias
    itself and some hundred draws show it (derived here).

    Raises:
        ValueError: unless width and draws are positive, and the cosine lies between -1 and 1.
    """
    u, v = _two_inputs(cosine, width, draws, rng)
    first, second, product = (2 * (x * y).mean(axis=1) for x, y in ((u, u), (v, v), (u, v)))
    limit, _ = _arc_cosine(np.array(float(cosine)))
    after, slope = _arc_cosine(limit)
    size = np.sqrt(first * second)
    found, _ = _arc_cosine(np.clip(product / np.maximum(size, np.finfo(np.float64).tiny), -1, 1))
    linear = after + slope * (product - limit) + (after - limit * slope) / 2 * (first + second - 2)
    return np.asarray((size * found - linear) / after)


def _two_inputs(cosine: float, width: int, draws: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Features of the first layer at two inputs, each [draw, width]."""
    _check(width, 1, draws)
    if not -1 <= cosine <= 1:
        raise ValueError(f"a cosine lies between -1 and 1; got {cosine}")
    u, v = rng.standard_normal((2, draws, width))
    other = cosine * u + math.sqrt(1 - cosine**2) * v
    return np.maximum(u, 0.0), np.maximum(other, 0.0)


def _arc_cosine(cosine: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A layer's map of correlations and its derivative (Cho and Saul 2009, degrees 1 and 0)."""
    angle = np.arccos(cosine)
    return (np.sin(angle) + cosine * (np.pi - angle)) / np.pi, (np.pi - angle) / np.pi


def _check(width: int, depth: int, draws: int) -> None:
    if min(width, depth, draws) < 1:
        raise ValueError(f"width, depth and draws are positive; got {width}, {depth} and {draws}")
