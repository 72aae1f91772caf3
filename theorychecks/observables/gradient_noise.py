"""How much the gradient of one batch differs from that of another."""

from __future__ import annotations

from dataclasses import dataclass

from theorychecks.engines import Run, Unanswerable
from theorychecks.engines.module import ModuleRun
from theorychecks.engines.module.noise import gradient_noise
from theorychecks.observables.observable import Observable, Readings, of_matrix, readings
from theorychecks.observables.weights import Where, check_role, matrices


@dataclass(frozen=True)
class GradientNoise(Observable):
    """Standard deviation of an entry of dL/dw from batch to batch, before training, by matrix.

    It is read off the batches of a model's training, one for each step, and is the root mean square over entries. Where
    a batch has B independent samples and the loss is their mean, it falls as B^-1/2, while the mean gradient, about
    which it is taken, does not depend on B (McCandlish et al. 2018, arXiv:1812.06162).

    Attributes:
        role: a layer role, or "every".
    """

    role: Where = "every"
    title = "gradient noise"
    parts = ("layer", "role")

    def __post_init__(self) -> None:
        check_role(self.role)

    def read(self, run: Run) -> Readings:
        """A deviation by matrix.

        Raises:
            Unanswerable: for a `Training`, which has one batch, and for a model with equal batches.
        """
        if not isinstance(run, ModuleRun):
            raise Unanswerable(
                "differences between gradients of batches are asked for, and a tc.Training has one batch of all of its "
                "data. Sweep a tc.Model whose batches are drawn."
            )
        noise = gradient_noise(run)
        return readings(
            run, {of_matrix(layer): noise[run.layers[k].parameter] for k, layer in matrices(run, self.role)}
        )
