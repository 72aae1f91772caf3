"""SGD: gradient descent, with or without momentum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from theorychecks.networks.optimizers.optimizer import Optimizer, check_decay
from theorychecks.networks.parametrization import LayerRole, Parametrization


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """Gradient descent.

    Attributes:
        momentum: of a heavy ball, as torch.optim.SGD has it: m <- momentum m + gradient.
    """

    momentum: float = 0.0

    def __post_init__(self) -> None:
        check_decay("a momentum", self.momentum)

    @property
    def heavy_ball(self) -> float:
        """The momentum."""
        return self.momentum

    @property
    def copies(self) -> int:
        """The last direction, where there is momentum."""
        return 1 if self.momentum else 0

    def exponent(self, parametrization: Parametrization, role: LayerRole) -> float:
        """Known for every parametrization."""
        return parametrization.scaling(role).sgd

    def step(self, gradient: Tensor, state: Sequence[Tensor], count: int) -> tuple[Tensor, float]:
        """Along the gradient, or along the sum of past ones."""
        if not self.momentum:
            return gradient, 1.0
        (velocity,) = state
        return velocity.mul_(self.momentum).add_(gradient), 1.0
