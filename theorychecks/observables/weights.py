"""How far weights move, relative to where they start."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from theorychecks.engines import Norm, Run
from theorychecks.networks import LayerRole
from theorychecks.observables.observable import Observable, from_run

Where = LayerRole | Literal["every"]


def matrices(run: Run, where: Where) -> dict[str, int]:
    """Matrices of a role, or all, by name.

    Raises:
        ValueError: if the network has none of that role.
    """
    if where not in ("every", "input", "hidden", "output"):
        raise ValueError(f"a layer's role is input, hidden or output, or every for all of them; got {where!r}")
    found = {layer.name: k for k, layer in enumerate(run.layers) if where in ("every", layer.role)}
    if not found:
        raise ValueError(
            f"a network with {run.training.network.depth} hidden layer has no {where} matrix; "
            "take depth 2 or more, or another role"
        )
    return found


def weight_change(where: Where = "every", *, norm: Norm = "frobenius") -> Observable:
    """Relative weight change ||W_T - W_0|| / ||W_0||, by matrix.

    Args:
        where: a layer role, or "every".
        norm: "frobenius" or "spectral".
    """

    def read(run: Run) -> dict[str, Tensor]:
        steps = run.training.steps
        return {
            f"{name}, {norm}": run.weight_change_norm(k, norm, steps) / run.weight_norm(k, norm)
            for name, k in matrices(run, where).items()
        }

    return from_run(f"relative weight change ({where}, {norm})", read, title="relative weight change")
