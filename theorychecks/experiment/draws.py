"""Draw: the random numbers that a quantity's function gets, and the networks that it trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from theorychecks.engines.choice import choose
from theorychecks.engines.deferred import DeferredRun
from theorychecks.engines.matrix import Tally
from theorychecks.experiment.resources import Resources
from theorychecks.networks import Training
from theorychecks.networks.randomness import generator, integer
from theorychecks.observables.observable import Observable, Reading, Readings, check_observable


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


def _joined(parts: Sequence[Reading]) -> Reading:
    statuses = [status for part in parts for status in part.statuses or (None,) * len(part.values)]
    return Reading(torch.cat([part.values for part in parts]), tuple(statuses))
