"""Sizes of the loss's derivative in single trainable weights, before training."""

from __future__ import annotations

from torch import Tensor

from theorychecks.engines import Run
from theorychecks.observables.observable import Observable, from_run
from theorychecks.observables.outputs import loss_gradient
from theorychecks.observables.weights import Where, matrices


def gradient_size(where: Where = "every") -> Observable:
    """Root mean square entry of dL/dw at initialisation, by matrix, on training inputs.

    The derivative is in the trainable w of W = multiplier * w, which an optimizer's epsilon is compared with.

    Args:
        where: a layer role, or "every".
    """

    def read(run: Run) -> dict[str, Tensor]:
        return {name: _size(run, k) for name, k in matrices(run, where).items()}

    return from_run(f"gradient entries ({where})", read, title="gradient entries")


def _size(run: Run, matrix: int) -> Tensor:
    """The Frobenius norm of sum_p g_p x_p^T by the products of the g_p and of the x_p, over the root of the entries."""
    layer = run.layers[matrix]
    # [seed, P, C] and [seed, P, C, fan_out] make [seed, P, fan_out].
    produced = (loss_gradient(run, 0)[..., None] * run.output_gradients(matrix, 0)).sum(dim=2)
    features = run.features(matrix, 0)
    squared = ((produced @ produced.mT) * (features @ features.mT)).sum(dim=(1, 2))
    return layer.multiplier * (squared.clamp(min=0) / (layer.fan_in * layer.fan_out)).sqrt()
