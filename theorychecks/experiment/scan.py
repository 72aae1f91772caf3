"""Scan: what a function gives at some values of an axis, over seeds; and the draws that it gets."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from theorychecks.arguments import array_of, axis_of
from theorychecks.engines.choice import choose
from theorychecks.engines.deferred import DeferredRun
from theorychecks.engines.matrix import Tally
from theorychecks.experiment.cells import Cell
from theorychecks.experiment.design import Design
from theorychecks.experiment.fingerprint import names_in
from theorychecks.experiment.resources import Resources
from theorychecks.networks import Training
from theorychecks.networks.randomness import generator, integer
from theorychecks.observables.observable import Observable, Reading, Readings, check_observable
from theorychecks.statistics.measurement import check_order
from theorychecks.statistics.parts import Parts, parts_of

Found = ArrayLike | Reading | Mapping[Any, ArrayLike | Reading]
"""One number a seed, or several such arrays by name or by `Parts`; a single number where nothing is drawn."""
Read = Callable[[float, "Draw"], Found]


@dataclass(frozen=True)
class Draw:
    """The random numbers of some seeds at one axis value; those of other seeds, and other values, are independent.

    Attributes:
        seeds: which ones are asked for.
        place: what tells these draws from those at other axis values; nothing where seeds are shared.
        resources: what trainings may use.
        tally: counts what they cost.
    """

    seeds: Sequence[int]
    place: tuple[object, ...]
    resources: Resources = field(default_factory=Resources)
    tally: Tally = field(default_factory=Tally)

    def rng(self, seed: int, *what: object) -> np.random.Generator:
        """Numpy's generator for one seed, and for this part of what is drawn."""
        return np.random.default_rng(integer(*self.place, *what, seed))

    def generator(self, seed: int, *what: object) -> torch.Generator:
        """Torch's generator for one seed, and for this part of what is drawn."""
        return generator(*self.place, *what, seed)

    def values(self, observable: Observable, training: Training, width: int) -> torch.Tensor:
        """The only reading of an observable, [seed]; see `read`.

        Raises:
            ValueError: if it has several.
        """
        found = self.read(observable, training, width)
        if len(found) != 1:
            there = ", ".join(repr(str(parts)) for parts in found)
            raise ValueError(f"{observable.title!r} has several readings, {there}; take them from draw.read(...)")
        (reading,) = found.values()
        return reading.values

    def read(self, observable: Observable, training: Training, width: int) -> Readings:
        """An observable of networks of one width, trained by the engine that is faster there, one value a seed.

        Raises:
            ValueError: if the engine asked for cannot represent the training.
            MemoryError: if the width does not fit into the memory budget.
        """
        check_observable(observable)
        resources, group = self.resources, observable.networks
        choice = choose(
            training,
            width,
            wanted=resources.engine,
            retrains=observable.retrains,
            group=group,
            memory_budget=resources.budget(),
            rates=resources.rates,
            on_cpu=resources.on_cpu,
        )
        together = len(self.seeds) if observable.retrains else max(choice.together // group, 1)
        chunks = []
        for start in range(0, len(self.seeds), together):
            networks = [seed * group + k for seed in self.seeds[start : start + together] for k in range(group)]
            root, device = integer(*self.place), resources.device
            run = DeferredRun(training, width, networks, root, choice, device, self.tally, observable.times)
            chunks.append(observable.read(run))
        return {parts: _joined([chunk[parts] for chunk in chunks]) for parts in chunks[0]}


@dataclass(frozen=True)
class Scan(Design):
    """What a function gives along an axis, and over how many seeds: a quantity `.over` its axis.

    Attributes:
        read: from an axis value and a `Draw` to numbers. It is equal at every look, and scans with equal ones share
            what was measured.
        values: of the axis, increasing and positive.
        along: the axis, what varies: "samples", "output scale", "particles".
        name: of the quantity.
        cost: one run at an axis value costs this power of it.
        shared: whether a seed draws the same at every axis value, which cancels what they have in common.
        about: what reports say of how the numbers come about.
    """

    read: Read = field(repr=False)
    values: tuple[float, ...]
    along: str = field(kw_only=True)
    name: str = field(kw_only=True)
    cost: float = field(default=0.0, kw_only=True)
    shared: bool = field(default=False, kw_only=True)
    about: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", axis_of(self.values, self.along))
        check_order(self.values, axis=self.along)
        super().__post_init__()

    @property
    def axis(self) -> str:
        """What varies."""
        return self.along

    @property
    def shared_seeds(self) -> bool:
        """Whether a seed draws the same at every axis value."""
        return self.shared

    @property
    def axis_values(self) -> tuple[float, ...]:
        """Values of the axis."""
        return self.values

    @property
    def title(self) -> str:
        """The name."""
        return self.name

    @property
    def subject(self) -> tuple[object, ...]:
        """The function and the name."""
        return self.read, self.name

    @property
    def setting(self) -> Mapping[str, str]:
        """What the quantity says about itself."""
        return dict(self.about)

    def on(self, counts: Sequence[int]) -> Scan:
        """The same scan on its first values, with these numbers of seeds."""
        return replace(self, values=self.values[: len(counts)], seeds=tuple(counts), budget=None)

    @property
    def costs(self) -> tuple[float, ...]:
        """The declared power of each value."""
        return tuple(value**self.cost for value in self.values)

    def cells(self, resources: Resources) -> list[Cell]:
        """A value each, whose seeds are all read at once."""
        alike = self.axis, self.shared, self.drawn_from, resources.device, resources.engine

        def made_of() -> tuple[object, ...]:
            return "quantity", self.read, *alike, *_code_of_draws(self.read)

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
        place = (self.drawn_from,) if self.shared else (self.drawn_from, self.axis, value)
        return Draw(seeds, place, resources, tally)

    def readings(self, value: float, draw: Draw) -> Readings:
        """What the function gives, as readings."""
        found = self.read(value, draw)
        by_name = found if isinstance(found, Mapping) else {Parts(): found}
        return {
            (parts := parts_of(key)): _reading(given, len(draw.seeds), f"{self.name} {parts}".strip())
            for key, given in by_name.items()
        }


@lru_cache(maxsize=1024)
def _code_of_draws(read: Read) -> tuple[object, ...]:
    """What makes the numbers that a function is given: generators, and engines where it may train networks."""
    trains = not {"read", "values"}.isdisjoint(names_in(read))
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


def _joined(parts: Sequence[Reading]) -> Reading:
    statuses = [status for part in parts for status in part.statuses or (None,) * len(part.values)]
    return Reading(torch.cat([part.values for part in parts]), tuple(statuses))
