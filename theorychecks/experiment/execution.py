"""The experiment carried out: from a design to measurements."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from itertools import repeat
from typing import NamedTuple, TypeAlias

from theorychecks.experiment.cells import Block, Cell, holding, seeds_of
from theorychecks.experiment.design import Design
from theorychecks.experiment.executors import gathered
from theorychecks.experiment.resources import Resources
from theorychecks.observables.observable import Reading
from theorychecks.origin import Origin
from theorychecks.planning import end_of_plan, planner
from theorychecks.progress import current_look, listener
from theorychecks.statistics.exponents import ENOUGH_SEEDS
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.parts import Parts
from theorychecks.statistics.statuses import Status, defined, status_of

_Choice: TypeAlias = Callable[[Collection[Parts]], Collection[Parts]]
"""Some of the readings that there are."""


@dataclass(frozen=True)
class Measured:
    """What a design has given.

    Attributes:
        measurements: by the parts of each reading, in the observable's order.
        engine: which engine carried the trainings out, from which width on.
        seconds: how long it took.
        flops: floating-point operations of all matrix products.
        trainings: networks trained, each time that one was.
        origins: which runs have measured the numbers.
    """

    measurements: Mapping[Parts, Measurement]
    engine: str
    seconds: float
    flops: float
    trainings: int
    origins: frozenset[Origin]


def measure(design: Design, resources: Resources | None = None) -> Measured:
    """Carry a design out, from its first axis value to its last; seeds that these resources have trained are not again.

    The networks are those of the design's own seeds: `--theory-seed` and `--theory-profile` move what `check` is given,
    and not what is measured by hand.

    Args:
        design: what to do; all readings are measured, whichever it selects.
        resources: which engine, device and how much memory, and what was measured with them before; new ones unless
            given. Engines and chunks are settled before anything is trained.

    Raises:
        ValueError: if the engine asked for cannot represent the training, or if a reading is negative.
        PartsError: if no reading at the first axis value has the parts that the design selects.
        ExecutorError: if the executor of the resources fails.
        MemoryError: if a width does not fit into the memory budget.
    """
    resources = resources or Resources()
    if (plan := planner.get()) is not None:
        plan.needs([design], design, resources)
        end_of_plan("its test goes on by what measure() gives")

    def all_of(readings: Collection[Parts]) -> Collection[Parts]:
        design.select(readings)
        return readings

    return _measured(design, resources, all_of)


def measure_selected(design: Design, resources: Resources, *, paired: bool = False) -> Measured:
    """The same, with measurements of the readings that the design selects, and of no others; see `measure`.

    Args:
        design: what to do.
        resources: as there.
        paired: whether each run is compared with one of another design, so that none is left out.
    """
    return _measured(design, resources, design.select, paired=paired)


def _measured(design: Design, resources: Resources, wanted: _Choice, *, paired: bool = False) -> Measured:
    if resources.executor is not None:
        resources = resources.settled()
    cells = design.cells(resources)
    _prepare(design, cells, resources)
    found: dict[Parts, list[_Numbers]] = {}
    before: Collection[Parts] = ()
    seconds = flops = 0.0
    trainings = 0
    origins = set[Origin]()
    with closing(_carried_out(design, cells, resources)) as blocks_by_cell:
        for cell, blocks in zip(cells, blocks_by_cell, strict=True):
            readings = blocks[0].readings.keys()
            if before and before != readings:
                title, names = design.title or "the sweep", [str(parts) for parts in readings]
                raise ValueError(f"{title} has readings {names} at {design.axis} {cell.axis_value:g}, others before")
            before = readings
            for parts in wanted(readings):
                numbers = _numbers([block.readings[parts] for block in blocks], cell.count)
                _check_sign(design, parts, cell, numbers)
                found.setdefault(parts, []).append(numbers)
            # What another look or claim trained beyond these seeds is not theirs to pay.
            share = cell.count / seeds_of(blocks)
            seconds += share * sum(block.seconds for block in blocks)
            flops += share * sum(block.flops for block in blocks)
            trainings += round(share * sum(block.trainings for block in blocks))
            origins.update(block.origin for block in holding(blocks, cell.count))
    return Measured(
        {parts: _measurement(design, parts, numbers, paired=paired) for parts, numbers in found.items()},
        _engine_text(cells),
        seconds,
        flops,
        trainings,
        frozenset(origins),
    )


def observed(design: Design, cell: Cell, resources: Resources) -> list[Block]:
    """Blocks that hold the first so many seeds of a cell, those that are nowhere yet measured now."""
    done, stored = resources.known(cell), resources.stored
    if seeds_of(done) >= cell.count:
        return done
    told = listener.get()
    told.begun(design.title, design.axis, cell.axis_value, current_look.get())
    with nullcontext() if stored is None else stored.alone(cell):
        # Another process may have measured it while this one waited.
        done = resources.known(cell)
        missing = cell.chunks(seeds_of(done), cell.count)
        for chunk, seeds in enumerate(missing, start=1):
            block = cell.block(seeds)
            if stored is not None:
                stored.keep(cell, seeds_of(done), block)
            done.append(block)
            resources.cells.keep(cell.key, done)
            told.measured(int(chunk == len(missing)), block.flops, cell.flops * block.seeds)
    return done


def fill(design: Design, axis_values: Collection[float], resources: Resources) -> None:
    """Measure what a design's cells at these axis values lack, and keep it; nothing is asked of the numbers.

    Raises:
        as `measure` does, for the design and for what observes it.
    """
    if resources.executor is not None:
        resources = resources.settled()
    cells = [cell if cell.axis_value in axis_values else replace(cell, count=0) for cell in design.cells(resources)]
    _prepare(design, cells, resources)
    with closing(_carried_out(design, cells, resources)) as blocks_by_cell:
        for _ in blocks_by_cell:
            pass


def _carried_out(design: Design, cells: Sequence[Cell], resources: Resources) -> Generator[list[Block], None, None]:
    if resources.executor is not None:
        yield from gathered(design, cells, resources)
        return
    for cell in cells:
        yield observed(design, cell, resources)


def _prepare(design: Design, cells: Sequence[Cell], resources: Resources) -> None:
    """Where cells lack seeds, find out what can fail, and tell how many they are, and what those are going to take."""
    lacking = [max(cell.count - seeds_of(resources.known(cell)), 0) for cell in cells]
    if any(lacking):
        design.rehearse()
        flops = sum(cell.flops * count for cell, count in zip(cells, lacking, strict=True))
        listener.get().planned(sum(map(bool, lacking)), flops)


def _engine_text(cells: Sequence[Cell]) -> str:
    """Engines by width: "dense", or "dense, matrix_free from 1,024", with the reason where another one was wanted."""
    parts = []
    for cell, before in zip(cells, [None, *cells], strict=False):
        if before is None or (cell.engine, cell.because) != (before.engine, before.because):
            start = "" if before is None else f" from {cell.axis_value:,.10g}"
            parts.append(f"{cell.engine}{start}" + (f" ({cell.because})" if cell.because else ""))
    return ", ".join(parts)


class _Numbers(NamedTuple):
    """What a reading has given at one axis value, a number a seed."""

    values: tuple[float, ...]
    statuses: tuple[Status, ...]
    exact: bool


def _numbers(readings: Sequence[Reading], count: int) -> _Numbers:
    """Those of the first so many seeds: others were measured for others, and are theirs to be refused for."""
    values = tuple([float(value) for reading in readings for value in reading.values.tolist()][:count])
    exact = all(reading.exact for reading in readings)
    if not any(reading.statuses for reading in readings):
        if all(0 < value < math.inf for value in values):
            return _Numbers(values, (Status.OK,) * len(values), exact)
        return _Numbers(values, tuple(map(status_of, values)), exact)
    declared = list[Status | None]()
    for reading in readings:
        declared += reading.statuses or repeat(None, len(reading.values))
    statuses = tuple(status or status_of(value) for value, status in zip(values, declared, strict=False))
    return _Numbers(values, statuses, exact)


def _check_sign(design: Design, parts: Parts, cell: Cell, numbers: _Numbers) -> None:
    """Stop at the first axis value that has a sign, before others and dearer ones are measured."""
    if negative := [value for value in numbers.values if value < 0]:
        raise ValueError(
            f"{str(parts) or design.title} must be positive to have an exponent; it is {min(negative):g} at "
            f"{design.axis} {cell.axis_value:g}. Measure its size (a norm, a root mean square) instead."
        )


def _measurement(design: Design, parts: Parts, cells: Sequence[_Numbers], *, paired: bool) -> Measurement:
    found = Measurement(
        axis=design.axis,
        axis_values=tuple(float(value) for value in design.axis_values),
        values=tuple(
            cell.values
            if cell.statuses.count(Status.OK) == len(cell.values)
            else tuple(value if 0 < value < math.inf else math.nan for value in cell.values)
            for cell in cells
        ),
        statuses=tuple(cell.statuses for cell in cells),
        shared_seeds=design.shared_seeds,
        exact=tuple(cell.exact for cell in cells),
        name=str(parts) or design.title,
    )
    return _where_defined(found) if design.conditional and not paired else found


def _where_defined(found: Measurement) -> Measurement:
    """The same without undefined runs, which are counted; as it is where fewer than four others are left anywhere.

    What is left is a sample of the runs in which there is a number, and their mean is judged. It is off the mean of all
    runs, were there such a thing, by sqrt((1 - p) / p) standard deviations of a run at most, p being the share of those
    with a number (by Cauchy and Schwarz); an exponent is off by how much that depends on the axis.
    """
    if not found.has_undefined or found.shared_seeds or min(defined(found.statuses)) < ENOUGH_SEEDS:
        return found
    left = [[place for place, status in enumerate(row) if status is not Status.UNDEFINED] for row in found.statuses]
    values = tuple(tuple(row[place] for place in kept) for row, kept in zip(found.values, left, strict=True))
    statuses = tuple(tuple(row[place] for place in kept) for row, kept in zip(found.statuses, left, strict=True))
    left_out = tuple(made - len(kept) for made, kept in zip(found.made, left, strict=True))
    return replace(found, values=values, statuses=statuses, left_out=left_out)
