"""The learning rate at which one step of gradient descent leaves the smallest loss, in deep linear networks.

Outputs after the step are a polynomial in the rate, of the degree of the number of matrices, and are found as one: no
rate is searched on a grid. Losses are half the mean squared error, of one output.

The best rate is where the loss first stops falling. In a wide network the step moves outputs in one direction, by
(depth + 2) rate + c rate^2 / n^1/2 + ..., so that at rates of order n^1/2 they may come back to where they were best,
with a loss that is a little lower or higher: over all rates the best one is a toss of a coin (derived and seen here).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FloatArray: TypeAlias = NDArray[np.float64]
Scheme = Literal["maximal update", "standard"]


def best_rates(
    width: int,
    depth: int,
    inputs: FloatArray,
    targets: FloatArray,
    scheme: Scheme,
    own: torch.Generator,
    *,
    networks: int,
) -> FloatArray:
    """Best rates of so many independent networks, [network], times the width where the scheme is standard.

    Entries of the input matrix have variance 1 / d, those of hidden matrices 1 / n, and those of the readout 1 / n^2
    under maximal update and 1 / n under standard parametrization. Rates are n / d, 1 and 1 / n times the base under
    maximal update, and 1 / d, 1 and 1 times it under standard parametrization.

    Args:
        width: n.
        depth: of the hidden matrices, n x n; none in a network with one hidden layer.
        inputs: [sample, d].
        targets: [sample].
        scheme: the parametrization.
        own: where weights come from.
        networks: how many.
    """
    samples, dimension = inputs.shape
    maximal = scheme == "maximal update"
    shapes = [(width, dimension), *[(width, width)] * depth, (1, width)]
    deviations = [dimension**-0.5, *[width**-0.5] * depth, 1 / width if maximal else width**-0.5]
    rates = [width / dimension, *[1.0] * depth, 1 / width] if maximal else [1 / dimension, *[1.0] * depth, 1.0]
    unit = 1.0 if maximal else 1.0 / width
    weights = [
        std * torch.randn(networks, *shape, generator=own).to(torch.float64)
        for shape, std in zip(shapes, deviations, strict=True)
    ]
    forward = [torch.from_numpy(inputs.T).expand(networks, -1, -1)]
    for matrix in weights:
        forward.append(matrix @ forward[-1])
    back = (torch.from_numpy(targets) - forward[-1]) / samples
    # What the step adds to each matrix, for a rate of one unit: a product of what came back and what went forward.
    steps: list[tuple[Tensor, Tensor]] = []
    for matrix, entered, rate in zip(reversed(weights), reversed(forward[:-1]), reversed(rates), strict=True):
        steps.append((unit * rate * back, entered))
        back = matrix.mT @ back
    # By powers of the rate, side by side.
    powers = forward[0]
    for matrix, (sent, entered) in zip(weights, reversed(steps), strict=True):
        kept, moved = matrix @ powers, sent @ (entered.mT @ powers)
        nothing = torch.zeros_like(kept[..., :samples])
        powers = torch.cat([kept, nothing], dim=2) + torch.cat([nothing, moved], dim=2)
    errors = powers[:, 0].reshape(networks, -1, samples).transpose(0, 1).contiguous().numpy()
    errors[0] -= targets
    return _first_minima(errors)


def limit(depth: int, inputs: FloatArray, targets: FloatArray) -> float:
    """The best rate of infinitely wide networks under maximal update.

    The first function vanishes, and in every layer what goes forward is orthogonal to what comes back. So outputs are
    linear in the rate, with the kernel of depth + 2 equal layers: f = rate (depth + 2) K y / m with K = x x^T / d, and
    the best rate is m y^T K y / ((depth + 2) |K y|^2) (derived here).
    """
    kernel = inputs @ inputs.T / inputs.shape[1]
    pushed = kernel @ targets
    return float(len(targets) * targets @ pushed / ((depth + 2) * pushed @ pushed))


def _first_minima(errors: FloatArray) -> FloatArray:
    """The first rates from zero on at which losses no longer fall, of errors [power, network, sample]; [network]."""
    most = len(errors) - 1
    loss = np.zeros((2 * most + 1, errors.shape[1]))
    for one, first in enumerate(errors):
        for other, second in enumerate(errors):
            loss[one + other] += (first * second).sum(axis=1)
    slope = loss[1:] * np.arange(1, 2 * most + 1)[:, None]
    # Roots are eigenvalues of the polynomial's companion matrix.
    companion = np.zeros((errors.shape[1], 2 * most - 1, 2 * most - 1))
    companion[:, np.arange(1, 2 * most - 1), np.arange(2 * most - 2)] = 1.0
    companion[:, :, -1] = -(slope[:-1] / slope[-1]).T
    roots = np.linalg.eigvals(companion)
    real = (np.abs(roots.imag) < 1e-9 * np.abs(roots)) & (roots.real > 0)
    return np.asarray(np.where(real, roots.real, np.inf).min(axis=1))
