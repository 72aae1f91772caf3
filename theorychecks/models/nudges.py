"""Nudges: what a module returns, moved to see what of a model depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from theorychecks.models.calls import passed
from theorychecks.models.hooks import plain
from theorychecks.models.model import Batch, Model
from theorychecks.models.state import RandomState, drawing_from

_SAME = 1e-3
"""Relative difference between two repetitions of one forward pass, which the order of sums may leave."""


@contextmanager
def nudged(module: nn.Module, name: str, *, size: float, pattern: int = 1) -> Iterator[list[Tensor]]:
    """Inside of the block, something is added to what a part of a module returns, and each addition is noted.

    Args:
        module: the whole.
        name: the part's, with the number of a call or without it; all of its calls are moved.
        size: of the largest entry of what is added.
        pattern: 1, 2, ...: which of several.
    """
    moved_by = list[Tensor]()

    def moved(tensor: Tensor) -> Tensor:
        if not tensor.is_floating_point():
            return tensor
        # No constant, which a softmax would not show.
        wave = (pattern * torch.arange(tensor.numel(), dtype=tensor.dtype, device=tensor.device)).cos()
        moved_by.append(size * wave.reshape(tensor.shape))
        return tensor + moved_by[-1]

    def hook(_part: nn.Module, _given: Any, output: Any) -> Any:
        return tree_map_only(Tensor, moved, output)

    handle = module.get_submodule(plain(name)).register_forward_hook(hook)
    try:
        yield moved_by
    finally:
        handle.remove()


def fed_by(model: Model, module: nn.Module, name: str, batch: Batch) -> frozenset[str]:
    """Calls of other modules that are given something else once what a module returns has changed.

    Args:
        model: whose module it is.
        module: which; it is left as it was.
        name: of what returns.
        batch: what the module is called with.
    """
    state = RandomState.now()
    with drawing_from(state):
        before = passed(model, module, batch).given
    with drawing_from(state), nudged(module, name, size=1.0):
        after = passed(model, module, batch).given
    return frozenset(
        call
        for call, size in before.items()
        if plain(call) != plain(name) and call in after and not torch.isclose(after[call], size, rtol=_SAME)
    )
