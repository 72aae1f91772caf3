"""Cells: the runs at one axis value, summarised by a location and its variance."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theorychecks.statistics.measurement import LOG_OF_MEAN, MEAN_OF_LOGS, TRIM, Average, Measurement

Array = NDArray[np.float64]

NO_NOISE: Final = 1e-12
"""A standard error below this is rounding, and this is divided by in its place."""
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
    trimmed: bool

    @property
    def exact(self) -> bool:
        """Whether no cell has any noise, as of a quantity that does not depend on the seed."""
        return bool((self.variances <= _VARIANCE_FLOOR).all())

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


def summarise(measurement: Measurement, average: Average = MEAN_OF_LOGS) -> Cells:
    """Summarise every cell of a measurement, all by the same rule.

    Raises:
        ValueError: for the logarithm of a mean over shared seeds, which has no value a seed.
    """
    logs = measurement.log_values()
    trim = measurement.trimmed and average == MEAN_OF_LOGS
    if average == LOG_OF_MEAN:
        if measurement.shared_seeds:
            raise ValueError("a log of mean needs independent seeds at every point; take the mean of logs")
        rows = [_log_of_mean(cell) for cell in logs]
        locations = np.array([row[0] for row in rows])
    elif measurement.shared_seeds:
        # A draw's own level cancels from every exponent, so it is no noise for the choice of weights.
        levels = np.mean(np.array(logs), axis=0)
        rows = [_summary(cell - levels, trim=False) for cell in logs]
        locations = np.array([cell.mean() for cell in logs])
    else:
        rows = [_summary(cell, trim=trim) for cell in logs]
        locations = np.array([row[0] for row in rows])
    _, variances, freedoms = (np.array(column) for column in zip(*rows, strict=True))
    seeds = np.array(measurement.seeds, dtype=np.float64)
    floored = np.maximum(variances, _VARIANCE_FLOOR)
    return Cells(locations, floored, freedoms, seeds, logs, measurement.shared_seeds, trim)


def largest_variance_of_means(measurement: Measurement) -> float:
    """The largest relative variance of a cell's mean."""
    return max(_log_of_mean(cell)[1] for cell in measurement.log_values())


def _log_of_mean(logs: Array) -> tuple[float, float, float]:
    """Logarithm of the mean, by the delta method and with its second-order bias taken away (derived here)."""
    level = float(logs.max())
    scaled = np.exp(logs - level)
    variance = float(scaled.var(ddof=1) / (len(logs) * scaled.mean() ** 2))
    return level + math.log(scaled.mean()) + variance / 2, variance, len(logs) - 1.0


def _summary(logs: Array, *, trim: bool) -> tuple[float, float, float]:
    """Mean, variance of the mean and degrees of freedom; trimmed and winsorised after Yuen (1974, Biometrika 61)."""
    ordered = np.sort(logs)
    count = len(ordered)
    aside = int(TRIM * count) if trim else 0
    kept = count - 2 * aside
    winsorised = np.clip(ordered, ordered[aside], ordered[count - aside - 1])
    variance = winsorised.var(ddof=1) * (count - 1) / (kept * (kept - 1))
    return float(ordered[aside : count - aside].mean()), float(variance), kept - 1.0
