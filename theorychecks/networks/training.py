"""Training: what is trained and how; a description only, that engines carry out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from theorychecks.arguments import is_whole, whole_number
from theorychecks.networks.data import Data
from theorychecks.networks.losses import Loss, loss
from theorychecks.networks.mlp import MLP
from theorychecks.networks.optimizers import SGD, Optimizer
from theorychecks.networks.parametrization import PARAMETRIZATIONS, ROLES, LayerRole, Parametrization

DType = Literal["float16", "bfloat16", "float32", "float64"]


@dataclass(frozen=True, kw_only=True)
class LearningRate:
    """base * width^exponent, with further exponents by layer role; a role with exponent -infinity is not trained.

    Attributes:
        base: the factor in front.
        width: exponent for all layers.
        input, hidden, output: exponents added for a role.
    """

    base: float
    width: float = 0.0
    input: float = 0.0
    hidden: float = 0.0
    output: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.base) and self.base > 0):
            raise ValueError(f"a learning rate is a positive number; got {self.base!r}")
        for name in ("width", "input", "hidden", "output"):
            exponent = getattr(self, name)
            if math.isnan(exponent) or exponent == math.inf:
                raise ValueError(
                    f"an exponent is a finite number, or -infinity for what is not trained; got {name}={exponent!r}"
                )

    def exponent(self, role: LayerRole) -> float:
        """The width exponent of one role, without the parametrization's."""
        return self.width + {"input": self.input, "hidden": self.hidden, "output": self.output}[role]


def scaled(
    base: float, *, width: float = 0.0, input: float = 0.0, hidden: float = 0.0, output: float = 0.0
) -> LearningRate:
    """A learning rate base * width^exponent, globally (`width`) and in addition by layer role."""
    return LearningRate(base=base, width=width, input=input, hidden=hidden, output=output)


@dataclass(frozen=True, kw_only=True)
class Ridge:
    """A penalty strength/2 * ||theta - anchor||^2 on all trainable weights, added to the loss.

    Attributes:
        strength: of the penalty.
        towards: "init" anchors at the initial weights, "zero" is plain weight decay.
    """

    strength: float
    towards: Literal["init", "zero"] = "init"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.strength) and self.strength >= 0):
            raise ValueError(f"a ridge strength is zero or positive; got {self.strength!r}")
        if self.towards not in ("init", "zero"):
            raise ValueError(f"a ridge pulls towards 'init' or 'zero'; got {self.towards!r}")


@dataclass(frozen=True)
class Training:
    """A network, its data and how it is trained.

    Attributes:
        network: what is trained.
        learning_rate: see `scaled`.
        data: what it is trained on, the same for all widths and seeds.
        loss: a `Loss`, a mean over the batch, or the name of one.
        steps: number of updates.
        optimizer: SGD(), Adam(), SignDescent(), Muon(), or an `Optimizer` of your own.
        batch_size: samples a step, in order and around; None takes all of them.
        ridge: a penalty on the weights.
        dtype: of all numbers, weights and updates included; the half precisions are for what overflows or rounds away.
    """

    network: MLP
    learning_rate: LearningRate = field(kw_only=True)
    data: Data = field(kw_only=True)
    loss: Loss = field(kw_only=True)
    steps: int = field(kw_only=True)
    optimizer: Optimizer = field(default=SGD(), kw_only=True)
    batch_size: int | None = field(default=None, kw_only=True)
    ridge: Ridge = field(default=Ridge(strength=0.0), kw_only=True)
    dtype: DType = field(default="float32", kw_only=True)

    def __post_init__(self) -> None:
        whole_number(self.steps, "steps", least=0)
        if not isinstance(self.network, MLP):
            raise TypeError(f"a network is described by MLP(depth, activation, parametrization); got {self.network!r}")
        if isinstance(self.data, type) or not hasattr(self.data, "draw"):
            raise TypeError(
                f"data is a description like GaussianMixture(...), Sphere(...), Teacher(...); got {self.data!r}"
                + (f". Call it: {self.data.__name__}(...)" if isinstance(self.data, type) else "")
            )
        if not isinstance(self.optimizer, Optimizer):
            raise TypeError(
                f"an optimizer is an Optimizer like SGD(), Adam(), SignDescent(), Muon(); got {self.optimizer!r}"
                + (f". Call it: tc.{self.optimizer.__name__}()" if isinstance(self.optimizer, type) else "")
            )
        if type(self.optimizer).__hash__ is None:
            raise TypeError(
                f"an optimizer does not change, so that trainings by it can be told apart; got {self.optimizer!r}. "
                f"Write @dataclass(frozen=True) above {type(self.optimizer).__name__}."
            )
        if not isinstance(self.learning_rate, LearningRate):
            raise TypeError(f"learning_rate is made by scaled(base, width=...); got {self.learning_rate!r}")
        if isinstance(self.loss, str):
            object.__setattr__(self, "loss", loss(self.loss))
        if not isinstance(self.loss, Loss):
            raise TypeError(f"a loss is a Loss or its name; got {self.loss!r}")
        if self.dtype not in get_args(DType):
            raise ValueError(f"dtype is {', '.join(map(repr, get_args(DType)))}; got {self.dtype!r}")
        if self.loss.needs_distributions and not self.data.classes_are_targets:
            raise ValueError(
                f"{self.loss.name} needs a distribution over classes as target, and {self.data!r} has real targets. "
                "Use MSE, or data with classes (GaussianMixture, Digits)."
            )
        size = self.batch_size
        if size is not None and (not is_whole(size) or self.data.samples % size):
            raise ValueError(f"batch_size divides the number of samples, {self.data.samples}; got {self.batch_size}")
        for role in ROLES:
            self._scaling(role)

    def under(self, parametrization: Parametrization, *, learning_rate: LearningRate | None = None) -> Training:
        """The same training in another parametrization.

        Width exponents of the learning rate belong to the parametrization they were chosen for, so without a new
        learning rate only the base is kept.
        """
        rate = learning_rate or LearningRate(base=self.learning_rate.base)
        return replace(self, network=self.network.under(parametrization), learning_rate=rate)

    def rate(self, role: LayerRole, width: int) -> float:
        """The learning rate of a role's trainable matrices at a width."""
        exponent = self.learning_rate.exponent(role) - self._scaling(role)
        # At width one a power of -infinity is one.
        return 0.0 if exponent == -math.inf else float(self.learning_rate.base * width**exponent)

    def _scaling(self, role: LayerRole) -> float:
        """The c of a role's learning rate eta n^-c, that the parametrization has for the optimizer.

        Raises:
            ValueError: if it has none.
        """
        optimizer, parametrization = self.optimizer, self.network.parametrization
        exponent = optimizer.exponent(parametrization, role)
        if exponent is None:
            known = [
                p.name for p in PARAMETRIZATIONS.values() if all(optimizer.exponent(p, r) is not None for r in ROLES)
            ]
            raise ValueError(
                f"nobody has said how the learning rate of {optimizer.name} scales with the width for {role} matrices "
                f"under {parametrization.name!r}; it is known under {', '.join(known) or 'no named parametrization'}. "
                "Use one of these, another optimizer, or scalings that say it, like Scaling(muon=...)."
            )
        return exponent

    def batch(self, step: int) -> slice:
        """Rows of the training data that a step sees."""
        if self.batch_size is None:
            return slice(0, self.data.samples)
        start = step * self.batch_size % self.data.samples
        return slice(start, start + self.batch_size)
