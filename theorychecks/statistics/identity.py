"""Identity: whether a quantity has its exact value in every run, up to rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from theorychecks.arguments import is_one_of, settle_numbers
from theorychecks.statistics.interval import CONFIDENCE, check_confidence
from theorychecks.statistics.judgement import Expectation, Judgement, Power, Verdict, undecided
from theorychecks.statistics.measurement import FEWEST_SEEDS, Measurement, ratio_to
from theorychecks.statistics.prediction import Demands, Layout
from theorychecks.statistics.remedies import Remedy
from theorychecks.statistics.statuses import Status

DType = Literal["float32", "float64"]
_EPSILON: Final = {"float32": float(np.finfo(np.float32).eps), "float64": float(np.finfo(np.float64).eps)}
_SMALLEST: Final = {"float32": math.ldexp(1.0, -149), "float64": math.ldexp(1.0, -1074)}
"""The distance between subnormal numbers, which have no finer one."""


@dataclass(frozen=True)
class Identity:
    """A quantity equals its exact value in every run, up to rounding: a ratio, judged `against` another, is one.

    Nothing here is left to chance, so there is neither an interval nor a p value. One run that deviates refutes it,
    whatever the others do, and a run of exactly zero deviates by the whole value; runs without a number leave it open.

    Attributes:
        ulps: how many units in the last place are still rounding.
        dtype: of the numbers that were rounded, whatever the measurement stores. Rounding errors add up over steps and
            sums, so double precision tells an identity from a small difference; single precision seldom does.
        value: the exact value.
    """

    ulps: float = 16.0
    dtype: DType = field(kw_only=True)
    value: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        settle_numbers(self, ulps="16", value="1.0")
        if not is_one_of(self.dtype, _EPSILON):
            raise ValueError(f"numbers are rounded to 'float32' or 'float64'; got {self.dtype!r}")
        if not (math.isfinite(self.ulps) and self.ulps > 0):
            raise ValueError(f"rounding errors are a positive number of units in the last place; got {self.ulps}")
        if not (math.isfinite(self.value) and self.value > 0):
            raise ValueError(f"the exact value of a positive quantity is positive; got {self.value}")

    @property
    def unit(self) -> float:
        """The unit in the last place at the exact value: the distance to the next larger number."""
        # A float is m 2^e with m in [1/2, 1), so its last place is 2^(e - 1) epsilon.
        return max(math.ldexp(_EPSILON[self.dtype], math.frexp(self.value)[1] - 1), _SMALLEST[self.dtype])

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers: the margin is in units in the last place, not in the quantity's own."""
        return Expectation(kind="identity", margin=self.ulps)

    def phrase(self, axis: str) -> str:
        """What reports call it."""
        return "an identity"

    def demands(self, points: int, confidence: float) -> Demands:
        """All axis values, with as many seeds as a measurement has at least."""
        return Demands(points, FEWEST_SEEDS)

    def admit(self, layout: Layout, *, confidence: float = CONFIDENCE) -> None:
        """Refuse runs without partners only: one run can refute, and what all runs show is all there is to support."""
        layout.check_pairs()

    def power(
        self,
        axis_values: Sequence[float],
        seeds: Sequence[int],
        noise: float,
        confidence: float = CONFIDENCE,
        *,
        shared_seeds: bool = False,
    ) -> Power:
        """The log-ratio beyond which any run refutes, whatever the noise; a true identity is always SUPPORTED."""
        return Power(detectable=math.log1p(self.ulps * self.unit / self.value), support=1.0, resolution=self.ulps)

    def judge(
        self, measurement: Measurement, other: Measurement | None = None, *, confidence: float = CONFIDENCE
    ) -> Judgement:
        """SUPPORTED when every run is within rounding, REFUTED when any is not; missing runs leave it open."""
        measurement = ratio_to(measurement, other)
        check_confidence(confidence)
        deviations = [
            (
                (self.value if status is Status.ZERO else abs(value - self.value)) / self.unit,
                f"{measurement.axis} {axis_value:g}, seed {seed}",
            )
            for axis_value, cell, statuses in zip(
                measurement.axis_values, measurement.values, measurement.statuses, strict=True
            )
            for seed, (value, status) in enumerate(zip(cell, statuses, strict=True))
            if status in (Status.OK, Status.ZERO)
        ]
        furthest, place = max(deviations, key=lambda deviation: deviation[0], default=(0.0, "no run"))
        deviates = f"the largest deviation from {self.value:g} is {furthest:.3g} ulps of {self.dtype}, at {place}"
        if furthest <= self.ulps and any(measurement.not_finite):
            missing = f"{measurement.what_is_missing().partition(';')[0]}; every run needs a number"
            return undecided(measurement, Remedy(limited_by="missing runs", text=missing), confidence)
        return Judgement(
            measurement=measurement,
            verdict=Verdict.SUPPORTED if furthest <= self.ulps else Verdict.REFUTED,
            reason=f"{deviates}; {self.ulps:g} are allowed",
            confidence=confidence,
        )
