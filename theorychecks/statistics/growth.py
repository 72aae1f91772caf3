"""LogarithmicGrowth: whether a quantity grows like the logarithm of time, rather than like a power of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy import special, stats

from theorychecks.statistics.arguments import settle_numbers
from theorychecks.statistics.cells import NO_NOISE, Array, Estimate, mean_of
from theorychecks.statistics.dithering import unless_rounded
from theorychecks.statistics.growth_index import growth_index
from theorychecks.statistics.interval import CONFIDENCE, FEWEST_POINTS, Interval, check_confidence
from theorychecks.statistics.measurement import Measurement, check_measurement
from theorychecks.statistics.prediction import Demands
from theorychecks.statistics.verdict import Expectation, Finding, Power, Remedy, Verdict, decide

FEWEST_DECADES: Final = 8
"""A slow power less a constant looks like a logarithm until it has grown by a factor of e: t^0.05 - 0.9 is SUPPORTED
over four decades and REFUTED over eight; a logarithm with an early transient, the other way round (see the tests).
"""
_FEWEST_SEEDS: Final = 6
_PLANNED: Final = 0.6
"""A half-width of 0.6 margins leaves room for the estimate itself."""
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

    def demands(self, points: int, confidence: float) -> Demands:
        """All times, five or more, with six curves."""
        return Demands(max(points, FEWEST_POINTS), _FEWEST_SEEDS)

    def admit(self, axis_values: Sequence[float], seeds: Sequence[int], *, confidence: float = CONFIDENCE) -> None:
        """Refuse fewer than five times, eight decades or six curves, and cells that make no curves."""
        decades = math.log10(axis_values[-1] / axis_values[0])
        if len(axis_values) < FEWEST_POINTS or decades < FEWEST_DECADES - 1e-9:
            raise ValueError(
                f"a logarithm is told from a slow power over {FEWEST_DECADES} decades, at {FEWEST_POINTS} times or "
                f"more; got {len(axis_values)} over {decades:.2g}. Integrate in log t."
            )
        if len(set(seeds)) > 1 or min(seeds) < _FEWEST_SEEDS:
            raise ValueError(
                f"each seed makes a curve, so as many are needed at every time, {_FEWEST_SEEDS} or more; "
                f"got {tuple(seeds)}"
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
        quantile = float(stats.t.isf((1 - confidence) / 2, freedom))
        missed = 2 * float(special.nctdtr(freedom, min(self.within / error, _FAR), quantile))
        seen, sharp = (float(special.nctdtrinc(freedom, tail, quantile)) for tail in _MISSED)
        return Power(
            detectable=_departure(self.within, seen * error), support=max(1 - missed, 0.0), resolution=sharp * error
        )

    def judge(self, measurement: Measurement, *, confidence: float = CONFIDENCE) -> Finding:
        """SUPPORTED when the interval of the index lies inside the margin and curves grow, REFUTED when they cannot.

        Raises:
            ValueError: for fewer than five times, eight decades or six curves, or unequal numbers of seeds.
        """
        check_measurement(measurement)
        check_confidence(confidence)
        self.admit(measurement.axis_values, measurement.seeds, confidence=confidence)
        verdict, p_value, interval, remedy = Verdict.INCONCLUSIVE, None, None, None
        if any(measurement.not_finite):
            reason = f"{measurement.what_is_missing().partition(';')[0]}; a curve needs a number at every time"
            remedy = Remedy(limited_by="missing runs", text=reason)
        else:
            times = np.log(np.asarray(measurement.axis_values))
            curves = np.array(measurement.log_values()).T / self.exponent
            grown = mean_of(curves[:, -1] - curves[:, 0], guarded=False)
            level = (1 - confidence) / 2
            falls, grows = grown.chance_below(-grown.value), grown.chance_above(grown.value)
            index = _index(times, curves)
            if falls <= level:
                verdict, p_value, reason = Verdict.REFUTED, falls, "the curves go the other way"
            elif index is None:
                reason = (
                    "the mean curve has no index of growth: it hardly grows, or by more than any logarithm at its end"
                )
                remedy = Remedy(limited_by="noise", text=f"{reason}; more curves, or a longer span")
                reason = remedy.text
            else:
                interval = Interval(index.value - index.reach_below(level), index.value + index.reach_above(level))
                allowed = Interval(1 - self.within, 1 + self.within)
                shown = f"the index of growth [{interval.low:+.2f}, {interval.high:+.2f}]"
                limits = f"[{allowed.low:g}, {allowed.high:g}], where a logarithm has 1 and a power 0"
                verdict = decide(interval, allowed, flagged=grows > level)
                if verdict is Verdict.REFUTED:
                    beyond = (
                        index.chance_above(index.value - allowed.high),
                        index.chance_below(allowed.low - index.value),
                    )
                    p_value = min(beyond)
                    reason = f"{shown} lies outside {limits}"
                elif verdict is Verdict.SUPPORTED:
                    inside = (
                        index.chance_above(index.value - allowed.low),
                        index.chance_below(allowed.high - index.value),
                    )
                    p_value = max(*inside, grows)
                    reason = f"{shown} lies inside {limits}"
                else:
                    remedy = _remedy(f"{shown} reaches beyond {limits}", interval, self.within, measurement)
                    reason = remedy.text
        finding = Finding(
            expectation=self.expectation,
            measurement=measurement,
            verdict=verdict,
            reason=reason,
            confidence=confidence,
            interval=interval,
            p_value=p_value,
            remedy=remedy,
        )
        return unless_rounded(finding)


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


def _remedy(reason: str, interval: Interval, within: float, measurement: Measurement) -> Remedy:
    half = (interval.high - interval.low) / 2
    if half <= within / 2:
        return Remedy(limited_by="boundary", text=f"{reason}: near the boundary; a longer span")
    factor, most = (half / (_PLANNED * within)) ** 2, max(measurement.seeds)
    text = f"{reason}: about {math.ceil(factor * most)} curves instead of {most}, or a longer span"
    return Remedy(limited_by="noise", text=text, effort=factor)
