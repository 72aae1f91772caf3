"""SignDescent: steps of one size in every entry, as in Lion and signSGD."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from theorychecks.networks.optimizers.optimizer import Optimizer, check_decay
from theorychecks.networks.parametrization import LayerRole, Parametrization


@dataclass(frozen=True, kw_only=True)
class SignDescent(Optimizer):
    """Lion without its weight decay (Chen et al. 2023, arXiv:2302.06675, Algorithm 2).

    With both betas at zero it is signSGD (Bernstein et al. 2018, arXiv:1802.04434).

    Attributes:
        beta1: what the running mean of gradients weighs in a step, beside the gradient.
        beta2: decay of that running mean.
    """

    beta1: float = 0.9
    beta2: float = 0.99

    # Of each entry the sign is left.
    heavy_ball: ClassVar[None] = None

    def __post_init__(self) -> None:
        check_decay("beta1", self.beta1)
        check_decay("beta2", self.beta2)

    @property
    def copies(self) -> int:
        """The running mean, where it counts."""
        return 1 if self.beta1 else 0

    def exponent(self, parametrization: Parametrization, role: LayerRole) -> float:
        """Adam's, since updates of both have entries of order one."""
        return parametrization.scaling(role).adam

    def step(self, gradient: Tensor, state: Sequence[Tensor], count: int) -> tuple[Tensor, float]:
        """Along signs, of the mean of a gradient and the running mean before it."""
        mixed = gradient
        if self.beta1:
            (mean,) = state
            mixed = torch.lerp(gradient, mean, self.beta1)
            mean.lerp_(gradient, 1 - self.beta2)
        # The sign of NaN is zero to torch, and that of infinity one: a diverged seed would look like one at rest.
        return torch.where(mixed.isfinite(), mixed.sign(), torch.nan), 1.0
