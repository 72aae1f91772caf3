"""Verdict and Finding: the three-way rule, here and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Final, Literal

from theorychecks.statistics.breakdown import breakdown_constant
from theorychecks.statistics.interval import Fit, Interval
from theorychecks.statistics.measurement import MEAN_OF_LOGS, Average, Measurement

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

    A wrong SUPPORTED needs an interval that misses the truth, and so does a wrong REFUTED: the confidence bounds how
    often. A flag never upgrades a verdict: it only takes SUPPORTED away.
    Ordering, InteriorOptimum, Crossing, SameLaw and Identity, and a Collapse that is refuted, are decided by tests of
    their own; `tests/calibration` counts how often each kind errs.

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
        """The largest finite-size constant C (or rho) under which the verdict is SUPPORTED."""
        if self.fit is None or self.allowed is None:
            return None
        return breakdown_constant(self.fit, self.measurement, self.allowed)

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

    def __str__(self) -> str:
        """The finding in a line: what was judged, the verdict, and the numbers behind it."""
        expected, axis = self.expectation, self.measurement.axis_values
        predicted = expected.kind.replace("_", " ")
        predicted += f" {expected.exponent:+g}" if expected.exponent is not None else ""
        predicted += f" within {expected.margin:g}" if expected.margin is not None else ""
        measured = f" {self.fit.exponent:+.3g}" if self.fit else ""
        measured += f" [{self.interval.low:+.3g}, {self.interval.high:+.3g}]" if self.interval else ""
        name = f"{self.label or self.measurement.name or 'finding'} ({self.role})"
        found = f"{name}: {self.verdict.value.upper()}, {predicted}"
        return f"{found}; measured{measured or ' no exponent'} on {self.measurement.axis} {axis[0]:g}..{axis[-1]:g}"

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
