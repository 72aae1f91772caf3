"""Cells: the runs at one axis value, summarised by a location and its variance."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theorychecks.statistics.measurement import TRIM, Measurement

Array = NDArray[np.float64]

_VARIANCE_FLOOR: Final = 1e-12
"""Below rounding of a float64 logarithm; keeps exactly repeated values from claiming infinite weight."""


class Estimate(NamedTuple):
    """A linear combination of cells' locations, with its noise."""

    value: float
    standard_error: float
    degrees_of_freedom: float


class Cells(NamedTuple):
    """Location, variance of the location, degrees of freedom and seeds of each cell."""

    locations: Array
    variances: Array
    degrees_of_freedom: Array
    seeds: Array
    logs: list[Array]
    shared: bool

    def combine(self, weights: Array) -> Estimate:
        """A linear combination of locations with its standard error."""
        if self.shared:
            per_seed = weights @ np.array(self.logs)
            error = per_seed.std(ddof=1) / math.sqrt(len(per_seed))
            return Estimate(float(per_seed.mean()), float(error), len(per_seed) - 1.0)
        terms = weights**2 * self.variances
        total = terms.sum()
        # Welch (1947) and Satterthwaite (1946).
        freedom = total**2 / (terms**2 / self.degrees_of_freedom).sum()
        return Estimate(float(weights @ self.locations), float(math.sqrt(total)), float(freedom))


def summarise(measurement: Measurement) -> Cells:
    """Summarise every cell of a measurement, all by the same rule."""
    logs = measurement.log_values()
    if measurement.shared_seeds:
        # A draw's own level cancels from every exponent, so it is no noise for the choice of weights.
        levels = np.mean(np.array(logs), axis=0)
        rows = [_summary(cell - levels, trim=False) for cell in logs]
    else:
        rows = [_summary(cell, trim=measurement.trimmed) for cell in logs]
    _, variances, freedoms = (np.array(column) for column in zip(*rows, strict=True))
    locations = np.array([_summary(cell, trim=measurement.trimmed)[0] for cell in logs])
    seeds = np.array(measurement.seeds, dtype=np.float64)
    return Cells(locations, np.maximum(variances, _VARIANCE_FLOOR), freedoms, seeds, logs, measurement.shared_seeds)


def _summary(logs: Array, *, trim: bool) -> tuple[float, float, float]:
    """Mean, variance of the mean and degrees of freedom; trimmed and winsorised after Yuen (1974, Biometrika 61)."""
    ordered = np.sort(logs)
    count = len(ordered)
    aside = int(TRIM * count) if trim else 0
    kept = count - 2 * aside
    winsorised = np.clip(ordered, ordered[aside], ordered[count - aside - 1])
    variance = winsorised.var(ddof=1) * (count - 1) / (kept * (kept - 1))
    return float(ordered[aside : count - aside].mean()), float(variance), kept - 1.0
