"""Gradient flow of logistic regression on separable data, in logarithmic time, and the margin that it tends to.

In s = log t the weights grow like s and nothing gets stiff, so decades of time cost as much as each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

Array: TypeAlias = NDArray[np.float64]

_STEP: Final = 0.02  # of log time; Runge and Kutta's fourth order leaves 1e-7 of a margin
_BEGIN: Final = 1e-3  # time at which weights are still zero to first order
_FEWEST_SUPPORT: Final = 2


def largest_margin(points: ArrayLike) -> float:
    """The largest margin min_i w . z_i of a unit vector w over points z_i = y_i x_i, [sample, d].

    The least distance problem min |w| with w . z_i >= 1, by Lawson and Hanson's non-negative least squares (1974,
    chapter 23).

    Raises:
        ValueError: for points that no hyperplane through the origin has on one side.
    """
    dual = _dual(np.asarray(points, dtype=np.float64))
    if dual is None:
        raise ValueError("the points are not separable: no direction has a positive product with all of them")
    return dual[0]


def separable_points(samples: int, dimension: int, rng: np.random.Generator, *, least_share: float = 0.05) -> Array:
    """Gaussian points z_i = y_i x_i, [sample, d], separable and not degenerate.

    Drawn again until at least two of them carry the largest margin, each with this share of it or more: with a share
    of zero, or a single point, the margin is approached faster (Soudry et al. 2018, arXiv:1710.10345, from memory).

    Raises:
        ValueError: for sizes at which such points are hardly ever found.
    """
    centre = np.zeros(dimension)
    centre[0] = 1.0
    for _ in range(1000):
        points = np.asarray(centre + rng.standard_normal((samples, dimension)) / math.sqrt(dimension))
        dual = _dual(points)
        if dual is None or dual[0] < 0.1:
            continue
        shares = dual[1][dual[1] > 1e-9]
        if len(shares) >= _FEWEST_SUPPORT and shares.min() >= least_share:
            return points
    raise ValueError(f"{samples} points in {dimension} dimensions were not separable in 1,000 draws; take fewer points")


def logistic_flow(points: ArrayLike, times: Sequence[float], *, normalised: bool = False) -> Array:
    """Weights of gradient flow from zero on sum_i log(1 + exp(-w . z_i)), [time, seed, d].

    Args:
        points: [seed, sample, d], each with its label's sign.
        times: increasing, above 1e-3.
        normalised: divides the gradient by the loss, so that weights grow like t and not like its logarithm.

    Raises:
        ValueError: for points of another shape, or times that do not increase.
    """
    data = np.asarray(points, dtype=np.float64)
    logs = np.log(np.asarray(times, dtype=np.float64))
    if data.ndim != 3 or len(logs) == 0 or logs[0] <= math.log(_BEGIN) or np.any(np.diff(logs) <= 0):
        raise ValueError(f"points are [seed, sample, d] and times increase from {_BEGIN:g} on; got {data.shape}, {times}")

    def velocity(log_time: float, weights: Array) -> Array:
        margins = np.einsum("snd,sd->sn", data, weights)
        # exp(s - log(1 + e^m)) rather than t times a small number.
        pulls = np.exp(log_time - np.logaddexp(0.0, margins))
        if normalised:
            losses = np.log1p(np.exp(-margins)).sum(axis=1, keepdims=True)
            pulls = np.exp(log_time) * special.expit(-margins) / losses
        return np.asarray(np.einsum("snd,sn->sd", data, pulls))

    weights, now, found = np.zeros((data.shape[0], data.shape[2])), math.log(_BEGIN), []
    for goal in logs:
        steps = max(math.ceil((goal - now) / _STEP), 1)
        h = (goal - now) / steps
        for _ in range(steps):
            first = velocity(now, weights)
            second = velocity(now + h / 2, weights + h / 2 * first)
            third = velocity(now + h / 2, weights + h / 2 * second)
            fourth = velocity(now + h, weights + h * third)
            weights = weights + h / 6 * (first + 2 * second + 2 * third + fourth)
            now += h
        found.append(weights)
    return np.array(found)


def margins(points: ArrayLike, weights: ArrayLike) -> Array:
    """The margin min_i w . z_i / |w| of weights [time, seed, d] over points [seed, sample, d], [time, seed]."""
    data, vectors = np.asarray(points, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    products = np.einsum("snd,tsd->tsn", data, vectors)
    return np.asarray(products.min(axis=2) / np.linalg.norm(vectors, axis=2))


def _dual(points: Array) -> tuple[float, Array] | None:
    """The largest margin and each point's share of it, [sample]; None where there is none."""
    rows = np.vstack([points.T, np.ones(len(points))])
    goal = np.zeros(len(rows))
    goal[-1] = 1.0
    multipliers, distance = optimize.nnls(rows, goal)
    if distance < 1e-9:
        return None
    direction = goal - rows @ multipliers
    weights = -direction[:-1] / direction[-1]
    margin = 1 / float(np.linalg.norm(weights))
    reached = float((points @ weights).min())
    if reached < 1 - 1e-6:
        return None
    return margin, np.asarray(multipliers / multipliers.sum())
