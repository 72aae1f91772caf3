"""Sizes of the loss's derivative in single trainable weights, before training."""

from __future__ import annotations

from dataclasses import dataclass

from theorychecks.engines import Run
from theorychecks.observables.observable import Observable, Readings, of_matrix, readings
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
        return readings(run, {of_matrix(layer): run.gradient_size(k, 0) for k, layer in matrices(run, self.role)})
