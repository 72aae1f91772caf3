"""Student's t under skew: Hall's transformation, which makes a t statistic of a skewed mean nearly symmetric."""

from __future__ import annotations

from typing import Final

import numpy as np

_SYMMETRIC: Final = 1e-6


def hall(t: float, skewness: float) -> float:
    """What a t statistic is worth as a symmetric one (Hall 1992, J. R. Statist. Soc. B 54, 221-228).

    It rises with t, so a quantile of the one is a quantile of the other.

    Args:
        t: estimate minus truth, in standard errors.
        skewness: of the estimate: that of one run over the root of their number, for a mean.
    """
    return t + skewness * t**2 / 3 + skewness**2 * t**3 / 27 + skewness / 6


def hall_inverse(z: float, skewness: float) -> float:
    """The t statistic that is worth z."""
    if abs(skewness) < _SYMMETRIC:
        return z
    return float(3 / skewness * (np.cbrt(1 + skewness * (z - skewness / 6)) - 1))
