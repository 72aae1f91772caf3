"""Collapse: whether curves at different axis values fall on one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from theorychecks.arguments import settle_numbers
from theorychecks.statistics.agreement import Comparison, judge_agreement, power_of_agreement
from theorychecks.statistics.interval import CONFIDENCE, check_confidence
from theorychecks.statistics.judgement import Expectation, Judgement, Power
from theorychecks.statistics.measurement import FEWEST_SEEDS, Measurement, ratio_to
from theorychecks.statistics.medians import fewest_runs, samples
from theorychecks.statistics.prediction import Demands, Layout


@dataclass(frozen=True)
class Collapse:
    """The quantity is the same at every axis value, up to a relative difference: curves of several widths fall on one.

    A curve is judged point by point, each point a reading of its own whose axis is what the curves should not depend
    on. This is a statement on the range at hand, by intervals of all pairs' log-ratios, and extrapolates nothing: what
    drifts by less than the margin from the first axis value to the last has collapsed. For a limit, use `Plateau`; for
    a number that is known, `Equal`.

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
        return power_of_agreement(
            noise, seeds=min(seeds), points=len(axis_values), within=self.within, confidence=confidence, mutual=True
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
        return judge_agreement(
            measurement,
            _pairs(measurement),
            within=self.within,
            confidence=confidence,
            paired=measurement.shared_seeds,
        )


def _pairs(measurement: Measurement) -> list[Comparison]:
    axis, places = measurement.axis, list(zip(measurement.axis_values, samples(measurement), strict=True))
    return [
        Comparison(one, other, f"the log-ratio of medians of {axis} {after:g} to {before:g}, the worst pair")
        for (before, other), (after, one) in itertools.combinations(places, 2)
    ]
