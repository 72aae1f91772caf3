"""Equal: whether a quantity is what theory says it is, in numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from theorychecks.arguments import settle_numbers
from theorychecks.statistics.agreement import Comparison, judge_agreement, power_of_agreement
from theorychecks.statistics.interval import CONFIDENCE, check_confidence
from theorychecks.statistics.judgement import Expectation, Judgement, Power
from theorychecks.statistics.measurement import FEWEST_SEEDS, Measurement, ratio_to
from theorychecks.statistics.medians import Sample, fewest_runs, samples
from theorychecks.statistics.prediction import Demands, Layout


@dataclass(frozen=True)
class Equal:
    """The quantity equals what it is held `against`, at every axis value, up to a relative difference.

    That is a number, a function of the axis value, or another ensemble, run by run. Without `against` the quantity is a
    ratio, and held against one. This is a statement on the range at hand and extrapolates nothing.

    What is compared with one is the median of the ratios, by order statistics (see `medians`): they hold under skew and
    unequal noise. Against another ensemble that is drawn independently and is skewed otherwise, the median of the
    ratios is not the ratio of the medians, and the former is judged.

    Support needs the interval inside the margin at every axis value, so it needs no correction for many; refutation
    needs one outside, and divides its level among them.

    Attributes:
        within: the relative difference that still counts as none; 0.05 allows ratios from 1/1.05 to 1.05.
    """

    within: float = 0.05

    def __post_init__(self) -> None:
        settle_numbers(self, within="0.05")
        if not (math.isfinite(self.within) and self.within > 0):
            raise ValueError(f"equals differ by less than a positive relative difference, 0.05 say; got {self.within}")

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers: the margin is relative."""
        return Expectation(kind="equal", margin=self.within)

    def phrase(self, axis: str) -> str:
        """What reports call it."""
        return "equality"

    def demands(self, points: int, confidence: float) -> Demands:
        """All axis values, with as many seeds as the median at one of them needs to refute."""
        return Demands(points, max(FEWEST_SEEDS, fewest_runs((1 - confidence) / 2 / max(points, 1))))

    def admit(self, layout: Layout, *, confidence: float = CONFIDENCE) -> None:
        """Refuse fewer seeds than medians need."""
        layout.check_pairs()
        points, needed = self.demands(len(layout.axis_values), confidence)
        if min(layout.seeds) < needed:
            raise ValueError(
                f"an equality at {points} axis values and confidence {confidence:g} needs {needed} seeds at each, or "
                f"medians could never refute it; got {tuple(layout.seeds)}"
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
        """The log-ratio at one axis value that is REFUTED with probability 0.9, and how often equals are SUPPORTED.

        For normal noise, by moments of order statistics. Shares of SUPPORTED are rather too small, by 0.1 at most where
        they are above one half. Over shared seeds the noise lacks what a draw brings to all axis values, and all of
        this promises too much.
        """
        return power_of_agreement(
            noise, seeds=min(seeds), points=len(axis_values), within=self.within, confidence=confidence, mutual=False
        )

    def judge(
        self, measurement: Measurement, other: Measurement | None = None, *, confidence: float = CONFIDENCE
    ) -> Judgement:
        """SUPPORTED when the intervals of all axis values lie inside the margin, REFUTED when that of one lies outside.

        Raises:
            ValueError: with fewer seeds than medians need.
        """
        measurement = ratio_to(measurement, other)
        check_confidence(confidence)
        self.admit(Layout.of(measurement), confidence=confidence)
        return judge_agreement(
            measurement, _each_with_one(measurement), within=self.within, confidence=confidence, paired=True
        )


def _each_with_one(measurement: Measurement) -> list[Comparison]:
    axis, points = measurement.axis, len(measurement.axis_values)
    worst = f", the worst of {points}" if points > 1 else ""
    return [
        Comparison(runs, _ones(len(runs.low)), f"the median log-ratio at {axis} {value:g}{worst}")
        for value, runs in zip(measurement.axis_values, samples(measurement), strict=True)
    ]


def _ones(count: int) -> Sample:
    """So many runs of exactly one, on their logarithm."""
    return Sample(np.zeros(count), np.zeros(count))
