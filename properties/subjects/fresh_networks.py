"""Networks of one width that are drawn anew for every rate that is tried, so that none of them has to be stored.

A search for a threshold bisects on one network, which takes an engine that can make it again: at width 16,384 two
gigabytes for every hidden matrix and two hundred steps. A threshold that concentrates as the width grows needs no
network twice. Bisection on networks of one law ends near the rate that half of them survive, at any width that the
matrix-free engine reaches, and each trial's scatter is noise of the seed that it belongs to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from theorychecks.engines import Histories, Limits, dense, matrix_free
from theorychecks.engines.matrix import Tally
from theorychecks.networks import Training

STORED: Final = 512
"""Up to this width matrices are stored: the numbers must not depend on which engine is faster on a machine."""
_TRIALS: Final = 64
_WEIGHTS_AT_ONCE: Final = 2**20
"""Numbers of weights, or of one layer's products, that are trained together, at most: what stays in the caches."""


@dataclass(frozen=True)
class FreshNetworks:
    """Trainings at one width: all that a search for a rate asks for.

    Attributes:
        training: what is trained.
        width: of the hidden layers.
        seeds: each one's trials are a sequence of networks, the same whichever other seeds are asked for.
        root_seed: another one draws other networks everywhere.
        device: a torch device.
        tally: counts the work.
    """

    training: Training
    width: int
    seeds: Sequence[int]
    root_seed: int
    device: str = "cpu"
    tally: Tally = field(default_factory=Tally, repr=False, compare=False)
    _tried: Counter[int] = field(default_factory=Counter, init=False, repr=False, compare=False)

    @property
    def rate(self) -> float:
        """The learning rate that factors multiply."""
        unit = self.training.learning_rate
        return float(unit.base * self.width**unit.width)

    @property
    def together(self) -> int:
        """One rate of each network at a time, so that which ones are tried does not depend on the room there is."""
        return 1

    def histories(self, seeds: Sequence[int], rate_factors: Tensor, limits: Limits) -> Histories:
        """Train a new network for every seed that is named.

        Raises:
            ValueError: beyond 64 trials of a seed.
        """
        networks = [self._next(seed) for seed in seeds]
        train = dense.train if self.width <= STORED else matrix_free.train
        data = self.training.data
        size = self.width * max(self.width, self.training.steps * (self.training.batch_size or data.samples))
        together = max(_WEIGHTS_AT_ONCE // size, 1)
        runs = [
            train(
                self.training,
                self.width,
                networks[at : at + together],
                times=(),
                rate_factors=rate_factors[at : at + together],
                root_seed=self.root_seed,
                device=self.device,
                limits=limits,
                tally=self.tally,
            )
            for at in range(0, len(networks), together)
        ]
        return Histories(*(torch.cat([getattr(run, name) for run in runs], dim=1) for name in Histories._fields))

    def _next(self, seed: int) -> int:
        """The number of a seed's next network, which no other seed has."""
        trial = self._tried[seed]
        if trial == _TRIALS:
            raise ValueError(f"a seed has {_TRIALS} trials; a search that takes more does not end. Start it elsewhere.")
        self._tried[seed] += 1
        return seed * _TRIALS + trial
