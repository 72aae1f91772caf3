"""Activations: elementwise nonlinearities with their derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

_SQRT_HALF: Final = math.sqrt(0.5)
_TWO_OVER_ROOT_PI: Final = 2 / math.sqrt(math.pi)
_ONE_OVER_ROOT_TWO_PI: Final = 1 / math.sqrt(2 * math.pi)


@dataclass(frozen=True, kw_only=True)
class Activation:
    """An elementwise nonlinearity.

    Attributes:
        name: what reports call it.
        function: value at a tensor of preactivations.
        derivative: at the same place; at a kink, the one that autograd takes.
        gain: 1 / sqrt(E phi(z)^2) for standard normal z, so that preactivations of unit variance stay so.
        smooth: whether the derivative is continuous; several rates hold for smooth activations only.
        derivative_of_value: the derivative as a function of the activation's own value, where it is one; cheaper.
    """

    name: str
    function: Callable[[Tensor], Tensor] = field(repr=False)
    derivative: Callable[[Tensor], Tensor] = field(repr=False)
    gain: float = field(repr=False)
    smooth: bool = field(default=True, repr=False)
    derivative_of_value: Callable[[Tensor], Tensor] | None = field(default=None, repr=False)

    def slope(self, preactivations: Tensor, values: Tensor) -> Tensor:
        """The derivative, from preactivations and the values already computed there."""
        if self.derivative_of_value is not None:
            return self.derivative_of_value(values)
        return self.derivative(preactivations)

    def __repr__(self) -> str:
        return self.name


def _relu_derivative(z: Tensor) -> Tensor:
    return (z > 0).to(z.dtype)


def _tanh_derivative(z: Tensor) -> Tensor:
    return 1 - torch.tanh(z) ** 2


def _tanh_derivative_of_value(y: Tensor) -> Tensor:
    return torch.addcmul(y.new_ones(()), y, y, value=-1)


def _erf_derivative(z: Tensor) -> Tensor:
    return _TWO_OVER_ROOT_PI * torch.exp(-(z**2))


def _gelu_derivative(z: Tensor) -> Tensor:
    return 0.5 * (1 + torch.erf(z * _SQRT_HALF)) + z * _ONE_OVER_ROOT_TWO_PI * torch.exp(-0.5 * z**2)


def _identity(z: Tensor) -> Tensor:
    return z


# Gains: relu and linear in closed form, erf by Williams (1997), tanh and gelu by quadrature (see the tests).
RELU: Final = Activation(name="relu", function=torch.relu, derivative=_relu_derivative, gain=math.sqrt(2), smooth=False)
TANH: Final = Activation(
    name="tanh",
    function=torch.tanh,
    derivative=_tanh_derivative,
    derivative_of_value=_tanh_derivative_of_value,
    gain=1.5925374197228301,
)
ERF: Final = Activation(
    name="erf", function=torch.erf, derivative=_erf_derivative, gain=1 / math.sqrt(2 / math.pi * math.asin(2 / 3))
)
GELU: Final = Activation(
    name="gelu", function=torch.nn.functional.gelu, derivative=_gelu_derivative, gain=1.5335304411955014
)
LINEAR: Final = Activation(name="linear", function=_identity, derivative=torch.ones_like, gain=1.0)

ACTIVATIONS: Final = {a.name: a for a in (RELU, TANH, ERF, GELU, LINEAR)}


def activation(name: str) -> Activation:
    """Look a named activation up.

    Raises:
        ValueError: for an unknown name.
    """
    if name not in ACTIVATIONS:
        raise ValueError(
            f"unknown activation {name!r}; the named ones are {', '.join(ACTIVATIONS)}. "
            "Write your own as Activation(name=..., function=..., derivative=..., gain=...)."
        )
    return ACTIVATIONS[name]
