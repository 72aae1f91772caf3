"""Sources: what is judged, a measurement that is given or designs that can be measured in looks.

Torch is imported only where a design has to be measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from theorychecks.finding import Effort
from theorychecks.statistics.interval import CONFIDENCE
from theorychecks.statistics.measurement import Measurement, plural
from theorychecks.statistics.parts import Parts
from theorychecks.statistics.prediction import Layout, Prediction, Role

if TYPE_CHECKING:
    from theorychecks.experiment import Design, Resources


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a look has shown: by reading a measurement, and what it is held against, if anything."""

    pairs: Mapping[Parts, tuple[Measurement, Measurement | None]]
    engine: str = ""
    effort: Effort = field(default_factory=Effort)


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
    def stands_or_falls(self) -> bool:
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


class Given:
    """A measurement that was made elsewhere, and one that it is held against."""

    budget, costs, shares, stands_or_falls, repeatable = None, (), (), False, False

    def __init__(self, measurement: Measurement, other: object) -> None:
        if other is not None and not isinstance(other, Measurement):
            raise TypeError(
                f"a measurement is compared with another measurement; got against={other!r}. "
                "measure(sweep).measurements has those of a sweep"
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
    """A design, and another one or a measurement that it is held against."""

    def __init__(self, design: Design, other: Design | Measurement | None, resources: Resources | None) -> None:
        from theorychecks.experiment import Resources

        # All looks share what was measured, whoever's it is.
        self.design, self.other, self.resources = design, other, resources or Resources()
        self.axis_values, self.budget, self.counts = design.axis_values, design.budget, design.counts
        self.shares, self.shared_seeds, self.stands_or_falls = (
            design.shares,
            design.shared_seeds,
            design.stands_or_falls,
        )
        self.repeatable = not isinstance(other, Measurement)

    def admit(self, prediction: Prediction, role: Role) -> None:
        """Refuse what can never be judged, before anything is measured.

        Raises:
            ValueError: for a design that the prediction refuses, or a partner with other axis values, budget or seeds.
            TypeError: for a partner that is neither a design nor a measurement.
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
        if not isinstance(other, Design | Measurement):
            raise TypeError(f"a sweep is compared with a Sweep or a Measurement; got against={other!r}")
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

    def measured(self, counts: tuple[int, ...]) -> Sample:
        """Both designs carried out; the effort is that of the first."""
        from theorychecks.experiment import Design, measure

        resources, budget = self.resources, self.budget
        made = measure(self.design if budget is None else self.design.on(counts), resources)
        chosen = self.design.select(made.measurements)
        others: dict[Parts, Measurement | None] = dict.fromkeys(
            chosen, self.other if isinstance(self.other, Measurement) else None
        )
        if isinstance(self.other, Design):
            theirs = measure(self.other if budget is None else self.other.on(counts), resources).measurements
            selected = self.other.select(theirs)
            for parts in chosen:
                if parts not in selected:
                    there = ", ".join(repr(str(each)) for each in selected)
                    raise ValueError(f"nothing to compare {str(parts)!r} with; there are {there}")
                others[parts] = theirs[parts]
        return Sample(
            pairs={parts: (made.measurements[parts], others[parts]) for parts in chosen},
            engine=made.engine,
            effort=Effort(seconds=made.seconds, flops=made.flops, trainings=made.trainings),
        )

    def redrawn(self) -> Compared:
        """The same on fresh seeds."""
        from theorychecks.experiment import Design

        other = self.other.redrawn(1) if isinstance(self.other, Design) else self.other
        return Compared(self.design.redrawn(1), other, self.resources)
