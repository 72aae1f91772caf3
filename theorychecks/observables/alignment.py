"""How weights and their inputs conspire: effective and propagating updates and their alignment.

The change of what a matrix produces splits exactly, W_t x_t - W_0 x_0 = (W_t - W_0) x_t + W_0 (x_t - x_0), into the
effective and the propagating update (Haas et al. 2025, arXiv:2505.22491; Everett et al. 2024, arXiv:2407.05872).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from theorychecks.engines import Run
from theorychecks.networks.randomness import generator
from theorychecks.observables.observable import Observable, from_run, root_mean_square
from theorychecks.observables.weights import Where, matrices

Update = Literal["effective", "propagating"]
Direction = Literal["trained", "random"]


def update_size(update: Update, where: Where = "every") -> Observable:
    """Size of an update, RMS(dW x_t) or RMS(W_0 dx), by matrix, after the last step on training inputs."""
    _check_update(update)

    def read(run: Run) -> dict[str, Tensor]:
        return {name: _parts(run, k, update, "trained")[0] for name, k in _matrices(run, where, update).items()}

    return from_run(f"{update} update ({where})", read, title=f"{update} update")


def alignment(update: Update, where: Where = "every", *, direction: Direction = "trained") -> Observable:
    """Alignment ratio RMS(A v) / (RMS(A) RMS(v)) with A v = dW x_t or W_0 dx, by matrix.

    RMS(A) is over entries, so an independent v gives n^1/2 over a fan-in of n, and a perfectly aligned one n.

    Args:
        update: "effective" for dW x_t, "propagating" for W_0 dx.
        where: a layer role, or "every"; the input matrix has no propagating update, as its inputs stay.
        direction: "trained" takes v from the training, "random" an independent Gaussian v in its place.
    """
    _check_update(update)
    if direction not in ("trained", "random"):
        raise ValueError(f"a direction is 'trained' or 'random'; got {direction!r}")

    def read(run: Run) -> dict[str, Tensor]:
        ratios = {}
        for name, k in _matrices(run, where, update).items():
            produced, vector, matrix = _parts(run, k, update, direction)
            ratios[name] = produced / (vector * matrix)
        return ratios

    title = f"alignment of the {update} update" + (" with a random direction" if direction == "random" else "")
    return from_run(f"{title} ({where})", read, title=title)


def _matrices(run: Run, where: Where, update: Update) -> dict[str, int]:
    found = matrices(run, where)
    if update == "propagating":
        found = {name: k for name, k in found.items() if k > 0}
        if not found:
            raise ValueError("the input matrix has no propagating update: its inputs are the data; take another role")
    return found


def _parts(run: Run, matrix: int, update: Update, direction: Direction) -> tuple[Tensor, Tensor, Tensor]:
    """Sizes of the product, of the vector and of the matrix's entries."""
    steps = run.training.steps
    layer = run.layers[matrix]
    entries = math.sqrt(layer.fan_in * layer.fan_out)
    vector = run.features(matrix, steps)
    if update == "propagating":
        vector = vector - run.features(matrix, 0)
    if direction == "random":
        vector = _random_like(vector, run, layer.name)
    # Products first: without stored matrices a norm is drawn given them, and they are not drawn given it.
    if update == "effective":
        produced = run.apply_change(matrix, vector, steps)
        size = run.weight_change_norm(matrix, "frobenius", steps)
    else:
        produced = run.apply_initial(matrix, vector)
        size = run.weight_norm(matrix, "frobenius")
    return root_mean_square(produced), root_mean_square(vector), size / entries


def _random_like(vectors: Tensor, run: Run, name: str) -> Tensor:
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


def _check_update(update: str) -> None:
    if update not in ("effective", "propagating"):
        raise ValueError(f"an update is 'effective' or 'propagating'; got {update!r}")
