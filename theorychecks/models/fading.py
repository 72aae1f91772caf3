"""Fading: what becomes small with the matrices whose input alone grows, and is small before training where they are.

Under maximal update such a matrix starts smaller by n^-1/2 than one whose both sides grow (Yang et al. 2022,
arXiv:2203.03466, Table 3): what it returns is O(n^-1/2) before training, and so is all that is proportional to that. A
softmax, a normalisation, a bias that is not zero, or a residual stream on the way is the end of it. Which is which is
found by making these matrices smaller (derived here).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import torch
from torch import nn

from theorychecks.models.calls import passed
from theorychecks.models.model import Batch, Model
from theorychecks.models.state import RandomState, drawing_from

_SMALLER: Final = (1 / 16, 1 / 256)
_FALLS: Final = 1 / 4
"""A factor of 16 makes less than this of what fades, and hardly changes what does not: the middle, in logarithms."""


def fading(model: Model, module: nn.Module, names: Collection[str], batch: Batch) -> frozenset[str]:
    """Features that become smaller by as much as parameters do, or more.

    Args:
        model: whose module it is.
        module: which; it is left as it was.
        names: of the parameters; none of them is zero.
        batch: what it is called with.
    """
    if not names:
        return frozenset()
    state, sizes = RandomState.now(), []
    parameters = [module.get_parameter(name) for name in names]
    before = [parameter.detach().clone() for parameter in parameters]
    with torch.no_grad():
        for factor in _SMALLER:
            for parameter, was in zip(parameters, before, strict=True):
                parameter.copy_(factor * was)
            with drawing_from(state):
                sizes.append(passed(model, module, batch).sizes)
        for parameter, was in zip(parameters, before, strict=True):
            parameter.copy_(was)
    first, second = sizes
    return frozenset(name for name, size in first.items() if second.get(name, size) < _FALLS * size)
