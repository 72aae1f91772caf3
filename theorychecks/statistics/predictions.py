"""Predictions: what theory can say of a quantity, one class a prediction, one interface."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

from theorychecks.statistics.design import what_would_decide
from theorychecks.statistics.interval import (
    CONFIDENCE,
    DEFAULT_CLASS,
    FiniteSizeClass,
    Fit,
    Interval,
    admit_power_law,
    fit_power_law,
)
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.verdict import Expectation, Finding, Verdict, decide

MARGIN: Final = 0.08
"""Below half the distance from -1/2 to -2/3, so that one interval never supports both."""
PLATEAU_MARGIN: Final = 0.05
"""Refutes log m, whose local exponent is 0.24 at 64 and still 0.085 at 2^17."""
_CONSTANTS: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0)


@runtime_checkable
class Prediction(Protocol):
    """What a theory says of a quantity, and how a measurement is held against it."""

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers."""
        ...

    def admit(self, axis_values: Sequence[float], seeds: Sequence[int]) -> None:
        """Refuse a design on which the prediction could never be judged, before minutes are spent on it."""
        ...

    def judge(
        self, measurement: Measurement, *, confidence: float = ..., finite_size: FiniteSizeClass = ...
    ) -> Finding:
        """Hold a measurement against the prediction."""
        ...


@dataclass(frozen=True)
class PowerLaw:
    """Theta(m^exponent): the exponent is the predicted one, up to the margin.

    Attributes:
        exponent: predicted.
        within: the margin, below half the distance to the rival.
        rival: the nearest exponent that another theory predicts; needed for a margin above 0.08.
    """

    exponent: float
    within: float = field(default=MARGIN, kw_only=True)
    rival: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _check_margin(self, self.exponent, self.within, self.rival, widest=MARGIN)

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers."""
        return Expectation(kind="power_law", exponent=self.exponent, margin=self.within, rival=self.rival)

    def admit(self, axis_values: Sequence[float], seeds: Sequence[int]) -> None:
        """Refuse fewer than five axis values, or a first one too small for the finite-size class."""
        admit_power_law(axis_values)

    def judge(
        self, measurement: Measurement, *, confidence: float = CONFIDENCE, finite_size: FiniteSizeClass = DEFAULT_CLASS
    ) -> Finding:
        """SUPPORTED when the exponent's interval lies within the margin on both sides."""
        allowed = Interval(self.exponent - self.within, self.exponent + self.within)
        return _judge_exponent(self.expectation, allowed, measurement, confidence, finite_size)


@dataclass(frozen=True)
class UpperBound:
    """O(m^exponent): the quantity grows no faster (or falls no slower) than this.

    Attributes:
        exponent: of the bound.
        within: the margin above it.
        rival: the nearest larger exponent that another theory predicts; needed for a margin above 0.08.
    """

    exponent: float
    within: float = field(default=MARGIN, kw_only=True)
    rival: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _check_margin(self, self.exponent, self.within, self.rival, widest=MARGIN)
        if self.rival is not None and self.rival < self.exponent:
            raise ValueError(f"{self}: a rival of an upper bound is larger than it; got {self.rival:g}")

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers."""
        return Expectation(kind="upper_bound", exponent=self.exponent, margin=self.within, rival=self.rival)

    def admit(self, axis_values: Sequence[float], seeds: Sequence[int]) -> None:
        """Refuse fewer than five axis values, or a first one too small for the finite-size class."""
        admit_power_law(axis_values)

    def judge(
        self, measurement: Measurement, *, confidence: float = CONFIDENCE, finite_size: FiniteSizeClass = DEFAULT_CLASS
    ) -> Finding:
        """SUPPORTED when the exponent's interval ends below the bound plus the margin."""
        allowed = Interval(-math.inf, self.exponent + self.within)
        return _judge_exponent(self.expectation, allowed, measurement, confidence, finite_size)


@dataclass(frozen=True)
class LowerBound:
    """Omega(m^exponent): the quantity grows at least as fast (or falls no faster) than this.

    Attributes:
        exponent: of the bound.
        within: the margin below it.
        rival: the nearest smaller exponent that another theory predicts; needed for a margin above 0.08.
    """

    exponent: float
    within: float = field(default=MARGIN, kw_only=True)
    rival: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _check_margin(self, self.exponent, self.within, self.rival, widest=MARGIN)
        if self.rival is not None and self.rival > self.exponent:
            raise ValueError(f"{self}: a rival of a lower bound is smaller than it; got {self.rival:g}")

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers."""
        return Expectation(kind="lower_bound", exponent=self.exponent, margin=self.within, rival=self.rival)

    def admit(self, axis_values: Sequence[float], seeds: Sequence[int]) -> None:
        """Refuse fewer than five axis values, or a first one too small for the finite-size class."""
        admit_power_law(axis_values)

    def judge(
        self, measurement: Measurement, *, confidence: float = CONFIDENCE, finite_size: FiniteSizeClass = DEFAULT_CLASS
    ) -> Finding:
        """SUPPORTED when the exponent's interval begins above the bound minus the margin."""
        allowed = Interval(self.exponent - self.within, math.inf)
        return _judge_exponent(self.expectation, allowed, measurement, confidence, finite_size)


@dataclass(frozen=True)
class Plateau:
    """Theta(1), tending to a nonzero constant: the exponent is zero, up to a small margin.

    Attributes:
        within: the margin.
        rival: the exponent nearest to zero that another theory predicts; needed for a margin above 0.05.
    """

    within: float = field(default=PLATEAU_MARGIN, kw_only=True)
    rival: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _check_margin(self, 0.0, self.within, self.rival, widest=PLATEAU_MARGIN)

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers."""
        return Expectation(kind="plateau", exponent=0.0, margin=self.within, rival=self.rival)

    def admit(self, axis_values: Sequence[float], seeds: Sequence[int]) -> None:
        """Refuse fewer than five axis values, or a first one too small for the finite-size class."""
        admit_power_law(axis_values)

    def judge(
        self, measurement: Measurement, *, confidence: float = CONFIDENCE, finite_size: FiniteSizeClass = DEFAULT_CLASS
    ) -> Finding:
        """SUPPORTED when the exponent's interval lies within the margin about zero."""
        return _judge_exponent(
            self.expectation, Interval(-self.within, self.within), measurement, confidence, finite_size
        )


def _check_margin(prediction: object, exponent: float, within: float, rival: float | None, *, widest: float) -> None:
    if not (math.isfinite(exponent) and math.isfinite(within) and within > 0):
        raise ValueError(f"{prediction}: an exponent is finite and a margin positive; got {exponent} within {within}")
    if rival is None:
        if within > widest:
            raise ValueError(
                f"{prediction}: a margin above {widest:g} must name the nearest rival exponent, so that one sees what "
                f"it still tells apart; got within={within:g}. Add rival=..."
            )
        return
    if not math.isfinite(rival):
        raise ValueError(f"{prediction}: a rival is a finite exponent; got {rival}")
    if within >= abs(rival - exponent) / 2:
        raise ValueError(
            f"{prediction}: a margin stays below half the distance to its rival, "
            f"{abs(rival - exponent) / 2:g} here; got within={within:g}. "
            "Narrow the margin and widen the range of widths instead."
        )


def _judge_exponent(
    expectation: Expectation,
    allowed: Interval,
    measurement: Measurement,
    confidence: float,
    finite_size: FiniteSizeClass,
) -> Finding:
    if measurement.beyond_tolerance():
        return Finding(
            expectation=expectation,
            measurement=measurement,
            verdict=Verdict.INCONCLUSIVE,
            reason=measurement.what_is_missing(),
            confidence=confidence,
        )
    fit = fit_power_law(measurement, confidence=confidence, finite_size=finite_size)
    fired = [name for name, check in fit.checks.items() if check.fired]
    verdict = decide(fit.interval, allowed, flagged=bool(fired))
    return Finding(
        expectation=expectation,
        measurement=measurement,
        verdict=verdict,
        reason=_reason(verdict, fit, fired, expectation, allowed, measurement),
        confidence=confidence,
        fit=fit,
        interval=fit.interval,
        breakdown_constant=_breakdown_constant(measurement, allowed, confidence, finite_size),
    )


def _breakdown_constant(
    measurement: Measurement, allowed: Interval, confidence: float, finite_size: FiniteSizeClass
) -> float | None:
    """The largest C of a fixed list under which the measurement supports the prediction; None where it never does."""
    largest = None
    for constant in sorted({*_CONSTANTS, finite_size.constant}):
        # A class of C = 0 has no members; a tiny C stands for it.
        trial = FiniteSizeClass(constant=max(constant, 1e-6), omegas=finite_size.omegas)
        try:
            fit = fit_power_law(measurement, confidence=confidence, finite_size=trial)
        except ValueError:
            break
        if decide(fit.interval, allowed, flagged=any(c.fired for c in fit.checks.values())) is Verdict.SUPPORTED:
            largest = constant
    return largest


def _reason(
    verdict: Verdict,
    fit: Fit,
    fired: list[str],
    expectation: Expectation,
    allowed: Interval,
    measurement: Measurement,
) -> str:
    shown = f"[{fit.interval.low:+.3f}, {fit.interval.high:+.3f}]"
    limits = f"[{allowed.low:+.3f}, {allowed.high:+.3f}]"
    if verdict is Verdict.SUPPORTED:
        return f"the interval {shown} lies inside {limits}"
    if verdict is Verdict.REFUTED:
        curved = f" on this range (curved: {', '.join(fired)})" if fired else ""
        return f"the interval {shown} lies outside {limits}{curved}"
    if fired and fit.interval.inside(allowed):
        return f"flagged ({', '.join(fired)}): the data are curved beyond the finite-size class; widen the range"
    flags = f"; flagged ({', '.join(fired)})" if fired else ""
    return what_would_decide(fit, allowed, expectation.margin or MARGIN, measurement) + flags
