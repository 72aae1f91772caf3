"""The source of a gate's numbers: trainings of one model by width and seed, each carried out once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from torch import Tensor

from theorychecks.experiment import Draw
from theorychecks.models import Adjustment, Anatomy, Model, ModelError
from theorychecks.models.adjustment import NONE
from theorychecks.models.coordinates import CHANGE, EFFECTIVE, Coordinate
from theorychecks.models.examination import Optimizing, examined
from theorychecks.models.model import check_model
from theorychecks.models.rehearsal import rehearse
from theorychecks.models.stacked import NotStackable, together, train_stacked
from theorychecks.models.training import Trained, train
from theorychecks.statistics.measurement import check_order

P = TypeVar("P")
_PILOTS = 2
_AGREES = 0.02
"""Relative difference between what stacked models show and each of them alone: rounding, of small changes too."""
_SAME = 1e-6
"""Relative scatter of what does not depend on the weights."""


@dataclass(frozen=True)
class Moment:
    """A coordinate after so many steps."""

    coordinate: Coordinate
    step: int

    def __str__(self) -> str:
        return f"{self.coordinate}, step {self.step}"


@dataclass(eq=False)
class Source:
    """A model's trainings at some widths, kept as they come.

    Attributes:
        model: what is trained.
        widths: at which.
        steps: of each training.
        times: after how many steps coordinates are read, besides the start.
        adjust: what is done to the set-up at a width, besides what its owner does.
        trained: by width, place of the draws, and seed.
        anatomy: the model's parts.
        optimizing: what can be told of its optimizer.
        stacks: whether models of one width can be trained as one; None before that has been tried.
        because: why they cannot.
        trainings: made so far.
    """

    model: Model
    widths: tuple[int, ...]
    steps: int
    times: tuple[int, ...]
    adjust: Callable[[int], Adjustment] = field(default=lambda _: NONE)
    trained: dict[tuple[int, tuple[object, ...], int], Trained] = field(default_factory=dict, init=False)
    anatomy: Anatomy = field(init=False)
    optimizing: Optimizing = field(init=False)
    stacks: bool | None = field(default=None, init=False)
    because: str = field(default="", init=False)
    trainings: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        check_model(self.model)
        check_order(self.widths)
        if len(self.widths) < 2:
            raise ValueError(f"roles are inferred by comparing two widths; got {self.widths}. Give two or more.")
        self.anatomy, self.optimizing = examined(self.model, self.widths, self.steps)
        for width in self.widths[2:]:
            rehearse(self.model, width, self.anatomy)

    def losses(
        self, width: int, place: tuple[object, ...], seeds: Sequence[int], rates: Tensor
    ) -> list[tuple[float, ...]]:
        """Losses of trainings at some factors on the learning rate, one for each seed as often as it is named."""
        room = self.together(width)
        self.trainings += len(seeds)
        found: list[tuple[float, ...]] = []
        for start in range(0, len(seeds), room):
            found += [
                one.losses for one in self._made(width, place, seeds[start : start + room], rates[start : start + room])
            ]
        return found

    def together(self, width: int) -> int:
        """How many models of a width are trained as one; one where it is large, or the model cannot be stacked."""
        room = together(self.anatomy, width)
        if room > 1 and self.stacks is None:
            self.stacks = self._agrees(self.widths[0], (0,), (0, 1))
        return room if self.stacks else 1

    def at(self, width: int, place: tuple[object, ...], seeds: Sequence[int]) -> list[Trained]:
        """Trainings of some seeds, now or as they were; stacked where the model allows it."""
        missing = [seed for seed in seeds if (width, place, seed) not in self.trained]
        room = self.together(width) if len(missing) > 1 else 1
        self.trainings += len(missing)
        while missing:
            now, missing = missing[:room], missing[room:]
            for seed, one in zip(now, self._made(width, place, now), strict=True):
                self.trained[width, place, seed] = one
        return [self.trained[width, place, seed] for seed in seeds]

    def _made(
        self, width: int, place: tuple[object, ...], seeds: Sequence[int], rates: Tensor | None = None
    ) -> list[Trained]:
        """Trainings of some seeds, stacked unless that turns out not to work."""
        if self.stacks and len(seeds) > 1:
            try:
                return self._stacked(width, place, seeds, rates)
            except NotStackable as why:
                self.stacks, self.because = False, str(why)
        each = [None] * len(seeds) if rates is None else list(rates)
        return [self._alone(width, place, seed, rate) for seed, rate in zip(seeds, each, strict=True)]

    def _alone(self, width: int, place: tuple[object, ...], seed: int, rate: Tensor | None = None) -> Trained:
        return train(
            self.model,
            width,
            place,
            seed,
            steps=self.steps,
            times=self.times,
            anatomy=self.anatomy,
            adjustment=replace(self.adjust(width), rate=rate),
        )

    def _stacked(
        self, width: int, place: tuple[object, ...], seeds: Sequence[int], rates: Tensor | None = None
    ) -> list[Trained]:
        return train_stacked(
            self.model,
            width,
            place,
            seeds,
            steps=self.steps,
            times=self.times,
            anatomy=self.anatomy,
            adjustment=replace(self.adjust(width), rate=rates),
        ).each()

    def _agrees(self, width: int, place: tuple[object, ...], seeds: Sequence[int]) -> bool:
        """Whether models of several seeds can be stacked, and are then the same as alone."""
        alone = [self._alone(width, place, seed) for seed in seeds]
        try:
            stacked = self._stacked(width, place, seeds)
        except NotStackable as why:
            self.because = str(why)
            return False
        same = all(_close(one, other) for one, other in zip(alone, stacked, strict=True))
        if not same:
            self.because = "stacked models do not train as each alone does"
        return same

    def reader(self, moments: Sequence[Moment]) -> Callable[[float, Draw], dict[str, list[float]]]:
        """What a scan of the widths reads: these moments, by their names."""

        def read(width: float, draw: Draw) -> dict[str, list[float]]:
            before = self.trainings
            found = self.at(round(width), draw.place, draw.seeds)
            draw.tally.trainings += self.trainings - before
            return {str(m): [_reading(one, m) for one in found] for m in moments}

        return read

    def moves_at(self, coordinate: Coordinate) -> int | None:
        """After how many steps something is first not zero, at the narrowest width; None if it always is."""
        for (width, _, _), one in self.trained.items():
            if width == self.widths[0]:
                readings = sorted(one.coordinates.items())
                return next((step for step, found in readings if float(found.get(coordinate, 0.0)) > 0), None)
        return None

    def slope(self, coordinate: Coordinate, step: int, drawn_from: int) -> float:
        """The power at which something grows in all trainings so far, by least squares; zero where there is none."""
        logs: dict[int, list[float]] = {}
        for (width, place, _), one in self.trained.items():
            value = float(one.coordinates[step].get(coordinate, math.nan))
            if place[0] == drawn_from and math.isfinite(value) and value > 0:
                logs.setdefault(width, []).append(math.log(value))
        if len(logs) < 2:
            return 0.0
        return float(np.polyfit(np.log(list(logs)), [float(np.mean(values)) for values in logs.values()], 1)[0])

    def moments(self, drawn_from: int) -> tuple[list[Moment], list[Moment]]:
        """What there is to be read, by the first seeds of the two narrowest widths: what depends on the weights, and
        what has no exponent, being zero or the same for all of them.

        Raises:
            ModelError: if training is not finite there, or changes nothing.
        """
        pilots = [
            one
            for width in self.widths[:2]
            for one in self.at(width, (drawn_from, "width", float(width)), range(_PILOTS))
        ]
        found, constant = list[Moment](), list[Moment]()
        for step in sorted(pilots[0].coordinates):
            for coordinate in dict.fromkeys(name for one in pilots for name in one.coordinates[step]):
                moment = Moment(coordinate, step)
                if any(coordinate not in one.coordinates[step] for one in pilots):
                    constant.append(moment)
                    continue
                values = [_reading(one, moment) for one in pilots]
                if not all(math.isfinite(value) for value in values):
                    raise ModelError(
                        f"{self.model.title} is no longer finite after step {step} at width {self.widths[0]} or "
                        f"{self.widths[1]}: {coordinate}. Lower its learning rate, or take fewer steps."
                    )
                (constant if _constant(values) else found).append(moment)
        if not any(moment.coordinate.quantity in (CHANGE, EFFECTIVE) for moment in found):
            raise ModelError(
                f"{self.model.title}: {self.steps} steps change nothing at width {self.widths[0]} or "
                f"{self.widths[1]}. Give its optimizer the module's own parameters, and a learning rate above zero."
            )
        return found, constant


def _reading(trained: Trained, moment: Moment) -> float:
    """What one training shows; not a number where its weights routed nothing there."""
    return float(trained.coordinates[moment.step].get(moment.coordinate, math.nan))


def _constant(values: Sequence[float]) -> bool:
    """Whether a number is zero, or the same whatever the weights and the width."""
    return max(values) - min(values) <= _SAME * max(values)


def _close(one: Trained, other: Trained) -> bool:
    """Whether two trainings are the same but for rounding."""
    pairs = list(zip(one.losses, other.losses, strict=True))
    for step, readings in one.coordinates.items():
        pairs += [(float(value), float(other.coordinates[step][name])) for name, value in readings.items()]
    return all(math.isclose(a, b, rel_tol=_AGREES, abs_tol=_SAME) or (a != a and b != b) for a, b in pairs)


def by_prediction(moments: Mapping[Moment, P]) -> dict[P, list[Moment]]:
    """Moments of which the same is predicted."""
    groups: dict[P, list[Moment]] = {}
    for moment, prediction in moments.items():
        groups.setdefault(prediction, []).append(moment)
    return groups
