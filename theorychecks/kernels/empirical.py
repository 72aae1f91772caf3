"""The empirical tangent kernel of a run, at any recorded time."""

from __future__ import annotations

from typing import Final, Literal

from torch import Tensor

from theorychecks.engines import Points, Run

_FROZEN: Final = 1e-12
Weighting = Literal["rates", "none"]
"""Whether gradients count in proportion to their learning rates, as gradient descent has it, or all alike."""


def tangent_kernel(
    run: Run, time: int, *, rows: Points = "train", columns: Points = "train", weighting: Weighting = "rates"
) -> Tensor:
    """Inner products of output gradients in all trainable weights, [seed, rows * C, columns * C].

    A role's gradients are weighted by its learning rate in units of the base rate times its global width factor, so
    that one small step of gradient descent on a loss changes the outputs by -rate * kernel @ d loss / d outputs.
    Under the NTK parametrization all weights are one, and this is the kernel of Jacot, Gabriel and Hongler (2018,
    arXiv:1806.07572).

    Args:
        run: a run with `time` recorded.
        time: at which weights.
        rows: which inputs index the kernel's rows.
        columns: which inputs index its columns.
        weighting: "none" gives every trained weight's gradient the same say, as a penalty on the weights does; a layer
            with less than 1e-12 of the unit rate counts as not trained.
    """
    training, width = run.training, run.width
    unit = training.learning_rate.base * width**training.learning_rate.width
    kernel: Tensor | None = None
    for matrix, layer in enumerate(run.layers):
        rate = training.rate(layer.role, width) / unit
        weight = layer.multiplier**2 * (rate if weighting == "rates" else float(rate > _FROZEN))
        term = weight * _matrix_term(run, matrix, time, rows, columns)
        kernel = term if kernel is None else kernel + term
    assert kernel is not None
    return kernel


def _matrix_term(run: Run, matrix: int, time: int, rows: Points, columns: Points) -> Tensor:
    """Products of one matrix's gradients, each the outer product of an output gradient and a feature."""
    features = run.features(matrix, time, rows) @ run.features(matrix, time, columns).mT
    left = run.output_gradients(matrix, time, rows)
    right = run.output_gradients(matrix, time, columns)
    seeds, p, c, _ = left.shape
    q = right.shape[1]
    gradients = (left.reshape(seeds, p * c, -1) @ right.reshape(seeds, q * c, -1).mT).reshape(seeds, p, c, q, c)
    return (gradients * features[:, :, None, :, None]).reshape(seeds, p * c, q * c)
