"""Collapse: whether curves at different axis values fall on one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from scipy import stats

from theorychecks.statistics.cells import NO_NOISE, summarise
from theorychecks.statistics.interval import CONFIDENCE, Interval, check_confidence
from theorychecks.statistics.measurement import FEWEST_SEEDS, Measurement
from theorychecks.statistics.prediction import Demands
from theorychecks.statistics.verdict import Expectation, Finding, Power, Remedy, Verdict

_PLANNED: Final = 0.6
"""A half-width of 0.6 margins leaves room for the estimate itself."""
_NORMAL_90: Final = float(stats.norm.isf(0.1))


class _Pair(NamedTuple):
    """A log-ratio of two cells; `half` is of the interval that supports, `wide` of the one that refutes."""

    points: tuple[int, int]
    log_ratio: float
    error: float
    freedom: float
    half: float
    wide: float

    def beyond(self, room: float) -> float:
        """The probability of a log-ratio that falls short of the truth by so much."""
        return float(stats.t.sf(room / self.error, self.freedom))


@dataclass(frozen=True)
class Collapse:
    """The quantity is the same at every axis value, up to a relative difference: curves of several widths fall on one.

    A curve is judged point by point, each point a reading of its own whose axis is what the curves should not depend
    on. This is a statement on the range at hand, by intervals of all pairs' log-ratios, and extrapolates nothing: what
    drifts by less than the margin from the first axis value to the last has collapsed. For a limit, use `Plateau`.

    Support needs every pair's interval inside the margin, so it needs no correction for many pairs; refutation needs
    one pair's outside, and divides its level among them.

    Attributes:
        within: the relative difference that still counts as none; 0.1 allows ratios from 1/1.1 to 1.1.
    """

    within: float = 0.1

    def __post_init__(self) -> None:
        if not (math.isfinite(self.within) and self.within > 0):
            raise ValueError(f"curves fall on one up to a positive relative difference, 0.1 say; got {self.within}")

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers: the margin is relative."""
        return Expectation(kind="collapse", margin=self.within)

    def demands(self, points: int, confidence: float) -> Demands:
        """All axis values, two or more, with as many seeds as give an interval."""
        return Demands(max(points, 2), FEWEST_SEEDS)

    def admit(self, axis_values: Sequence[float], seeds: Sequence[int], *, confidence: float = CONFIDENCE) -> None:
        """Refuse a single curve."""
        if len(axis_values) < 2:
            raise ValueError(f"it takes two axis values or more to fall on one curve; got {tuple(axis_values)}")

    def power(
        self, axis_values: Sequence[float], seeds: Sequence[int], noise: float, confidence: float = CONFIDENCE
    ) -> Power:
        """The log-ratio of one pair that is REFUTED with probability 0.9, and how often no difference is SUPPORTED.

        The latter is a lower bound, as if pairs erred apart from each other.
        """
        level, fewest = (1 - confidence) / 2, min(seeds)
        pairs = max(math.comb(len(axis_values), 2), 1)
        error, freedom = noise * math.sqrt(2 / fewest), 2 * fewest - 2
        supporting, refuting = (float(stats.t.isf(tail, freedom)) for tail in (level, level / pairs))
        room = math.log1p(self.within) / max(error, NO_NOISE) - supporting
        return Power(
            detectable=math.log1p(self.within) + (refuting + _NORMAL_90) * error,
            support=max(1 - 2 * pairs * float(stats.norm.sf(room)), 0.0),
            resolution=math.expm1((supporting + float(stats.norm.isf(0.05 / pairs))) * error),
        )

    def judge(self, measurement: Measurement, *, confidence: float = CONFIDENCE) -> Finding:
        """SUPPORTED when all pairs' intervals lie inside the margin, REFUTED when one pair's lies outside.

        Raises:
            ValueError: with a single axis value.
        """
        check_confidence(confidence)
        self.admit(measurement.axis_values, measurement.seeds, confidence=confidence)
        verdict, p_value, interval, remedy = Verdict.INCONCLUSIVE, None, None, None
        if measurement.beyond_tolerance():
            reason = measurement.what_is_missing()
            remedy = Remedy(limited_by="missing runs", text=reason)
        else:
            pairs, margin = _pairs(measurement, (1 - confidence) / 2), math.log1p(self.within)
            furthest = max(pairs, key=lambda pair: abs(pair.log_ratio) + pair.half)
            apart = max(pairs, key=lambda pair: abs(pair.log_ratio) - pair.wide)
            if abs(furthest.log_ratio) + furthest.half <= margin:
                verdict, worst, half = Verdict.SUPPORTED, furthest, furthest.half
                p_value = max(pair.beyond(margin - abs(pair.log_ratio)) for pair in pairs)
            elif abs(apart.log_ratio) - apart.wide > margin:
                verdict, worst, half = Verdict.REFUTED, apart, apart.wide
                p_value = min(1.0, len(pairs) * apart.beyond(abs(apart.log_ratio) - margin))
            else:
                worst, half = furthest, furthest.half
            interval = Interval(worst.log_ratio - half, worst.log_ratio + half)
            reason = _reason(verdict, worst, interval, margin, measurement)
            if verdict is Verdict.INCONCLUSIVE:
                remedy = _remedy(reason, worst, margin, measurement)
                reason = remedy.text
        return Finding(
            expectation=self.expectation,
            measurement=measurement,
            verdict=verdict,
            reason=reason,
            confidence=confidence,
            interval=interval,
            p_value=p_value,
            remedy=remedy,
        )


def _pairs(measurement: Measurement, level: float) -> list[_Pair]:
    cells, pairs = summarise(measurement), []
    chosen = list(itertools.combinations(range(len(measurement.axis_values)), 2))
    for first, second in chosen:
        weights = np.zeros(len(measurement.axis_values))
        weights[first], weights[second] = -1.0, 1.0
        value, standard_error, freedom = cells.combine(weights)
        error = max(standard_error, NO_NOISE)
        half, wide = (float(stats.t.isf(tail, freedom)) * error for tail in (level, level / len(chosen)))
        pairs.append(_Pair((first, second), value, error, freedom, half, wide))
    return pairs


def _reason(verdict: Verdict, worst: _Pair, interval: Interval, margin: float, measurement: Measurement) -> str:
    first, second = (f"{measurement.axis_values[k]:g}" for k in worst.points)
    where = {Verdict.SUPPORTED: "lies inside", Verdict.REFUTED: "lies outside"}.get(verdict, "reaches beyond")
    return (
        f"the log-ratio of {measurement.axis} {second} to {first}, the worst pair, [{interval.low:+.3f}, "
        f"{interval.high:+.3f}], {where} +-{margin:.3f}"
    )


def _remedy(reason: str, worst: _Pair, margin: float, measurement: Measurement) -> Remedy:
    if worst.half <= margin / 2:
        return Remedy(limited_by="boundary", text=f"{reason}: near the boundary; more seeds, or say what may differ")
    factor, most = (worst.half / (_PLANNED * margin)) ** 2, max(measurement.seeds)
    text = f"{reason}: about {math.ceil(factor * most)} seeds a {measurement.axis} instead of {most}"
    return Remedy(limited_by="noise", text=text, effort=factor)
