"""How many neurons cross the kink of their activation during training, and which way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from theorychecks.arguments import is_whole
from theorychecks.engines import Points, Run
from theorychecks.observables.observable import Observable, Readings, check_option, readings


@dataclass(frozen=True)
class SwitchedOff(Observable):
    """Net fraction of pairs of a neuron and an input whose preactivation has gone from above zero to below.

    Those that have gone the other way are subtracted. A network in which more have counts as zero, which is no number
    to be judged.

    Attributes:
        layer: a hidden layer, 1 for the first.
        points: "train" or "test".
    """

    layer: int = 1
    points: Points = "train"
    title = "neurons switched off"
    parts = ()

    def __post_init__(self) -> None:
        if not is_whole(self.layer):
            raise ValueError(f"hidden layers are numbered from 1; got {self.layer!r}")
        check_option(self.points, get_args(Points), "points are")

    def read(self, run: Run) -> Readings:
        """One fraction.

        Raises:
            ValueError: if the network has no such layer.
        """
        if self.layer >= len(run.layers):
            raise ValueError(f"the network has hidden layers 1 to {len(run.layers) - 1}; got layer={self.layer}")
        before, after = (run.preactivations(self.layer, time, self.points) > 0 for time in (0, run.steps))
        net = (before & ~after).double() - (after & ~before).double()
        return readings(run, net.mean(dim=(1, 2)).clamp(min=0.0))
