"""Adam: a running mean of gradients, entry by entry in units of their size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from theorychecks.networks.optimizers.optimizer import Optimizer, check_decay
from theorychecks.networks.parametrization import LayerRole, Parametrization


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, arXiv:1412.6980).

    Attributes:
        betas: decay of the first and the second moment.
        epsilon: added to the root of the second moment; small, since gradients shrink with width.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-12

    # Each entry of a gradient is divided by a size of its own; there are two moments.
    heavy_ball: ClassVar[None] = None
    copies: ClassVar[int] = 2

    def __post_init__(self) -> None:
        if not isinstance(self.betas, tuple) or len(self.betas) != 2:
            raise ValueError(f"betas are a pair like (0.9, 0.999); got {self.betas!r}")
        for beta in self.betas:
            check_decay("a beta", beta)
        if not self.epsilon > 0:
            raise ValueError(f"an epsilon is positive; got {self.epsilon!r}")

    def exponent(self, parametrization: Parametrization, role: LayerRole) -> float:
        """Known for every parametrization."""
        return parametrization.scaling(role).adam

    def step(self, gradient: Tensor, state: Sequence[Tensor], count: int) -> tuple[Tensor, float]:
        """Along the first moment over the root of the second; Algorithm 1, with its bias corrections."""
        (first, second), (beta1, beta2) = state, self.betas
        first.lerp_(gradient, 1 - beta1)
        second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        size = (second / (1 - beta2**count)).sqrt_().add_(self.epsilon)
        return first / size, 1 - beta1**count
