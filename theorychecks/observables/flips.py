"""How many neurons cross the kink of their activation during training, and which way."""

from __future__ import annotations

from torch import Tensor

from theorychecks.engines import Points, Run
from theorychecks.observables.observable import Observable, from_run


def switched_off(layer: int = 1, points: Points = "train") -> Observable:
    """Net fraction of pairs of a neuron and an input whose preactivation has gone from above zero to below.

    Those that have gone the other way are subtracted. A network in which more have counts as zero, which is no number
    to be judged.

    Args:
        layer: a hidden layer, 1 for the first.
        points: "train" or "test".
    """
    if isinstance(layer, bool) or not isinstance(layer, int) or layer < 1:
        raise ValueError(f"hidden layers are numbered from 1; got {layer!r}")
    if points not in ("train", "test"):
        raise ValueError(f"points are 'train' or 'test'; got {points!r}")

    def read(run: Run) -> Tensor:
        if layer > run.training.network.depth:
            raise ValueError(f"the network has hidden layers 1 to {run.training.network.depth}; got layer={layer}")
        before, after = (run.preactivations(layer, time, points) > 0 for time in (0, run.training.steps))
        net = (before & ~after).double() - (after & ~before).double()
        return net.mean(dim=(1, 2)).clamp(min=0.0)

    return from_run(f"neurons switched off (layer {layer}, {points})", read, title="neurons switched off")
