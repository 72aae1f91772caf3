"""What gradient flow conserves between a layer's incoming and outgoing weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from theorychecks.engines import Run
from theorychecks.observables.observable import (
    Observable,
    Readings,
    hidden_layers,
    of_hidden_layer,
    readings,
    root_mean_square,
)


@dataclass(frozen=True)
class BalanceDrift(Observable):
    """Change of each neuron's balance, |incoming weights|^2 - |outgoing weights|^2, RMS over neurons, by hidden layer.

    It is relative to the RMS of |incoming weights|^2 + |outgoing weights|^2 before training, all of them trainable
    weights, without multipliers. Where the activation is homogeneous and all layers have one learning rate, gradient
    flow conserves every balance (Du, Hu, Lee 2018, arXiv:1806.00900, from memory), and gradient descent breaks it by
    what it does at second order in its step. It reads weights one by one, which takes stored matrices.
    """

    title = "drift of the balance"
    parts = ("layer", "role")

    def read(self, run: Run) -> Readings:
        """A ratio by hidden layer.

        Raises:
            Unanswerable: if a matrix is not stored.
        """
        return readings(run, {of_hidden_layer(run, layer): _drift(run, layer) for layer in hidden_layers(run)})


def _drift(run: Run, layer: int) -> Tensor:
    (before_in, before_out), (after_in, after_out) = (_squares(run, layer, at) for at in (0, run.steps))
    change = (after_in - before_in) - (after_out - before_out)
    return root_mean_square(change) / root_mean_square(before_in + before_out)


def _squares(run: Run, layer: int, time: int) -> tuple[Tensor, Tensor]:
    """Squared norms of each neuron's incoming and outgoing trainable weights, [seed, width]."""
    incoming, outgoing = (
        run.weights(matrix, time).to(torch.float64) / run.layers[matrix].multiplier for matrix in (layer - 1, layer)
    )
    return incoming.square().sum(dim=2), outgoing.square().sum(dim=1)
