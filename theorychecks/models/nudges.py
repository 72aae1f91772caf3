"""Nudges: what a module returns, moved a little, while what layers are given stays: what depends on it directly."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from theorychecks.models.hooks import plain

Inputs: TypeAlias = dict[str, list[tuple[Any, Any]]]
"""What modules are given, call by call: arguments and keywords."""


@contextmanager
def nudged(module: nn.Module, name: str, *, size: float, pattern: int) -> Iterator[list[Tensor]]:
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


@contextmanager
def noting_inputs(module: nn.Module, names: Collection[str]) -> Iterator[Inputs]:
    """Inside of the block, what parts of a module are given is noted."""
    found: Inputs = {name: [] for name in names}

    def note(name: str, _part: nn.Module, arguments: Any, keywords: Any) -> None:
        # The part may change them in place.
        found[name].append(tree_map_only(Tensor, torch.clone, (arguments, keywords)))

    with _before_calls(module, names, note):
        yield found


@contextmanager
def holding_inputs(module: nn.Module, inputs: Inputs) -> Iterator[None]:
    """Inside of the block, parts of a module are given again the tensors that they were.

    Of other shapes, or in containers and objects that a part may write into, they are given what the caller gives.
    """
    left = {name: iter(calls) for name, calls in inputs.items()}

    def hold(name: str, _part: nn.Module, arguments: Any, keywords: Any) -> Any:
        held = next(left[name], None)
        if held is None:
            return None
        return _again(held[0], arguments), {key: _again(held[1].get(key), value) for key, value in keywords.items()}

    with _before_calls(module, inputs, hold):
        yield


def _again(held: Any, given: Any) -> Any:
    if isinstance(given, Tensor) and isinstance(held, Tensor):
        # The part may change it in place.
        return held.clone() if held.shape == given.shape else given
    if type(given) is tuple and type(held) is tuple and len(held) == len(given):
        return tuple(map(_again, held, given))
    return given


@contextmanager
def _before_calls(module: nn.Module, names: Collection[str], hook: Callable[..., Any]) -> Iterator[None]:
    with ExitStack() as handles:
        for name in names:
            part = module.get_submodule(name)
            handles.enter_context(part.register_forward_pre_hook(partial(hook, name), with_kwargs=True))
        yield
