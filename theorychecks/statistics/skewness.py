"""Student's t under skew: Hall's transformation, which makes a t statistic of a skewed mean nearly symmetric."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

_SYMMETRIC: Final = 1e-6


def hall(t: float, skewness: float) -> float:
    """What a t statistic is worth as a symmetric one (Hall 1992, J. R. Statist. Soc. B 54, 221-228).

    It rises with t, so a quantile of the one is a quantile of the other.

    Args:
        t: estimate minus truth, in standard errors.
        skewness: of the estimate: that of one run over the root of their number, for a mean.
    """
    return t + skewness * t**2 / 3 + skewness**2 * t**3 / 27 + skewness / 6


def hall_inverse(z: ArrayLike, skewness: ArrayLike) -> NDArray[np.float64]:
    """The t statistic that is worth z, elementwise."""
    given = np.asarray(skewness, dtype=np.float64)
    # A law without any skewness has the limit; this is as near to it as rounding allows.
    skew = np.where(np.abs(given) < _SYMMETRIC, _SYMMETRIC, given)
    return np.asarray(3 / skew * (np.cbrt(1 + skew * (np.asarray(z) - skew / 6)) - 1))
