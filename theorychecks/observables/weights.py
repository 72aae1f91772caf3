"""How far weights move, relative to where they start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from theorychecks.engines import Norm, Run
from theorychecks.engines.run import Described, check_norm
from theorychecks.networks import LayerRole
from theorychecks.observables.observable import Observable, Readings, of_matrix, readings

Where = LayerRole | Literal["every"]


def check_role(role: str) -> None:
    """Refuse what is no layer's role."""
    if role not in ("every", "input", "hidden", "output"):
        raise ValueError(f"a layer's role is input, hidden or output, or every for all of them; got {role!r}")


def matrices(run: Run, role: Where) -> list[tuple[int, Described]]:
    """Matrices of a role, or all, by number.

    Raises:
        ValueError: if the network has none of that role.
    """
    found = [(k, layer) for k, layer in enumerate(run.layers) if role in ("every", layer.role)]
    if not found:
        depth = len(run.layers) - 1
        raise ValueError(
            f"a network with {depth} hidden layer{'' if depth == 1 else 's'} has no {role} matrix; "
            "take depth 2 or more, or another role"
        )
    return found


@dataclass(frozen=True)
class WeightChange(Observable):
    """Relative weight change ||W_T - W_0|| / ||W_0||, by matrix.

    Attributes:
        role: a layer role, or "every".
        norm: "frobenius" or "spectral".
    """

    role: Where = "every"
    norm: Norm = field(default="frobenius", kw_only=True)
    title = "relative weight change"
    parts = ("layer", "role", "norm")

    def __post_init__(self) -> None:
        check_role(self.role)
        check_norm(self.norm)

    def read(self, run: Run) -> Readings:
        """A ratio by matrix."""
        changes = {
            of_matrix(layer, norm=self.norm): run.weight_change_norm(k, self.norm, run.steps)
            / run.weight_norm(k, self.norm)
            for k, layer in matrices(run, self.role)
        }
        return readings(run, changes)
