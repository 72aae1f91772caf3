"""The experiment carried out: from a sweep to measurements."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from theorychecks.engines import Histories, Limits, Run
from theorychecks.engines.choice import ENGINES, Choice, choose
from theorychecks.engines.matrix import Tally
from theorychecks.experiment.resources import Resources
from theorychecks.experiment.sweep import Sweep
from theorychecks.networks import Training
from theorychecks.observables.observable import Reading
from theorychecks.statistics.measurement import Measurement, Status


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


_PLAIN: Final = Choice("dense", 2**62)
_DEFAULT: Final = Resources()
_DONE: dict[tuple[Sweep, str, tuple[str, ...]], Measured] = {}
"""Sweeps already carried out by this process: description and engines determine their numbers."""


def measure(sweep: Sweep, resources: Resources = _DEFAULT) -> Measured:
    """Carry a sweep out, from the narrowest network to the widest.

    Args:
        sweep: what to do; its `words` do not matter here.
        resources: which engine, device and how much memory; engines and chunks are settled before anything is trained.

    Raises:
        ValueError: if the engine asked for cannot represent the training, or if a reading is negative, zero everywhere,
            or missing for all runs of a width.
        MemoryError: if a width does not fit into the memory budget.
    """
    choices = _choices(sweep, resources)
    key = replace(sweep, words=()), resources.device, tuple(choice.engine for choice in choices)
    if key not in _DONE:
        _DONE[key] = _measure(key[0], choices, resources.device)
    return _DONE[key]


def _choices(sweep: Sweep, resources: Resources) -> list[Choice]:
    """The engine at each width; once the matrix-free one is faster it is taken for all wider networks."""
    budget, choices = resources.budget(), list[Choice]()
    for width in sweep.widths:
        choice = _choice(sweep, width, resources.engine, resources, budget)
        if choice.engine == "dense" and choices and choices[-1].engine == "matrix_free":
            choice = _choice(sweep, width, "matrix_free", resources, budget)
        choices.append(choice)
    return choices


def _measure(sweep: Sweep, choices: Sequence[Choice], device: str) -> Measured:
    started = time.perf_counter()
    tally = Tally()
    cells: dict[str, list[list[Reading]]] = {}
    for width, count, choice in zip(sweep.widths, sweep.counts, choices, strict=True):
        by_name: dict[str, list[Reading]] = {}
        for seeds in _chunks(sweep, count, choice):
            trial = EngineTrial(sweep.training, width, seeds, sweep.root_seed, choice, device, tally)
            for name, reading in _readings(sweep, trial).items():
                by_name.setdefault(name, []).append(reading)
        if cells and set(cells) != set(by_name):
            raise ValueError(f"{sweep.observable.name} has readings {list(by_name)} at width {width}, others before")
        for name, readings in by_name.items():
            cells.setdefault(name, []).append(readings)
            _check_early(sweep, name, width, readings)
    return Measured(
        {name: _measurement(sweep, name, readings) for name, readings in cells.items()},
        _engine_text(sweep.widths, choices),
        time.perf_counter() - started,
        tally.flops,
        tally.trainings,
    )


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


def _chunks(sweep: Sweep, count: int, choice: Choice) -> list[list[int]]:
    """Seeds of one width in groups that are observed together, whole ensembles at a time."""
    networks = count * sweep.observable.networks
    # An observable that trains again asks for chunks itself, of networks that change from one round to the next.
    together = networks if sweep.observable.retrains else choice.together
    return [list(range(start, min(start + together, networks))) for start in range(0, networks, together)]


@dataclass(frozen=True)
class EngineTrial:
    """A `Trial` carried out by an engine."""

    training: Training
    width: int
    seeds: Sequence[int]
    root_seed: int
    choice: Choice = _PLAIN
    device: str = "cpu"
    tally: Tally = field(default_factory=Tally)

    @property
    def together(self) -> int:
        """How many networks are trained together, at most."""
        return self.choice.together

    def run(self, *, times: Sequence[int] | None = None) -> Run:
        """Train all networks together."""
        return self._train(self.seeds, None, times=times)

    def histories(self, seeds: Sequence[int], rate_factors: Tensor, limits: Limits) -> Histories:
        """Train any number of networks, chunk by chunk, and keep no weights.

        Raises:
            ValueError: with the matrix-free engine, where each rate would have another network.
        """
        if self.choice.engine != "dense":
            raise ValueError(
                f"the {self.choice.engine} engine cannot train one network several times; "
                "make the observable with retrains=True, so that the dense engine is chosen"
            )
        chunks = [slice(start, start + self.together) for start in range(0, len(seeds), self.together)]
        runs = [self._train(seeds[chunk], rate_factors[chunk], times=(), limits=limits) for chunk in chunks]
        return Histories(*(torch.cat([getattr(run, name) for run in runs], dim=1) for name in Histories._fields))

    def _train(
        self,
        seeds: Sequence[int],
        rate_factors: Tensor | None,
        *,
        times: Sequence[int] | None,
        limits: Limits | None = None,
    ) -> Run:
        # Without autograd's bookkeeping.
        with torch.no_grad():
            return ENGINES[self.choice.engine].train(
                self.training,
                self.width,
                seeds,
                times=times,
                rate_factors=rate_factors,
                root_seed=self.root_seed,
                device=self.device,
                limits=limits,
                tally=self.tally,
            )


def _check_early(sweep: Sweep, name: str, width: int, readings: Sequence[Reading]) -> None:
    """Stop at the first width that cannot be used, before wider and dearer ones are trained."""
    values = np.concatenate([reading.values.cpu().numpy() for reading in readings]).astype(float)
    label = name or sweep.observable.title
    if np.any(values < 0):
        raise ValueError(
            f"{label} must be positive to have an exponent; it is {np.nanmin(values):g} at width {width}. "
            "Measure its size (a norm, a root mean square) instead."
        )
    if not values.any():
        raise ValueError(
            f"{label} is zero in all {len(values)} runs at width {width}, and zero has no exponent. "
            "Check that the observable reads something that the training changes."
        )
    if not np.isfinite(values).any():
        raise ValueError(
            f"all {len(values)} runs diverged at width {width}, so {label} was not measured there. "
            "Lower the learning rate, or take fewer steps."
        )


def _measurement(sweep: Sweep, name: str, cells: Sequence[Sequence[Reading]]) -> Measurement:
    values, statuses = [], []
    for readings in cells:
        numbers = [float(v) for reading in readings for v in reading.values.cpu().tolist()]
        declared = [s for reading in readings for s in reading.statuses or (None,) * len(reading.values)]
        statuses.append(tuple(s or _status(v) for v, s in zip(numbers, declared, strict=True)))
        values.append(tuple(v if math.isfinite(v) and v > 0 else math.nan for v in numbers))
    return Measurement(
        axis_values=tuple(float(width) for width in sweep.widths),
        values=tuple(values),
        statuses=tuple(statuses),
        name=name or sweep.observable.title,
    )


def _status(value: float) -> Status:
    if not math.isfinite(value):
        return Status.DIVERGED
    return Status.ZERO if value == 0 else Status.OK
