"""Contrasts: how surely the runs at one axis value are larger than those at another, by mean or by rank."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy import stats

from theorychecks.statistics.cells import NO_NOISE, Array, summarise
from theorychecks.statistics.interval import Interval
from theorychecks.statistics.measurement import Measurement, Status

Contrast = Callable[[int, int], float]
"""The p value of a test that one point, by its index, is worse than another."""
Best = Literal["minimum", "maximum"]


def by_mean(measurement: Measurement, best: Best) -> Contrast:
    """Compare logarithms by Welch's or Yuen's t test, or by paired differences over shared seeds.

    Runs may be missing as far as trimming sets them aside.
    """
    cells, sign = summarise(measurement), 1.0 if best == "minimum" else -1.0

    def worse(one: int, other: int) -> float:
        estimate = cells.combine(sign * _difference(measurement, one, other))
        return float(stats.t.sf(estimate.value / max(estimate.standard_error, NO_NOISE), estimate.degrees_of_freedom))

    return worse


def by_rank(measurement: Measurement, best: Best) -> Contrast:
    """Compare runs by Mann and Whitney's exact test, or by the sign test over shared seeds; any may be missing.

    A diverged run is larger than any number, and so the worst where the minimum is best. Where the maximum is, as of an
    accuracy, it is not the best one but unknown. What is unknown counts against what is tested, and so do ties.
    """
    unknown = {Status.UNDEFINED} if best == "minimum" else {Status.UNDEFINED, Status.DIVERGED}
    cells = [
        np.where([status in unknown for status in row], math.nan, logs if best == "minimum" else -logs)
        for logs, row in zip(measurement.log_values(), measurement.statuses, strict=True)
    ]

    def worse(one: int, other: int) -> float:
        first = np.where(np.isnan(cells[one]), -math.inf, cells[one])
        second = np.where(np.isnan(cells[other]), math.inf, cells[other])
        if measurement.shared_seeds:
            return float(stats.binomtest(int((first > second).sum()), len(first), 0.5, alternative="greater").pvalue)
        # Among equal values those of the second sample come last, so that all ranks differ and the exact law holds.
        is_second = np.repeat([False, True], [len(first), len(second)])
        ranks = np.lexsort((is_second, np.concatenate([first, second]))).argsort()
        test = stats.mannwhitneyu(ranks[~is_second], ranks[is_second], alternative="greater", method="exact")
        return float(test.pvalue)

    return worse


def log_ratio(measurement: Measurement, one: int, other: int, level: float) -> Interval:
    """The mean logarithm at one point less that at another; each end of the interval errs at this level."""
    estimate = summarise(measurement).combine(_difference(measurement, one, other))
    half = float(stats.t.isf(level, estimate.degrees_of_freedom)) * estimate.standard_error
    return Interval(estimate.value - half, estimate.value + half)


def _difference(measurement: Measurement, one: int, other: int) -> Array:
    weights = np.zeros(len(measurement.axis_values))
    weights[one], weights[other] = 1.0, -1.0
    return weights
