"""Collapse: whether curves at different axis values fall on one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from scipy import stats

from theorychecks.arguments import settle_numbers
from theorychecks.statistics.cells import NO_NOISE
from theorychecks.statistics.interval import CONFIDENCE, Interval, check_confidence
from theorychecks.statistics.judgement import (
    Expectation,
    Judgement,
    Power,
    Verdict,
    undecided,
    unless_rounded,
)
from theorychecks.statistics.measurement import FEWEST_SEEDS, Measurement, ratio_to
from theorychecks.statistics.medians import (
    Sample,
    chance_of_range,
    difference,
    fewest_runs,
    p_above,
    precision,
    room_for,
    samples,
)
from theorychecks.statistics.prediction import Demands, Layout
from theorychecks.statistics.remedies import Remedy, for_half_width, missing_runs

_SEEN: Final = 0.9
_NORMAL_90: Final = float(stats.norm.isf(1 - _SEEN))


class _Pair(NamedTuple):
    """Two cells, by index, and intervals of the log-ratio of their medians.

    The one that supports errs at the level on each side, the one that refutes at its share of it.
    """

    points: tuple[int, int]
    supporting: Interval
    refuting: Interval

    @property
    def reach(self) -> float:
        return max(-self.supporting.low, self.supporting.high)

    @property
    def gap(self) -> float:
        """How far the refuting interval lies from no difference."""
        return max(self.refuting.low, -self.refuting.high)


@dataclass(frozen=True)
class Collapse:
    """The quantity is the same at every axis value, up to a relative difference: curves of several widths fall on one.

    A curve is judged point by point, each point a reading of its own whose axis is what the curves should not depend
    on. This is a statement on the range at hand, by intervals of all pairs' log-ratios, and extrapolates nothing: what
    drifts by less than the margin from the first axis value to the last has collapsed. For a limit, use `Plateau`.

    What is compared is the median of the runs, or over shared seeds the median of the ratios, by order statistics (see
    `medians`): they hold under skew and unequal noise, where intervals of means err several times as often as they
    say. Laws that share a median and differ in their spread have collapsed.

    Support needs every pair's interval inside the margin, so it needs no correction for many pairs; refutation needs
    one pair's outside, and divides its level among them.

    Attributes:
        within: the relative difference that still counts as none; 0.1 allows ratios from 1/1.1 to 1.1.
    """

    within: float = 0.1

    def __post_init__(self) -> None:
        settle_numbers(self, within="0.1")
        if not (math.isfinite(self.within) and self.within > 0):
            raise ValueError(f"curves fall on one up to a positive relative difference, 0.1 say; got {self.within}")

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers: the margin is relative."""
        return Expectation(kind="collapse", margin=self.within)

    def phrase(self, axis: str) -> str:
        """What reports call it."""
        return "one curve"

    def demands(self, points: int, confidence: float) -> Demands:
        """All axis values, two or more, with as many seeds as the medians of one pair need to refute."""
        pairs = math.comb(max(points, 2), 2)
        return Demands(max(points, 2), max(FEWEST_SEEDS, fewest_runs((1 - confidence) / 2 / pairs)))

    def admit(self, layout: Layout, *, confidence: float = CONFIDENCE) -> None:
        """Refuse a single curve, and fewer seeds than medians need."""
        layout.check_pairs()
        if len(layout.axis_values) < 2:
            raise ValueError(f"it takes two axis values or more to fall on one curve; got {tuple(layout.axis_values)}")
        needed = self.demands(len(layout.axis_values), confidence).seeds
        if min(layout.seeds) < needed:
            raise ValueError(
                f"a collapse over {len(layout.axis_values)} axis values at confidence {confidence:g} needs {needed} "
                f"seeds at each, or medians could never refute it; got {tuple(layout.seeds)}"
            )

    def power(
        self,
        axis_values: Sequence[float],
        seeds: Sequence[int],
        noise: float,
        confidence: float = CONFIDENCE,
        *,
        shared_seeds: bool = False,
    ) -> Power:
        """The log-ratio of one pair that is REFUTED with probability 0.9, and how often no difference is SUPPORTED.

        For normal noise, by moments of order statistics; one curve that differs from all others is refuted more often.
        """
        level, fewest, points = (1 - confidence) / 2, min(seeds), len(axis_values)
        supporting = precision(fewest, level)
        refuting = precision(fewest, level / max(math.comb(points, 2), 1))
        if supporting is None or refuting is None:
            return Power(detectable=math.inf, support=0.0)
        margin, noise = math.log1p(self.within), max(noise, NO_NOISE)
        reach = noise * (2 * refuting.reach + _NORMAL_90 * math.sqrt(2) * refuting.error)
        room = (margin / noise - 2 * supporting.reach) / supporting.error
        wanted = room_for(chance_of_range, _SEEN, points)
        return Power(
            detectable=margin + reach,
            support=chance_of_range(room, points),
            resolution=math.expm1(noise * (2 * supporting.reach + wanted * supporting.error)),
        )

    def judge(
        self, measurement: Measurement, other: Measurement | None = None, *, confidence: float = CONFIDENCE
    ) -> Judgement:
        """SUPPORTED when all pairs' intervals lie inside the margin, REFUTED when one pair's lies outside.

        Raises:
            ValueError: with a single axis value.
        """
        measurement = ratio_to(measurement, other)
        check_confidence(confidence)
        self.admit(Layout.of(measurement), confidence=confidence)
        if measurement.beyond_tolerance():
            return unless_rounded(undecided(measurement, missing_runs(measurement), confidence))
        runs, paired = samples(measurement), measurement.shared_seeds
        margin, level = math.log1p(self.within), (1 - confidence) / 2
        allowed = Interval(-margin, margin)
        pairs = _pairs(runs, level, paired=paired)
        worst, apart = max(pairs, key=lambda pair: pair.reach), max(pairs, key=lambda pair: pair.gap)
        if worst.reach > margin and apart.gap <= margin:
            reason = _reason("reaches beyond", worst, worst.supporting, margin, measurement)
            remedy, interval = _remedy(reason, worst, margin, measurement), _finite(worst.supporting)
            return unless_rounded(undecided(measurement, remedy, confidence, interval=interval, allowed=allowed))
        ordered = [(runs[i], runs[j]) for pair in pairs for i, j in (pair.points, pair.points[::-1])]
        if worst.reach <= margin:
            verdict, interval = Verdict.SUPPORTED, worst.supporting
            reason = _reason("lies inside", worst, interval, margin, measurement)
            p_value = max(p_above(one, other, -margin, paired=paired) for one, other in ordered)
        else:
            verdict, interval = Verdict.REFUTED, apart.refuting
            reason = _reason("lies outside", apart, interval, margin, measurement)
            p_value = min(1.0, len(pairs) * min(p_above(one, other, margin, paired=paired) for one, other in ordered))
        return unless_rounded(
            Judgement(
                measurement=measurement,
                verdict=verdict,
                reason=reason,
                confidence=confidence,
                interval=_finite(interval),
                allowed=allowed,
                p_value=p_value,
            )
        )


def _finite(interval: Interval) -> Interval | None:
    return interval if all(map(math.isfinite, interval)) else None


def _pairs(runs: list[Sample], level: float, *, paired: bool) -> list[_Pair]:
    chosen = list(itertools.combinations(range(len(runs)), 2))
    return [
        _Pair((j, i), *(difference(runs[i], runs[j], at, paired=paired) for at in (level, level / len(chosen))))
        for j, i in chosen
    ]


def _reason(where: str, worst: _Pair, interval: Interval, margin: float, measurement: Measurement) -> str:
    first, second = (f"{measurement.axis_values[k]:g}" for k in worst.points)
    return (
        f"the log-ratio of medians of {measurement.axis} {second} to {first}, the worst pair, [{interval.low:+.3f}, "
        f"{interval.high:+.3f}], {where} +-{margin:.3f}"
    )


def _remedy(reason: str, worst: _Pair, margin: float, measurement: Measurement) -> Remedy:
    half, most = (worst.supporting.high - worst.supporting.low) / 2, max(measurement.seeds)
    if not math.isfinite(half):
        text = f"{reason}: more than {most} seeds a {measurement.axis}, so that runs without a number bound no median"
        return Remedy(limited_by="missing runs", text=text)
    noun = f"seeds a {measurement.axis}"
    return for_half_width(reason, half, margin, most, noun, near="; more seeds, or say what may differ")
