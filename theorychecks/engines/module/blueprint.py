"""Blueprint: what a model is at one width, its layers and the rates that its optimizers have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import nn
from torch.optim import LBFGS, Optimizer

from theorychecks.engines.module.layers import Layers
from theorychecks.models.checks import groups_of
from theorychecks.models.model import Step


class Blueprint(NamedTuple):
    """What a model is at one width.

    Attributes:
        layers: its matrices, and why others are none.
        trained: parameters that are.
        rates: their learning rates; None where a function makes the steps.
        unscalable: why the learning rates cannot be scaled; empty where they can.
        bytes: of parameters and buffers.
    """

    layers: Layers
    trained: tuple[str, ...]
    rates: Mapping[str, float] | None
    unscalable: str
    bytes: int

    @property
    def hidden(self) -> tuple[str, ...]:
        """Modules whose outputs are hidden layers: those of matrices that are no readouts."""
        return tuple(dict.fromkeys(layer.module for layer in self.layers.layers if layer.role != "output"))


def rates_of(
    module: nn.Module, optimizers: list[Optimizer] | Step, updates: Mapping[str, float]
) -> dict[str, float] | None:
    """Learning rates of parameters that are trained; none where nothing can be told."""
    if not isinstance(optimizers, list):
        return None
    rates = {id(p): float(group["lr"]) for group in groups_of(optimizers) for p in group["params"]}
    trained = {name: id(p) for name, p in module.named_parameters() if p.requires_grad and id(p) in rates}
    return {name: rates[which] * updates.get(name, 1.0) for name, which in trained.items()}


def why_unscalable(optimizers: list[Optimizer] | Step) -> str:
    """Why scaling what a step changes is not the same as scaling a learning rate; empty where it is."""
    if not isinstance(optimizers, list):
        return "a function makes its training steps, and a learning rate inside of it is not to be reached"
    builds_on = any(isinstance(optimizer, LBFGS) for optimizer in optimizers)
    return "LBFGS builds each step on the last one, as it has made it" if builds_on else ""
