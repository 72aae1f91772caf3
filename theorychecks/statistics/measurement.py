"""Measurement: numbers with their statuses, cell by cell, before any judgement."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theorychecks.arguments import all_equal, axis_of, cells_of, check_exact, check_text, flag, flags_of
from theorychecks.statistics.axis import check_order
from theorychecks.statistics.statuses import SIDE, WAYS_OUT, Status, place, ratio, status_of

TRIM: Final = 0.2
"""Fraction of a cell's runs that a trimmed mean sets aside on each side (Yuen 1974)."""
SEEDS_TO_TRIM: Final = 8
"""Of so many runs a trimmed mean may lack the outermost fifth on each side and still have a variance."""
FEWEST_SEEDS: Final = 3
Average = Literal["mean of logs", "log of mean"]
"""What is averaged over seeds: the exponent of the typical value, or that of the mean. They differ by half the variance
of the logarithm, which has an exponent of its own where the noise depends on the axis."""
MEAN_OF_LOGS: Final = "mean of logs"
LOG_OF_MEAN: Final = "log of mean"


ADDED_LATER: Final = {"may be missing": True}
"""Of a record's field that files which were written before it was there do not have: it takes its default."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Values of one positive quantity over an axis and over seeds.

    Attributes:
        axis: what varies, "width" unless said otherwise.
        axis_values: K increasing positive numbers; how many and how far apart is up to what is predicted of them.
        values: K tuples, one number a seed; NaN where the run has none (see `statuses`).
        statuses: K tuples of `Status`, in the same places.
        shared_seeds: whether seed index s stands for the same draw at every axis value.
        exact: K times whether nothing is drawn there, or what is drawn cancels, so that all runs are equal; nowhere
            unless given. Other runs that are equal were rounded.
        name: what was measured, for messages.
        left_out: how many further runs have no number at each axis value, where the others are what is measured; none
            unless given.
    """

    axis_values: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]
    statuses: tuple[tuple[Status, ...], ...]
    axis: str = "width"
    shared_seeds: bool = False
    exact: tuple[bool, ...] = ()
    name: str = "the observable"
    left_out: tuple[int, ...] = field(default=(), metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        check_text(self.axis, "an axis", like="width")
        check_text(self.name, "what was measured", like="weight change")
        object.__setattr__(self, "shared_seeds", flag(self.shared_seeds, "shared_seeds"))
        check_order(self.axis_values, axis=self.axis)
        if not self.exact:
            object.__setattr__(self, "exact", (False,) * len(self.axis_values))
        if len(self.exact) != len(self.axis_values):
            raise ValueError(
                f"whether runs are exact is said for each {self.axis}; got {self.exact} for {len(self.axis_values)}"
            )
        if not self.left_out:
            object.__setattr__(self, "left_out", (0,) * len(self.axis_values))
        if len(self.left_out) != len(self.axis_values) or any(count < 0 for count in self.left_out):
            raise ValueError(f"runs left out are counted at each {self.axis}; got {self.left_out}")
        if not len(self.values) == len(self.statuses) == len(self.axis_values):
            raise ValueError(
                f"one tuple of values and one of statuses per {self.axis} are needed; got {len(self.values)} and "
                f"{len(self.statuses)} for {len(self.axis_values)} {self.axis} values"
            )
        for axis_value, cell, statuses, exact in zip(
            self.axis_values, self.values, self.statuses, self.exact, strict=True
        ):
            self._check_cell(axis_value, cell, statuses)
            if exact:
                check_exact(cell, f"{self.name} at {self.axis} {axis_value:g}")
        if self.shared_seeds and len({len(cell) for cell in self.values}) > 1:
            raise ValueError(
                f"shared seeds need the same number of seeds at every {self.axis}; got "
                f"{[len(cell) for cell in self.values]}"
            )

    def _check_cell(self, axis_value: float, cell: tuple[float, ...], statuses: tuple[Status, ...]) -> None:
        where = f"at {self.axis} {axis_value:g}"
        if len(cell) != len(statuses):
            raise ValueError(f"{len(cell)} values but {len(statuses)} statuses {where}")
        if len(cell) < FEWEST_SEEDS:
            raise ValueError(
                f"an interval over seeds needs at least {FEWEST_SEEDS} of them; got {len(cell)} {where}. "
                f"Ask for {SEEDS_TO_TRIM} or more."
            )
        if _all_ok(statuses) and all(0 < value < math.inf for value in cell):
            return
        for seed, (value, status) in enumerate(zip(cell, statuses, strict=True)):
            if status is Status.OK and value < 0:
                raise ValueError(
                    f"{self.name} must be positive to have an exponent; it is {value:g} {where}, seed {seed}. "
                    "Measure its size (a norm, a root mean square) instead."
                )
            if status is Status.OK and not (math.isfinite(value) and value > 0):
                raise ValueError(f"{value!r} {where}, seed {seed} is not a positive number, yet its status says ok")
            if math.isinf(value):
                raise ValueError(f"a run without a number is recorded as NaN; got {value} {where}, seed {seed}")

    @classmethod
    def of(
        cls,
        axis_values: Sequence[float],
        values: Sequence[ArrayLike] | NDArray[Any],
        *,
        axis: str = "width",
        shared_seeds: bool = False,
        exact: bool | Sequence[bool] = False,
        name: str = "the observable",
    ) -> Measurement:
        """Read statuses off raw numbers: infinite runs have diverged, zero runs are zero, NaN runs are undefined.

        Args:
            axis_values: K increasing positive numbers.
            values: K one-dimensional arrays, one number a seed.
            axis: name of the axis.
            shared_seeds: whether seed index s is the same draw everywhere.
            exact: whether nothing is drawn, so that all runs are equal: everywhere, or said for each axis value.
            name: what was measured.

        Raises:
            ValueError: if a value is negative or masked, a cell has fewer than three seeds, or exact runs differ.
            TypeError: if values or axis values are not real numbers.
        """
        places = axis_of(axis_values, axis)
        cells = cells_of(values, name, axis, places)
        statuses = [tuple(status_of(value) for value in cell) for cell in cells]
        kept = [
            tuple(float(value) if status is Status.OK else math.nan for value, status in zip(cell, row, strict=True))
            for cell, row in zip(cells, statuses, strict=True)
        ]
        return cls(
            axis_values=places,
            values=tuple(kept),
            statuses=tuple(statuses),
            axis=axis,
            shared_seeds=shared_seeds,
            exact=flags_of(exact, len(cells), axis),
            name=name,
        )

    @property
    def seeds(self) -> tuple[int, ...]:
        """How many runs there are at each axis value."""
        return tuple(len(cell) for cell in self.values)

    @property
    def made(self) -> tuple[int, ...]:
        """How many runs were made at each axis value, those included that are left out."""
        return tuple(len(cell) + count for cell, count in zip(self.values, self.left_out, strict=True))

    @property
    def not_finite(self) -> tuple[int, ...]:
        """How many runs at each axis value have no finite positive number."""
        return tuple(len(row) - row.count(Status.OK) for row in self.statuses)

    def log_values(self, undefined: Sequence[float] | None = None) -> list[NDArray[np.float64]]:
        """Natural logarithms, one array a cell; runs off the top are +inf, runs off the bottom -inf.

        Args:
            undefined: where the undefined runs of each cell are placed, +inf or -inf; all at +inf unless given.
        """
        sides = undefined if undefined is not None else [math.inf] * len(self.values)
        return [
            np.array(
                [math.log(value) for value in cell]
                if _all_ok(row)
                else [place(value, status, side) for value, status in zip(cell, row, strict=True)],
                dtype=np.float64,
            )
            for cell, row, side in zip(self.values, self.statuses, sides, strict=True)
        ]

    @property
    def has_undefined(self) -> bool:
        """Whether a run may lie on either side of the others."""
        return any(Status.UNDEFINED in row for row in self.statuses)

    def beyond_tolerance(self, average: Average = MEAN_OF_LOGS) -> list[float]:
        """Axis values where more runs are missing on one side than the cell's trimming sets aside.

        A mean has no trimming: it bears zeros, and nothing else without a number.
        """
        beyond = []
        for axis_value, row in zip(self.axis_values, self.statuses, strict=True):
            if _all_ok(row):
                continue
            if average == LOG_OF_MEAN:
                if any(status not in (Status.OK, Status.ZERO) for status in row) or Status.OK not in row:
                    beyond.append(axis_value)
                continue
            tolerated = int(TRIM * len(row)) if len(row) >= SEEDS_TO_TRIM and not self.shared_seeds else 0
            # An undefined run may belong on either side.
            undefined = row.count(Status.UNDEFINED)
            above = sum(SIDE[status] > 0 for status in row)
            below = sum(SIDE[status] < 0 for status in row) + undefined
            if max(above, below) > tolerated:
                beyond.append(axis_value)
        return beyond

    def what_is_missing(self) -> str:
        """Counts of runs without a finite positive number, where there are any, and what would tolerate them."""
        counts = ", ".join(
            f"{count} of {seeds} at {self.axis} {value:g}"
            for value, count, seeds in zip(self.axis_values, self.not_finite, self.seeds, strict=True)
            if count
        )
        lost = {status for row in self.statuses if len(set(row)) == 1 for status in row} & WAYS_OUT.keys()
        trims = min(self.seeds) >= SEEDS_TO_TRIM and not self.shared_seeds
        way_out = "" if trims else "; with 8 or more independent seeds, one in five is tolerated on each side"
        if lost:
            way_out = "".join(f"; {WAYS_OUT[status]}" for status in sorted(lost, key=lambda status: status.value))
        return f"runs without a finite positive number: {counts}{way_out}"

    def over(self, other: Measurement) -> Measurement:
        """The ratio of this to another, seed by seed.

        Raises:
            ValueError: if the two do not have the same axis values and seeds.
        """
        check_partners(self, other)
        rows = [
            [ratio(*run) for run in zip(*cells, strict=True)]
            for cells in zip(self.values, self.statuses, other.values, other.statuses, strict=True)
        ]
        return Measurement(
            axis_values=self.axis_values,
            values=tuple(tuple(value for value, _ in row) for row in rows),
            statuses=tuple(tuple(status for _, status in row) for row in rows),
            axis=self.axis,
            shared_seeds=self.shared_seeds or other.shared_seeds,
            # What runs that all differ have in common may cancel, and then no grid has made their ratios equal.
            exact=tuple(
                (a and b)
                or (len(set(one)) == len(one) and len(set(two)) == len(two) and all_equal([v for v, _ in row]))
                for a, b, one, two, row in zip(self.exact, other.exact, self.values, other.values, rows, strict=True)
            ),
            name=f"{self.name} / {other.name}",
        )


def _all_ok(statuses: tuple[Status, ...]) -> bool:
    return statuses.count(Status.OK) == len(statuses)


def check_measurement(measurement: object) -> None:
    """Refuse what is no measurement.

    Raises:
        TypeError: for raw numbers, say.
    """
    if not isinstance(measurement, Measurement):
        raise TypeError(
            f"a Measurement is judged; got {type(measurement).__name__}. Write Measurement.of(axis_values, values), "
            "with one array of runs for each axis value."
        )


def check_partners(measurement: Measurement, other: Measurement) -> None:
    """Refuse two measurements whose runs are no pairs.

    Raises:
        TypeError: for what is no measurement.
        ValueError: if the two do not have the same axis values and seeds, or runs without a number are left out.
    """
    check_measurement(measurement)
    check_measurement(other)
    if any((*measurement.left_out, *other.left_out)):
        raise ValueError(
            f"a paired comparison needs every run on both sides; {measurement.left_out} runs of {measurement.name} and "
            f"{other.left_out} of {other.name} without a number are left out. Compare the two sweeps, with against=."
        )
    if (measurement.axis_values, measurement.seeds) != (other.axis_values, other.seeds):
        raise ValueError(
            "a paired comparison needs the same axis values and seeds on both sides; got "
            f"{measurement.axis_values} x {measurement.seeds} and {other.axis_values} x {other.seeds}"
        )


def check_any_number(measurement: Measurement, why: str = "") -> None:
    """Refuse a measurement without a single number, of which more seeds would not make one; it is said why.

    Raises:
        ValueError: if all runs diverged, are zero or have no number for another reason.
    """
    if not any(status is Status.OK for row in measurement.statuses for status in row):
        why = why or measurement.what_is_missing()
        raise ValueError(f"{measurement.name} has no number in any run, and nothing can be judged: {why}")


def ratio_to(measurement: Measurement, other: Measurement | None) -> Measurement:
    """What is judged of a measurement: itself, or its ratio to another one, seed by seed.

    Raises:
        TypeError: for what is no measurement.
        ValueError: if the two do not have the same axis values and seeds.
    """
    check_measurement(measurement)
    return measurement if other is None else measurement.over(other)
