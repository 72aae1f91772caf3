"""Plans: which cells claims need, how many of them there are already, and what the others take."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple, cast

from theorychecks.engines.choice import ENGINES, EngineName
from theorychecks.engines.cost import Cost, Rates, batch_size
from theorychecks.experiment.cells import Cell, seeds_of
from theorychecks.experiment.design import Design
from theorychecks.experiment.resources import Resources
from theorychecks.experiment.sweep import Sweep
from theorychecks.networks import Training
from theorychecks.observables.observable import Observable
from theorychecks.store import NewerFormatError, Store, StoredBlock

_SUPPOSED: Final = 0.1
"""Seconds that one run takes at the smallest axis value, for parts of a plan, where no model of costs says so."""


@dataclass(frozen=True)
class Need:
    """A cell that is needed, with the seeds that are; where it belongs, and what may be used for it."""

    cell: Cell
    design: Design
    resources: Resources

    @property
    def place(self) -> tuple[object, ...]:
        """What is measured at which axis value, whichever engine this machine would choose."""
        return *self.design.subject, self.design.drawn_from, self.cell.axis_value

    @property
    def weight(self) -> float:
        """What all its seeds cost: the same on every machine, whatever has been measured."""
        costs = self.design.costs
        unit = 1.0 if _trained(self) else _SUPPOSED / min(costs)
        return self.cell.count * unit * costs[self.design.axis_values.index(self.cell.axis_value)]


@dataclass
class ClaimPlan:
    """What one claim needs; it is the planner while the claim's test runs.

    Attributes:
        claim: its id.
        test: its node id.
        looks: so many of each budget are planned.
        first: cells of these looks, in the order in which they are measured.
        most: cells of all looks, with as many seeds as their budgets buy at every axis value.
        unknown: why not all can be told beforehand.
        skipped: why a run would skip it.
        trouble: what its test has raised, after which nothing more is known of it.
    """

    claim: str
    test: str
    looks: int = 1
    first: list[list[Need]] = field(default_factory=list)
    most: list[Need] = field(default_factory=list)
    unknown: dict[str, None] = field(default_factory=dict)
    skipped: str = ""
    trouble: str = ""

    @property
    def label(self) -> str:
        """The claim, and what its test is given by pytest: "A1[decoder]"."""
        _, bracket, given = self.test.partition("[")
        return f"{self.claim}{bracket}{given}"

    def needs(self, designs: Sequence[Design], most: Design, resources: Resources) -> None:
        """See `Planner`.

        Raises:
            ValueError, MemoryError: as measuring would.
        """
        self.first += [_needs(design, resources) for design in designs]
        self.most += _needs(most, resources)

    def leaves_open(self, why: str) -> None:
        """See `Planner`."""
        self.unknown[why] = None


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What cells take.

    Attributes:
        cells: so many are needed, each counted once.
        stored: of these are there.
        flops: of trainings that are not, as far as engines know them beforehand: once each, observables aside.
        seconds: that measuring these takes on one core, as far as that is known.
        untimed: cells that are not there, of which it is not known.
        bytes: at most at the same time, as far as engines know it.
    """

    cells: int
    stored: int
    flops: float
    seconds: float
    untimed: int
    bytes: int

    @property
    def missing(self) -> int:
        """Cells that are not there."""
        return self.cells - self.stored


class Prices:
    """What a run of a cell takes: as such runs took that are stored, or by an engine's cost at this machine's rates.

    Args:
        store: what has been measured before.
        resources: with the rates.
    """

    def __init__(self, store: Store | None, resources: Resources) -> None:
        self._store, self._resources = store, resources

    def bill(self, needs: Iterable[Need]) -> Bill:
        """Of cells that are needed, each with the most seeds that anything asks of it."""
        by_key: dict[object, Need] = {}
        for need in needs:
            before = by_key.get(need.cell.key)
            if before is None or before.cell.count < need.cell.count:
                by_key[need.cell.key] = need
        stored = untimed = most = 0
        flops = seconds = 0.0
        for need in by_key.values():
            cell, there = need.cell, seeds_of(need.resources.known(need.cell))
            if there >= cell.count:
                stored += 1
                continue
            each = self._seconds(need)
            flops += 0.0 if _retrains(need.design) else cell.flops * (cell.count - there)
            seconds += (each or 0.0) * (cell.count - there)
            untimed += each is None
            most = max(most, _bytes(need, there))
        return Bill(cells=len(by_key), stored=stored, flops=flops, seconds=seconds, untimed=untimed, bytes=most)

    def _seconds(self, need: Need) -> float | None:
        """Of one run."""
        if (known := self._stored.get(_described(need.cell.description))) is not None:
            return known
        trained = _trained(need)
        if trained is None or _retrains(need.design):
            return None
        rates, batch = self._rates[trained.engine], batch_size(trained.training)
        return trained.observable.networks * rates.seconds(trained.cost, trained.width, batch)

    @cached_property
    def _rates(self) -> Mapping[EngineName, Rates]:
        return self._resources.rates()

    @cached_property
    def _stored(self) -> Mapping[object, float]:
        """Seconds of one run, by what describes it."""
        sums: dict[object, tuple[float, int]] = {}
        for block in () if self._store is None else _blocks(self._store):
            before = sums.get(what := _described(block.description), (0.0, 0))
            sums[what] = before[0] + block.seconds, before[1] + block.seeds
        return {what: seconds / seeds for what, (seconds, seeds) in sums.items()}


def parts(needs: Iterable[Need], count: int) -> dict[object, int]:
    """To which of so many parts, from 1 on, each place belongs, so that parts cost about the same.

    The dearest one goes first, and each to the part that has the least: the same wherever and whenever it is asked.
    """
    weights: dict[object, float] = {}
    for need in needs:
        weights[need.place] = max(weights.get(need.place, 0.0), need.weight)
    loads = [(0.0, part) for part in range(1, count + 1)]
    found = {}
    for place in sorted(weights, key=lambda place: -weights[place]):
        load, part = heapq.heappop(loads)
        found[place] = part
        heapq.heappush(loads, (load + weights[place], part))
    return found


def _needs(design: Design, resources: Resources) -> list[Need]:
    return [Need(cell, design, resources) for cell in design.cells(resources)]


class _Trained(NamedTuple):
    """Trainings of which an engine knows the cost."""

    training: Training
    observable: Observable
    width: int
    engine: EngineName

    @property
    def cost(self) -> Cost:
        """Of one network, trained once."""
        return ENGINES[self.engine].cost(self.training, self.width)


def _trained(need: Need) -> _Trained | None:
    design = need.design
    if not isinstance(design, Sweep) or not isinstance(design.training, Training):
        return None
    engine = cast(EngineName, need.cell.engine)
    return _Trained(design.training, design.observable, int(need.cell.axis_value), engine)


def _retrains(design: Design) -> bool:
    """Whether networks are trained again and again, nobody knows how often."""
    return isinstance(design, Sweep) and design.observable.retrains


def _bytes(need: Need, there: int) -> int:
    """Of all networks that are trained together."""
    trained = _trained(need)
    return 0 if trained is None else trained.cost.bytes * max(map(len, need.cell.chunks(there, need.cell.count)))


def _blocks(store: Store) -> Iterator[StoredBlock]:
    """All that can be read."""
    for name in store.names():
        with suppress(NewerFormatError):
            if (block := store.load(name)) is not None:
                yield block


def _described(description: Mapping[str, str]) -> object:
    return tuple(sorted(description.items()))
