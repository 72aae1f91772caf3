"""Plain gradient descent on the loss of `zero_loss`, which is gradient flow only as its steps become short."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from theorychecks.dynamics.zero_loss import Fitting

_FITTED: Final = 1e-8
_MOST_STEPS: Final = 100_000


def gradient_descent(fitting: Fitting, weights: Tensor, *, rate: float) -> Tensor:
    """Where gradient descent to zero loss ends, [seed, 1 + d, n].

    Args:
        fitting: what is fitted.
        weights: where it starts.
        rate: the step times the largest eigenvalue of each network's first kernel; below 2 the first steps are stable.

    Raises:
        ArithmeticError: if the loss does not reach zero.
    """
    step = rate / torch.linalg.eigvalsh(fitting.at(weights).kernel())[:, -1:]
    largest = fitting.targets.abs().max()
    for _ in range(_MOST_STEPS):
        linearised = fitting.at(weights)
        residual = linearised.outputs - fitting.targets
        if residual.abs().max() <= _FITTED * largest:
            return weights
        if not torch.isfinite(residual).all():
            break
        weights = weights - linearised.pulled(step * residual)
    raise ArithmeticError(
        f"gradient descent at rate {rate:g} has not fitted the targets: it diverges, or needs more than "
        f"{_MOST_STEPS:,} steps. Take a rate below 1, or inputs that are further apart."
    )
