"""Hooks: every call of every module in one forward pass is seen, and every softmax's logits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

LOGITS: Final = "attention logits"
_MASKED: Final = -1e4
"""Logits below this are masked out: nobody's scores start there."""


def plain(name: str) -> str:
    """The name of a module without the number of its call."""
    return name.partition(" (call ")[0]


class Watched:
    """A module whose calls are followed; it is watched inside of `calls` only."""

    def __init__(self, module: nn.Module, *, random: bool = False) -> None:
        """Watch a module.

        Args:
            module: the whole model.
            random: whether its forward pass draws random numbers, which repeated calls have to draw again.
        """
        self.random = random
        self._names = {part: name for name, part in module.named_modules()}
        self._visit: Callable[[str, nn.Module, Any, Any, Any], None] | None = None
        self._running: list[str] = []
        self._counts: dict[str, int] = {}
        self._states: list[Tensor | None] = []

    @contextmanager
    def calls(self, visit: Callable[[str, nn.Module, Any, Any, Any], None]) -> Iterator[None]:
        """Inside of the block, each module that has returned is visited, children first: a name, the module itself,
        its arguments, keywords and what it returned; a module called again has a number behind its name.
        """
        handles: list[RemovableHandle] = []
        self._visit, self._counts = visit, {}
        for part in self._names:
            handles.append(part.register_forward_pre_hook(self._enter))
            handles.append(part.register_forward_hook(self._leave, with_kwargs=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            self._visit = None
            self._running.clear()
            self._states.clear()

    @property
    def running(self) -> str:
        """The innermost module that is being called and visited."""
        return self._running[-1] if self._running else ""

    @property
    def visiting(self) -> bool:
        """Whether calls are visited now, and not repeated quietly."""
        return self._visit is not None

    def numbered(self, name: str) -> str:
        """The name of one more call of what is called so."""
        self._counts[name] = count = self._counts.get(name, 0) + 1
        return name if count == 1 else f"{name} (call {count})"

    def quietly(self, function: Callable[[], Any]) -> Any:
        """Call something that calls modules again, unvisited, with the random numbers of the call that it repeats."""
        visit, self._visit = self._visit, None
        state = self._states[-1] if self._states else None
        try:
            if state is None:
                return function()
            with torch.random.fork_rng(devices=[]):
                torch.set_rng_state(state)
                return function()
        finally:
            self._visit = visit

    def _enter(self, part: nn.Module, _: Any) -> None:
        if self._visit is not None:
            self._running.append(self._names[part])
            self._states.append(torch.get_rng_state() if self.random else None)

    def _leave(self, part: nn.Module, arguments: Any, keywords: Any, output: Any) -> None:
        visit = self._visit
        if visit is None:
            return
        visit(self.numbered(self._names[part]), part, arguments, keywords, output)
        self._running.pop()
        self._states.pop()


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

    def _show(self, logits: Tensor) -> None:
        if self.see is not None and logits.is_floating_point():
            self.see(logits)


_SOFTMAXES: Final = (torch.softmax, F.softmax, Tensor.softmax)


def root_mean_square(values: Tensor) -> Tensor:
    """Over all entries, those that are masked out aside."""
    kept = (values > _MASKED) & values.isfinite()
    values = torch.where(kept, values, torch.zeros_like(values)).to(torch.float32)
    # Entries that are not finite in a place of their own are no mask: the run has diverged.
    bad = (values.isnan() | (values == math.inf)).any()
    size = (values.square().sum() / kept.sum().clamp(min=1)).sqrt()
    return torch.where(bad, torch.full_like(size, math.nan), size)
