"""SameLaw: whether two ensembles of independent networks have one law."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from scipy import special

from theorychecks.arguments import settle_numbers
from theorychecks.statistics.interval import CONFIDENCE, Interval, check_confidence
from theorychecks.statistics.judgement import (
    Expectation,
    Judgement,
    Power,
    Verdict,
    undecided,
    unless_rounded,
)
from theorychecks.statistics.measurement import Measurement, check_measurement
from theorychecks.statistics.prediction import Demands, Layout
from theorychecks.statistics.remedies import Remedy, for_half_width
from theorychecks.statistics.two_samples import TESTS, compare, detectable

_FEWEST_SEEDS: Final = 8
"""Jackknife intervals and Levene's test are rough with fewer."""


@dataclass(frozen=True)
class SameLaw:
    """Two ensembles of independent networks have one law, judged by one positive scalar a network, on its logarithm.

    Up to a margin: a shift of the mean, in pooled standard deviations, and a log-ratio of standard deviations that
    still count as none. REFUTED when no shift and change of scale inside the margin makes them one law: when Cramer and
    von Mises' two-sample test or Levene's test of equal scales (about medians) rejects after every such change, the
    level divided between them and among axis values. So laws that differ inside the margin, however clearly, are not
    refuted, and laws of another shape are. SUPPORTED when, besides, the intervals of shift and log-ratio lie inside the
    margin at every axis value: not rejected is not equal. What is supported is the location and the scale; of the rest
    of the law no difference was seen, and the reason states how large a one would have been. Anderson and Darling's
    test is sharper in the tails, but its tabulated p values end at 0.001.

    One scalar for each independent network. Entries of one network, its outputs at several inputs or its weights, share
    that network's draw; pooled as if they were independent they make equal laws differ (10 networks with 50 entries
    each: Kolmogorov and Smirnov's test at 5% rejects 13 to 76 times in a hundred). Reduce a network to one number
    first. Both ensembles may be drawn from the same seeds, if runs of one seed move together: that makes all of this
    more cautious, not less.

    Attributes:
        within: the shift in standard deviations, and the log-ratio of standard deviations, that still count as none.
    """

    within: float = 0.25

    def __post_init__(self) -> None:
        settle_numbers(self, within="0.25")
        if not (math.isfinite(self.within) and self.within > 0):
            raise ValueError(f"two laws agree up to a positive margin in standard deviations; got {self.within}")

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers: the margin is in standard deviations, and in their log-ratio."""
        return Expectation(kind="same_law", margin=self.within)

    def phrase(self, axis: str) -> str:
        """What reports call it."""
        return "one law"

    def demands(self, points: int, confidence: float) -> Demands:
        """All axis values, with as many networks as the rank test needs to refute at one of them."""
        level, seeds = (1 - confidence) / 2 / (TESTS * max(points, 1)), _FEWEST_SEEDS
        while 2 / math.comb(2 * seeds, seeds) > level:
            seeds += 1
        return Demands(points, seeds)

    def admit(self, layout: Layout, *, confidence: float = CONFIDENCE) -> None:
        """Refuse fewer networks than the rank test needs."""
        if layout.against is None:
            raise ValueError(f"{self} compares two ensembles: name the other one by against=")
        points, needed = self.demands(len(layout.axis_values), confidence)
        if min(*layout.seeds, *layout.against) < needed:
            raise ValueError(
                f"a comparison of laws at {points} axis values and confidence {confidence:g} needs {needed} networks "
                f"at each, better a few hundred; got {tuple(layout.seeds)} against {tuple(layout.against)}"
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
        """The shift, as a log-ratio of typical values, REFUTED nine times in ten; how often equals are SUPPORTED.

        A shift has to leave the margin by what either test sees. The share of equals is a lower bound, with as many
        networks on either side, and as if nothing erred together.
        """
        level, points, fewest = (1 - confidence) / 2, len(axis_values), min(seeds)
        shift, _ = detectable(fewest, level / (TESTS * points) / 2)
        quantile = -float(special.stdtrit(fewest - 1, level))
        rooms = [self.within * math.sqrt(fewest / doubled) for doubled in (2, 1)]
        missed = sum(2 * points * float(special.nctdtr(fewest - 1, room, quantile)) for room in rooms)
        # The shift is the harder one to bound.
        resolution = (quantile - float(special.ndtri(0.05 / points))) * math.sqrt(2 / fewest)
        return Power(detectable=(self.within + shift) * noise, support=max(1 - missed, 0.0), resolution=resolution)

    def judge(
        self, measurement: Measurement, other: Measurement | None = None, *, confidence: float = CONFIDENCE
    ) -> Judgement:
        """SUPPORTED when all intervals lie inside the margin, REFUTED when a test rejects all that lies inside it.

        The interval is that of the effect which reaches furthest: a shift, or a log-ratio of standard deviations.

        Raises:
            ValueError: without another ensemble, for different axis values, or for fewer networks than the rank test
                needs.
        """
        check_measurement(measurement)
        check_confidence(confidence)
        if other is None:
            raise ValueError(f"{self} compares two ensembles: name the other one by against=")
        check_measurement(other)
        if measurement.axis_values != other.axis_values:
            raise ValueError(
                f"laws are compared at the same axis values; got {measurement.axis_values} and {other.axis_values}"
            )
        self.admit(replace(Layout.of(measurement), against=other.seeds), confidence=confidence)
        lost = [side for side in (measurement, other) if any(side.not_finite)]
        if lost:
            counts = lost[0].what_is_missing().partition(";")[0]
            text = f"{lost[0].name} has {counts}; a law has no run to spare"
            return undecided(measurement, Remedy(limited_by="missing runs", text=text), confidence)
        return unless_rounded(unless_rounded(self._compared(measurement, other, confidence)), other)

    def _compared(self, measurement: Measurement, other: Measurement, confidence: float) -> Judgement:
        level, fewest = (1 - confidence) / 2, min(*measurement.seeds, *other.seeds)
        cells = zip(measurement.log_values(), other.log_values(), strict=True)
        compared = [compare(one, two, self.within) for one, two in cells]
        tests = TESTS * len(compared)
        effects = [effect for comparison in compared for effect in (comparison.shift, comparison.scale)]
        worst = max(effects, key=lambda effect: effect.reach(level))
        half, allowed = worst.reach(level) - abs(worst.value), Interval(-self.within, self.within)
        interval = Interval(worst.value - half, worst.value + half) if math.isfinite(worst.value) else None
        shift, scale = detectable(fewest, level / tests / 2)
        seen = (
            f"{fewest} networks a side show a shift of {self.within + shift:.2g} standard deviations, or scales in a "
            f"ratio of {math.exp(self.within + scale):.2g}, nine times in ten"
        )
        rejected = min(1.0, tests * min(comparison.p_value for comparison in compared))
        if rejected > level and worst.reach(level) > self.within:
            text = f"no test rejects one law, but a difference of {worst.reach(level):.2g} is not excluded; {seen}"
            remedy = for_half_width(text, half, self.within, fewest, "networks", near=", more networks")
            return undecided(measurement, remedy, confidence, interval=interval, allowed=allowed)
        verdict, p_value = Verdict.SUPPORTED, max(effect.p_beyond(self.within) for effect in effects)
        reason = f"no test rejects one law, and shift and log-ratio of scales lie inside +-{self.within:g}; {seen}"
        if rejected <= level:
            verdict, p_value = Verdict.REFUTED, rejected
            reason = (
                f"the laws differ at some axis value, by more than a shift and a log-ratio of scales inside "
                f"+-{self.within:g}: p = {rejected:.2g}, over {tests} tests"
            )
        return Judgement(
            measurement=measurement,
            verdict=verdict,
            reason=reason,
            confidence=confidence,
            interval=interval,
            allowed=allowed,
            p_value=p_value,
        )
