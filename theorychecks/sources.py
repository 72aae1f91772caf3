"""Sources: what is judged, a measurement that is given or designs that can be measured in looks, and what against.

Torch is imported only where a design has to be measured.
"""

from __future__ import annotations

import numbers
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from theorychecks.arguments import real_number
from theorychecks.finding import Effort
from theorychecks.origin import Origin
from theorychecks.statistics.axis import plural
from theorychecks.statistics.interval import CONFIDENCE
from theorychecks.statistics.measurement import Measurement, check_any_number
from theorychecks.statistics.parts import Parts
from theorychecks.statistics.prediction import Layout, Prediction, Role
from theorychecks.statistics.statuses import Status

if TYPE_CHECKING:
    from theorychecks.experiment import Design, Resources

_LARGEST: Final = sys.float_info.max

Against: TypeAlias = "Design | Measurement | float | Callable[[float], float] | None"
"""What a source is compared with; a function is one of the axis value."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a look has shown: by reading a measurement, and what it is held against, if anything.

    Attributes:
        pairs: these.
        engine: which engine measured.
        effort: what it has cost.
        origins: which runs have measured.
        ends: by reading, where it ends before what is looked for, and what to change.
        conditional: whether runs without a number are left out, where enough others are there.
    """

    pairs: Mapping[Parts, tuple[Measurement, Measurement | None]]
    engine: str = ""
    effort: Effort = field(default_factory=Effort)
    origins: frozenset[Origin] = frozenset()
    ends: Mapping[Parts, str] = field(default_factory=dict)
    conditional: bool = False


class Source(Protocol):
    """What is judged: it can be measured once, on the seeds that it has, or in looks that a budget pays for."""

    @property
    def axis_values(self) -> tuple[float, ...]:
        """All that there are."""
        ...

    @property
    def budget(self) -> int | None:
        """See `schedule`; none where it is measured once."""
        ...

    @property
    def counts(self) -> tuple[int, ...]:
        """Runs at each axis value, where it is measured once."""
        ...

    @property
    def costs(self) -> tuple[float, ...]:
        """Of one run at each axis value, in any unit, where there is a budget."""
        ...

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the budget, spent by the end of each look."""
        ...

    @property
    def shared_seeds(self) -> bool:
        """Whether all axis values need the same number of runs, since they share their draws."""
        ...

    @property
    def joint(self) -> bool:
        """Whether its readings stand or fall together, so that the first clear failure is the end."""
        ...

    def measured(self, counts: tuple[int, ...]) -> Sample:
        """Runs at the first axis values, so many at each."""
        ...


def check_source(given: object) -> None:
    """Refuse what is neither a design nor a measurement.

    Raises:
        TypeError: with what is.
    """
    if isinstance(given, Measurement):
        return
    # Plain pytest runs load this module too, and must not wait for torch.
    from theorychecks.experiment import Design

    if not isinstance(given, Design):
        raise TypeError(f"a Sweep, a quantity .over(...) its axis, or a Measurement is checked; got {given!r}")


@dataclass(frozen=True)
class Known:
    """A number at each axis value that no draw changes: all runs of this side of a comparison are that number.

    Attributes:
        axis: what varies.
        axis_values: all there are.
        values: one for each.
        name: what it is called: the number, or the first and the last one.
    """

    axis: str
    axis_values: tuple[float, ...]
    values: tuple[float, ...]
    name: str

    def measured(self, counts: Sequence[int]) -> Measurement:
        """At the first axis values, so many runs at each."""
        rows = tuple((value,) * count for value, count in zip(self.values, counts, strict=False))
        return Measurement(
            axis=self.axis,
            axis_values=self.axis_values[: len(rows)],
            values=rows,
            statuses=tuple((Status.OK,) * len(row) for row in rows),
            exact=(True,) * len(rows),
            name=self.name,
        )


def settled(against: object, axis: str, axis_values: Sequence[float]) -> object:
    """What a source is compared with: a number, or a function of the axis value, as known numbers, others as they are.

    Raises:
        ValueError: for a number that is not positive, and a function that gives such a number, or fails.
        TypeError: for a function that gives no number.
    """
    places = tuple(float(value) for value in axis_values)
    if isinstance(against, numbers.Real) and not isinstance(against, bool):
        values = (_positive(against, "against="),) * len(places)
    elif callable(against) and not hasattr(against, "over"):  # which a quantity has, and no function of the axis value
        values = tuple(_value_of(against, axis, place) for place in places)
    else:
        return against
    ends = (f"{value:.4g}" for value in (values[0], values[-1]))
    return Known(axis, places, values, name="..".join(dict.fromkeys(ends)))


def _value_of(function: Callable[[float], object], axis: str, axis_value: float) -> float:
    where = f"at {axis} {axis_value:g}"
    try:
        given = function(axis_value)
    except Exception as error:
        raise ValueError(
            f"against= is a positive number for every {axis}; {where} its function raised "
            f"{type(error).__name__}: {error}"
        ) from error
    return _positive(given, f"against= {where}")


def _positive(given: object, what: str) -> float:
    number = real_number(given, what, like="0.5")
    if not 0 < number <= _LARGEST:
        raise ValueError(f"{what} is a positive number, by which runs are divided; got {given!r}")
    return float(number)


class Given:
    """A measurement that was made elsewhere, and one that it is held against, or known numbers."""

    budget, costs, shares, joint, repeatable = None, (), (), False, False

    def __init__(self, measurement: Measurement, other: object) -> None:
        if isinstance(other, Known):
            other = other.measured(measurement.seeds)
        if other is not None and not isinstance(other, Measurement):
            raise TypeError(
                "a measurement is compared with another measurement, a positive number or a function of the "
                f"{measurement.axis}; got against={other!r}. measure(sweep).measurements has those of a sweep"
            )
        self.measurement, self.other = measurement, other
        self.axis_values, self.counts = measurement.axis_values, measurement.seeds
        self.shared_seeds = measurement.shared_seeds

    def measured(self, counts: tuple[int, ...]) -> Sample:
        """What is there."""
        return Sample(pairs={Parts(): (self.measurement, self.other)}, engine="given")

    def redrawn(self) -> Given:
        """The same: numbers that are given cannot be drawn again."""
        return self


class Compared:
    """A design, and another one, a measurement or known numbers that it is held against."""

    def __init__(self, design: Design, other: object, resources: Resources | None) -> None:
        from theorychecks.experiment import Resources

        # All looks share what was measured, whoever's it is.
        self.design, self.other, self.resources = design, other, resources or Resources()
        self.axis_values, self.budget, self.counts = design.axis_values, design.budget, design.counts
        self.shares, self.shared_seeds, self.joint = design.looks, design.shared_seeds, design.joint
        self.repeatable = not isinstance(other, Measurement)

    def admit(self, prediction: Prediction, role: Role) -> None:
        """Refuse what can never be judged, before anything is measured.

        Raises:
            ValueError: for a design that the prediction refuses, or a partner with other axis values, budget or seeds.
            TypeError: for a partner that is neither a design, a measurement, a number nor a function.
        """
        against = self._partners()
        seeds = self.counts
        if self.budget is not None:
            # What a budget does not buy is said once its looks are planned.
            least = prediction.demands(len(self.axis_values), CONFIDENCE).seeds
            seeds = tuple(max(count, least) for count in seeds)
            against = None if against is None else seeds
        layout = Layout(axis_values=self.axis_values, seeds=seeds, axis=self.design.axis, role=role, against=against)
        prediction.admit(layout, confidence=CONFIDENCE)

    def _partners(self) -> tuple[int, ...] | None:
        """Seeds of what the design is held against."""
        from theorychecks.experiment import Design

        design, other = self.design, self.other
        if other is None:
            return None
        if isinstance(other, Known):
            return design.counts
        if not isinstance(other, Design | Measurement):
            raise TypeError(
                "a sweep is compared with a Sweep, a quantity .over(...) its axis, a Measurement, a positive number or "
                f"a function of the {design.axis}; got against={other!r}"
            )
        if (other.axis, other.axis_values) != (design.axis, design.axis_values):
            raise ValueError(
                f"a sweep is compared with another one at the same {plural(design.axis)}, {design.axis_values}; "
                f"got against= at {plural(other.axis)} {other.axis_values}"
            )
        if isinstance(other, Measurement):
            if design.seeds is None:
                raise ValueError("a sweep with a budget has no partners in a measurement; give the sweep seeds=")
            return other.seeds
        if (design.seeds is None) != (other.seeds is None) or design.budget != other.budget:
            raise ValueError(
                "two sweeps are compared look by look, on one budget, or on seeds= in both; got "
                f"budget={design.budget}, seeds={design.seeds} against budget={other.budget}, seeds={other.seeds}"
            )
        return other.counts

    @cached_property
    def costs(self) -> tuple[float, ...]:
        """Of both designs."""
        from theorychecks.experiment import Design

        if not isinstance(self.other, Design):
            return self.design.costs
        return tuple(a + b for a, b in zip(self.design.costs, self.other.costs, strict=True))

    @property
    def designs(self) -> list[Design]:
        """All that is measured."""
        from theorychecks.experiment import Design

        return [self.design, *([self.other] if isinstance(self.other, Design) else [])]

    def measured(self, counts: tuple[int, ...]) -> Sample:
        """Both designs carried out; the effort is that of the first."""
        from theorychecks.experiment import Design, measure_selected

        resources, budget, paired = self.resources, self.budget, self.other is not None
        made = measure_selected(self.design if budget is None else self.design.on(counts), resources, paired=paired)
        known = self.other.measured(counts) if isinstance(self.other, Known) else self.other
        others: dict[Parts, Measurement | None] = dict.fromkeys(
            made.measurements, known if isinstance(known, Measurement) else None
        )
        origins = made.origins
        if isinstance(self.other, Design):
            partner = measure_selected(
                self.other if budget is None else self.other.on(counts), resources, paired=paired
            )
            origins |= partner.origins
            theirs = partner.measurements
            for parts in made.measurements:
                if parts not in theirs:
                    there = ", ".join(repr(str(each)) for each in theirs)
                    raise ValueError(f"nothing to compare {str(parts)!r} with; there are {there}")
                others[parts] = theirs[parts]
        ends = {parts: said for parts, found in made.measurements.items() if (said := self.design.ends(found))}
        for parts, said in ends.items():
            check_any_number(made.measurements[parts], said)
        return Sample(
            pairs={parts: (made.measurements[parts], others[parts]) for parts in others},
            ends=ends,
            engine=made.engine,
            effort=Effort(seconds=made.seconds, flops=made.flops, trainings=made.trainings),
            origins=origins,
            conditional=self.design.conditional and not paired,
        )

    def redrawn(self) -> Compared:
        """The same on fresh seeds."""
        from theorychecks.experiment import Design

        other = self.other.redrawn(1) if isinstance(self.other, Design) else self.other
        return Compared(self.design.redrawn(1), other, self.resources)
