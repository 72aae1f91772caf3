"""Breakdown: the largest finite-size constant under which a prediction would still be supported."""

from __future__ import annotations

import bisect
import math
from functools import lru_cache
from typing import Final

import numpy as np

from theorychecks.statistics.cells import summarise
from theorychecks.statistics.curvature import CHECK_LEVEL, curvature_checks
from theorychecks.statistics.interval import Fit, Interval, Slope, slope_of
from theorychecks.statistics.measurement import Measurement

_STEPS: Final = 128
_SMALLEST_SIZE: Final = 1e-6
"""A class without corrections has no members; a tiny one stands for it."""


def breakdown_constant(fit: Fit, measurement: Measurement, allowed: Interval) -> float | None:
    """The largest constant C (or rho) of a class under which the whole interval is allowed and nothing is flagged.

    Sought among 128 up to the largest that the range admits, where a correction swallows nine tenths of the law.
    """
    axis = np.asarray(measurement.axis_values, dtype=np.float64)
    most = fit.finite_size.largest_size(axis)
    sizes = sorted({size for size in (*_sizes(most), fit.finite_size.size) if size < most})
    cells = summarise(measurement, fit.average)

    def slope(size: float) -> Slope:
        finite_size = fit.finite_size.of_size(size)
        return slope_of(measurement, cells, confidence=fit.confidence, finite_size=finite_size, average=fit.average)

    def is_beyond(size: float) -> int:
        return int(not slope(size).interval.inside(allowed))

    # Intervals grow with the class, so the largest one inside is found by halving; flags only become fewer.
    place = bisect.bisect_left(sizes, 1, key=is_beyond) - 1
    if place < 0:
        return None
    largest = fit.finite_size.of_size(sizes[place])
    weights, curves = slope(sizes[place]).weights, largest.curves(axis)
    # The other checks know nothing of the class.
    curved = curvature_checks(axis, largest.sizes(axis), cells, weights, curves, CHECK_LEVEL / fit.among)
    flagged = any(check.fired for check in {**fit.checks, **curved}.values())
    return None if flagged else sizes[place]


@lru_cache(maxsize=256)
def _sizes(most: float) -> tuple[float, ...]:
    return _SMALLEST_SIZE, *(_rounded_down(most * step) for step in np.linspace(0.0, 1.0, _STEPS + 1)[1:-1])


def _rounded_down(size: float) -> float:
    """To two significant digits."""
    unit = 10.0 ** (math.floor(math.log10(size)) - 1)
    return math.floor(size / unit) * unit
