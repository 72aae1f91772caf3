"""The time scale of weight decay, read off a model's optimizer: 1/(rate x decay) steps (Wang, Aitchison 2024)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from theorychecks.engines import Run, Unanswerable
from theorychecks.engines.module import ModuleRun
from theorychecks.engines.module.decay import decay_times
from theorychecks.observables.observable import Observable, Reading, Readings
from theorychecks.statistics.parts import Parts


@dataclass(frozen=True)
class DecayTime(Observable):
    """One over the part that a step's weight decay takes from a parameter, by parameter: 1/(rate x decay) under AdamW.

    It is the number of steps over which weights average their updates (Wang, Aitchison 2024, arXiv:2405.13698), and an
    exact power of whatever rate and decay are powers of. Decay alone takes weights to 1/e in -1/log(1 - part) steps,
    which are half a step fewer where the part is small. Nothing is trained for it: steps are made without a gradient,
    at the rates that the optimizer begins with, and what they take away is read. Parameters that do not decay have no
    such time, and are left out.
    """

    title = "time of decay"
    # It then gets all seeds at once, and no training tells how many would fit.
    retrains = True
    parts = ("parameter", "role")

    def read(self, run: Run) -> Readings:
        """A time by parameter, the same for every seed.

        Raises:
            Unanswerable: for a `Training`, and for a model whose optimizer has no such time.
        """
        if not isinstance(run, ModuleRun):
            raise Unanswerable(
                "times of decay are asked for, and a tc.Training's optimizers have no weight decay. Sweep a tc.Model."
            )
        times = decay_times(run.trainer, run.width)
        return {
            Parts(parameter=name, role=role): Reading(
                torch.full((len(run.seeds),), time, dtype=torch.float64), exact=True
            )
            for (name, role), time in times.items()
        }
