"""Fading: what becomes small with the matrices whose input alone grows, and is small before training where they are.

Under maximal update such a matrix starts smaller by n^-1/2 than one whose both sides grow (Yang et al. 2022,
arXiv:2203.03466, Table 3): what it returns is O(n^-1/2) before training, and so is all that is proportional to that. A
softmax, a normalisation, a bias that is not zero, or a residual stream on the way is the end of it. Which is which is
found by making these matrices smaller (derived here).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from theorychecks.models.calls import Passed, passed
from theorychecks.models.fused import Fixed
from theorychecks.models.hooks import plain
from theorychecks.models.model import Batch, Model
from theorychecks.models.state import RandomState, drawing_from

_SMALLER: Final = (1 / 16, 1 / 256)
_FALLS: Final = 1 / 4
"""A factor of 16 makes less than this of what fades, and hardly changes what does not: the middle, in logarithms."""


class Fading(NamedTuple):
    """What becomes small.

    Attributes:
        features: what calls return.
        calls: those that are given what does.
    """

    features: frozenset[str]
    calls: frozenset[str]


def fading(model: Model, module: nn.Module, names: Collection[str], batch: Batch) -> Fading:
    """What becomes smaller by as much as parameters do, or more.

    Args:
        model: whose module it is.
        module: which; it is left as it was.
        names: of the parameters; none of them is zero.
        batch: what it is called with.
    """
    if not names:
        return Fading(frozenset(), frozenset())
    parameters = [module.get_parameter(name) for name in names]
    before = [parameter.detach().clone() for parameter in parameters]

    def scaled(factor: float) -> Passed:
        for parameter, was in zip(parameters, before, strict=True):
            parameter.copy_(factor * was)
        return passed(model, module, batch)

    with torch.no_grad():
        try:
            return _falling(scaled)
        finally:
            for parameter, was in zip(parameters, before, strict=True):
                parameter.copy_(was)


def fed(model: Model, module: nn.Module, fixed: Mapping[str, Fixed], batch: Batch) -> frozenset[str]:
    """Features that become smaller by as much as outputs of a fixed number do that layers have besides growing ones.

    Args:
        model: whose module it is.
        module: which.
        fixed: those outputs, by call.
        batch: what it is called with.
    """
    if not fixed:
        return frozenset()

    def scaled(outputs: Fixed, factor: float) -> Callable[[nn.Module, Any, Any], Tensor]:
        def hook(_part: nn.Module, _given: Any, output: Tensor) -> Tensor:
            return torch.where(outputs.mask(output), factor * output, output)

        return hook

    def passing(factor: float) -> Passed:
        handles = [
            module.get_submodule(name).register_forward_hook(scaled(outputs, factor))
            for name, outputs in {plain(name): outputs for name, outputs in fixed.items()}.items()
        ]
        try:
            return passed(model, module, batch)
        finally:
            for handle in handles:
                handle.remove()

    return _falling(passing).features - frozenset(fixed)


def _falling(passing: Callable[[float], Passed]) -> Fading:
    """What falls with a factor on a forward pass, each time with the same random numbers."""
    state = RandomState.now()
    found = list[Passed]()
    for factor in _SMALLER:
        with drawing_from(state):
            found.append(passing(factor))
    first, second = found
    return Fading(_fall(first.sizes, second.sizes), _fall(first.given, second.given))


def _fall(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> frozenset[str]:
    return frozenset(name for name, size in first.items() if second.get(name, size) < _FALLS * size)
