"""Derivatives of what networks were trained for: of outputs, as a tangent kernel, and of the loss.

An engine whose matrices are known reads them off its run's own features and output gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import torch
from torch import Tensor

from theorychecks.engines.run import Points, Weighting
from theorychecks.networks import Layer, Training

_FROZEN: Final = 1e-12


class Readable(Protocol):
    """What derivatives are made of; see `Run` for each."""

    training: Training
    width: int

    @property
    def layers(self) -> Sequence[Layer]:
        """The network's matrices."""
        ...

    def features(self, layer: int, time: int, points: Points = "train") -> Tensor:
        """What a matrix is given, [seed, point, size]."""
        ...

    def outputs(self, time: int, points: Points = "train") -> Tensor:
        """The trained function, [seed, point, C]."""
        ...

    def output_gradients(self, matrix: int, time: int, points: Points = "train") -> Tensor:
        """Derivative of each output in what a matrix produces, [seed, point, C, fan_out]."""
        ...


def tangent_kernel(
    run: Readable, time: int, *, rows: Points = "train", columns: Points = "train", weighting: Weighting = "rates"
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


def loss_gradients(run: Readable, time: int) -> Tensor:
    """Derivative of the loss over all training inputs in the outputs at a recorded time, [seed, P, C]."""
    outputs = run.outputs(time)
    targets = torch.as_tensor(run.training.data.draw().targets, dtype=outputs.dtype, device=outputs.device)
    return run.training.loss.gradient(outputs, targets)


def gradient_size(run: Readable, matrix: int, time: int) -> Tensor:
    """Root mean square entry of sum_p g_p x_p^T, [seed], by the products of the g_p and of the x_p."""
    layer = run.layers[matrix]
    # [seed, P, C] and [seed, P, C, fan_out] make [seed, P, fan_out].
    produced = (loss_gradients(run, time)[..., None] * run.output_gradients(matrix, time)).sum(dim=2)
    features = run.features(matrix, time)
    squared = ((produced @ produced.mT) * (features @ features.mT)).sum(dim=(1, 2))
    return layer.multiplier * (squared.clamp(min=0) / (layer.fan_in * layer.fan_out)).sqrt()


def _matrix_term(run: Readable, matrix: int, time: int, rows: Points, columns: Points) -> Tensor:
    """Products of one matrix's gradients, each the outer product of an output gradient and a feature."""
    features = run.features(matrix, time, rows) @ run.features(matrix, time, columns).mT
    left = run.output_gradients(matrix, time, rows)
    right = run.output_gradients(matrix, time, columns)
    seeds, p, c, _ = left.shape
    q = right.shape[1]
    gradients = (left.reshape(seeds, p * c, -1) @ right.reshape(seeds, q * c, -1).mT).reshape(seeds, p, c, q, c)
    return (gradients * features[:, :, None, :, None]).reshape(seeds, p * c, q * c)
