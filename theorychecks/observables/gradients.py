"""Sizes of the loss's derivative in single trainable weights, before training."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from theorychecks.engines import Run
from theorychecks.observables.observable import Observable, Readings, of_matrix, readings
from theorychecks.observables.outputs import loss_gradient
from theorychecks.observables.weights import Where, check_role, matrices


@dataclass(frozen=True)
class GradientSize(Observable):
    """Root mean square entry of dL/dw at initialisation, by matrix, on training inputs.

    The derivative is in the trainable w of W = multiplier * w, which an optimizer's epsilon is compared with.

    Attributes:
        role: a layer role, or "every".
    """

    role: Where = "every"
    title = "gradient entries"
    parts = ("layer", "role")

    def __post_init__(self) -> None:
        check_role(self.role)

    def read(self, run: Run) -> Readings:
        """A size by matrix."""
        return readings(run, {of_matrix(layer): _size(run, k) for k, layer in matrices(run, self.role)})


def _size(run: Run, matrix: int) -> Tensor:
    """The Frobenius norm of sum_p g_p x_p^T by the products of the g_p and of the x_p, over the root of the entries."""
    layer = run.layers[matrix]
    # [seed, P, C] and [seed, P, C, fan_out] make [seed, P, fan_out].
    produced = (loss_gradient(run, 0)[..., None] * run.output_gradients(matrix, 0)).sum(dim=2)
    features = run.features(matrix, 0)
    squared = ((produced @ produced.mT) * (features @ features.mT)).sum(dim=(1, 2))
    return layer.multiplier * (squared.clamp(min=0) / (layer.fan_in * layer.fan_out)).sqrt()
