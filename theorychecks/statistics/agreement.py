"""Agreement: whether medians agree up to a relative difference, by intervals of the logarithms of their ratios."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from scipy import special

from theorychecks.statistics.axis import plural
from theorychecks.statistics.cells import NO_NOISE
from theorychecks.statistics.interval import Interval
from theorychecks.statistics.judgement import (
    Judgement,
    Power,
    Verdict,
    undecided,
    unless_rounded,
)
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.medians import (
    Sample,
    chance_of_range,
    chance_within,
    difference,
    p_above,
    precision,
    room_for,
)
from theorychecks.statistics.remedies import Remedy, for_half_width, missing_runs

_SEEN: Final = 0.9
_NORMAL_90: Final = -float(special.ndtri(1 - _SEEN))


class Comparison(NamedTuple):
    """Two samples of logarithms whose medians should agree.

    Attributes:
        one: the first.
        other: the second.
        called: what a reason calls the difference of their medians: "the log-ratio of medians of width 128 to 64".
    """

    one: Sample
    other: Sample
    called: str


class _Bounded(NamedTuple):
    """A comparison, and intervals of the difference of its medians.

    The one that supports errs at the level on each side, the one that refutes at its share of it.
    """

    compared: Comparison
    supporting: Interval
    refuting: Interval

    @property
    def reach(self) -> float:
        return max(-self.supporting.low, self.supporting.high)

    @property
    def gap(self) -> float:
        """How far the refuting interval lies from no difference."""
        return max(self.refuting.low, -self.refuting.high)


def judge_agreement(
    measurement: Measurement, comparisons: Sequence[Comparison], *, within: float, confidence: float, paired: bool
) -> Judgement:
    """SUPPORTED when the intervals of all comparisons lie inside the margin, REFUTED when that of one lies outside.

    Support needs every interval inside the margin, so it needs no correction for many comparisons; refutation needs one
    outside, and divides its level among them.

    Args:
        measurement: that the samples are of.
        comparisons: one or more.
        within: the relative difference that still counts as none.
        confidence: of the verdict.
        paired: whether the two samples of a comparison are compared run by run.
    """
    if measurement.beyond_tolerance():
        return unless_rounded(undecided(measurement, missing_runs(measurement), confidence))
    margin, level = math.log1p(within), (1 - confidence) / 2
    levels, allowed = (level, level / len(comparisons)), Interval(-margin, margin)
    bounded = [
        _Bounded(each, *(difference(each.one, each.other, at, paired=paired) for at in levels)) for each in comparisons
    ]
    worst, apart = max(bounded, key=lambda each: each.reach), max(bounded, key=lambda each: each.gap)
    if worst.reach > margin and apart.gap <= margin:
        reason = _reason("reaches beyond", worst, worst.supporting, margin)
        remedy, interval = _remedy(reason, worst, margin, measurement), _finite(worst.supporting)
        return unless_rounded(undecided(measurement, remedy, confidence, interval=interval, allowed=allowed))
    ordered = [(one, other) for a, b, _ in comparisons for one, other in ((a, b), (b, a))]
    if worst.reach <= margin:
        verdict, interval = Verdict.SUPPORTED, worst.supporting
        reason = _reason("lies inside", worst, interval, margin)
        p_value = max(p_above(one, other, -margin, paired=paired) for one, other in ordered)
    else:
        verdict, interval = Verdict.REFUTED, apart.refuting
        reason = _reason("lies outside", apart, interval, margin)
        p_value = min(1.0, len(comparisons) * min(p_above(one, other, margin, paired=paired) for one, other in ordered))
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


def power_of_agreement(
    noise: float, *, seeds: int, points: int, within: float, confidence: float, mutual: bool
) -> Power:
    """What a design could detect under normal noise, by moments of order statistics.

    The detectable log-ratio is that of one comparison alone.

    Args:
        noise: standard deviation of the logarithm of one run.
        seeds: at each axis value.
        points: how many axis values there are.
        within: the relative difference that still counts as none.
        confidence: of the verdict.
        mutual: whether medians are compared with one another, all pairs of them, or each with a known number.
    """
    # Of a pair both ends move; each of them adds its reach, and its error as noise does.
    sides, comparisons = (2, max(math.comb(points, 2), 1)) if mutual else (1, points)
    level, chance = (1 - confidence) / 2, chance_of_range if mutual else chance_within
    supporting = precision(seeds, level, paired=not mutual)
    refuting = precision(seeds, level / comparisons, paired=not mutual)
    if supporting is None or refuting is None:
        return Power(detectable=math.inf, support=0.0)
    margin, noise, half = math.log1p(within), max(noise, NO_NOISE), sides * supporting.reach
    return Power(
        detectable=margin + noise * (sides * refuting.reach + _NORMAL_90 * math.sqrt(sides) * refuting.error),
        support=chance((margin / noise - half) / supporting.error, points),
        resolution=math.expm1(noise * (half + room_for(chance, _SEEN, points) * supporting.error)),
    )


def _finite(interval: Interval) -> Interval | None:
    return interval if all(map(math.isfinite, interval)) else None


def _reason(where: str, worst: _Bounded, interval: Interval, margin: float) -> str:
    return f"{worst.compared.called}, [{interval.low:+.3f}, {interval.high:+.3f}], {where} +-{margin:.3f}"


def _remedy(reason: str, worst: _Bounded, margin: float, measurement: Measurement) -> Remedy:
    half, most = (worst.supporting.high - worst.supporting.low) / 2, max(measurement.seeds)
    noun = f"seeds a {measurement.axis if plural(measurement.axis) != measurement.axis else 'value'}"
    if not math.isfinite(half):
        text = f"{reason}: more than {most} {noun}, so that runs without a number bound no median"
        return Remedy(limited_by="missing runs", text=text)
    return for_half_width(reason, half, margin, most, noun, near="; more seeds, or say what may differ")
