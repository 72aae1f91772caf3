"""LogarithmicGrowth: whether a quantity grows like the logarithm of time, rather than like a power of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy import special

from theorychecks.arguments import settle_numbers
from theorychecks.statistics.cells import NO_NOISE, Array, Estimate, mean_of
from theorychecks.statistics.growth_index import growth_index
from theorychecks.statistics.interval import CONFIDENCE, FEWEST_POINTS, Interval, check_confidence
from theorychecks.statistics.judgement import (
    Expectation,
    Judgement,
    Power,
    Verdict,
    decide,
    undecided,
    unless_rounded,
)
from theorychecks.statistics.measurement import Measurement, ratio_to
from theorychecks.statistics.prediction import Demands, Layout
from theorychecks.statistics.remedies import Remedy, for_half_width

FEWEST_DECADES: Final = 8
"""A slow power less a constant looks like a logarithm until it has grown by a factor of e: t^0.05 - 0.9 is SUPPORTED
over four decades and REFUTED over eight; a logarithm with an early transient, the other way round (see the tests).
"""
_FEWEST_SEEDS: Final = 6
_MISSED: Final = (0.1, 0.05)
"""How often a detectable departure is missed on its one side, and a true index, nine times in ten seen, on either."""
_FAR: Final = 50.0
"""Noncentralities beyond which nothing is missed."""


@dataclass(frozen=True)
class LogarithmicGrowth:
    """Q = (a + b log t)^exponent with b > 0: no power of t, and no other power of its logarithm.

    The index lambda of Box and Cox (1964) tells them apart: Q^lambda is linear in log t for lambda = 1 if Q grows like
    the logarithm, for lambda towards 0 if like a power of t, and for 1 / p if like (log t)^p. It is that of the mean
    curve, the mean of the logarithms over seeds, found by maximum likelihood whatever the offset and the unit of time:
    the index of a single noisy curve is biased, and its mean over many curves keeps that bias while its interval
    shrinks. Student's t over the seeds' parts in the index, to first order and corrected for skew, gives the interval.
    Seed index s makes the s-th curve: of one network under shared seeds, of independent draws otherwise.
    No class of corrections is allowed for. Begin where the growth has set in: the logarithm of 1 + t from t = 1 on has
    index 0.86 over eight decades, that of 1 + t / 10 has 0.58 and is refuted. A power so slow that it grows by less
    than a factor of e over the whole span is a logarithm to any noise: t^0.02 - 0.9 has index 0.79 over eight decades.

    Attributes:
        within: the margin of the index about one.
        exponent: of the logarithm: 1 / 2 for its root, -1 for what falls like 1 / log t.
    """

    within: float = 0.25
    exponent: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        settle_numbers(self, within="0.25", exponent="1/2")
        if not 0 < self.within < 0.5:
            raise ValueError(
                f"the index is 1 for a logarithm, 1/2 for its square and 0 for a power: the margin lies between 0 and "
                f"1/2; got {self.within}"
            )
        if not (math.isfinite(self.exponent) and self.exponent != 0):
            raise ValueError(f"a power of the logarithm is finite and not zero; got {self.exponent}")

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers: the margin is that of the index."""
        return Expectation(kind="logarithmic_growth", margin=self.within)

    def phrase(self, axis: str) -> str:
        """What reports call it."""
        return "growth like a logarithm"

    def demands(self, points: int, confidence: float) -> Demands:
        """All times, five or more, with six curves."""
        return Demands(max(points, FEWEST_POINTS), _FEWEST_SEEDS)

    def admit(self, layout: Layout, *, confidence: float = CONFIDENCE) -> None:
        """Refuse fewer than five times, eight decades or six curves, and cells that make no curves."""
        layout.check_pairs()
        decades = math.log10(layout.axis_values[-1] / layout.axis_values[0])
        if len(layout.axis_values) < FEWEST_POINTS or decades < FEWEST_DECADES - 1e-9:
            raise ValueError(
                f"a logarithm is told from a slow power over {FEWEST_DECADES} decades, at {FEWEST_POINTS} times or "
                f"more; got {len(layout.axis_values)} over {decades:.2g}. Integrate in log t."
            )
        if len(set(layout.seeds)) > 1 or min(layout.seeds) < _FEWEST_SEEDS:
            raise ValueError(
                f"each seed makes a curve, so as many are needed at every time, {_FEWEST_SEEDS} or more; "
                f"got {tuple(layout.seeds)}"
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
        """The departure of the index from one that is REFUTED nine times in ten, for a curve that starts as 1 + log t.

        By the curve's sensitivity to its index, less what offset and slope make up for (derived here), and the
        noncentral t law. Unequal numbers of seeds make no curves and show nothing.
        """
        if len(set(seeds)) > 1:
            return Power(detectable=math.inf, support=0.0)
        times = np.log(np.asarray(axis_values, dtype=np.float64))
        curve = 1 + times - times[0]
        offsets = np.stack([1 / curve, times / curve], axis=1)
        sensitivity = 1 - 1 / curve - np.log(curve)
        left = sensitivity - offsets @ np.linalg.lstsq(offsets, sensitivity, rcond=None)[0]
        error = max(noise / (float(np.linalg.norm(left)) * math.sqrt(min(seeds))), NO_NOISE)
        freedom = min(seeds) - 1
        quantile = -float(special.stdtrit(freedom, (1 - confidence) / 2))
        missed = 2 * float(special.nctdtr(freedom, min(self.within / error, _FAR), quantile))
        seen, sharp = (float(special.nctdtrinc(freedom, tail, quantile)) for tail in _MISSED)
        return Power(
            detectable=_departure(self.within, seen * error), support=max(1 - missed, 0.0), resolution=sharp * error
        )

    def judge(
        self, measurement: Measurement, other: Measurement | None = None, *, confidence: float = CONFIDENCE
    ) -> Judgement:
        """SUPPORTED when the interval of the index lies inside the margin and curves grow, REFUTED when they cannot.

        Raises:
            ValueError: for fewer than five times, eight decades or six curves, or unequal numbers of seeds.
        """
        measurement = ratio_to(measurement, other)
        check_confidence(confidence)
        self.admit(Layout.of(measurement), confidence=confidence)
        return unless_rounded(self._judged(measurement, confidence))

    def _judged(self, measurement: Measurement, confidence: float) -> Judgement:
        allowed, level = Interval(1 - self.within, 1 + self.within), (1 - confidence) / 2
        if any(measurement.not_finite):
            text = f"{measurement.what_is_missing().partition(';')[0]}; a curve needs a number at every time"
            return undecided(measurement, Remedy(limited_by="missing runs", text=text), confidence, allowed=allowed)
        times = np.log(np.asarray(measurement.axis_values))
        curves = np.array(measurement.log_values()).T / self.exponent
        grown = mean_of(curves[:, -1] - curves[:, 0], guarded=False)
        falls, grows = grown.chance_below(-grown.value), grown.chance_above(grown.value)
        index = None if falls <= level else _index(times, curves)
        if falls > level and index is None:
            text = (
                "the mean curve has no index of growth: it hardly grows, or by more than any logarithm at its end; "
                "more curves, or a longer span"
            )
            return undecided(measurement, Remedy(limited_by="noise", text=text), confidence, allowed=allowed)
        verdict, reason, p_value, interval = Verdict.REFUTED, "the curves go the other way", falls, None
        if index is not None:
            interval = Interval(index.value - index.reach_below(level), index.value + index.reach_above(level))
            verdict = decide(interval, allowed, flagged=grows > level)
            shown = f"the index of growth [{interval.low:+.2f}, {interval.high:+.2f}]"
            limits = f"[{allowed.low:g}, {allowed.high:g}], where a logarithm has 1 and a power 0"
            if verdict is Verdict.INCONCLUSIVE:
                remedy = _remedy(f"{shown} reaches beyond {limits}", interval, self.within, measurement)
                return undecided(measurement, remedy, confidence, interval=interval, allowed=allowed)
            if verdict is Verdict.SUPPORTED:
                reason, p_value = (
                    f"{shown} lies inside {limits}",
                    max(*_chances(index, allowed.low, allowed.high), grows),
                )
            else:
                reason, p_value = f"{shown} lies outside {limits}", min(_chances(index, allowed.high, allowed.low))
        return Judgement(
            measurement=measurement,
            verdict=verdict,
            reason=reason,
            confidence=confidence,
            interval=interval,
            allowed=allowed,
            p_value=p_value,
        )


def _index(times: Array, curves: Array) -> Estimate | None:
    """The index of the mean curve, with each seed's part in it; None where it has none."""
    middle = curves.mean(axis=0)
    found = growth_index(times, middle)
    if found.derivatives is None:
        return None
    return mean_of(found.value + (curves - middle) @ found.derivatives, guarded=False)


def _departure(within: float, reach: float) -> float:
    """How far above one an index must be to be seen beyond the margin, by what can be seen of an index of one.

    Noise of an index grows as its square, so d = within + reach (1 + d)^2; indices below one are seen sooner.
    """
    room = (1 - 2 * reach) ** 2 - 4 * reach * (within + reach)
    return (1 - 2 * reach - math.sqrt(room)) / (2 * reach) if room >= 0 and 2 * reach < 1 else math.inf


def _chances(index: Estimate, above: float, below: float) -> tuple[float, float]:
    """The chance of so large an index if the truth were the first, and of so small a one if it were the second."""
    return index.chance_above(index.value - above), index.chance_below(below - index.value)


def _remedy(reason: str, interval: Interval, within: float, measurement: Measurement) -> Remedy:
    half, most = (interval.high - interval.low) / 2, max(measurement.seeds)
    return for_half_width(reason, half, within, most, "curves", near="; a longer span", besides=", or a longer span")
