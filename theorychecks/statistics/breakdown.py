"""Breakdown: the largest finite-size constant under which a prediction would still be supported."""

from __future__ import annotations

import bisect
import math
from typing import Final

import numpy as np

from theorychecks.statistics.cells import summarise
from theorychecks.statistics.interval import Fit, Interval, fit_power_law, slope_of
from theorychecks.statistics.measurement import Measurement

_STEPS: Final = 128
_SMALLEST_SIZE: Final = 1e-6
"""A class without corrections has no members; a tiny one stands for it."""


def breakdown_constant(fit: Fit, measurement: Measurement, allowed: Interval) -> float | None:
    """The largest constant C (or rho) of a class under which the whole interval is allowed and nothing is flagged.

    Sought among 128 up to the largest that the range admits, where a correction swallows nine tenths of the law.
    """
    most = fit.finite_size.largest_size(np.asarray(measurement.axis_values, dtype=np.float64))
    sizes = [_rounded_down(most * step) for step in np.linspace(0.0, 1.0, _STEPS + 1)[1:-1]]
    sizes = sorted({size for size in (_SMALLEST_SIZE, *sizes, fit.finite_size.size) if size < most})

    cells = summarise(measurement, fit.average)

    def is_beyond(size: float) -> int:
        finite_size = fit.finite_size.of_size(size)
        slope = slope_of(measurement, cells, confidence=fit.confidence, finite_size=finite_size, average=fit.average)
        return int(not slope.interval.inside(allowed))

    # Intervals grow with the class, so the largest one inside is found by halving; flags only become fewer.
    place = bisect.bisect_left(sizes, 1, key=is_beyond) - 1
    if place < 0:
        return None
    largest = fit_power_law(
        measurement,
        confidence=fit.confidence,
        finite_size=fit.finite_size.of_size(sizes[place]),
        average=fit.average,
        among=fit.among,
    )
    return None if largest.flagged else sizes[place]


def _rounded_down(size: float) -> float:
    """To two significant digits."""
    unit = 10.0 ** (math.floor(math.log10(size)) - 1)
    return math.floor(size / unit) * unit
