"""Hooks: every call of every module in one forward pass is seen, and every softmax's logits."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only
from torch.utils.hooks import RemovableHandle

from theorychecks.models.model import tensors_in
from theorychecks.models.state import RandomState, drawing_from

LOGITS: Final = "attention logits"
_MASKED: Final = -1e4
"""Logits below this are masked out: nobody's scores start there."""


def call_of(feature: str) -> str:
    """The call that returned a feature: its name without the place in what was returned."""
    return feature.partition("[")[0]


def plain(name: str) -> str:
    """The name of the module behind a feature or a call."""
    return call_of(name).partition(" (call ")[0]


def starred(name: str) -> str:
    """A name with a star in the place of each number, as layers of one kind share it."""
    return re.sub(r"(?<![^.])(\d+|\(\w+\))(?![^. ])", "*", name)


class Call(NamedTuple):
    """A module's call, once it has returned.

    Attributes:
        name: the module's, with the number of the call from the second on.
        part: the module itself.
        arguments: positional ones, as they were given.
        keywords: likewise.
        output: what it returned.
    """

    name: str
    part: nn.Module
    arguments: Any
    keywords: Any
    output: Any

    @property
    def given(self) -> Tensor | None:
        """What it was given: the first tensor, or of keywords alone the first one of the shape that it returned."""
        if positional := tensors_in(self.arguments):
            return next(iter(positional.values()))
        named = list(tensors_in(self.keywords).values())
        shapes = [tensor.shape for tensor in tensors_in(self.output).values()][:1]
        return next((tensor for tensor in named if tensor.shape in shapes), next(iter(named), None))

    @property
    def is_empty(self) -> bool:
        """Whether it returned tensors of no entries alone, as an expert does that is called on no row."""
        returned = tensors_in(self.output).values()
        return bool(returned) and not any(tensor.numel() for tensor in returned)


class Watched:
    """A module whose calls are followed; it is watched inside of `calls` only."""

    def __init__(self, module: nn.Module, *, random: bool = False) -> None:
        """Watch a module.

        Args:
            module: the whole model.
            random: whether its forward pass draws random numbers, which repeated calls have to draw again.
        """
        self.random = random
        # What computes a parameter from others is called by the module that owns it, and no layer itself.
        self._names = {part: name for name, part in module.named_modules() if "parametrizations" not in name.split(".")}
        self._visit: Callable[[Call], None] | None = None
        self._running: list[tuple[str, Any, RandomState | None]] = []
        self._counts: dict[str, int] = {}

    @contextmanager
    def calls(self, visit: Callable[[Call], None]) -> Iterator[None]:
        """Inside of the block, each call of a module is visited once it has returned, children first."""
        handles: list[RemovableHandle] = []
        self._visit, self._counts = visit, {}
        for part in self._names:
            handles.append(part.register_forward_pre_hook(self._enter, with_kwargs=True))
            handles.append(part.register_forward_hook(self._leave, with_kwargs=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            self._visit = None
            self._running.clear()

    @property
    def running(self) -> str | None:
        """The innermost module that is being called and watched; none in a loss behind the model."""
        return self._running[-1][0] if self._running and self._visit is not None else None

    def numbered(self, name: str) -> str:
        """A name with the number of its use, from the second on."""
        self._counts[name] = count = self._counts.get(name, 0) + 1
        return name if count == 1 else f"{name} (call {count})"

    def quietly(self, function: Callable[[], Any]) -> Any:
        """Call something that calls modules again, unvisited, with the random numbers of the call that it repeats."""
        visit, self._visit = self._visit, None
        state = self._running[-1][-1] if self._running else None
        try:
            with drawing_from(state) if state is not None else nullcontext():
                return function()
        finally:
            self._visit = visit

    def _enter(self, part: nn.Module, arguments: Any, keywords: Any) -> None:
        if self._visit is not None:
            # The module may change them in place.
            given = tree_map_only(Tensor, torch.clone, (arguments, keywords))
            self._running.append((self._names[part], given, RandomState.now() if self.random else None))

    def _leave(self, part: nn.Module, _arguments: Any, _keywords: Any, output: Any) -> None:
        if self._visit is not None:
            name, (arguments, keywords), _ = self._running[-1]
            call = Call(self.numbered(name), part, arguments, keywords, output)
            # What is called on nothing shows nothing.
            if not call.is_empty:
                self._visit(call)
            self._running.pop()


class Attention(TorchFunctionMode):
    """Sees the logits of every softmax and of every fused attention, and may scale them.

    Args:
        see: gets each tensor of logits, if given.
        factor: on them.
    """

    def __init__(self, see: Callable[[Tensor], None] | None = None, factor: float = 1.0) -> None:
        super().__init__()
        self.see = see
        self.factor = factor

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Torch calls this in the place of each of its functions."""
        keywords = dict(kwargs or {})
        if func is F.scaled_dot_product_attention:
            return self._fused(func, args, keywords)
        if func is F.multi_head_attention_forward:
            return self._projected(func, args, keywords)
        if func in _SOFTMAXES and args and isinstance(args[0], Tensor):
            logits = args[0] if self.factor == 1.0 else self.factor * args[0]
            self._show(logits)
            return func(logits, *args[1:], **keywords)
        return func(*args, **keywords)

    def _fused(self, func: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        query = args[0] if args else keywords["query"]
        key = args[1] if len(args) > 1 else keywords["key"]
        scale = keywords.get("scale")
        scale = self.factor * float(1 / math.sqrt(query.shape[-1]) if scale is None else scale)
        if self.see is not None:
            if keywords.get("enable_gqa"):
                key = key.repeat_interleave(query.shape[-3] // key.shape[-3], dim=-3)
            self._show(scale * (query @ key.transpose(-2, -1)))
        if self.factor != 1.0:
            keywords["scale"] = scale
        return func(*args, **keywords)

    def _projected(self, func: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """`nn.MultiheadAttention`, of which torch shows no function within: its logits are computed a second time."""
        bound = _MULTI_HEAD.bind(*args, **keywords)
        bound.apply_defaults()
        given = bound.arguments
        if given["use_separate_proj_weight"]:
            query_weight, key_weight = given["q_proj_weight"], given["k_proj_weight"]
        else:
            query_weight, key_weight, value_weight = given["in_proj_weight"].chunk(3)
        biases: Any = (None,) * 3 if given["in_proj_bias"] is None else given["in_proj_bias"].chunk(3)
        if self.see is not None:
            query, key = (
                _by_head(F.linear(part, weight, bias), given["num_heads"])
                for part, weight, bias in (
                    (given["query"], query_weight, biases[0]),
                    (given["key"], key_weight, biases[1]),
                )
            )
            self._show(self.factor / math.sqrt(query.shape[-1]) * (query @ key.transpose(-2, -1)))
        if self.factor != 1.0:
            # Logits are linear in the queries.
            if given["use_separate_proj_weight"]:
                given["q_proj_weight"] = self.factor * query_weight
            else:
                given["in_proj_weight"] = torch.cat([self.factor * query_weight, key_weight, value_weight])
            if given["in_proj_bias"] is not None:
                given["in_proj_bias"] = torch.cat([self.factor * biases[0], *biases[1:]])
        return func(*bound.args, **bound.kwargs)

    def _show(self, logits: Tensor) -> None:
        if self.see is not None and logits.is_floating_point() and logits.numel():
            self.see(logits)


_MULTI_HEAD: Final = inspect.signature(F.multi_head_attention_forward)
_SOFTMAXES: Final = (torch.softmax, F.softmax, Tensor.softmax)


def _by_head(projected: Tensor, heads: int) -> Tensor:
    """From [place, ..., head x entry] to [..., head, place, entry]."""
    return projected.reshape(*projected.shape[:-1], heads, -1).movedim(0, -2)


def unmasked(logits: Tensor) -> Tensor:
    """Which logits are not masked out."""
    return (logits > _MASKED) | logits.isnan()
