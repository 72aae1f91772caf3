"""Calls: what one forward pass calls, which parameters each of the called modules uses, and what they return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from theorychecks.models.errors import ModelError
from theorychecks.models.hooks import LOGITS, Attention, Call, Watched, plain
from theorychecks.models.model import Batch, Model, copied, tensors_in
from theorychecks.models.state import RandomState, buffers_as_they_were, drawing_from

_SAME: Final = 1e-3
"""Relative difference between two repetitions of one forward pass, which the order of sums may leave."""
_REPETITIONS: Final = 4
"""Of a forward pass during which random numbers were drawn. What the model draws it draws each time; another thread
that draws now and then, as a Dask worker's does twice a second, does not."""


def logits_of(module: str) -> str:
    """What the attention logits inside of a module are called."""
    return f"{module} {LOGITS}" if module else LOGITS


def own_parameters(module: nn.Module, called: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Parameters by the called module that uses them itself: its own ones, and those of children never called."""
    own = dict[str, list[str]]({name: [] for name in called})
    for owner, part in module.named_modules():
        user = owner
        while user not in own and user:
            user = user.rpartition(".")[0]
        if user in own:
            prefix = owner[len(user) :].lstrip(".")
            own[user] += [f"{prefix}.{name}" if prefix else name for name, _ in part.named_parameters(recurse=False)]
    return {name: tuple(dict.fromkeys(names)) for name, names in own.items()}


@dataclass
class Calls:
    """One forward pass.

    Attributes:
        outputs: shapes of what each call returned, and of attention logits, by name and in order.
        called: modules, in the order in which they first returned.
        random: whether random numbers were drawn.
    """

    outputs: dict[str, list[torch.Size]]
    called: list[str]
    random: bool

    @classmethod
    def of(cls, model: Model, module: nn.Module, batch: Batch) -> Calls:
        """Follow one, and again with the same random numbers.

        Raises:
            ModelError: if they are not the same.
        """
        outputs, called = dict[str, list[torch.Size]](), dict[str, None]()

        def follow() -> dict[str, Tensor]:
            watched, sizes = Watched(module), dict[str, Tensor]()

            def note(name: str, found: Sequence[Tensor]) -> None:
                outputs[name] = [tensor.shape for tensor in found]
                sizes[name] = torch.stack(
                    [torch.nan_to_num(tensor).abs().sum().double() for tensor in found] or [torch.zeros(())]
                )

            def visit(call: Call) -> None:
                called.setdefault(plain(call.name))
                note(call.name, list(tensors_in(call.output).values()))

            def see(logits: Tensor) -> None:
                if watched.running is not None:
                    note(watched.numbered(logits_of(watched.running)), [logits])

            with torch.no_grad(), buffers_as_they_were(module), watched.calls(visit), Attention(see):
                model.outputs_and_loss(module, copied(batch))
            return sizes

        before = RandomState.now()
        first = follow()
        random = not before.is_now()
        for _ in range(_REPETITIONS if random else 1):
            with drawing_from(before):
                _check_same(model, first, follow())
                random = random and not before.is_now()
        return cls(outputs, list(called), random)


def _check_same(model: Model, first: Mapping[str, Tensor], again: Mapping[str, Tensor]) -> None:
    for name, size in first.items():
        if name not in again or not torch.allclose(size, again[name], rtol=_SAME, atol=0.0):
            raise ModelError(
                f"{model.title} draws random numbers from a generator of its own: `{name or 'the model'}` returns "
                "something else when all global generators are in the same state. Draw from torch's global one."
            )
