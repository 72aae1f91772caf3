"""A user's optimizer, in a file of the user's: gradients divided by their norm."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

import theorychecks as tc


@dataclass(frozen=True)
class NormalisedDescent(tc.Optimizer):
    """Steps of one length, whatever the gradient's."""

    momentum: float = 0.5
    heavy_ball = None
    copies = 1

    def exponent(self, parametrization, role):
        """A few samples make gradients of low rank, whose norms, Frobenius and spectral, are of one order."""
        return parametrization.scaling(role).muon

    def step(self, gradient: Tensor, state: Sequence[Tensor], count: int):
        """Along the running mean."""
        (mean,) = state
        mean.lerp_(gradient, 1 - self.momentum)
        return mean / torch.linalg.vector_norm(mean, dim=(1, 2), keepdim=True), 1.0


RICH = tc.Training(
    tc.MLP(2, tc.TANH, tc.MAXIMAL_UPDATE, centred=True),
    learning_rate=tc.scaled(0.3),
    data=tc.GaussianMixture(),
    loss=tc.MSE,
    steps=3,
    optimizer=NormalisedDescent(),
)


@tc.claim(id="OWN", source="made up, by the spectral condition")
def test_an_optimizer_of_ones_own_learns_features_under_maximal_update():
    """Features change by Theta(1) under maximal update, and do not under NTK parametrization."""
    moved = tc.Sweep(tc.FeatureChange(), RICH, widths=tc.widths(64, 1024))
    constant = tc.Plateau(within=0.1, rival=-1 / 2)
    tc.check(moved, constant)
    tc.check_refuted(moved.under(tc.NTK), constant)
