"""A trial carried out by an engine: what an observable asks for, and which networks answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from theorychecks.engines import Histories, Limits, Run
from theorychecks.engines.choice import ENGINES, Choice
from theorychecks.engines.matrix import Tally
from theorychecks.networks import Training

_PLAIN: Final = Choice("dense", 2**62)


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
    def rate(self) -> float:
        """The learning rate at this width."""
        unit = self.training.learning_rate
        return float(unit.base * self.width**unit.width)

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
