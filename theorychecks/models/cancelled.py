"""Cancelled: vectors that whatever follows takes out again, as a normalisation does the bias before it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

import torch
from torch import nn

from theorychecks.models.model import Batch, Model, copied
from theorychecks.models.state import RandomState, buffers_as_they_were, drawing_from

_CANCELS: Final = 1e-5
"""Relative change of the loss that is rounding."""


def cancelled_among(model: Model, module: nn.Module, vectors: Collection[str], batch: Batch) -> tuple[str, ...]:
    """Vectors on which the loss does not depend, though its graph does; their updates are rounding."""
    state, found = RandomState.now(), []

    def loss() -> float:
        with buffers_as_they_were(module), drawing_from(state):
            return float(model.outputs_and_loss(module, copied(batch))[1])

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
    return tuple(found)


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
