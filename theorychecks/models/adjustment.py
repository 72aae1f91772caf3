"""Adjustment: what is done to a model's set-up besides what its owner does, for mutations and other rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Adjustment:
    """Factors on parts of a set-up, at one width.

    Scaling what a step has changed is the same as scaling the learning rate, for every optimizer whose update is its
    learning rate times something that does not depend on it: momentum, Adam and decoupled weight decay included.

    Attributes:
        initial: on parameters as they are drawn, by name.
        redrawn: standard deviations of parameters that are drawn anew, by name.
        updates: on what a step changes of parameters, by name.
        rate: on what a step changes of all parameters, one number a seed, [seed].
        outputs: on what modules return, by name.
        attention: on all attention logits.
        epsilon: of the optimizer, in the place of its own.
        decay: of parameters by name, in each step, as a part of them.
        undecayed: whether the optimizer's own weight decay is set to zero.
    """

    initial: Mapping[str, float] = field(default_factory=dict)
    redrawn: Mapping[str, float] = field(default_factory=dict)
    updates: Mapping[str, float] = field(default_factory=dict)
    rate: Tensor | None = None
    outputs: Mapping[str, float] = field(default_factory=dict)
    attention: float = 1.0
    epsilon: float | None = None
    decay: Mapping[str, float] = field(default_factory=dict)
    undecayed: bool = False

    def touches_updates(self) -> bool:
        """Whether steps have to be compared with what was before them."""
        return bool(self.updates or self.decay) or self.rate is not None


NONE = Adjustment()
