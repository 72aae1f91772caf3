"""Judgement: what the statistics say of a prediction, and the three-way rule, here and nowhere else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Final

from theorychecks.statistics.interval import Fit, Interval
from theorychecks.statistics.measurement import MEAN_OF_LOGS, Average, Measurement
from theorychecks.statistics.remedies import Remedy, dithered
from theorychecks.statistics.rounding import check_rounding

CLEAR: Final = 0.005
"""A verdict fails a claim when chance gives it so rarely, on the pinned seeds and again on fresh ones: both together 25
times in a million for a prediction whose truth lies on the edge of its margin, and far less often inside."""


class Verdict(Enum):
    """What an experiment says about a prediction."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"


def decide(interval: Interval, allowed: Interval, *, flagged: bool = False) -> Verdict:
    """Compare an interval with what a prediction allows.

    A wrong SUPPORTED needs an interval that misses the truth, and so does a wrong REFUTED: the confidence bounds how
    often. A flag never upgrades a verdict: it only takes SUPPORTED away.
    Ordering, InteriorOptimum, Crossing, SameLaw and Identity, and a Collapse or an Equal that is refuted, are decided
    by tests of their own; `tests/calibration` counts how often each kind errs.

    Args:
        interval: of the measured quantity.
        allowed: values the prediction allows, margin included; ends may be infinite.
        flagged: whether a check of the fit's assumptions fired.
    """
    if interval.disjoint(allowed):
        return Verdict.REFUTED
    if interval.inside(allowed) and not flagged:
        return Verdict.SUPPORTED
    return Verdict.INCONCLUSIVE


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """A prediction in numbers: its kind, exponent, margin and nearest rival, and what is averaged over seeds."""

    kind: str
    exponent: float | None = None
    margin: float | None = None
    rival: float | None = None
    average: Average = MEAN_OF_LOGS


@dataclass(frozen=True, kw_only=True)
class Power:
    """What a design could detect, whatever it found.

    Attributes:
        detectable: the smallest departure from the prediction, under the worst correction of the class, that is REFUTED
            with probability 0.9: in the exponent, or in the log-ratio of an ordering. Infinite if there is none.
        support: probability that a true prediction is SUPPORTED, where there is no correction to scaling.
        resolution: the margin within which that probability would be 0.9; what a plan makes small.
    """

    detectable: float
    support: float
    resolution: float = math.inf


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the statistics say of a measurement that was held against a prediction.

    Attributes:
        measurement: what was judged: a ratio where a prediction is about one.
        verdict: what follows.
        reason: why, and where it is open what would decide it.
        confidence: of the interval, and of the verdict.
        fit: the power law behind the verdict, where there is one.
        interval: of the judged quantity: an exponent, a log-ratio for an ordering.
        allowed: values of that quantity that the prediction allows, margin included; infinite ends are open. Of a
            half-integer, what the interval lies outside of where it is refuted, and up to the next ones elsewhere.
        p_value: bound on the probability of so clear a verdict if it is wrong.
        remedy: what would decide an open verdict.
    """

    measurement: Measurement
    verdict: Verdict
    reason: str
    confidence: float
    fit: Fit | None = None
    interval: Interval | None = None
    allowed: Interval | None = None
    p_value: float | None = None
    remedy: Remedy | None = None

    @property
    def clear(self) -> bool:
        """Whether the verdict is decided, and clearly enough to fail a claim by itself."""
        return self.verdict is not Verdict.INCONCLUSIVE and is_clear(self.p_value)


def undecided(
    measurement: Measurement,
    remedy: Remedy,
    confidence: float,
    *,
    fit: Fit | None = None,
    interval: Interval | None = None,
    allowed: Interval | None = None,
) -> Judgement:
    """A judgement that is open, for the reason that its remedy gives."""
    return Judgement(
        measurement=measurement,
        verdict=Verdict.INCONCLUSIVE,
        reason=remedy.text,
        confidence=confidence,
        fit=fit,
        interval=interval,
        allowed=allowed,
        remedy=remedy,
    )


def unless_rounded(judgement: Judgement, other: Measurement | None = None) -> Judgement:
    """A judgement, or an open one where a grid hides the noise of its runs, or of those they are compared with."""
    if not check_rounding(other or judgement.measurement).fired:
        return judgement
    return undecided(
        judgement.measurement,
        dithered(),
        judgement.confidence,
        interval=judgement.interval,
        allowed=judgement.allowed,
    )


def is_clear(p_value: float | None) -> bool:
    """Whether chance gives such a verdict so rarely that it may fail a claim; no p value leaves nothing to chance."""
    return p_value is None or p_value < CLEAR
