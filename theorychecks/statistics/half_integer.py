"""HalfInteger: which half-integer an exponent is, asked of many coordinates of one model."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from theorychecks.statistics.exponents import ExponentPrediction, check_margin
from theorychecks.statistics.finite_size import FiniteSizeClass
from theorychecks.statistics.interval import Interval
from theorychecks.statistics.judgement import Expectation
from theorychecks.statistics.measurement import MEAN_OF_LOGS, Average

STEP: Final = 0.5
"""Between exponents that theories of wide networks give to sizes and changes."""
NEAREST: Final = 0.24
"""Below half a step: an estimate so near to one half-integer is nearest to it."""


@dataclass(frozen=True)
class HalfInteger(ExponentPrediction):
    """Theta(m^exponent) or, as a bound, O(m^exponent), told from the other half-integers.

    SUPPORTED when the estimate is nearest to the predicted exponent, or below it for a bound, and the interval excludes
    the next half-integers; where a check of the fit has fired it must do so for corrections of twice the size, too.
    REFUTED when the interval holds nothing that is nearest to the prediction, as `PowerLaw` and `UpperBound` are.
    A wrong SUPPORTED where the truth is another half-integer needs an interval that misses it; an exponent in between
    is taken for the nearer one, or stays open.

    Attributes:
        exponent: predicted.
        at_most: whether smaller ones are as good.
        within: how near an estimate has to be, below a quarter.
        average: whether it is the exponent of the typical value ("mean of logs") or of the mean ("log of mean").
        corrections: the finite-size class, which every axis but the width has to declare.
        among: how many such predictions are judged together; the checks of their fits share one level.
    """

    exponent: float
    at_most: bool = field(default=False, kw_only=True)
    within: float = field(default=NEAREST, kw_only=True)
    average: Average = field(default=MEAN_OF_LOGS, kw_only=True)
    corrections: FiniteSizeClass | None = field(default=None, kw_only=True)
    among: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        check_margin(self, self.expectation, widest=NEAREST)
        if not float(self.exponent / STEP).is_integer():
            raise ValueError(f"{self}: a half-integer is a multiple of 1/2; got {self.exponent:g}. Use PowerLaw for it")

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers; its rival is the half-integer above."""
        kind = "half_integer_bound" if self.at_most else "half_integer"
        rival = self.exponent + STEP
        return Expectation(kind=kind, exponent=self.exponent, margin=self.within, rival=rival, average=self.average)

    @property
    def allowed(self) -> Interval:
        """Where the estimate has to lie."""
        return Interval(-math.inf if self.at_most else self.exponent - self.within, self.exponent + self.within)

    @property
    def neighbours(self) -> Interval:
        """Between which the interval has to lie: the next half-integers."""
        return Interval(-math.inf if self.at_most else self.exponent - STEP, self.exponent + STEP)

    @property
    def room(self) -> float:
        """As far as the next half-integer."""
        return STEP
