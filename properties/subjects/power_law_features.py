"""Two-layer linear networks on features whose variances, and whose shares in the target, are powers of their number.

Feature k of M has the variance k^-alpha, and the target's part in it the power k^(-alpha beta - 1): all that lies
beyond k is a power beta of that variance. What the target has beyond M is out of reach, and known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from scipy import special
from torch import Tensor

_PART: Final = 0.75
"""Of the largest stable step. Modes that take many steps to learn have the curve of gradient flow."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """Features and a target.

    Attributes:
        alpha: their variances fall with this power.
        beta: hard for the kernel at initialisation where it is below one: the target's norm there is infinite.
        features: M.
    """

    alpha: float
    beta: float
    features: int

    def variances(self) -> Tensor:
        """By feature, [M]."""
        return torch.arange(1, self.features + 1, dtype=torch.float64) ** -self.alpha

    def coefficients(self) -> Tensor:
        """Of the target, [M]."""
        numbers = torch.arange(1, self.features + 1, dtype=torch.float64)
        return (numbers ** (-self.alpha * self.beta - 1) / self.variances()).sqrt()

    def beyond(self) -> float:
        """The target's power beyond the features, by Hurwitz's zeta function."""
        return float(special.zeta(self.alpha * self.beta + 1, self.features + 1))


def losses(
    task: Task, strength: float, times: Sequence[float], *, neurons: int, generators: Sequence[torch.Generator]
) -> Tensor:
    """Mean squared errors over the population at some times of gradient descent, [time, seed].

    The output is w.A psi / (strength neurons), w begins at zero and A standard normal, and a rate of strength^2 neurons
    makes time that of the kernel at initialisation, A^T A / neurons, whatever the strength.

    Args:
        task: what is learned.
        strength: of feature learning; the network is lazy where it is small.
        times: increasing.
        neurons: rows of A.
        generators: of A, one a seed.
    """
    variances, wanted = task.variances(), task.coefficients()
    shape = (neurons, task.features)
    first = torch.stack([torch.randn(shape, generator=own, dtype=torch.float64) for own in generators])
    readout = first.new_zeros(len(generators), neurons)
    time, marks = first.new_zeros(len(generators)), torch.tensor(times, dtype=torch.float64)
    found = first.new_full((len(times), len(generators)), math.nan)
    spread = (1 + math.sqrt(task.features / neurons)) ** 2
    before = None
    while True:
        error = wanted - torch.bmm(readout[:, None], first)[:, 0] / (strength * neurons)
        loss = (variances * error.square()).sum(dim=1) + task.beyond()
        if before is not None:
            then, height = before
            inside = (then < marks[:, None]) & (marks[:, None] <= time)
            # Along a straight line between logarithms, as powers are.
            part = (marks[:, None].log() - then.log()) / (time.log() - then.log())
            found = torch.where(inside, height * (loss / height) ** part, found)
        if not torch.isnan(found).any():
            return found
        if (time > 0).all():
            before = time, loss
        growth = readout.square().sum(dim=1) / neurons
        step = 2 * _PART / (2 * growth + spread + strength)
        gradient = variances * error
        pushed = torch.bmm(first, gradient[:, :, None])[:, :, 0]
        first.baddbmm_((strength * step)[:, None, None] * readout[:, :, None], gradient[:, None])
        readout = readout + (strength * step)[:, None] * pushed
        time = time + step
