"""Identity: whether a quantity has its exact value in every run, up to rounding."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from theorychecks.arguments import is_one_of, settle_numbers
from theorychecks.statistics.interval import CONFIDENCE, check_confidence
from theorychecks.statistics.judgement import Expectation, Judgement, Power, Verdict, undecided
from theorychecks.statistics.measurement import (
    FEWEST_SEEDS,
    Measurement,
    check_measurement,
    check_partners,
    ratio_to,
)
from theorychecks.statistics.prediction import Demands, Layout
from theorychecks.statistics.remedies import Remedy
from theorychecks.statistics.statuses import Status

DType = Literal["float32", "float64"]
_EPSILON: Final = {"float32": float(np.finfo(np.float32).eps), "float64": float(np.finfo(np.float64).eps)}
_SMALLEST: Final = {"float32": math.ldexp(1.0, -149), "float64": math.ldexp(1.0, -1074)}
"""The distance between subnormal numbers, which have no finer one."""
_NUMBERS: Final = frozenset({Status.OK, Status.ZERO})


@dataclass(frozen=True)
class Identity:
    """A quantity equals its exact value in every run, up to rounding: a ratio, judged `against` another, is one.

    Nothing here is left to chance, so there is neither an interval nor a p value. One run that deviates refutes it,
    whatever the others do, and a run of exactly zero deviates by the whole value; runs without a number leave it open.

    A sum that vanishes, or is small against its terms, is rounded as they are. With their size as the `scale` the
    quantity itself is judged, and no ratio: each run equals the value, or `against` another quantity the value times
    its partner, and where that is smaller than the scale, units in the last place are those at the scale.

    Attributes:
        ulps: how many units in the last place are still rounding.
        dtype: of the numbers that were rounded, whatever the measurement stores. Rounding errors add up over steps and
            sums, so double precision tells an identity from a small difference; single precision seldom does.
        value: the exact value; zero needs a scale.
        scale: the size of what is rounded, in the quantity's own unit, where that may exceed the exact value.
    """

    ulps: float = 16.0
    dtype: DType = field(kw_only=True)
    value: float = field(default=1.0, kw_only=True)
    scale: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        settle_numbers(self, ulps="16", value="1.0", scale="1.0")
        if not is_one_of(self.dtype, _EPSILON):
            raise ValueError(f"numbers are rounded to 'float32' or 'float64'; got {self.dtype!r}")
        if not (math.isfinite(self.ulps) and self.ulps > 0):
            raise ValueError(f"rounding errors are a positive number of units in the last place; got {self.ulps}")
        if not (math.isfinite(self.scale) and self.scale >= 0):
            raise ValueError(f"a scale is the positive size of what is rounded; got {self.scale}")
        if not (math.isfinite(self.value) and self.value >= 0 and max(self.value, self.scale) > 0):
            raise ValueError(
                f"the exact value of a positive quantity is positive; got {self.value}. Zero has no last place of its "
                "own: give the size of what cancels, scale=..."
            )

    @property
    def unit(self) -> float:
        """The unit in the last place at the exact value or the scale: the distance to the next larger number."""
        return self._unit_at(self.value)

    def _unit_at(self, exact: float) -> float:
        # A float is m 2^e with m in [1/2, 1), so its last place is 2^(e - 1) epsilon.
        exponent = math.frexp(max(exact, self.scale))[1]
        return max(math.ldexp(_EPSILON[self.dtype], exponent - 1), _SMALLEST[self.dtype])

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
        """The log-ratio beyond which any run refutes, whatever the noise; a true identity is always SUPPORTED.

        To an exact value of zero there is no ratio.
        """
        detectable = math.log1p(self.ulps * self.unit / self.value) if self.value else math.inf
        return Power(detectable=detectable, support=1.0, resolution=self.ulps)

    def judge(
        self, measurement: Measurement, other: Measurement | None = None, *, confidence: float = CONFIDENCE
    ) -> Judgement:
        """SUPPORTED when every run is within rounding, REFUTED when any is not; missing runs leave it open."""
        check_confidence(confidence)
        sides = self._sides(measurement, other)
        judged = sides[0]
        furthest, exact, place = max(
            self._deviations(*sides), key=lambda found: found[0], default=(0.0, self.value, "no run")
        )
        deviates = f"the largest deviation from {exact:g} is {furthest:.3g} ulps of {self.dtype}, at {place}"
        if furthest <= self.ulps and (lost := [side for side in sides if not self._all_known(side)]):
            missing = f"{lost[0].what_is_missing().partition(';')[0]}; every run needs a number"
            return undecided(judged, Remedy(limited_by="missing runs", text=missing), confidence)
        return Judgement(
            measurement=judged,
            verdict=Verdict.SUPPORTED if furthest <= self.ulps else Verdict.REFUTED,
            reason=f"{deviates}; {self.ulps:g} are allowed",
            confidence=confidence,
        )

    def _sides(self, measurement: Measurement, other: Measurement | None) -> list[Measurement]:
        """What is judged, and what each of its runs is held against: nothing but the value where that is a ratio."""
        if not self.scale:
            return [ratio_to(measurement, other)]
        check_measurement(measurement)
        if other is None:
            return [measurement]
        check_partners(measurement, other)
        return [measurement, other]

    def _all_known(self, side: Measurement) -> bool:
        known = _NUMBERS if self.scale else {Status.OK}
        return all(status in known for row in side.statuses for status in row)

    def _deviations(self, judged: Measurement, other: Measurement | None = None) -> Iterator[tuple[float, float, str]]:
        """Of every run that has a number: by how many units, from which exact value, and which run it is."""
        for k, (axis_value, row) in enumerate(zip(judged.axis_values, _numbers(judged), strict=True)):
            partners = [1.0] * len(row) if other is None else _numbers(other)[k]
            for seed, (run, partner) in enumerate(zip(row, partners, strict=True)):
                exact = self.value * partner
                deviation = abs(run - exact) / self._unit_at(exact)
                if not math.isnan(deviation):
                    yield deviation, exact, f"{judged.axis} {axis_value:g}, seed {seed}"


def _numbers(measurement: Measurement) -> list[list[float]]:
    """The runs of each cell, zeros among them, and NaN for those without a number."""
    return [
        [
            0.0 if status is Status.ZERO else value if status is Status.OK else math.nan
            for value, status in zip(cell, row, strict=True)
        ]
        for cell, row in zip(measurement.values, measurement.statuses, strict=True)
    ]
