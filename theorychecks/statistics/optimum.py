"""InteriorOptimum: whether a quantity is best inside a range, and not at one of its ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from theorychecks.statistics.contrasts import Best, by_mean, by_rank, log_ratio
from theorychecks.statistics.interval import CONFIDENCE, check_confidence
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.prediction import Demands
from theorychecks.statistics.verdict import Expectation, Finding, Power, Remedy, Verdict

FEWEST_POINTS: Final = 3
_FEWEST_SEEDS: Final = 4
_SEEN: Final = 0.9


@dataclass(frozen=True)
class InteriorOptimum:
    """The quantity has its minimum (or maximum) inside the range: both ends are worse than some point between them.

    At each interior point two one-sided tests must both succeed, that the first and that the last point are worse than
    it; the points share the level. It is refuted when, at every interior point, one of the ends is clearly better.
    A curve that levels off is neither, whatever the number of seeds: its end is as good as its best point.

    Runs are compared by the mean of their logarithms. Where more are missing than trimming sets aside, as at learning
    rates at which training diverges, all points are compared by ranks instead (see `contrasts`).

    The test of Lind and Mehlum (2010) is not used: it fits a parabola, and finds an optimum in most curves that only
    level off (measured in the tests).

    Attributes:
        kind: whether small or large values are best.
    """

    kind: Best = "minimum"

    def __post_init__(self) -> None:
        if self.kind not in ("minimum", "maximum"):
            raise ValueError(f"an optimum is a 'minimum' or a 'maximum'; got {self.kind!r}")

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers; an optimum has none."""
        return Expectation(kind="interior_optimum")

    def demands(self, points: int, confidence: float) -> Demands:
        """All points, three or more, with as many seeds as the rank test needs to support."""
        interior, level = max(points, FEWEST_POINTS) - 2, (1 - confidence) / 2
        seeds = _FEWEST_SEEDS
        while interior / math.comb(2 * seeds, seeds) > level:
            seeds += 1
        return Demands(max(points, FEWEST_POINTS), seeds)

    def admit(self, axis_values: Sequence[float], seeds: Sequence[int], *, confidence: float = CONFIDENCE) -> None:
        """Refuse a range without an interior, and fewer seeds than the rank test needs."""
        points, needed = self.demands(len(axis_values), confidence)
        if len(axis_values) < points:
            raise ValueError(
                f"an interior optimum needs two ends and a point between them; got {tuple(axis_values)}. "
                f"Take {FEWEST_POINTS} axis values or more."
            )
        if min(seeds) < needed:
            raise ValueError(
                f"an optimum among {points} axis values at confidence {confidence:g} needs {needed} seeds at each, or "
                f"ranks could never show it where runs diverge; got {tuple(seeds)}"
            )

    def power(
        self, axis_values: Sequence[float], seeds: Sequence[int], noise: float, confidence: float = CONFIDENCE
    ) -> Power:
        """The log-ratio by which an end must be better than every other point to be REFUTED nine times in ten.

        An optimum half as deep again is supported about as often. A flat curve, the least true prediction, never is.
        """
        fewest, interior = min(seeds), max(len(axis_values) - 2, 1)
        quantile = float(stats.t.isf((1 - confidence) / 4, 2 * fewest - 2))
        # Every interior point must show it, so each may miss it less often.
        seen = float(stats.norm.isf((1 - _SEEN) / interior))
        detectable = (quantile + seen) * noise * math.sqrt(2 / fewest)
        return Power(detectable=detectable, support=0.0, resolution=detectable)

    def judge(self, measurement: Measurement, *, confidence: float = CONFIDENCE) -> Finding:
        """SUPPORTED when both ends are worse than some interior point, REFUTED when at each one an end is better.

        Raises:
            ValueError: with fewer than three axis values, or fewer seeds than the rank test needs.
        """
        check_confidence(confidence)
        self.admit(measurement.axis_values, measurement.seeds, confidence=confidence)
        level, last = (1 - confidence) / 2, len(measurement.axis_values) - 1
        ranked = bool(measurement.beyond_tolerance())
        larger = by_rank(measurement, self.kind) if ranked else by_mean(measurement, self.kind)
        inside = range(1, last)
        worse = np.array([[larger(end, j) for j in inside] for end in (0, last)])
        better = np.array([[larger(j, end) for j in inside] for end in (0, last)])
        best = int(worse.max(axis=0).argmin())
        end = (0, last)[int(worse[:, best].argmax())]
        supported = min(1.0, len(inside) * float(worse.max(axis=0)[best]))
        refuted = min(1.0, 2 * float(better.min(axis=0).max()))
        place = f"{measurement.axis} {measurement.axis_values[best + 1]:g}"
        how = "by ranks, since runs are missing" if ranked else "by mean"
        verdict, p_value, remedy = Verdict.INCONCLUSIVE, None, None
        if supported <= level:
            verdict, p_value = Verdict.SUPPORTED, supported
            reason = f"both ends are worse than {place}, {how}"
        elif refuted <= level:
            verdict, p_value = Verdict.REFUTED, refuted
            reason = f"at every point between the ends one of them is better, {how}"
        else:
            reason = (
                f"{place} is the best between the ends, and {measurement.axis} {measurement.axis_values[end]:g} is not "
                f"clearly worse, {how}; more seeds, or a range that reaches further on that side"
            )
            remedy = Remedy(limited_by="noise", text=reason)
        return Finding(
            expectation=self.expectation,
            measurement=measurement,
            verdict=verdict,
            reason=reason,
            confidence=confidence,
            interval=None if ranked else log_ratio(measurement, end, best + 1, level / len(inside)),
            p_value=p_value,
            remedy=remedy,
        )
