"""Ordering: which of two quantities is larger, paired by seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from scipy import special

from theorychecks.arguments import is_one_of
from theorychecks.statistics.cells import Array
from theorychecks.statistics.interval import CONFIDENCE, Interval, check_confidence
from theorychecks.statistics.judgement import (
    Expectation,
    Judgement,
    Power,
    Verdict,
    undecided,
    unless_rounded,
)
from theorychecks.statistics.measurement import Measurement, ratio_to
from theorychecks.statistics.prediction import Demands, Layout
from theorychecks.statistics.remedies import Remedy, missing_runs

_SEEN: Final = 0.9


@dataclass(frozen=True)
class Ordering:
    """A ratio is above (or below) one at every axis value, paired by seed.

    Judge it on `numerator.over(denominator)`. Both a t interval of the mean log-ratio and a sign test must agree.
    The sign test bounds the error for the median whatever the distribution; for the mean, skewed log-ratios can exceed
    the nominal error, so the median is what is claimed.
    A ratio of exactly one is a run like any other, and neither above nor below: ties count against what is tested, so
    that where the median ratio is one, neither direction is SUPPORTED.

    Attributes:
        direction: whether the ratio is "above" or "below" one.
    """

    direction: Literal["above", "below"] = "above"

    def __post_init__(self) -> None:
        if not is_one_of(self.direction, ("above", "below")):
            raise ValueError(f"a ratio is 'above' or 'below' one; got {self.direction!r}")

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers; an ordering has none."""
        return Expectation(kind="ordering")

    def phrase(self, axis: str) -> str:
        """What reports call it."""
        return "an ordering"

    def demands(self, points: int, confidence: float) -> Demands:
        """All axis values, with as many seeds as the sign test needs to refute at one of them."""
        return Demands(points, math.ceil(math.log2(points / ((1 - confidence) / 2))))

    def admit(self, layout: Layout, *, confidence: float = CONFIDENCE) -> None:
        """Refuse fewer seeds than the sign test needs."""
        layout.check_pairs()
        points, needed = self.demands(len(layout.axis_values), confidence)
        if min(layout.seeds) < needed:
            raise ValueError(
                f"an ordering over {points} axis values at confidence {confidence:g} needs {needed} seeds at "
                f"each, or its sign test could never refute; got {tuple(layout.seeds)}"
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
        """The log-ratio seen at its point with probability 0.9, by mean and by sign; equals are never SUPPORTED.

        By the larger of what either test needs under normal noise, which is mostly the sign test's.
        """
        seen = noise * _detectable(min(seeds), (1 - confidence) / 2 / len(axis_values))
        return Power(detectable=seen, support=0.0, resolution=seen)

    def judge(
        self, measurement: Measurement, other: Measurement | None = None, *, confidence: float = CONFIDENCE
    ) -> Judgement:
        """SUPPORTED when every axis value shows the order, REFUTED when one shows the opposite.

        Support needs every test to succeed, so it needs no correction for many axis values; refutation divides its
        level among them.

        Raises:
            ValueError: with fewer seeds than the sign test needs to refute at this confidence.
        """
        measurement = ratio_to(measurement, other)
        check_confidence(confidence)
        tail = (1 - confidence) / 2
        self.admit(Layout.of(measurement), confidence=confidence)
        sign = 1.0 if self.direction == "above" else -1.0
        cells = [sign * cell for cell in measurement.log_values()]
        if measurement.beyond_tolerance():
            return undecided(measurement, missing_runs(measurement), confidence)
        worst = min(cells, key=lambda cell: float(np.median(cell)))
        interval = _mean_interval(worst, tail)
        verdict, p_value, reason = self._decide(cells, tail)
        found = Judgement(
            measurement=measurement,
            verdict=verdict,
            reason=reason,
            confidence=confidence,
            interval=Interval(*sorted((sign * interval.low, sign * interval.high))),
            p_value=p_value,
            remedy=Remedy(limited_by="noise", text=reason) if verdict is Verdict.INCONCLUSIVE else None,
        )
        # A grid on which one lies keeps the order, and shows as ties what it hides.
        return found if all(1.0 in cell for cell in measurement.values) else unless_rounded(found)

    def _decide(self, cells: list[Array], tail: float) -> tuple[Verdict, float | None, str]:
        above = max(_p_above_zero(cell) for cell in cells)
        if above <= tail:
            return Verdict.SUPPORTED, above, f"the ratio is {self.direction} one at every point, by mean and by sign"
        below = min(1.0, len(cells) * min(_p_above_zero(-cell) for cell in cells))
        if below <= tail:
            return Verdict.REFUTED, below, f"at some point the ratio is not {self.direction} one, by mean and by sign"
        return Verdict.INCONCLUSIVE, None, "the order is not clear at every point: more seeds would decide it"


@lru_cache(maxsize=4096)
def _detectable(seeds: int, level: float) -> float:
    """The mean, in standard deviations, of normal runs that both tests see at this level with probability 0.9."""
    by_mean = float(special.nctdtrinc(seeds - 1, 1 - _SEEN, -special.stdtrit(seeds - 1, level))) / math.sqrt(seeds)
    # So many signs reject, and this is how often each must come out for so many to do so.
    signs = int(np.argmax(special.bdtrc(np.arange(seeds + 1), seeds, 0.5) <= level)) + 1
    if signs > seeds:
        return math.inf
    each = special.betaincinv(signs, seeds - signs + 1, _SEEN)
    return max(by_mean, float(special.ndtri(each)))


def _p_above_zero(logs: Array) -> float:
    """The larger of two one-sided p values, that the mean (t) and the median (sign test) exceed zero."""
    finite = logs[np.isfinite(logs)]
    error = finite.std(ddof=1) / math.sqrt(len(finite))
    by_mean = float(special.stdtr(len(finite) - 1, -finite.mean() / error)) if error > 0 else float(finite.mean() <= 0)
    # A missing run and a tie count as trials and never as successes.
    by_sign = special.bdtrc(int((finite > 0).sum()) - 1, len(logs), 0.5)
    return max(by_mean, float(by_sign))


def _mean_interval(logs: Array, tail: float) -> Interval:
    finite = logs[np.isfinite(logs)]
    half = -special.stdtrit(len(finite) - 1, tail) * finite.std(ddof=1) / math.sqrt(len(finite))
    return Interval(float(finite.mean() - half), float(finite.mean() + half))
