"""The experiment carried out: from a sweep to measurements."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from theorychecks.engines.choice import Choice, choose
from theorychecks.engines.deferred import DeferredRun
from theorychecks.engines.matrix import Tally
from theorychecks.experiment.cells import Block, Cells
from theorychecks.experiment.design import Design
from theorychecks.experiment.resources import Resources
from theorychecks.experiment.scan import Scan
from theorychecks.experiment.sweep import Sweep
from theorychecks.observables.observable import Reading, Readings
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.parts import Parts
from theorychecks.statistics.statuses import status_of


@dataclass(frozen=True)
class Measured:
    """What a sweep has given.

    Attributes:
        measurements: by the parts of each reading, in the observable's order.
        engine: which engine carried the trainings out, from which width on.
        seconds: how long it took.
        flops: floating-point operations of all matrix products.
        trainings: networks trained, each time that one was.
    """

    measurements: Mapping[Parts, Measurement]
    engine: str
    seconds: float
    flops: float
    trainings: int


@dataclass(frozen=True)
class _Cell:
    """One axis value of a design, ready to be observed.

    Attributes:
        axis_value: which one.
        count: how many values are wanted.
        key: what determines them, with their seeds.
        chunks: from the values that there are and those that are wanted to groups of seeds, observed together.
        observe: readings of some seeds, and how many values they are.
    """

    axis_value: float
    count: int
    key: tuple[object, ...]
    chunks: Callable[[int, int], list[list[int]]]
    observe: Callable[[Sequence[int], Tally], tuple[Readings, int]]


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
        MemoryError: if a width does not fit into the memory budget.
    """
    resources = resources or Resources()
    if isinstance(design, Sweep):
        choices = _choices(design, resources)
        cells = [_width(design, place, choice, resources) for place, choice in enumerate(choices)]
        engine = _engine_text(design.widths, choices)
    else:
        assert isinstance(design, Scan)
        cells = [_value(design, place, resources) for place in range(len(design.values))]
        engine = "function"
    found: dict[Parts, list[list[Reading]]] = {}
    seconds = flops = 0.0
    trainings = 0
    for cell in cells:
        blocks = _blocks(design, cell, resources.cells)
        if found and set(found) != set(blocks[0].readings):
            title, names = design.title or "the sweep", [str(parts) for parts in blocks[0].readings]
            raise ValueError(f"{title} has readings {names} at {design.axis} {cell.axis_value:g}, others before")
        design.select(blocks[0].readings)
        for parts in blocks[0].readings:
            found.setdefault(parts, []).append([block.readings[parts] for block in blocks])
            _check_sign(design, parts, cell.axis_value, found[parts][-1])
        # What another look or claim trained beyond these seeds is not theirs to pay.
        share = cell.count / sum(block.seeds for block in blocks)
        seconds += share * sum(block.seconds for block in blocks)
        flops += share * sum(block.flops for block in blocks)
        trainings += round(share * sum(block.trainings for block in blocks))
    return Measured(
        {parts: _measurement(design, parts, readings) for parts, readings in found.items()},
        engine,
        seconds,
        flops,
        trainings,
    )


def _width(sweep: Sweep, place: int, choice: Choice, resources: Resources) -> _Cell:
    width, observable = sweep.widths[place], sweep.observable
    networks = observable.networks

    def observe(seeds: Sequence[int], tally: Tally) -> tuple[Readings, int]:
        run = DeferredRun(
            sweep.training, width, seeds, sweep.drawn_from, choice, resources.device, tally, observable.times
        )
        return observable.read(run), len(seeds) // networks

    def chunks(first: int, last: int) -> list[list[int]]:
        start, stop = first * networks, last * networks
        # An observable that trains again asks for chunks itself, of networks that change from one round to the next.
        together = max(stop - start, 1) if observable.retrains else choice.together
        return [list(range(at, min(at + together, stop))) for at in range(start, stop, together)]

    key = *sweep.subject, width, sweep.drawn_from, resources.device, choice.engine
    return _Cell(float(width), sweep.counts[place], key, chunks, observe)


def _value(scan: Scan, place: int, resources: Resources) -> _Cell:
    value = scan.values[place]

    def observe(seeds: Sequence[int], tally: Tally) -> tuple[Readings, int]:
        with torch.no_grad():
            return scan.readings(value, scan.draw(value, seeds, resources, tally)), len(seeds)

    def chunks(first: int, last: int) -> list[list[int]]:
        return [list(range(first, last))] if last > first else []

    key = *scan.subject, scan.axis, value, scan.shared, scan.drawn_from, resources.device, resources.engine
    return _Cell(value, scan.counts[place], key, chunks, observe)


def _choices(sweep: Sweep, resources: Resources) -> list[Choice]:
    """The engine at each width; once the matrix-free one is faster it is taken for all wider networks."""
    budget, choices = resources.budget(), list[Choice]()
    for width in sweep.widths:
        choice = _choice(sweep, width, resources.engine, resources, budget)
        if choice.engine == "dense" and choices and choices[-1].engine == "matrix_free":
            choice = _choice(sweep, width, "matrix_free", resources, budget)
        choices.append(choice)
    return choices


def _blocks(design: Design, cell: _Cell, cells: Cells) -> list[Block]:
    """Blocks that hold the first so many seeds of a cell, those that are missing trained now."""
    done = list(cells.blocks(cell.key))
    for seeds in cell.chunks(sum(block.seeds for block in done), cell.count):
        started, tally = time.perf_counter(), Tally()
        readings, count = cell.observe(seeds, tally)
        _check_readings(design, readings, count)
        done.append(Block(readings, count, time.perf_counter() - started, tally.flops, tally.trainings))
        cells.keep(cell.key, done)
    return done


def _choice(sweep: Sweep, width: int, wanted: str, resources: Resources, budget: int) -> Choice:
    return choose(
        sweep.training,
        width,
        wanted=wanted,
        retrains=sweep.observable.retrains,
        group=sweep.observable.networks,
        memory_budget=budget,
        rates=resources.rates,
        on_cpu=resources.on_cpu,
    )


def _engine_text(widths: Sequence[int], choices: Sequence[Choice]) -> str:
    """Engines by width: "dense", or "dense, matrix_free from 1,024", with the reason where another one was wanted."""
    parts = []
    for width, choice, before in zip(widths, choices, [None, *choices], strict=False):
        if before is None or choice[::2] != before[::2]:
            start = "" if before is None else f" from {width:,}"
            parts.append(f"{choice.engine}{start}" + (f" ({choice.because})" if choice.because else ""))
    return ", ".join(parts)


def _check_readings(design: Design, readings: Readings, count: int) -> None:
    title = design.title or "the sweep"
    if not isinstance(readings, Mapping) or not all(isinstance(each, Reading) for each in readings.values()):
        raise TypeError(f"{title} must read a mapping from tc.Parts to tc.Reading; got {readings!r}")
    if not readings:
        raise ValueError(f"{title} reads nothing at all: an empty claim would pass vacuously")
    for parts, reading in readings.items():
        if tuple(reading.values.shape) != (count,):
            raise ValueError(
                f"{title} must give one number a seed, shape ({count},); "
                f"got {tuple(reading.values.shape)} for {str(parts) or 'its only reading'!r}"
            )


def _check_sign(design: Design, parts: Parts, axis_value: float, readings: Sequence[Reading]) -> None:
    """Stop at the first axis value that has a sign, before others and dearer ones are measured."""
    values = np.concatenate([reading.values.cpu().numpy() for reading in readings]).astype(float)
    if np.any(values < 0):
        raise ValueError(
            f"{str(parts) or design.title} must be positive to have an exponent; it is {np.nanmin(values):g} at "
            f"{design.axis} {axis_value:g}. Measure its size (a norm, a root mean square) instead."
        )


def _measurement(design: Design, parts: Parts, cells: Sequence[Sequence[Reading]]) -> Measurement:
    values, statuses, exact = [], [], []
    for readings, count in zip(cells, design.counts, strict=True):
        numbers = [float(v) for reading in readings for v in reading.values.cpu().tolist()][:count]
        declared = [s for reading in readings for s in reading.statuses or (None,) * len(reading.values)][:count]
        statuses.append(tuple(s or status_of(v) for v, s in zip(numbers, declared, strict=True)))
        values.append(tuple(v if math.isfinite(v) and v > 0 else math.nan for v in numbers))
        exact.append(all(reading.exact for reading in readings))
    return Measurement(
        axis=design.axis,
        axis_values=tuple(float(value) for value in design.axis_values),
        values=tuple(values),
        statuses=tuple(statuses),
        shared_seeds=design.shared_seeds,
        exact=tuple(exact),
        name=str(parts) or design.title,
    )
