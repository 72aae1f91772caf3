"""What theory says of an exponent: Theta, O, Omega, and a constant."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from theorychecks.arguments import real_number
from theorychecks.statistics.exponent_verdict import CALM, calmest, judge_exponent, power_of_exponent
from theorychecks.statistics.finite_size import DEFAULT_CLASS, FiniteSizeClass, check_class, class_for
from theorychecks.statistics.interval import (
    CONFIDENCE,
    FEWEST_POINTS,
    Interval,
    admit_power_law,
    check_among,
    check_average,
)
from theorychecks.statistics.judgement import Expectation, Judgement, Power
from theorychecks.statistics.measurement import MEAN_OF_LOGS, Average, Measurement, ratio_to
from theorychecks.statistics.prediction import Demands, Layout
from theorychecks.statistics.rare import RUNS_TO_SEE
from theorychecks.statistics.remedies import range_for

MARGIN: Final = 0.08
"""Below half the distance from -1/2 to -2/3, so that one interval never supports both."""
PLATEAU_MARGIN: Final = 0.05
"""Refutes log m, whose local exponent is 0.24 at 64 and still 0.085 at 2^17."""
ENOUGH_SEEDS: Final = 4
"""Three give an interval, and hardly a narrow one."""


class ExponentPrediction(ABC):
    """A statement about an exponent: an interval of exponents that it allows, and how measurements are held against it.

    Subclasses say which exponents they allow, and add nothing to how that is judged.
    """

    within: float
    average: Average
    corrections: FiniteSizeClass | None
    among: int

    @property
    @abstractmethod
    def expectation(self) -> Expectation:
        """The prediction in numbers."""

    @property
    @abstractmethod
    def allowed(self) -> Interval:
        """Exponents that the prediction allows, margin included."""

    @property
    def neighbours(self) -> Interval | None:
        """Exponents of other theories on both sides, where the question is which one it is; none in general."""
        return None

    @property
    def room(self) -> float:
        """How far from the prediction the interval of a true one may reach."""
        return self.within

    def phrase(self, axis: str) -> str:
        """The power of the axis, "n^-0.5"; "at most" or "at least" that where the other side is open."""
        bound = "at most " if self.allowed.low == -math.inf else "at least " if self.allowed.high == math.inf else ""
        return bound + power_text(axis, self.expectation.exponent or 0.0)

    def demands(self, points: int, confidence: float) -> Demands:
        """Five axis values, so that curvature shows, and four seeds; 368 for a mean (see `rare`)."""
        return Demands(FEWEST_POINTS, ENOUGH_SEEDS if self.average == MEAN_OF_LOGS else RUNS_TO_SEE)

    def admit(self, layout: Layout, *, confidence: float = CONFIDENCE) -> None:
        """Refuse fewer than five axis values, a first one too small for the finite-size class, and too short a range.

        Too short is one on which even an observable with hardly any noise could not support the prediction.

        Raises:
            ValueError: also for an axis without a finite-size class, and for runs without partners.
        """
        layout.check_pairs()
        admit_power_law(layout.axis_values, finite_size=class_for(layout.axis, self.corrections))
        if layout.role == "prediction":
            self._check_range(layout.axis_values, layout.seeds)

    def _check_range(self, axis_values: Sequence[float], seeds: Sequence[int]) -> None:
        finite_size, margin = self.corrections or DEFAULT_CLASS, self.room
        half, bias = calmest(axis_values, seeds, finite_size)
        if half < margin:
            return
        reach = range_for(margin, axis_values, seeds, CALM, finite_size)
        needed = f"it needs values up to {reach:,.0f}" if reach else "it needs to begin further out, with more seeds"
        raise ValueError(
            f"this range, {axis_values[0]:g}..{axis_values[-1]:g}, cannot support a margin of {margin:g}: even if runs "
            f"scattered by {CALM:.0%}, half the interval would be {half:.3f} with these seeds, {bias:.3f} of it "
            f"bias; {needed}. Widen the range, or name the rival that a wider margin still tells apart."
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
        """What a design could detect, if the logarithm of one run had this standard deviation."""
        return power_of_exponent(
            axis_values,
            seeds,
            noise,
            allowed=self.allowed,
            margin=self.within,
            confidence=confidence,
            finite_size=self.corrections or DEFAULT_CLASS,
            shared_seeds=shared_seeds,
            room=self.room,
        )

    def judge(
        self, measurement: Measurement, other: Measurement | None = None, *, confidence: float = CONFIDENCE
    ) -> Judgement:
        """SUPPORTED when the exponent's whole interval is allowed, REFUTED when none of it is."""
        judged = ratio_to(measurement, other)
        return judge_exponent(
            judged,
            allowed=self.allowed,
            margin=self.room,
            average=self.average,
            confidence=confidence,
            finite_size=class_for(judged.axis, self.corrections),
            among=self.among,
            neighbours=self.neighbours,
        )


def power_text(axis: str, exponent: float) -> str:
    """A power of the width, "n^-0.5", or of another axis, "samples^-0.5"."""
    base = "n" if axis == "width" else axis
    return f"{base}^0" if exponent == 0 else f"{base}^{exponent:+.3g}"


@dataclass(frozen=True)
class PowerLaw(ExponentPrediction):
    """Theta(m^exponent): the exponent is the predicted one, up to the margin.

    Attributes:
        exponent: predicted.
        within: the margin, below half the distance to the rival.
        rival: the nearest exponent that another theory predicts; needed for a margin above 0.08.
        average: whether it is the exponent of the typical value ("mean of logs") or of the mean ("log of mean").
        corrections: the finite-size class, which every axis but the width has to declare.
        among: how many such predictions are judged together; the checks of their fits share one level.
    """

    exponent: float
    within: float = field(default=MARGIN, kw_only=True)
    rival: float | None = field(default=None, kw_only=True)
    average: Average = field(default=MEAN_OF_LOGS, kw_only=True)
    corrections: FiniteSizeClass | None = field(default=None, kw_only=True)
    among: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        check_margin(self, self.expectation, widest=MARGIN)

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers."""
        return Expectation(
            kind="power_law", exponent=self.exponent, margin=self.within, rival=self.rival, average=self.average
        )

    @property
    def allowed(self) -> Interval:
        """The margin on both sides."""
        return Interval(self.exponent - self.within, self.exponent + self.within)


@dataclass(frozen=True)
class UpperBound(ExponentPrediction):
    """O(m^exponent): the quantity grows no faster (or falls no slower) than this.

    Attributes:
        exponent: of the bound.
        within: the margin above it.
        rival: the nearest larger exponent that another theory predicts; needed for a margin above 0.08.
        average: whether it is the exponent of the typical value ("mean of logs") or of the mean ("log of mean").
        corrections: the finite-size class, which every axis but the width has to declare.
        among: how many such predictions are judged together; the checks of their fits share one level.
    """

    exponent: float
    within: float = field(default=MARGIN, kw_only=True)
    rival: float | None = field(default=None, kw_only=True)
    average: Average = field(default=MEAN_OF_LOGS, kw_only=True)
    corrections: FiniteSizeClass | None = field(default=None, kw_only=True)
    among: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        check_margin(self, self.expectation, widest=MARGIN)
        if self.rival is not None and self.rival < self.exponent:
            raise ValueError(f"{self}: a rival of an upper bound is larger than it; got {self.rival:g}")

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers."""
        return Expectation(
            kind="upper_bound", exponent=self.exponent, margin=self.within, rival=self.rival, average=self.average
        )

    @property
    def allowed(self) -> Interval:
        """Everything below the bound plus the margin."""
        return Interval(-math.inf, self.exponent + self.within)


@dataclass(frozen=True)
class LowerBound(ExponentPrediction):
    """Omega(m^exponent): the quantity grows at least as fast (or falls no faster) than this.

    Attributes:
        exponent: of the bound.
        within: the margin below it.
        rival: the nearest smaller exponent that another theory predicts; needed for a margin above 0.08.
        average: whether it is the exponent of the typical value ("mean of logs") or of the mean ("log of mean").
        corrections: the finite-size class, which every axis but the width has to declare.
        among: how many such predictions are judged together; the checks of their fits share one level.
    """

    exponent: float
    within: float = field(default=MARGIN, kw_only=True)
    rival: float | None = field(default=None, kw_only=True)
    average: Average = field(default=MEAN_OF_LOGS, kw_only=True)
    corrections: FiniteSizeClass | None = field(default=None, kw_only=True)
    among: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        check_margin(self, self.expectation, widest=MARGIN)
        if self.rival is not None and self.rival > self.exponent:
            raise ValueError(f"{self}: a rival of a lower bound is smaller than it; got {self.rival:g}")

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers."""
        return Expectation(
            kind="lower_bound", exponent=self.exponent, margin=self.within, rival=self.rival, average=self.average
        )

    @property
    def allowed(self) -> Interval:
        """Everything above the bound minus the margin."""
        return Interval(self.exponent - self.within, math.inf)


@dataclass(frozen=True)
class Plateau(ExponentPrediction):
    """Theta(1), tending to a nonzero constant: the exponent is zero, up to a small margin.

    Attributes:
        within: the margin.
        rival: the exponent nearest to zero that another theory predicts; needed for a margin above 0.05.
        average: whether it is the typical value ("mean of logs") that is constant or the mean ("log of mean").
        corrections: the finite-size class, which every axis but the width has to declare.
        among: how many such predictions are judged together; the checks of their fits share one level.
    """

    within: float = field(default=PLATEAU_MARGIN, kw_only=True)
    rival: float | None = field(default=None, kw_only=True)
    average: Average = field(default=MEAN_OF_LOGS, kw_only=True)
    corrections: FiniteSizeClass | None = field(default=None, kw_only=True)
    among: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        check_margin(self, self.expectation, widest=PLATEAU_MARGIN)

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers."""
        return Expectation(kind="plateau", exponent=0.0, margin=self.within, rival=self.rival, average=self.average)

    @property
    def allowed(self) -> Interval:
        """The margin about zero."""
        return Interval(-self.within, self.within)


def check_margin(prediction: ExponentPrediction, expected: Expectation, *, widest: float) -> None:
    """Refuse numbers that are none, and a margin that hides a rival.

    Raises:
        TypeError, ValueError: with the way out.
    """
    kind, rival = type(prediction).__name__, expected.rival
    exponent = real_number(expected.exponent, f"{kind}: an exponent", like="-1/2")
    within = real_number(expected.margin, f"{kind}: within", like="0.08")
    if rival is not None:
        rival = real_number(rival, f"{kind}: a rival", like="-1/2")
    for name, value in (("exponent", exponent), ("within", within), ("rival", rival)):
        if hasattr(prediction, name):
            object.__setattr__(prediction, name, value)
    if prediction.corrections is not None:
        check_class(prediction.corrections)
    check_average(prediction.average)
    check_among(prediction.among)
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
