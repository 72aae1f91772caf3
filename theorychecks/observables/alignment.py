"""How weights and their inputs conspire: effective and propagating updates and their alignment.

The change of what a matrix produces splits exactly, W_t x_t - W_0 x_0 = (W_t - W_0) x_t + W_0 (x_t - x_0), into the
effective and the propagating update (Haas et al. 2025, arXiv:2505.22491; Everett et al. 2024, arXiv:2407.05872).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from torch import Tensor

from theorychecks.engines import Run
from theorychecks.engines.run import Described
from theorychecks.networks.randomness import generator
from theorychecks.observables.observable import (
    Observable,
    Readings,
    check_option,
    of_matrix,
    readings,
    root_mean_square,
)
from theorychecks.observables.weights import Where, check_role, matrices

Update = Literal["effective", "propagating"]
Direction = Literal["trained", "random"]


@dataclass(frozen=True)
class UpdateSize(Observable):
    """Size of an update, RMS(dW x_T) or RMS(W_0 dx), by matrix, after the last step on training inputs.

    Attributes:
        update: "effective" for dW x_T, "propagating" for W_0 dx.
        role: a layer role, or "every"; the input matrix has no propagating update, as its inputs stay.
    """

    update: Update
    role: Where = "every"
    parts = ("layer", "role")

    def __post_init__(self) -> None:
        _check_update(self.update, self.role)

    @property
    def title(self) -> str:
        """Which update."""
        return f"{self.update} update"

    def read(self, run: Run) -> Readings:
        """A size by matrix."""
        sizes = {
            of_matrix(layer): _sizes(run, k, self.update, "trained")[0]
            for k, layer in _matrices(run, self.role, self.update)
        }
        return readings(run, sizes)


@dataclass(frozen=True)
class Alignment(Observable):
    """Alignment ratio RMS(A v) / (RMS(A) RMS(v)) with A v = dW x_T or W_0 dx, by matrix.

    RMS(A) is over entries, so an independent v gives n^1/2 over a fan-in of n, and a perfectly aligned one n.

    Attributes:
        update: "effective" for dW x_T, "propagating" for W_0 dx.
        role: a layer role, or "every"; the input matrix has no propagating update, as its inputs stay.
        direction: "trained" takes v from the training, "random" an independent Gaussian v in its place.
    """

    update: Update
    role: Where = "every"
    direction: Direction = field(default="trained", kw_only=True)
    parts = ("layer", "role")

    def __post_init__(self) -> None:
        _check_update(self.update, self.role)
        check_direction(self.direction)

    @property
    def title(self) -> str:
        """Which update, and what it is applied to."""
        return f"alignment of the {self.update} update" + by_chance(self.direction)

    def read(self, run: Run) -> Readings:
        """A ratio by matrix."""
        ratios = {}
        for k, layer in _matrices(run, self.role, self.update):
            produced, vector, matrix = _sizes(run, k, self.update, self.direction)
            ratios[of_matrix(layer)] = produced / (vector * matrix)
        return readings(run, ratios)


def _matrices(run: Run, role: Where, update: Update) -> list[tuple[int, Described]]:
    found = matrices(run, role)
    if update == "propagating":
        found = [(k, layer) for k, layer in found if k > 0]
        if not found:
            raise ValueError("the input matrix has no propagating update: its inputs are the data; take another role")
    return found


def _sizes(run: Run, matrix: int, update: Update, direction: Direction) -> tuple[Tensor, Tensor, Tensor]:
    """Sizes of the product, of the vector and of the matrix's entries."""
    layer = run.layers[matrix]
    entries = math.sqrt(layer.fan_in * layer.fan_out)
    vector = run.features(matrix, run.steps)
    if update == "propagating":
        vector = vector - run.features(matrix, 0)
    if direction == "random":
        vector = random_like(vector, run, layer.name)
    # Products first: without stored matrices a norm is drawn given them, and they are not drawn given it.
    if update == "effective":
        produced = run.apply_change(matrix, vector, run.steps)
        size = run.weight_change_norm(matrix, "frobenius", run.steps)
    else:
        produced = run.apply_initial(matrix, vector)
        size = run.weight_norm(matrix, "frobenius")
    return root_mean_square(produced), root_mean_square(vector), size / entries


def random_like(vectors: Tensor, run: Run, name: str) -> Tensor:
    """Standard normal vectors, drawn for each seed and matrix by a generator of its own."""
    drawn = [
        torch.randn(
            vectors.shape[1:],
            generator=generator("direction", run.root_seed, name, run.width, seed),
            dtype=vectors.dtype,
        )
        for seed in run.seeds
    ]
    return torch.stack(drawn).to(vectors.device)


def by_chance(direction: Direction) -> str:
    """What a title says of a random direction."""
    return " with a random direction" if direction == "random" else ""


def check_direction(direction: str) -> None:
    """Refuse a direction that there is not."""
    check_option(direction, get_args(Direction), "a direction is")


def _check_update(update: str, role: str) -> None:
    check_option(update, get_args(Update), "an update is")
    check_role(role)
