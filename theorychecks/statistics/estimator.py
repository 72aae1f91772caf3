"""The estimator of an exponent: a fixed linear combination of the cells' locations, with the shortest interval."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NORMAL_97_5: Final = 1.96
_SLOW, _FAST = (
    each.ravel() for each in np.meshgrid(np.r_[0.0, np.logspace(-5, 3, 25)], np.array([0.0, 10.0, 1e3]), indexing="ij")
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


def weights_under_priors(axis: Array, variances: Array, sizes: Array, slow: Array, fast: Array) -> Array:
    """Weights of the exponent by generalised least squares, [candidate, K].

    A prior variance along a curve is a penalty on its coefficient, so that there are four unknowns, and no K x K
    covariance to be inverted. Level and exponent are taken out of the two curves first (Frisch and Waugh 1933); what
    is left is two by two, its determinant a sum of positive terms, however small the variances are.

    Args:
        axis: [K].
        variances: [K], of the locations.
        sizes: [K], the axis values in the class's units.
        slow: [candidate], prior variances along m^-1/2.
        fast: [candidate], along m^-1.
    """
    precision = 1 / variances
    x = np.log(axis)
    x -= precision @ x / precision.sum()
    plain = precision * x / (precision @ x**2)
    curves = np.stack([sizes**-0.5, sizes**-1.0])
    # What the curves add to the exponent of least squares without them, and what of them neither it nor a level has.
    slow_adds, fast_adds = curves @ plain
    rest = curves - (curves @ precision / precision.sum())[:, np.newaxis] - np.outer((slow_adds, fast_adds), x)
    on_slow, on_both = precision * rest[0] @ rest.T
    on_fast_alone = precision @ (rest[1] - on_both / on_slow * rest[0]) ** 2
    on_fast, product = on_fast_alone + on_both**2 / on_slow, slow * fast
    determinant = 1 + slow * on_slow + fast * on_fast + product * on_slow * on_fast_alone
    coefficients = np.stack(
        [
            slow * slow_adds + product * (on_fast * slow_adds - on_both * fast_adds),
            fast * fast_adds + product * (on_slow * fast_adds - on_both * slow_adds),
        ]
    )
    return np.asarray(plain - (coefficients / determinant).T @ (precision * rest))


@lru_cache(maxsize=512)
def _candidates(axis: bytes, variances: bytes, sizes: bytes) -> tuple[Array, Array]:
    """Weights of all estimators among which one is chosen, [candidate, K], and the noise in their intervals.

    They are the same for classes of all sizes, of which a breakdown constant tries many. Arrays are given by their
    bytes, by which results are kept.
    """
    points, variance, size = (np.frombuffer(each) for each in (axis, variances, sizes))
    weights = weights_under_priors(points, variance, size, _SLOW, _FAST)
    return weights, _NORMAL_97_5 * np.sqrt(weights**2 @ variance)
