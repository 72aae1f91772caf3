"""The experiment carried out: from a sweep to measurements."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from theorychecks.engines import Run, dense
from theorychecks.experiment.sweep import Sweep
from theorychecks.networks import Training
from theorychecks.observables.observable import Reading
from theorychecks.statistics.measurement import Measurement, Status

MEMORY_BUDGET = 32 * 2**20
"""Bytes that the seeds of one chunk work on. Small on purpose: chunks that stay near the caches, and below the size at
which memory is mapped anew for every temporary, halve the time; a seed that needs more is trained on its own."""
_WEIGHT_COPIES = {"sgd": 4, "adam": 6}
_FEATURE_COPIES = 4


@dataclass(frozen=True)
class Measured:
    """What a sweep has given.

    Attributes:
        measurements: by reading, in the observable's order.
        engine: which engine carried the trainings out.
        seconds: how long it took.
    """

    measurements: Mapping[str, Measurement]
    engine: str
    seconds: float


_DONE: dict[Sweep, Measured] = {}
"""Sweeps already carried out by this process: a description determines its numbers, so none is trained twice."""


def measure(sweep: Sweep, *, memory_budget: int = MEMORY_BUDGET) -> Measured:
    """Carry a sweep out, from the narrowest network to the widest.

    Args:
        sweep: what to do; its `words` do not matter here.
        memory_budget: bytes that the seeds trained together may work on.

    Raises:
        ValueError: if a reading is negative, zero everywhere, or missing for all runs of a width.
    """
    key = replace(sweep, words=())
    if key not in _DONE:
        _DONE[key] = _measure(key, memory_budget)
    return _DONE[key]


def _measure(sweep: Sweep, memory_budget: int) -> Measured:
    started = time.perf_counter()
    cells: dict[str, list[list[Reading]]] = {}
    for width, count in zip(sweep.widths, sweep.counts, strict=True):
        by_name = _readings(sweep, width, count, memory_budget)
        if cells and set(cells) != set(by_name):
            raise ValueError(f"{sweep.observable.name} has readings {list(by_name)} at width {width}, others before")
        for name, readings in by_name.items():
            cells.setdefault(name, []).append(readings)
            _check_early(sweep, name, width, readings)
    measurements = {name: _measurement(sweep, name, readings) for name, readings in cells.items()}
    return Measured(measurements, dense.NAME, time.perf_counter() - started)


def _readings(sweep: Sweep, width: int, count: int, memory_budget: int) -> dict[str, list[Reading]]:
    by_name: dict[str, list[Reading]] = {}
    for seeds in _chunks(sweep, width, count, memory_budget):
        observed = sweep.observable.observe(DenseTrial(sweep.training, width, seeds, sweep.root_seed))
        if not observed:
            raise ValueError(f"{sweep.observable.name} reads nothing at all: an empty claim would pass vacuously")
        for name, reading in observed.items():
            expected = len(seeds) // sweep.observable.networks
            if tuple(reading.values.shape) != (expected,):
                raise ValueError(
                    f"{sweep.observable.name} must give one number a seed, shape ({expected},); "
                    f"got {tuple(reading.values.shape)} for {name or 'its only reading'!r}"
                )
            by_name.setdefault(name, []).append(reading)
    return by_name


def _chunks(sweep: Sweep, width: int, count: int, memory_budget: int) -> list[list[int]]:
    """Seeds of one width in groups that fit the budget, whole ensembles together."""
    training, group = sweep.training, sweep.observable.networks
    data = training.data
    layers = training.network.layers(width, inputs=data.dimension, outputs=data.outputs)
    weights = sum(layer.fan_in * layer.fan_out for layer in layers) * _WEIGHT_COPIES[training.optimizer.name]
    features = data.samples * training.network.depth * width * _FEATURE_COPIES
    per_value = (weights + features) * (4 if training.dtype == "float32" else 8) * group
    together = max(1, memory_budget // per_value)
    starts = range(0, count, together)
    return [list(range(start * group, min(start + together, count) * group)) for start in starts]


@dataclass(frozen=True)
class DenseTrial:
    """A `Trial` carried out by the dense engine."""

    training: Training
    width: int
    seeds: Sequence[int]
    root_seed: int

    def run(
        self,
        *,
        times: Sequence[int] | None = None,
        seeds: Sequence[int] | None = None,
        rate_factors: Tensor | None = None,
    ) -> Run:
        """Train, without autograd's bookkeeping."""
        with torch.no_grad():
            return dense.train(
                self.training,
                self.width,
                self.seeds if seeds is None else seeds,
                times=times,
                rate_factors=rate_factors,
                root_seed=self.root_seed,
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
