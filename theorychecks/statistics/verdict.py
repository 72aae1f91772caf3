"""Verdict and Finding: the three-way rule, here and nowhere else."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np

from theorychecks.statistics.interval import Fit, Interval, fit_power_law
from theorychecks.statistics.measurement import MEAN_OF_LOGS, Average, Measurement

_STEPS: Final = 32
_SMALLEST_SIZE: Final = 1e-6
"""A class without corrections has no members; a tiny one stands for it."""
Role = Literal["prediction", "control"]
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

    A wrong SUPPORTED or REFUTED needs the interval to miss the truth, so both error rates are bounded by its
    confidence. A flag never upgrades a verdict: it only takes SUPPORTED away.

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


Limit = Literal["bias", "noise", "flags", "boundary", "missing runs"]
"""What keeps a finding from being decided."""


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What would decide an inconclusive finding.

    Attributes:
        limited_by: what keeps it open.
        text: what to do, in words.
        effort: how many times the seeds it would take, where seeds would do.
    """

    limited_by: Limit
    text: str
    effort: float | None = None


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
class Looks:
    """How a sequential design came to its verdict: each look has a share of the level, and the last one decides.

    Attributes:
        taken: looks that were taken.
        planned: looks that the budget has room for.
        budget: the most that may be spent, in networks at every width.
    """

    taken: int
    planned: int
    budget: int


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """The same prediction judged on fresh seeds, after a verdict that would fail the claim."""

    verdict: Verdict
    p_value: float | None
    interval: Interval | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One judged prediction with all its numbers.

    Attributes:
        expectation: what was predicted.
        measurement: what was measured.
        verdict: what follows.
        reason: why, and for an inconclusive finding what would decide it.
        fit: the power law behind the verdict, where there is one.
        interval: of the judged quantity: an exponent, or a log-ratio for an ordering.
        allowed: exponents that the prediction allows, margin included.
        remedy: what would decide an inconclusive finding.
        p_value: bound on the probability of so clear a verdict if it is wrong, over all looks.
        power: what the whole budget could have detected.
        looks: of a sequential design.
        confirmation: on fresh seeds, of a verdict that fails the claim.
        repeatable: whether fresh seeds can be drawn; numbers that are given cannot be drawn again.
        label: which of the claim's quantities this is.
        role: a prediction must be SUPPORTED, a control REFUTED.
        setting: what the claim was given, as text.
        engine: which engine measured, from which width on.
        seconds: how long the measurement took.
        flops: floating-point operations that it took.
        trainings: networks that it trained.
    """

    expectation: Expectation
    measurement: Measurement
    verdict: Verdict
    reason: str
    confidence: float
    fit: Fit | None = None
    interval: Interval | None = None
    allowed: Interval | None = None
    remedy: Remedy | None = None
    p_value: float | None = None
    power: Power | None = None
    looks: Looks | None = None
    confirmation: Confirmation | None = None
    repeatable: bool = False
    label: str = ""
    role: Role = "prediction"
    setting: Mapping[str, str] = field(default_factory=dict)
    engine: str = ""
    seconds: float = 0.0
    flops: float = 0.0
    trainings: int = 0

    @property
    def wanted(self) -> Verdict:
        """The verdict that the claim needs of this finding."""
        return Verdict.SUPPORTED if self.role == "prediction" else Verdict.REFUTED

    @property
    def passed(self) -> bool:
        """Whether the verdict is the one the claim needs."""
        return self.verdict is self.wanted

    @property
    def clear(self) -> bool:
        """Whether the verdict is decided clearly enough to fail a claim, were it not the wanted one."""
        return self.verdict is not Verdict.INCONCLUSIVE and _clear(self.p_value)

    @cached_property
    def breakdown_constant(self) -> float | None:
        """The largest finite-size constant C (or rho) under which the verdict is SUPPORTED.

        Sought among 32 up to the largest that the range admits, where a correction swallows nine tenths of the law.
        """
        if self.fit is None or self.allowed is None:
            return None
        fit, allowed = self.fit, self.allowed
        most = fit.finite_size.largest_size(np.asarray(self.measurement.axis_values, dtype=np.float64))
        sizes = [float(_rounded_down(most * step)) for step in np.linspace(0.0, 1.0, _STEPS + 1)[1:-1]]
        sizes = sorted({size for size in (_SMALLEST_SIZE, *sizes, fit.finite_size.size) if size < most})

        def again(size: float) -> Fit:
            return fit_power_law(
                self.measurement,
                confidence=self.confidence,
                finite_size=fit.finite_size.of_size(size),
                average=fit.average,
                among=fit.among,
            )

        # Intervals grow with the class, so the largest one inside is found by halving; flags only become fewer.
        place = bisect.bisect_left(sizes, 1, key=lambda size: int(not again(size).interval.inside(allowed))) - 1
        if place < 0 or again(sizes[place]).flagged:
            return None
        return sizes[place]

    @property
    def outcome(self) -> Literal["pass", "fail", "inconclusive"]:
        """The finding's share in its claim's outcome.

        It fails on a clear verdict that fresh seeds repeat as clearly, where there are any; anything less is open.
        """
        if self.passed:
            return "pass"
        if not self.clear:
            return "inconclusive"
        fresh = self.confirmation
        return "fail" if fresh is None or (fresh.verdict is self.verdict and _clear(fresh.p_value)) else "inconclusive"

    def to_document(self) -> dict[str, Any]:
        """The finding as plain JSON values (schema 1, `reports/README.md`); a missing number is None, never NaN."""
        fit, measurement = self.fit, self.measurement
        return {
            "label": self.label,
            "role": self.role,
            "setting": dict(self.setting),
            "axis": measurement.axis,
            "axis_values": list(measurement.axis_values),
            "seeds": list(measurement.seeds),
            "values": [[None if math.isnan(v) else v for v in cell] for cell in measurement.values],
            "not_finite": list(measurement.not_finite),
            "prediction": {
                "kind": self.expectation.kind,
                "exponent": self.expectation.exponent,
                "margin": self.expectation.margin,
                "rival": self.expectation.rival,
                "average": self.expectation.average,
            },
            "exponent": fit.exponent if fit else None,
            "prefactor": _finite_or_none(fit.prefactor) if fit else None,
            "interval": list(self.interval) if self.interval else None,
            "bias_bound": fit.bias_bound if fit else None,
            "standard_error": fit.standard_error if fit else None,
            "degrees_of_freedom": fit.degrees_of_freedom if fit else None,
            "confidence": self.confidence,
            "finite_size_class": _class_document(fit) if fit else None,
            "breakdown_c": self.breakdown_constant,
            "local_exponents": [_finite_or_none(v) for v in fit.local_exponents] if fit else [],
            "flags": {
                name: {
                    "fired": bool(check.fired),
                    "statistic": float(check.statistic),
                    "bound": float(check.bound),
                    "meaning": check.meaning,
                }
                for name, check in (fit.checks if fit else {}).items()
            },
            "trimmed": fit.trimmed if fit else False,
            "shared_seeds": measurement.shared_seeds,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "limited_by": self.remedy.limited_by if self.remedy else None,
            "p_value": self.p_value,
            "power": _power_document(self.power),
            "looks": _looks_document(self.looks),
            "confirmation": _confirmation_document(self.confirmation),
            "repeatable": self.repeatable,
            "engine": self.engine,
            "seconds": self.seconds,
            "flops": self.flops,
            "trainings": self.trainings,
        }


def _rounded_down(size: float) -> float:
    """To two significant digits."""
    unit = 10.0 ** (math.floor(math.log10(size)) - 1)
    return math.floor(size / unit) * unit


def _clear(p_value: float | None) -> bool:
    return p_value is None or p_value < CLEAR


def _class_document(fit: Fit) -> dict[str, Any]:
    allowed = fit.finite_size
    return {
        "constant": allowed.constant,
        "omegas": list(allowed.omegas),
        "rho": allowed.rho,
        "unit": allowed.unit,
        "towards": allowed.towards,
        "sign": allowed.sign,
    }


def _power_document(power: Power | None) -> dict[str, Any] | None:
    return None if power is None else {"detectable": _finite_or_none(power.detectable), "support": power.support}


def _looks_document(looks: Looks | None) -> dict[str, Any] | None:
    return None if looks is None else {"taken": looks.taken, "planned": looks.planned, "budget": looks.budget}


def _confirmation_document(confirmation: Confirmation | None) -> dict[str, Any] | None:
    if confirmation is None:
        return None
    return {
        "verdict": confirmation.verdict.value,
        "p_value": confirmation.p_value,
        "interval": list(confirmation.interval) if confirmation.interval else None,
    }


def _finite_or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
