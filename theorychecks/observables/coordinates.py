"""The coordinate check: the typical size of single coordinates, layer by layer (Yang et al. 2022, arXiv:2203.03466)."""

from __future__ import annotations

from torch import Tensor

from theorychecks.engines import Run
from theorychecks.observables.observable import Observable, from_run


def coordinate_size() -> Observable:
    """Mean absolute coordinate after the last step, on training inputs: of each layer's preactivations and of outputs.

    Absolute values are what the authors' package averages. Outputs of a centred network are changes.
    """

    def read(run: Run) -> dict[str, Tensor]:
        steps = run.training.steps
        sizes = {
            f"layer {layer}": run.preactivations(layer, steps).abs().mean(dim=(1, 2))
            for layer in range(1, run.training.network.depth + 1)
        }
        return sizes | {"output": run.outputs(steps).abs().mean(dim=(1, 2))}

    return from_run("coordinates", read)
