"""Means: how surely one mean is larger than another, under skew that differs in size from cell to cell."""

from __future__ import annotations

from typing import Final

import numpy as np

from theorychecks.statistics.cells import Array, Estimate, third_moment

_UNSEEN: Final = 3.0
"""Times the skewness of the runs at hand that their law may have.

The best of several points is one that shows little of its tail; chosen by calibration.
"""


def common_skewness(cells: list[Array]) -> float:
    """The skewness of one run, averaged over cells that scatter at all."""
    found = [third_moment(cell) / cell.std(ddof=1) ** 3 for cell in cells if cell.std(ddof=1) > 0]
    return float(np.mean(found)) if found else 0.0


def mean_above(one: Array, other: Array, skewness: float, *, paired: bool) -> float:
    """The p value of a test that the mean of one cell is larger, by Welch's t with Hall's correction for skew.

    Args:
        one: runs of the cell that may be larger.
        other: runs of the other cell, of the same draws where they are paired.
        skewness: of one run, the same for all cells, see `common_skewness`.
        paired: whether runs of one index share their draw.
    """
    if paired:
        difference = one - other
        spread = max(float(difference.std(ddof=1)), np.finfo(float).tiny)
        own = third_moment(difference) / spread**3 * len(difference) ** -0.5
        error, freedom = spread * len(difference) ** -0.5, len(difference) - 1.0
    else:
        first, second = one.var(ddof=1) / len(one), other.var(ddof=1) / len(other)
        total = max(float(first + second), np.finfo(float).tiny)
        error = total**0.5
        freedom = total**2 / max(first**2 / (len(one) - 1) + second**2 / (len(other) - 1), np.finfo(float).tiny)
        shares = (first / total) ** 1.5 * len(one) ** -0.5 - (second / total) ** 1.5 * len(other) ** -0.5
        own = skewness * shares
    estimate = Estimate(float(one.mean() - other.mean()), error, float(freedom), skewness=_UNSEEN * float(own))
    return estimate.chance_above(estimate.value)
