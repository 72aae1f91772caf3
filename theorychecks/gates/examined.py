"""Examined: a model under a coordinate check, its parts, and its coordinates as a sweep has read them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from theorychecks.engines import Unanswerable
from theorychecks.engines.module import Trainer
from theorychecks.engines.module.decay import decaying
from theorychecks.experiment import Resources, Sweep, measure
from theorychecks.experiment.cells import seeds_of
from theorychecks.experiment.subjects import trainer_of
from theorychecks.models import Adjustment, Anatomy, Model, ModelError
from theorychecks.models.adjusted import adjusted_model
from theorychecks.models.coordinates import CHANGE, EFFECTIVE, SIZE, Coordinate
from theorychecks.models.examination import Optimizing
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import Measurement
from theorychecks.statistics.statuses import Status, defined

_PILOTS: Final = (3, 3)
"""Trainings at each of the narrowest widths that tell what there is to be judged."""
_FEW: Final = (3, 3, 3, 3)
"""Trainings at four widths that tell whether an update is off."""
_SAME: Final = 1e-6
"""Relative scatter of what does not depend on the weights."""


class Moments(NamedTuple):
    """Coordinates by what there is to be read.

    Attributes:
        judged: those that depend on the weights.
        constant: those that have no exponent, being zero or the same.
        rare: those of experts that none of the trainings reaches.
    """

    judged: list[Moment]
    constant: list[Moment]
    rare: list[Moment]


@dataclass(frozen=True)
class Examined:
    """A model, and what some of its trainings show.

    Attributes:
        sweep: of its coordinates, as it is drawn in this run.
        resources: where trainings are kept, so that none is made twice.
        counts: how many of them are looked at, at each of the first widths.
    """

    sweep: Sweep
    resources: Resources
    counts: tuple[int, ...] = _PILOTS

    @property
    def model(self) -> Model:
        """What is trained."""
        assert isinstance(self.sweep.training, Model)
        return self.sweep.training

    @property
    def widths(self) -> tuple[int, ...]:
        """All of the sweep."""
        return self.sweep.widths

    @property
    def anatomy(self) -> Anatomy:
        """The model's parts."""
        return self._trainer.anatomy

    @property
    def optimizing(self) -> Optimizing:
        """What can be told of its optimizer."""
        return self._trainer.optimizing

    @property
    def decays(self) -> bool:
        """Whether weights decay, by the optimizer or by what else is done to the set-up."""
        return self.optimizing.decays or any(self.model.adjustment(width).decay for width in self.widths)

    def shrinking(self) -> Collection[str]:
        """Parameters of which a step's decay takes a part, at the narrowest width; none where that cannot be told.

        A decay in gradients takes one where these are not normalised, as by SGD.
        """
        try:
            return decaying(self._trainer, self.widths[0])
        except Unanswerable:
            return ()

    @property
    def grouped(self) -> bool:
        """Whether parameters may have learning rates of their own."""
        return not self._trainer.blueprint(self.widths[0]).unscalable

    @property
    def pilots(self) -> Sweep:
        """The trainings that are looked at."""
        return self.sweep.on(self.counts)

    @cached_property
    def measurements(self) -> Mapping[Moment, Measurement]:
        """All coordinates, those included that are not judged."""
        found = measure(self.pilots, self.resources).measurements
        return {Moment.of(parts): measurement for parts, measurement in found.items()}

    def rehearse(self) -> None:
        """Build and call the model at all widths, unless it has been trained before.

        Raises:
            ModelError: if one of that fails, or is another architecture.
        """
        cells = self.pilots.cells(self.resources)
        if any(seeds_of(self.resources.known(cell)) < cell.count for cell in cells):
            self.sweep.rehearse()

    def trains_together(self) -> bool:
        """Whether models of the narrowest width are trained as one; found out once, by training some."""
        return self._trainer.together(self.widths[0]) > 1

    def on(self, counts: Sequence[int]) -> Examined:
        """The same by so many trainings at each of the first widths."""
        return replace(self, counts=tuple(counts))

    def over_all(self) -> Examined:
        """The same by a few trainings over all widths that are looked at; the two narrowest ones tell roles."""
        first, second, *others = self.widths[: len(self.counts)]
        widths = (first, second, others[len(others) // 2 - 1], others[-1])
        return replace(self, sweep=replace(self.sweep, widths=widths, seeds=_FEW, budget=None), counts=_FEW)

    def with_adjustment(self, adjust: Callable[[int], Adjustment]) -> Examined:
        """The same model, with something else done to its set-up."""
        return replace(self, sweep=replace(self.sweep, training=adjusted_model(self.model, adjust)))

    def moves_at(self, coordinate: Coordinate) -> int | None:
        """After how many steps something is first not zero, at the narrowest width; None if it always is."""
        steps = self._by_step.get(coordinate, {})
        return min((step for step, measurement in steps.items() if _first_run(measurement) > 0), default=None)

    @property
    def first_update(self) -> int | None:
        """The step that is the first to move a parameter; None if others before it, which are not read, may have."""
        read = {moment.step for moment in self.measurements}
        moved = {
            step
            for (coordinate, step), measurement in self.measurements.items()
            if coordinate.quantity == EFFECTIVE and any(value > 0 for row in measurement.values for value in row)
        }
        first = min(moved, default=0)
        return first if first - 1 in read else None

    def slope(self, coordinate: Coordinate, step: int) -> float:
        """The power at which something grows, by least squares; zero where there is none."""
        measurement = self.measurements.get(Moment(coordinate, step))
        if measurement is None:
            return 0.0
        logs = {
            width: [math.log(value) for value in row if value > 0]
            for width, row in zip(measurement.axis_values, measurement.values, strict=True)
        }
        means = {width: float(np.mean(row)) for width, row in logs.items() if row}
        return float(np.polyfit(np.log(list(means)), list(means.values()), 1)[0]) if len(means) > 1 else 0.0

    def moments(self) -> Moments:
        """What there is to be read.

        Raises:
            ModelError: if training is not finite, or changes nothing.
        """
        found = Moments([], [], [])
        where = f"{self.model.axis} {self.widths[0]} or {self.widths[1]}"
        for moment, measurement in self.measurements.items():
            pairs = [
                pair
                for values, statuses in zip(measurement.values, measurement.statuses, strict=True)
                for pair in zip(values, statuses, strict=True)
            ]
            if self.anatomy.routed and measurement.has_undefined:
                if not any(defined(measurement.statuses)):
                    found.rare.append(moment)
                    continue
                pairs = [pair for pair in pairs if pair[1] is not Status.UNDEFINED]
            values = [0.0 if status is Status.ZERO else value for value, status in pairs]
            if not all(math.isfinite(value) for value in values):
                raise ModelError(
                    f"{self.model.title} is no longer finite after step {moment.step} at {where}: {moment.coordinate}. "
                    "Lower its learning rate, or take fewer steps."
                )
            # One number alone is not the same as others, unless it is zero.
            alone = len(values) == 1 and values[0] > 0
            same = not values or (_is_same(values) and not alone) or self._is_given(moment)
            (found.constant if same else found.judged).append(moment)
        if not any(moment.coordinate.quantity in (CHANGE, EFFECTIVE) for moment in found.judged):
            raise ModelError(
                f"{self.model.title}: {self.model.steps} steps change nothing at {where}. Give its optimizer the "
                "module's own parameters, and a learning rate above zero."
            )
        return found

    def _is_given(self, moment: Moment) -> bool:
        """Whether something depends on the width alone, as a table of frequencies does, for all seeds and steps."""
        module, quantity, _ = moment.coordinate
        changes = self._by_step.get(Coordinate(module, CHANGE), {}).values()
        kept = all(status is Status.ZERO for measurement in changes for row in measurement.statuses for status in row)
        return quantity == SIZE and kept and all(map(_is_same, self.measurements[moment].values))

    @cached_property
    def _by_step(self) -> Mapping[Coordinate, Mapping[int, Measurement]]:
        found: dict[Coordinate, dict[int, Measurement]] = {}
        for (coordinate, step), measurement in self.measurements.items():
            found.setdefault(coordinate, {})[step] = measurement
        return found

    @property
    def _trainer(self) -> Trainer:
        return trainer_of(self.model, self.widths)


def _first_run(measurement: Measurement) -> float:
    """The number of the first run at the narrowest width that has one."""
    runs = zip(measurement.values[0], measurement.statuses[0], strict=True)
    return next((value for value, status in runs if status is not Status.UNDEFINED), math.nan)


def _is_same(values: Sequence[float]) -> bool:
    return max(values) - min(values) <= _SAME * max(values)
