"""The estimator of an exponent: a fixed linear combination of the cells' locations, with the shortest interval."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NORMAL_97_5: Final = 1.96
_SLOW, _FAST = (
    each.reshape(-1, 1, 1)
    for each in np.meshgrid(np.r_[0.0, np.logspace(-5, 3, 25)], np.array([0.0, 10.0, 1e3]), indexing="ij")
)
"""Prior variances along m^-1/2 and m^-1, of each candidate for an estimator."""


class ExponentWeights(NamedTuple):
    """A linear estimator of the exponent: weights of the K locations, and what corrections of the class do to it.

    Attributes:
        weights: [K].
        bias: half the range of biases in the class, what the interval allows for on each side.
        shift: the middle of that range, by which the interval's middle lies below the estimate; log(1 + c h) is not
            symmetric in c.
    """

    weights: Array
    bias: float
    shift: float


def exponent_weights(axis: Array, variances: Array, curves: Array, sizes: Array) -> ExponentWeights:
    """The linear estimator with the shortest worst-case interval.

    The candidates are generalised least squares with extra prior variance along m^-1/2 and m^-1; the convex optimum
    over all weights is hardly shorter (`tests/calibration`).
    Each end of the interval has a bound of its own, so each errs by at most half of what the interval may.

    Args:
        axis: K axis values.
        variances: of the K cells' locations, up to a common factor that matters against the bias.
        curves: [members, K], the finite-size class.
        sizes: [K], the axis values in the class's units.
    """
    weights, spreads = _candidates(*(np.asarray(each, dtype=np.float64).tobytes() for each in (axis, variances, sizes)))
    biases = weights @ curves.T
    # No correction at all belongs to the class too.
    lowest, highest = np.minimum(biases.min(axis=1), 0.0), np.maximum(biases.max(axis=1), 0.0)
    best = int(np.argmin((highest - lowest) / 2 + spreads))
    return ExponentWeights(
        weights[best], float(highest[best] - lowest[best]) / 2, float(highest[best] + lowest[best]) / 2
    )


@lru_cache(maxsize=512)
def _candidates(axis: bytes, variances: bytes, sizes: bytes) -> tuple[Array, Array]:
    """Weights of all estimators among which one is chosen, [candidate, K], and the noise in their intervals.

    They are the same for classes of all sizes, of which a breakdown constant tries many. Arrays are given by their
    bytes, by which results are kept.
    """
    points, variance = (np.frombuffer(each) for each in (axis, variances))
    design = np.stack([np.ones_like(points), np.log(points)], axis=1)
    slow, fast = _priors(sizes)
    covariances = np.diag(variance) + slow + fast
    whitened = np.linalg.inv(covariances)
    weights = np.linalg.solve(design.T @ whitened @ design, design.T @ whitened)[:, 1, :]
    return weights, _NORMAL_97_5 * np.sqrt((weights**2 * variance).sum(axis=1))


@lru_cache(maxsize=512)
def _priors(sizes: bytes) -> tuple[Array, Array]:
    """Prior covariances along m^-1/2 and along m^-1, [candidate, K, K] each; not to be written to."""
    size = np.frombuffer(sizes)
    slow, fast = size**-0.5, size**-1.0
    return _SLOW * np.outer(slow, slow), _FAST * np.outer(fast, fast)
