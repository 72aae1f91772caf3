"""InteriorOptimum: whether a quantity is best inside a range, and not at one of its ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from theorychecks.arguments import is_one_of
from theorychecks.statistics.interval import CONFIDENCE, check_confidence
from theorychecks.statistics.judgement import (
    Expectation,
    Judgement,
    Power,
    Verdict,
    undecided,
    unless_rounded,
)
from theorychecks.statistics.means import common_skewness, mean_above
from theorychecks.statistics.measurement import Measurement, check_any_number, ratio_to
from theorychecks.statistics.medians import (
    Sample,
    chance_above,
    difference,
    fewest_runs,
    p_above,
    precision,
    room_for,
    samples,
)
from theorychecks.statistics.prediction import Demands, Layout
from theorychecks.statistics.remedies import Remedy
from theorychecks.statistics.statuses import Status

FEWEST_POINTS: Final = 3
_ENDS: Final = 2
_SEEN: Final = 0.9
Best = Literal["minimum", "maximum"]


@dataclass(frozen=True)
class InteriorOptimum:
    """The quantity has its minimum (or maximum) inside the range: both ends are worse than some point between them.

    Two one-sided tests must both succeed, that the first and that the last point are worse than some point between
    them; the interior points share the level. It is refuted when, at every interior point, one of the ends is clearly
    better. A curve that levels off is neither, whatever the number of seeds: its end is as good as its best point.

    Points are compared twice, by medians and by means of logarithms, and both must say so: where laws are skewed the
    median may have an optimum that the mean has not. Medians are compared by order statistics (see `medians`), which
    hold under skew and unequal noise; means by a t test that is corrected for skew (see `means`). Where runs are
    missing only medians are. Over shared seeds it is the ratios whose median and mean are judged.
    A diverged run is larger than any number, and so the worst where the minimum is best. Where the maximum is, as of an
    accuracy, it is not the best one but unknown. What is unknown counts against what is tested.

    The test of Lind and Mehlum (2010) is not used: it fits a parabola, and finds an optimum in most curves that only
    level off (measured in the tests).

    Attributes:
        kind: whether small or large values are best.
    """

    kind: Best = "minimum"

    def __post_init__(self) -> None:
        if not is_one_of(self.kind, ("minimum", "maximum")):
            raise ValueError(f"an optimum is a 'minimum' or a 'maximum'; got {self.kind!r}")

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers; an optimum has none."""
        return Expectation(kind="interior_optimum")

    def phrase(self, axis: str) -> str:
        """What reports call it."""
        return "an optimum inside"

    def demands(self, points: int, confidence: float) -> Demands:
        """All points, three or more, with as many seeds as medians need to support and to refute."""
        interior, level = max(points, FEWEST_POINTS) - 2, (1 - confidence) / 2
        return Demands(max(points, FEWEST_POINTS), fewest_runs(level / max(interior, _ENDS)))

    def admit(self, layout: Layout, *, confidence: float = CONFIDENCE) -> None:
        """Refuse a range without an interior, and fewer seeds than medians need."""
        layout.check_pairs()
        self._check_points(layout.axis_values, confidence)
        points, needed = self.demands(len(layout.axis_values), confidence)
        if min(layout.seeds) < needed:
            raise ValueError(
                f"an optimum among {points} axis values at confidence {confidence:g} needs {needed} seeds at each, or "
                f"medians could never show it; got {tuple(layout.seeds)}"
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
        """The log-ratio by which an end must be better than every other point to be REFUTED nine times in ten.

        For normal noise, by moments of order statistics. A flat curve, the least true prediction, is never SUPPORTED.
        """
        fewest, interior = min(seeds), max(len(axis_values) - 2, 1)
        found = precision(fewest, (1 - confidence) / 2 / _ENDS)
        if found is None:
            return Power(detectable=math.inf, support=0.0)
        detectable = noise * (2 * found.reach + found.error * room_for(chance_above, _SEEN, interior))
        return Power(detectable=detectable, support=0.0, resolution=detectable)

    def judge(
        self, measurement: Measurement, other: Measurement | None = None, *, confidence: float = CONFIDENCE
    ) -> Judgement:
        """SUPPORTED when both ends are worse than some interior point, REFUTED when at each one an end is better.

        Raises:
            ValueError: with fewer than three axis values, or without any number.
        """
        measurement = ratio_to(measurement, other)
        check_confidence(confidence)
        self._check_points(measurement.axis_values, confidence)
        check_any_number(measurement)
        needed, fewest = self.demands(len(measurement.axis_values), confidence).seeds, min(measurement.seeds)
        if fewest < needed:
            text = f"medians of {fewest} runs show no optimum at confidence {confidence:g}; {needed} seeds a point can"
            remedy = Remedy(limited_by="noise", text=text, effort=needed / fewest)
            return undecided(measurement, remedy, confidence)
        level, last = (1 - confidence) / 2, len(measurement.axis_values) - 1
        ranked = self._worst_last(measurement)
        paired, inside = measurement.shared_seeds, range(1, last)

        means = None if any(measurement.not_finite) else [runs.high for runs in ranked]
        skewness = common_skewness(means) if means else 0.0

        def larger(one: int, other: int) -> float:
            by_median = p_above(ranked[one], ranked[other], 0.0, paired=paired)
            return (
                by_median
                if means is None
                else max(by_median, mean_above(means[one], means[other], skewness, paired=paired))
            )

        worse = np.array([[larger(end, j) for j in inside] for end in (0, last)])
        better = np.array([[larger(j, end) for j in inside] for end in (0, last)])
        best = min(range(len(inside)), key=lambda j: ranked[j + 1].median)
        end = (0, last)[int(worse[:, best].argmax())]
        # Each end has to be worse than a point of its own: the best one between them is then better than both.
        supported = min(1.0, len(inside) * float(worse.min(axis=1).max()))
        refuted = min(1.0, _ENDS * float(better.min(axis=0).max()))
        place = f"{measurement.axis} {measurement.axis_values[best + 1]:g}"
        how = "by median, since runs are missing" if means is None else "by median and by mean"
        doubtful = samples(measurement)[end], samples(measurement)[best + 1]
        reached = difference(*doubtful, level / len(inside), paired=paired)
        interval = reached if all(map(math.isfinite, reached)) else None
        if min(supported, refuted) > level:
            text = (
                f"{place} is the best between the ends, and {measurement.axis} {measurement.axis_values[end]:g} is not "
                f"clearly worse, {how}; more seeds, or a range that reaches further on that side"
            )
            remedy = Remedy(limited_by="noise", text=text)
            return unless_rounded(undecided(measurement, remedy, confidence, interval=interval))
        verdict, p_value = Verdict.SUPPORTED, supported
        reason = f"both ends are worse than points between them, {how}; the best is {place}"
        if supported > level:
            verdict, p_value = Verdict.REFUTED, refuted
            reason = f"at every point between the ends one of them is better, {how}"
        return unless_rounded(
            Judgement(
                measurement=measurement,
                verdict=verdict,
                reason=reason,
                confidence=confidence,
                interval=interval,
                p_value=p_value,
            )
        )

    def _check_points(self, axis_values: Sequence[float], confidence: float) -> None:
        if len(axis_values) < self.demands(len(axis_values), confidence).points:
            raise ValueError(
                f"an interior optimum needs two ends and a point between them; got {tuple(axis_values)}. "
                f"Take {FEWEST_POINTS} axis values or more."
            )

    def _worst_last(self, measurement: Measurement) -> list[Sample]:
        """The runs at each point so that the best is the smallest."""
        if self.kind == "minimum":
            return samples(measurement)
        return [runs.negative for runs in samples(measurement, frozenset({Status.UNDEFINED, Status.DIVERGED}))]
