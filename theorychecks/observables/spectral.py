"""Spectral norms in the unit in which they map vectors of unit root mean square to such vectors.

A matrix of spectral norm s maps x to W x with RMS(W x) <= s (fan_in / fan_out)^1/2 RMS(x), so sizes are over
(fan_out / fan_in)^1/2 (Yang, Simon and Bernstein 2023, arXiv:2310.17813, abstract; the rest from memory).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from theorychecks.engines import Run
from theorychecks.engines.run import Described
from theorychecks.observables.alignment import Direction, by_chance, check_direction, random_like
from theorychecks.observables.observable import Observable, Readings, of_matrix, readings, root_mean_square
from theorychecks.observables.weights import Where, check_role, matrices

Of = Literal["weights", "change"]


@dataclass(frozen=True)
class SpectralSize(Observable):
    """Spectral norm over (fan_out / fan_in)^1/2, by matrix.

    Attributes:
        of: "weights" for W at initialisation, "change" for W_T - W_0.
        role: a layer role, or "every".
    """

    of: Of
    role: Where = "every"
    parts = ("layer", "role")

    def __post_init__(self) -> None:
        if self.of not in get_args(Of):
            raise ValueError(f"a spectral size is that of the 'weights' or of their 'change'; got {self.of!r}")
        check_role(self.role)

    @property
    def title(self) -> str:
        """What is sized."""
        return f"spectral size of the {self.of}"

    def read(self, run: Run) -> Readings:
        """A size by matrix."""
        sizes = {}
        for k, layer in matrices(run, self.role):
            at_start = self.of == "weights"
            norm = run.weight_norm(k, "spectral") if at_start else run.weight_change_norm(k, "spectral", run.steps)
            sizes[of_matrix(layer)] = norm / _unit(layer)
        return readings(run, sizes)


@dataclass(frozen=True)
class OperatorAlignment(Observable):
    """RMS(dW x_T) over the most that a matrix of dW's spectral norm makes of x_T, by matrix; at most one.

    Attributes:
        role: a layer role, or "every".
        direction: "trained" takes x_T from the training, "random" an independent Gaussian vector in its place.
    """

    role: Where = "every"
    direction: Direction = field(default="trained", kw_only=True)
    parts = ("layer", "role")

    def __post_init__(self) -> None:
        check_role(self.role)
        check_direction(self.direction)

    @property
    def title(self) -> str:
        """What it is, and what the update is applied to."""
        return "operator alignment" + by_chance(self.direction)

    def read(self, run: Run) -> Readings:
        """A ratio by matrix."""
        ratios = {}
        for k, layer in matrices(run, self.role):
            vector = run.features(k, run.steps)
            if self.direction == "random":
                vector = random_like(vector, run, layer.name)
            # Products first, as in `Alignment`.
            produced = run.apply_change(k, vector, run.steps)
            most = run.weight_change_norm(k, "spectral", run.steps) / _unit(layer) * root_mean_square(vector)
            ratios[of_matrix(layer)] = root_mean_square(produced) / most
        return readings(run, ratios)


def _unit(layer: Described) -> float:
    return math.sqrt(layer.fan_out / layer.fan_in)
