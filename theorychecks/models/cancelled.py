"""Cancelled: vectors that whatever follows takes out again, as a normalisation does the bias before it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import torch
from torch import Tensor, nn

from theorychecks.models.model import Batch, Model, copied
from theorychecks.models.state import RandomState, buffers_as_they_were, drawing_from

_CANCELS: Final = 1e-5
"""Relative change of the loss that may be rounding."""
_SHAKEN: Final = 1e-3
"""Relative change of all parameters, after which rounding is another one, and a gradient nearly the same."""
_TIMES: Final = 5
"""A gradient of one entry that is rounding stays the same so often by chance once in a thousand times or so."""


def cancelled_among(model: Model, module: nn.Module, vectors: Collection[str], batch: Batch) -> tuple[str, ...]:
    """Vectors on which the loss does not depend, though its graph does; their updates are rounding."""
    state, found = RandomState.now(), []

    def loss() -> float:
        with buffers_as_they_were(module), drawing_from(state):
            return float(model.outputs_and_loss(module, copied(batch))[1])

    def gradients(names: Sequence[str]) -> list[Tensor]:
        parameters = [module.get_parameter(name) for name in names]
        with torch.enable_grad(), buffers_as_they_were(module), drawing_from(state):
            _, loss = model.outputs_and_loss(module, copied(batch))
            found = torch.autograd.grad(loss, parameters, allow_unused=True)
        return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]

    with torch.no_grad(), drawn_where_zero(module, dict(module.named_parameters())):
        before = loss()
        for name in dict.fromkeys(vectors):
            parameter = module.get_parameter(name)
            was = parameter.clone()
            places = torch.arange(parameter.numel(), dtype=parameter.dtype, device=parameter.device)
            parameter.add_(places.cos().reshape(parameter.shape))
            if abs(loss() - before) <= _CANCELS * abs(before):
                found.append(name)
            parameter.copy_(was)
        trained = [name for name in found if module.get_parameter(name).requires_grad]
        stays = _repeated(module, trained, gradients) if trained else {}
    return tuple(name for name in found if not stays.get(name))


def _repeated(
    module: nn.Module, names: Sequence[str], gradients: Callable[[Sequence[str]], Sequence[Tensor]]
) -> dict[str, bool]:
    """Whether gradients stay nearly the same when all parameters change a little; rounding does not."""
    first, stays = gradients(names), dict.fromkeys(names, True)
    every = [parameter for parameter in module.parameters() if parameter.is_floating_point()]
    before, draw = [parameter.clone() for parameter in every], torch.Generator().manual_seed(1)
    try:
        for _ in range(_TIMES):
            for parameter, was in zip(every, before, strict=True):
                # The generator is the CPU's, wherever the parameter lies.
                noise = torch.empty_like(was, device="cpu").normal_(generator=draw).to(was.device)
                parameter.copy_(was * (1 + _SHAKEN * noise))
            for name, one, other in zip(names, first, gradients(names), strict=True):
                stays[name] = stays[name] and bool((other - one).norm() < one.norm() / 2)
    finally:
        for parameter, was in zip(every, before, strict=True):
            parameter.copy_(was)
    return stays


@contextmanager
def drawn_where_zero(module: nn.Module, names: Collection[str]) -> Iterator[None]:
    """Readouts, branches and gains that are zero hide what is before them; inside of the block there are none."""
    zeros = [module.get_parameter(name) for name in names]
    zeros = [parameter for parameter in zeros if parameter.is_floating_point() and not parameter.any()]
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in zeros:
            # The generator is the CPU's, wherever the parameter lies.
            drawn = torch.empty_like(parameter, device="cpu").normal_(generator=draw)
            parameter.copy_(drawn / max(parameter[:1].numel(), 1) ** 0.5 if parameter.ndim > 1 else drawn)
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter in zeros:
                parameter.zero_()
