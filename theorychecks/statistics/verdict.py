"""Verdict and Finding: the three-way rule, here and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from theorychecks.statistics.interval import Fit, Interval
from theorychecks.statistics.measurement import Measurement

Role = Literal["prediction", "control"]


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
    """A prediction in numbers: its kind, exponent, margin and nearest rival."""

    kind: str
    exponent: float | None = None
    margin: float | None = None
    rival: float | None = None


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
        breakdown_constant: the largest finite-size constant C for which a SUPPORTED stands.
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
    breakdown_constant: float | None = None
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
    def outcome(self) -> Literal["pass", "fail", "inconclusive"]:
        """The finding's share in its claim's outcome."""
        if self.passed:
            return "pass"
        return "inconclusive" if self.verdict is Verdict.INCONCLUSIVE else "fail"

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
            "trimmed": measurement.trimmed,
            "shared_seeds": measurement.shared_seeds,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "engine": self.engine,
            "seconds": self.seconds,
            "flops": self.flops,
            "trainings": self.trainings,
        }


def _class_document(fit: Fit) -> dict[str, Any]:
    return {"constant": fit.finite_size.constant, "omegas": list(fit.finite_size.omegas)}


def _finite_or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
