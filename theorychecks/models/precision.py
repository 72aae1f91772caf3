"""Precision: what a trained model is read in, whatever it is trained in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

_DEVICES: Final = ("cpu", "cuda")


class WithoutAutocast(TorchFunctionMode):
    """Inside of the block autocast changes no operation that can do without it.

    A change of a module's outputs by less than bfloat16's rounding would show as noise: its size would be the root of
    the change times that of a rounding, and its exponent half of what it is.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        _types: Sequence[type],
        arguments: Sequence[Any] = (),
        keywords: Mapping[str, Any] | None = None,
    ) -> Any:
        """What the function returns."""
        given = keywords or {}
        if enabled := [device for device in _DEVICES if torch.is_autocast_enabled(device)]:
            with ExitStack() as stack:
                for device in enabled:
                    stack.enter_context(torch.autocast(device, enabled=False))
                try:
                    return function(*arguments, **given)
                except RuntimeError:
                    # The model itself may have made one of its arguments a bfloat16.
                    if not _of_several_dtypes((arguments, given)):
                        raise
        return function(*arguments, **given)


def _of_several_dtypes(given: Any) -> bool:
    tensors = (leaf for leaf in tree_leaves(given) if isinstance(leaf, Tensor) and leaf.is_floating_point())
    return len({tensor.dtype for tensor in tensors}) > 1
