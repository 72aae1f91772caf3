"""Optimizer: what an optimizer has to say, so that engines can train by it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import final

from torch import Tensor

from theorychecks.networks.parametrization import LayerRole, Parametrization


class Optimizer(ABC):
    """How gradients move weights, one matrix of the network at a time and all seeds at once.

    One of your own is a frozen dataclass in any file: equal optimizers make equal trainings.
    """

    @property
    @final
    def name(self) -> str:
        """What reports call it: its class in small letters, "sign descent" for SignDescent."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(self).__name__).lower()

    @property
    @abstractmethod
    def heavy_ball(self) -> float | None:
        """The momentum m if a step's direction is the gradient plus m times the last direction, and None if it is not.

        Such updates are sums of outer products of what goes forward and backward. They have low rank, and the
        matrix_free engine carries them without forming a matrix. With m = 0 a step is plain gradient descent.
        """

    @property
    @abstractmethod
    def copies(self) -> int:
        """How many tensors of the weights' shape are kept from step to step."""

    @abstractmethod
    def exponent(self, parametrization: Parametrization, role: LayerRole) -> float | None:
        """The c of the learning rate eta n^-c that a role takes in a parametrization; None where nobody has said it."""

    @abstractmethod
    def step(self, gradient: Tensor, state: Sequence[Tensor], count: int) -> tuple[Tensor, float]:
        """A direction and a divisor: weights move by minus the learning rate over the divisor times the direction.

        The divisor is one but for corrections that are cheaper on a number than on a matrix. The direction may be part
        of the state, and is only read. Where a seed's gradient is infinite or NaN so is its direction, and no other
        seed's; nothing is raised.

        Args:
            gradient: of the loss in the trainable weights, [seed, fan_out, fan_in].
            state: as many such tensors as there are `copies`, zero before the first step; changed in place.
            count: of steps, this one included.
        """


def check_decay(what: str, value: float) -> None:
    """Refuse a decay of running means outside of [0, 1)."""
    if not 0 <= value < 1:
        raise ValueError(f"{what} lies in [0, 1); got {value!r}")
