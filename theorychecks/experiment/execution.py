"""The experiment carried out: from a sweep to measurements."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from theorychecks.engines.choice import Choice, choose
from theorychecks.engines.matrix import Tally
from theorychecks.experiment.resources import Resources
from theorychecks.experiment.sweep import Sweep
from theorychecks.experiment.trial import EngineTrial
from theorychecks.networks import Training
from theorychecks.observables.observable import Observable, Reading
from theorychecks.statistics.measurement import Measurement, status_of


@dataclass(frozen=True)
class Measured:
    """What a sweep has given.

    Attributes:
        measurements: by reading, in the observable's order.
        engine: which engine carried the trainings out, from which width on.
        seconds: how long it took.
        flops: floating-point operations of all matrix products.
        trainings: networks trained, each time that one was.
    """

    measurements: Mapping[str, Measurement]
    engine: str
    seconds: float
    flops: float
    trainings: int


_DEFAULT: Final = Resources()


@dataclass(frozen=True)
class _Block:
    """Some consecutive seeds of one width, observed together."""

    readings: Mapping[str, Reading]
    seeds: int
    seconds: float
    flops: float
    trainings: int


_Key = tuple[Observable, Training, int, int, str, str]
_DONE: dict[_Key, list[_Block]] = {}
"""Runs already made by this process: observable, training, width, root seed, device and engine determine them."""


def measure(sweep: Sweep, resources: Resources = _DEFAULT) -> Measured:
    """Carry a sweep out, from the narrowest network to the widest; seeds that were trained before are not again.

    The networks are those of the sweep's own seeds: `--theory-seed` and `--theory-profile` move what `check` is given,
    and not what is measured by hand.

    Args:
        sweep: what to do; its `words` do not matter here.
        resources: which engine, device and how much memory; engines and chunks are settled before anything is trained.

    Raises:
        ValueError: if the engine asked for cannot represent the training, or if a reading is negative.
        MemoryError: if a width does not fit into the memory budget.
    """
    choices = _choices(sweep, resources)
    cells: dict[str, list[list[Reading]]] = {}
    seconds = flops = 0.0
    trainings = 0
    for width, count, choice in zip(sweep.widths, sweep.counts, choices, strict=True):
        blocks = _blocks(sweep, width, count, choice, resources.device)
        if cells and set(cells) != set(blocks[0].readings):
            names = list(blocks[0].readings)
            raise ValueError(f"{sweep.observable.name} has readings {names} at width {width}, others before")
        for name in blocks[0].readings:
            cells.setdefault(name, []).append([block.readings[name] for block in blocks])
            _check_early(sweep, name, width, cells[name][-1])
        # What another look or claim trained beyond these seeds is not theirs to pay.
        share = count / sum(block.seeds for block in blocks)
        seconds += share * sum(block.seconds for block in blocks)
        flops += share * sum(block.flops for block in blocks)
        trainings += round(share * sum(block.trainings for block in blocks))
    return Measured(
        {name: _measurement(sweep, name, readings) for name, readings in cells.items()},
        _engine_text(sweep.widths, choices),
        seconds,
        flops,
        trainings,
    )


def _choices(sweep: Sweep, resources: Resources) -> list[Choice]:
    """The engine at each width; once the matrix-free one is faster it is taken for all wider networks."""
    budget, choices = resources.budget(), list[Choice]()
    for width in sweep.widths:
        choice = _choice(sweep, width, resources.engine, resources, budget)
        if choice.engine == "dense" and choices and choices[-1].engine == "matrix_free":
            choice = _choice(sweep, width, "matrix_free", resources, budget)
        choices.append(choice)
    return choices


def _blocks(sweep: Sweep, width: int, count: int, choice: Choice, device: str) -> list[_Block]:
    """Blocks that hold the first so many seeds of a width, those that are missing trained now."""
    key = sweep.observable, sweep.training, width, sweep.drawn_from, device, choice.engine
    done = _DONE.setdefault(key, [])
    for seeds in _chunks(sweep, sum(block.seeds for block in done), count, choice):
        started, tally = time.perf_counter(), Tally()
        trial = EngineTrial(sweep.training, width, seeds, sweep.drawn_from, choice, device, tally)
        readings = _readings(sweep, trial)
        values = len(seeds) // sweep.observable.networks
        done.append(_Block(readings, values, time.perf_counter() - started, tally.flops, tally.trainings))
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


def _readings(sweep: Sweep, trial: EngineTrial) -> Mapping[str, Reading]:
    observed = sweep.observable.observe(trial)
    if not observed:
        raise ValueError(f"{sweep.observable.name} reads nothing at all: an empty claim would pass vacuously")
    for name, reading in observed.items():
        expected = len(trial.seeds) // sweep.observable.networks
        if tuple(reading.values.shape) != (expected,):
            raise ValueError(
                f"{sweep.observable.name} must give one number a seed, shape ({expected},); "
                f"got {tuple(reading.values.shape)} for {name or 'its only reading'!r}"
            )
    return observed


def _chunks(sweep: Sweep, first: int, last: int, choice: Choice) -> list[list[int]]:
    """Seeds of one width, between two counts of values, in groups that are observed together, ensembles as wholes."""
    start, stop = first * sweep.observable.networks, last * sweep.observable.networks
    # An observable that trains again asks for chunks itself, of networks that change from one round to the next.
    together = max(stop - start, 1) if sweep.observable.retrains else choice.together
    return [list(range(at, min(at + together, stop))) for at in range(start, stop, together)]


def _check_early(sweep: Sweep, name: str, width: int, readings: Sequence[Reading]) -> None:
    """Stop at the first width that has a sign, before wider and dearer ones are trained."""
    values = np.concatenate([reading.values.cpu().numpy() for reading in readings]).astype(float)
    label = name or sweep.observable.title
    if np.any(values < 0):
        raise ValueError(
            f"{label} must be positive to have an exponent; it is {np.nanmin(values):g} at width {width}. "
            "Measure its size (a norm, a root mean square) instead."
        )


def _measurement(sweep: Sweep, name: str, cells: Sequence[Sequence[Reading]]) -> Measurement:
    values, statuses = [], []
    for readings, count in zip(cells, sweep.counts, strict=True):
        numbers = [float(v) for reading in readings for v in reading.values.cpu().tolist()][:count]
        declared = [s for reading in readings for s in reading.statuses or (None,) * len(reading.values)][:count]
        statuses.append(tuple(s or status_of(v) for v, s in zip(numbers, declared, strict=True)))
        values.append(tuple(v if math.isfinite(v) and v > 0 else math.nan for v in numbers))
    return Measurement(
        axis_values=tuple(float(width) for width in sweep.widths),
        values=tuple(values),
        statuses=tuple(statuses),
        name=name or sweep.observable.title,
    )
