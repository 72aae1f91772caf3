"""Gradient flow of logistic regression on separable data, in logarithmic time, and the margin that it tends to.

In s = log t the weights grow like s, and decades of time cost as much as each other: the Jacobian tends to
sum_i a_i z_i z_i^T over the support vectors, with sum_i a_i one over the squared margin (derived here).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

Array: TypeAlias = NDArray[np.float64]

_STEP: Final = 0.02  # of log time; Runge and Kutta's fourth order leaves 1e-7 of a margin
_STABLE: Final = 2.0  # times one over the largest eigenvalue; Runge and Kutta diverge beyond 2.78
_BEGIN: Final = 1e-3  # time up to which weights grow in proportion to it, at half the sum of the points
_NO_SHARE: Final = 1e-9
_LEAST_MARGIN: Final = 0.1
_LEAST_SHARE: Final = 0.05
_LEAST_SLACK: Final = 0.2
_LEAST_UNEVENNESS: Final = 0.15
_MOST_DRAWS: Final = 5000


def largest_margin(points: ArrayLike) -> float:
    """The largest margin min_i w . z_i of a unit vector w over points z_i = y_i x_i, [sample, d].

    The least distance problem min |w| with w . z_i >= 1, by Lawson and Hanson's non-negative least squares (1974,
    chapter 23).

    Raises:
        ValueError: for points that no hyperplane through the origin has on one side.
    """
    return _separated(np.asarray(points, dtype=np.float64))[0]


def widest_direction(points: ArrayLike) -> Array:
    """The unit vector that has the largest margin over points z_i = y_i x_i, [d].

    Raises:
        ValueError: for points that no hyperplane through the origin has on one side.
    """
    return _separated(np.asarray(points, dtype=np.float64))[1]


def separable_points(samples: int, dimension: int, rng: np.random.Generator) -> Array:
    """Gaussian points z_i = y_i x_i, [sample, d], separable and far from degenerate.

    The distance from the largest margin falls like C / log t, with C / margin = H(p) - log(1 / max p), where p_i is the
    share of support vector i in the dual solution and H the entropy (derived here). They are drawn again until C is not
    small beside what comes after it: until that number is at least 0.15, every share 0.05, and every other point a
    fifth beyond the margin.

    Raises:
        ValueError: for sizes at which such points are hardly ever found.
    """
    centre = np.zeros(dimension)
    centre[0] = 1.0
    for _ in range(_MOST_DRAWS):
        points = np.asarray(centre + rng.standard_normal((samples, dimension)) / math.sqrt(dimension))
        dual = _dual(points)
        if dual is None or dual[0] < _LEAST_MARGIN:
            continue
        margin, direction, shares = dual
        supports = shares > _NO_SHARE
        p, products = shares[supports], points[~supports] @ direction
        unevenness = math.log(float(p.max())) - float((p * np.log(p)).sum())
        clear = products.min(initial=math.inf) >= (1 + _LEAST_SLACK) * margin
        if clear and unevenness >= _LEAST_UNEVENNESS and p.min() >= _LEAST_SHARE:
            return points
    raise ValueError(
        f"no {samples} points in {dimension} dimensions were clearly separable in {_MOST_DRAWS:,} draws; "
        "take fewer points"
    )


def logistic_flow(points: ArrayLike, times: Sequence[float]) -> Array:
    """Weights of gradient flow from zero on sum_i log(1 + exp(-w . z_i)), [time, seed, d].

    Args:
        points: [seed, sample, d], each with its label's sign.
        times: increasing, above 1e-3.

    Raises:
        ValueError: for points of another shape or not separable, or times that are not finite and increasing.
    """
    data = np.asarray(points, dtype=np.float64)
    logs = np.log(np.asarray(times, dtype=np.float64))
    if (
        data.ndim != 3
        or len(logs) == 0
        or logs[0] <= math.log(_BEGIN)
        or not (np.isfinite(logs).all() and np.all(np.diff(logs) > 0))
    ):
        raise ValueError(
            f"points are [seed, sample, d] and times increase from {_BEGIN:g} on; got {data.shape}, {times}"
        )

    step = min(_STEP, *(_STABLE / _stiffness(each) for each in data))

    def velocity(log_time: float, weights: Array) -> Array:
        margins = np.einsum("snd,sd->sn", data, weights)
        # exp(s - log(1 + e^m)) rather than t times a small number.
        pulls = np.exp(log_time - np.logaddexp(0.0, margins))
        return np.asarray(np.einsum("snd,sn->sd", data, pulls))

    weights, now, found = _BEGIN / 2 * data.sum(axis=1), math.log(_BEGIN), []
    for goal in logs:
        steps = max(math.ceil((goal - now) / step), 1)
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


def _stiffness(points: Array) -> float:
    """The largest eigenvalue of the flow's Jacobian at late log times."""
    margin, _, shares = _separated(points)
    return float(np.linalg.eigvalsh((points * shares[:, None]).T @ points)[-1]) / margin**2


def _separated(points: Array) -> tuple[float, Array, Array]:
    dual = _dual(points)
    if dual is None:
        raise ValueError("the points are not separable: no direction has a positive product with all of them")
    return dual


def _dual(points: Array) -> tuple[float, Array, Array] | None:
    """The largest margin, its unit vector [d] and each point's share of it, [sample]; None where there is none."""
    rows = np.vstack([points.T, np.ones(len(points))])
    goal = np.zeros(len(rows))
    goal[-1] = 1.0
    multipliers, distance = optimize.nnls(rows, goal)
    if distance < _NO_SHARE:
        return None
    residual = goal - rows @ multipliers
    weights = -residual[:-1] / residual[-1]
    if float((points @ weights).min()) < 1 - 1e-6:
        return None
    margin = 1 / float(np.linalg.norm(weights))
    return margin, weights * margin, np.asarray(multipliers / multipliers.sum())
