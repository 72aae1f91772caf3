"""What gradient flow conserves between a layer's incoming and outgoing weights."""

from __future__ import annotations

import torch
from torch import Tensor

from theorychecks.engines import Run
from theorychecks.engines.dense import DenseRun
from theorychecks.observables.observable import Observable, from_run, root_mean_square


def balance_drift() -> Observable:
    """Change of each neuron's balance, |incoming weights|^2 - |outgoing weights|^2, RMS over neurons, by hidden layer.

    It is relative to the RMS of |incoming weights|^2 + |outgoing weights|^2 before training, all of them trainable
    weights, without multipliers. Where the activation is homogeneous and all layers have one learning rate, gradient
    flow conserves every balance (Du, Hu, Lee 2018, arXiv:1806.00900, from memory), and gradient descent breaks it by
    what it does at second order in its step. It reads weights one by one, which takes stored matrices.
    """

    def read(run: Run) -> dict[str, Tensor]:
        if not isinstance(run, DenseRun):
            raise ValueError(
                "a balance is read off stored weights, and the matrix_free engine stores none. Use engine 'dense'."
            )
        return {
            f"layer {layer}": _drift(run, layer, run.training.steps)
            for layer in range(1, run.training.network.depth + 1)
        }

    return from_run("drift of the balance", read)


def _drift(run: DenseRun, layer: int, time: int) -> Tensor:
    (before_in, before_out), (after_in, after_out) = (_squares(run, layer, at) for at in (0, time))
    change = (after_in - before_in) - (after_out - before_out)
    return root_mean_square(change) / root_mean_square(before_in + before_out)


def _squares(run: DenseRun, layer: int, time: int) -> tuple[Tensor, Tensor]:
    """Squared norms of each neuron's incoming and outgoing trainable weights, [seed, width]."""
    incoming, outgoing = (
        run.weights(matrix, time).to(torch.float64) / run.layers[matrix].multiplier for matrix in (layer - 1, layer)
    )
    return incoming.square().sum(dim=2), outgoing.square().sum(dim=1)
