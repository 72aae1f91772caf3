"""The index of growth of one curve: one for a logarithm of time, zero for a power of it."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import optimize

from theorychecks.statistics.cells import Array

_STARTS: Final = (-3.0, 0.0, 3.0)
_LARGEST: Final = 10.0
_LINEAR: Final = 1e-6
"""Below this product of index and growth a curve is a power to rounding."""


def growth_index(times: Array, logs: Array) -> float:
    """The most likely index of one curve, for normal noise on its logarithm.

    The curve runs from log Q to log Q + G, and Q^lambda is linear in log t between them; least squares finds lambda, G
    and the level. Box and Cox's own likelihood has its noise on the transformed scale and is biased by this one.
    """
    share = (times - times[0]) / (times[-1] - times[0])
    with np.errstate(divide="ignore"):
        first, last = np.log1p(-share), np.log(share)

    def misfit(parameters: Array) -> Array:
        index, growth = parameters
        curve = share * growth
        if abs(index * growth) > _LINEAR:
            curve = np.logaddexp(first, last + index * growth) / index
        return np.asarray(curve - curve.mean() - logs + logs.mean())

    slope = float(np.polyfit(share, logs, 1)[0])
    # From both sides and never from one, so that a curve without growth is not taken for a logarithm.
    fits = [
        optimize.least_squares(misfit, (start, slope), bounds=([-_LARGEST, -np.inf], [_LARGEST, np.inf]))
        for start in _STARTS
    ]
    return float(min(fits, key=lambda fit: fit.cost).x[0])
