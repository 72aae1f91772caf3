"""The source of a gate's numbers: trainings of one model by width and seed, each carried out once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import psutil
import torch

from theorychecks.experiment import Draw
from theorychecks.modules import Adjustment, Anatomy, Model, ModelError, anatomy
from theorychecks.modules.adjustment import NONE
from theorychecks.modules.coordinates import Coordinate
from theorychecks.modules.state import as_it_was
from theorychecks.modules.training import Drawn, Trained, drawn, train

P = TypeVar("P")
_PILOTS = 2
_COPIES = 6
"""Of all weights: themselves, the first ones, gradients, two moments, and a step in the making."""
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
    """

    model: Model
    widths: tuple[int, ...]
    steps: int
    times: tuple[int, ...]
    adjust: Callable[[int], Adjustment] = field(default=lambda _: NONE)
    trained: dict[tuple[object, ...], Trained] = field(default_factory=dict, init=False)
    anatomy: Anatomy = field(init=False)

    def __post_init__(self) -> None:
        self.anatomy = _anatomy(self.model, self.widths, self.steps)

    def at(self, width: int, place: tuple[object, ...], seed: int) -> Trained:
        """One training, now or as it was."""
        key = width, place, seed
        if key not in self.trained:
            self.trained[key] = train(
                self.model,
                width,
                place,
                seed,
                steps=self.steps,
                times=self.times,
                anatomy=self.anatomy,
                adjustment=self.adjust(width),
            )
        return self.trained[key]

    def reader(self, moments: Sequence[Moment]) -> Callable[[float, Draw], dict[str, list[float]]]:
        """What a scan of the widths reads: these moments, by their names."""

        def read(width: float, draw: Draw) -> dict[str, list[float]]:
            found = [self.at(round(width), draw.place, seed) for seed in draw.seeds]
            draw.tally.trainings += len(found)
            return {str(m): [float(one.coordinates[m.step][m.coordinate]) for one in found] for m in moments}

        return read

    def moments(self, drawn_from: int) -> list[Moment]:
        """What there is to be read and depends on the weights, from the first seeds of the two narrowest widths."""
        pilots = {
            width: [self.at(width, (drawn_from, "width", float(width)), seed) for seed in range(_PILOTS)]
            for width in self.widths[:2]
        }
        first = pilots[self.widths[0]][0]
        found = []
        for step, readings in sorted(first.coordinates.items()):
            for coordinate in readings:
                values = [
                    float(one.coordinates[step].get(coordinate, torch.tensor(math.nan)))
                    for pair in pilots.values()
                    for one in pair
                ]
                if not _constant(values):
                    found.append(Moment(coordinate, step))
        return found


def _constant(values: Sequence[float]) -> bool:
    """Whether a number is zero, or the same whatever the weights and the width."""
    most = max(values)
    return any(v == 0 for v in values) or (math.isfinite(most) and most - min(values) <= _SAME * most)


def _anatomy(model: Model, widths: tuple[int, ...], steps: int) -> Anatomy:
    """A model's parts, once it has shown that it can be gated.

    Raises:
        ModelError: if it cannot.
    """
    narrow, wide = widths[:2]
    with as_it_was():
        first = drawn(model, narrow, (0,), 0, steps)
        _check_seeds(model, first, narrow, steps)
        weights = sum(parameter.numel() for parameter in first.module.parameters())
        parts = anatomy(model, first.module, drawn(model, wide, (0,), 0, 1).module, (narrow, wide), first.batches[0])
    needed = _COPIES * 4 * weights * (widths[-1] / narrow) ** 2
    free = psutil.virtual_memory().available
    if any(part.role == "hidden" for part in parts.parameters) and needed > _COPIES * 4 * weights + free:
        raise ModelError(
            f"{model.title} would run out of memory at width {widths[-1]}: its weights, their gradients and moments take "
            f"some {needed / 1e9:.0f} GB there, and {free / 1e9:.0f} GB are free. Take narrower widths."
        )
    return parts


def _check_seeds(model: Model, first: Drawn, width: int, steps: int) -> None:
    """Refuse a model that is the same for every seed, on the same batches."""
    values = [parameter.detach().clone() for parameter in first.module.parameters()]
    second = drawn(model, width, (0,), 1, steps)
    others = list(second.module.parameters())
    same = all(torch.equal(a, b) for a, b in zip(values, others, strict=True))
    if same and not callable(model.batches):
        raise ModelError(
            f"{model.title}: build({width}) gives the same weights whatever torch's seed, so that seeds tell nothing of "
            "the noise. Draw the weights inside of build from torch's global generator, and set no seed there."
        )


def by_prediction(moments: Mapping[Moment, P]) -> dict[P, list[Moment]]:
    """Moments of which the same is predicted."""
    groups: dict[P, list[Moment]] = {}
    for moment, prediction in moments.items():
        groups.setdefault(prediction, []).append(moment)
    return groups
