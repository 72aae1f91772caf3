"""MLP: a fully connected network without biases, described by depth, activation and parametrization."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

from theorychecks.arguments import is_whole, whole_number
from theorychecks.networks.activations import Activation, activation
from theorychecks.networks.parametrization import LayerRole, Parametrization, parametrization

DEEPEST = 6
Entries = Literal["gaussian", "uniform", "rademacher"]
"""How entries of initial weights are distributed, with mean zero and a variance that the parametrization sets."""


class Layer(NamedTuple):
    """One matrix of a network at a given width.

    Attributes:
        role: input, hidden or output.
        name: "input", "hidden 2", ..., "output"; a hidden matrix is numbered by the hidden layer it feeds.
        fan_in, fan_out: its shape is fan_out x fan_in.
        multiplier: the factor in front of the trainable matrix.
        init: standard deviation of the trainable matrix at initialisation.
    """

    role: LayerRole
    name: str
    fan_in: int
    fan_out: int
    multiplier: float
    init: float


@dataclass(frozen=True)
class MLP:
    """A fully connected network.

    Attributes:
        depth: number of hidden layers, 1 to 6.
        activation: an `Activation` or the name of one.
        parametrization: a `Parametrization` or the name of one.
        centred: whether the initial function is subtracted, f_t - f_0. The exponents stay, and the random f_0 no longer
            multiplies every layer's change by a common random factor.
        entries: distribution of the initial weights' independent entries: "gaussian", "uniform", or "rademacher" for
            random signs.
        doubled: whether the network starts as two copies of one of half the width with opposite readouts, so that f_0
            is zero up to rounding (Chizat, Oyallon, Bach 2019, arXiv:1812.07956). Whatever the first step changes is
            odd under exchanging the copies, and quantities that are even, as the tangent kernel is, change by second
            order. All weights are trained, those between the copies, which start at zero, among them.
    """

    depth: int
    activation: Activation
    parametrization: Parametrization
    centred: bool = False
    entries: Entries = "gaussian"
    doubled: bool = False

    def __post_init__(self) -> None:
        if not is_whole(self.depth, 1, DEEPEST):
            raise ValueError(f"an MLP has 1 to {DEEPEST} hidden layers; got depth={self.depth!r}")
        if self.entries not in get_args(Entries):
            raise ValueError(f"entries are {', '.join(map(repr, get_args(Entries)))}; got {self.entries!r}")
        if isinstance(self.activation, str):
            object.__setattr__(self, "activation", activation(self.activation))
        if isinstance(self.parametrization, str):
            object.__setattr__(self, "parametrization", parametrization(self.parametrization))
        if not isinstance(self.activation, Activation):
            raise TypeError(f"activation is an Activation or its name; got {self.activation!r}")
        if not isinstance(self.parametrization, Parametrization):
            raise TypeError(f"parametrization is a Parametrization or its name; got {self.parametrization!r}")

    def under(self, other: Parametrization) -> MLP:
        """The same network in another parametrization."""
        return replace(self, parametrization=other)

    def layers(self, width: int, *, inputs: int, outputs: int) -> tuple[Layer, ...]:
        """Matrices at a width, from the input to the output."""
        whole_number(width, "a width")
        if self.doubled and width % 2:
            raise ValueError(f"a doubled network holds two copies of half its width, which is even; got {width}")
        hidden = [self._layer("hidden", f"hidden {k}", width, width, width) for k in range(2, self.depth + 1)]
        first = self._layer("input", "input", inputs, width, width)
        last = self._layer("output", "output", width, outputs, width)
        return (first, *hidden, last)

    def _layer(self, role: LayerRole, name: str, fan_in: int, fan_out: int, width: int) -> Layer:
        scaling = self.parametrization.scaling(role)
        constant = self.activation.gain if role != "input" else 1.0
        if role == "input":
            # The data's dimension is a constant of the problem, not a power of the width.
            constant = 1.0 / math.sqrt(fan_in)
        in_init = self.parametrization.constants == "init"
        return Layer(
            role=role,
            name=name,
            fan_in=fan_in,
            fan_out=fan_out,
            multiplier=width**-scaling.multiplier * (1.0 if in_init else constant),
            init=width**-scaling.init * (constant if in_init else 1.0),
        )
