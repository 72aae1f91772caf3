"""Scan: a quantity over values of its axis, and over how many seeds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import ArrayLike

from theorychecks.arguments import array_of, axis_of
from theorychecks.engines.matrix import Tally
from theorychecks.experiment.cells import Cell
from theorychecks.experiment.design import Design
from theorychecks.experiment.draws import Draw
from theorychecks.experiment.fingerprint import names_in
from theorychecks.experiment.resources import Resources
from theorychecks.observables.observable import Reading, Readings
from theorychecks.statistics.axis import check_order
from theorychecks.statistics.parts import Parts, parts_of

if TYPE_CHECKING:
    from theorychecks.experiment.quantity import Quantity

Found = ArrayLike | Reading | Mapping[Any, ArrayLike | Reading]
"""One number a seed, or several such arrays by name or by `Parts`; a single number where nothing is drawn."""


@dataclass(frozen=True)
class Scan(Design):
    """A quantity over values of its axis, and over how many seeds.

    Attributes:
        quantity: what is read; scans of equal ones share what was measured.
        values: of the axis, increasing and positive.
    """

    quantity: Quantity
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", axis_of(self.values, self.axis))
        check_order(self.values, axis=self.axis)
        super().__post_init__()

    @property
    def axis(self) -> str:
        """What varies."""
        return self.quantity.family.along

    @property
    def shared_seeds(self) -> bool:
        """Whether a seed draws the same at every axis value."""
        return self.quantity.family.shared

    @property
    def axis_values(self) -> tuple[float, ...]:
        """Values of the axis."""
        return self.values

    @property
    def title(self) -> str:
        """What reports call the quantity."""
        return self.quantity.title

    @property
    def subject(self) -> tuple[object, ...]:
        """The quantity."""
        return (self.quantity,)

    @property
    def setting(self) -> Mapping[str, str]:
        """What the quantity says about itself."""
        return self.quantity.setting

    def on(self, counts: Sequence[int]) -> Scan:
        """The same scan on its first values, with these numbers of seeds."""
        return replace(self, values=self.values[: len(counts)], seeds=tuple(counts), budget=None)

    @property
    def costs(self) -> tuple[float, ...]:
        """The declared power of each value."""
        return tuple(value**self.quantity.family.cost for value in self.values)

    def cells(self, resources: Resources) -> list[Cell]:
        """A value each, whose seeds are all read at once."""
        alike = self.axis, self.shared_seeds, self.drawn_from, resources.device, resources.engine

        def made_of() -> tuple[object, ...]:
            return "quantity", self.quantity, *alike, *_code_of_draws(self.quantity)

        return [
            self._cell(value, count, resources, (*self.subject, *alike, value), made_of)
            for value, count in zip(self.values, self.counts, strict=True)
        ]

    def _cell(
        self, value: float, count: int, resources: Resources, key: Hashable, made_of: Callable[[], tuple[object, ...]]
    ) -> Cell:
        def observe(seeds: Sequence[int], tally: Tally) -> tuple[Readings, int]:
            with torch.no_grad():
                return self.readings(value, self.draw(value, seeds, resources, tally)), len(seeds)

        def chunks(first: int, last: int) -> list[list[int]]:
            return [list(range(first, last))] if last > first else []

        description = {"title": self.title, self.axis: f"{value:.10g}", "engine": "function"}
        return Cell(value, count, key, made_of, description, chunks, observe, "function")

    def draw(self, value: float, seeds: Sequence[int], resources: Resources, tally: Tally) -> Draw:
        """What some seeds draw at an axis value."""
        place = (self.drawn_from,) if self.shared_seeds else (self.drawn_from, self.axis, value)
        return Draw(seeds, place, resources, tally)

    def readings(self, value: float, draw: Draw) -> Readings:
        """What the function gives, as readings."""
        found = self.quantity(value, draw)
        by_name = found if isinstance(found, Mapping) else {Parts(): found}
        return {
            (parts := parts_of(key)): _reading(given, len(draw.seeds), f"{self.title} {parts}".strip())
            for key, given in by_name.items()
        }


@lru_cache(maxsize=1024)
def _code_of_draws(quantity: Quantity) -> tuple[object, ...]:
    """What makes the numbers that a function is given: generators, and engines where it may train networks."""
    trains = not {"read", "values"}.isdisjoint(names_in(quantity))
    return (*((Draw.read, Draw.values) if trains else ()), Draw.rng, Draw.generator)


def _reading(given: object, seeds: int, what: str) -> Reading:
    """One number a seed; a single number stands for all of them.

    Raises:
        TypeError: for what is no number.
    """
    if isinstance(given, Reading):
        return given
    if given is None:
        raise TypeError(
            f"{what}: a quantity's function returns one number a seed, or a dictionary of such arrays; got None. Is a "
            "`return` missing?"
        )
    values = torch.as_tensor(array_of(given, what))
    return Reading(values.expand(seeds), exact=True) if values.ndim == 0 else Reading(values)
