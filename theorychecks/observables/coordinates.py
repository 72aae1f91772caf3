"""The coordinate check: the typical size of single coordinates, layer by layer (Yang et al. 2022, arXiv:2203.03466)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from theorychecks.engines import Run
from theorychecks.observables.observable import Observable, Readings, hidden_layers, of_hidden_layer, readings
from theorychecks.statistics.parts import Parts


@dataclass(frozen=True)
class CoordinateSize(Observable):
    """Mean absolute coordinate after the last step, on training inputs: of each layer's preactivations and of outputs.

    Absolute values are what the authors' package averages. Outputs of a centred network are changes.
    """

    title = "coordinates"
    parts = ("layer", "role")

    def read(self, run: Run) -> Readings:
        """A size by hidden layer, and that of the outputs."""
        sizes = {
            of_hidden_layer(run, layer): _mean_size(run.preactivations(layer, run.steps))
            for layer in hidden_layers(run)
        }
        outputs = Parts(layer="output", role="output")
        return readings(run, sizes | {outputs: _mean_size(run.outputs(run.steps))})


def _mean_size(values: Tensor) -> Tensor:
    """Over everything but the seeds, [seed]."""
    return values.abs().mean(dim=tuple(range(1, values.ndim)))
