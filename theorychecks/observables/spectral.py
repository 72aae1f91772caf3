"""Spectral norms in the unit in which they map vectors of unit root mean square to such vectors.

A matrix of spectral norm s maps x to W x with RMS(W x) <= s (fan_in / fan_out)^1/2 RMS(x), so sizes are over
(fan_out / fan_in)^1/2 (Yang, Simon and Bernstein 2023, arXiv:2310.17813, abstract; the rest from memory).
"""

from __future__ import annotations

import math
from typing import Literal, get_args

from torch import Tensor

from theorychecks.engines import Run
from theorychecks.networks import Layer
from theorychecks.observables.alignment import _random_like
from theorychecks.observables.observable import Observable, from_run, root_mean_square
from theorychecks.observables.weights import Where, matrices

Of = Literal["weights", "change"]


def spectral_size(of: Of, where: Where = "every") -> Observable:
    """Spectral norm over (fan_out / fan_in)^1/2, by matrix.

    Args:
        of: "weights" for W at initialisation, "change" for W_T - W_0.
        where: a layer role, or "every".
    """
    if of not in get_args(Of):
        raise ValueError(f"a spectral size is that of the 'weights' or of their 'change'; got {of!r}")

    def read(run: Run) -> dict[str, Tensor]:
        sizes = {}
        for name, k in matrices(run, where).items():
            steps = run.training.steps
            norm = run.weight_norm(k, "spectral") if of == "weights" else run.weight_change_norm(k, "spectral", steps)
            sizes[name] = norm / _unit(run.layers[k])
        return sizes

    return from_run(f"spectral size of the {of} ({where})", read, title=f"spectral size of the {of}")


def operator_alignment(where: Where = "every", *, direction: Literal["trained", "random"] = "trained") -> Observable:
    """RMS(dW x_T) over the most that a matrix of dW's spectral norm makes of x_T, by matrix; at most one.

    Args:
        where: a layer role, or "every".
        direction: "trained" takes x_T from the training, "random" an independent Gaussian vector in its place.

    Raises:
        ValueError: for an unknown direction.
    """
    if direction not in ("trained", "random"):
        raise ValueError(f"a direction is 'trained' or 'random'; got {direction!r}")

    def read(run: Run) -> dict[str, Tensor]:
        steps, ratios = run.training.steps, {}
        for name, k in matrices(run, where).items():
            vector = run.features(k, steps)
            if direction == "random":
                vector = _random_like(vector, run, name)
            # Products first, as in `alignment`.
            produced = run.apply_change(k, vector, steps)
            most = run.weight_change_norm(k, "spectral", steps) / _unit(run.layers[k]) * root_mean_square(vector)
            ratios[name] = root_mean_square(produced) / most
        return ratios

    title = "operator alignment" + (" with a random direction" if direction == "random" else "")
    return from_run(f"{title} ({where})", read, title=title)


def _unit(layer: Layer) -> float:
    return math.sqrt(layer.fan_out / layer.fan_in)
