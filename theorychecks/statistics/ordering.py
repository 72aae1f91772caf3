"""Ordering: which of two quantities is larger, paired by seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from theorychecks.statistics.cells import Array
from theorychecks.statistics.interval import CONFIDENCE, DEFAULT_CLASS, FiniteSizeClass, Interval, check_confidence
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.verdict import Expectation, Finding, Verdict


@dataclass(frozen=True)
class Ordering:
    """A ratio is above (or below) one at every axis value, paired by seed.

    Judge it on `numerator.over(denominator)`. Both a t interval of the mean log-ratio and a sign test must agree.
    The sign test bounds the error for the median whatever the distribution; for the mean, skewed log-ratios can exceed
    the nominal error, so the median is what is claimed.

    Attributes:
        direction: whether the ratio is "above" or "below" one.
    """

    direction: Literal["above", "below"] = "above"

    def __post_init__(self) -> None:
        if self.direction not in ("above", "below"):
            raise ValueError(f"a ratio is 'above' or 'below' one; got {self.direction!r}")

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers; an ordering has none."""
        return Expectation(kind="ordering")

    def admit(self, axis_values: Sequence[float], seeds: Sequence[int]) -> None:
        """Refuse fewer seeds than the sign test needs."""
        _check_seeds(axis_values, seeds, CONFIDENCE)

    def judge(
        self,
        measurement: Measurement,
        *,
        confidence: float = CONFIDENCE,
        finite_size: FiniteSizeClass = DEFAULT_CLASS,
    ) -> Finding:
        """SUPPORTED when every axis value shows the order, REFUTED when one shows the opposite.

        Support needs every test to succeed, so it needs no correction for many axis values; refutation divides its
        level among them.

        Raises:
            ValueError: with fewer seeds than the sign test needs to refute at this confidence.
        """
        check_confidence(confidence)
        tail = (1 - confidence) / 2
        _check_seeds(measurement.axis_values, measurement.seeds, confidence)
        sign = 1.0 if self.direction == "above" else -1.0
        cells = [sign * cell for cell in measurement.log_values()]
        if measurement.beyond_tolerance():
            verdict, interval, reason = Verdict.INCONCLUSIVE, None, measurement.what_is_missing()
        else:
            worst = min(cells, key=lambda cell: float(np.median(cell)))
            interval = _mean_interval(worst, tail)
            verdict, reason = self._decide(cells, tail)
        return Finding(
            expectation=self.expectation,
            measurement=measurement,
            verdict=verdict,
            reason=reason,
            confidence=confidence,
            interval=interval and Interval(*sorted((sign * interval.low, sign * interval.high))),
        )

    def _decide(self, cells: list[Array], tail: float) -> tuple[Verdict, str]:
        if all(_exceeds_zero(cell, tail) for cell in cells):
            return Verdict.SUPPORTED, f"the ratio is {self.direction} one at every point, by mean and by sign"
        if any(_exceeds_zero(-cell, tail / len(cells)) for cell in cells):
            return Verdict.REFUTED, f"at some point the ratio is not {self.direction} one, by mean and by sign"
        return Verdict.INCONCLUSIVE, "the order is not clear at every point: more seeds would decide it"


def _check_seeds(axis_values: Sequence[float], seeds: Sequence[int], confidence: float) -> None:
    points = len(axis_values)
    needed = math.ceil(math.log2(points / ((1 - confidence) / 2)))
    if min(seeds) < needed:
        raise ValueError(
            f"an ordering over {points} axis values at confidence {confidence:g} needs {needed} seeds at "
            f"each, or its sign test could never refute; got {tuple(seeds)}"
        )


def _exceeds_zero(logs: Array, level: float) -> bool:
    """Whether the mean (t) and the median (sign test) of the logarithms both exceed zero at this one-sided level."""
    finite = logs[np.isfinite(logs)]
    low = _mean_interval(finite, level).low
    untied = logs[logs != 0]
    if len(untied) == 0:
        return False
    # A missing run counts as a trial and never as a success.
    signs = stats.binomtest(int((finite > 0).sum()), len(untied), 0.5, alternative="greater").pvalue
    return bool(low > 0 and signs <= level)


def _mean_interval(logs: Array, tail: float) -> Interval:
    finite = logs[np.isfinite(logs)]
    half = stats.t.isf(tail, len(finite) - 1) * finite.std(ddof=1) / math.sqrt(len(finite))
    return Interval(float(finite.mean() - half), float(finite.mean() + half))
