"""Calls: what one forward pass calls, which parameters each of the called modules uses, and what they return."""

from __future__ import annotations

from collections.abc import Sequence
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
        """Follow one, and once more with the same random numbers.

        Raises:
            ModelError: if the two are not the same.
        """
        outputs, called = dict[str, list[torch.Size]](), dict[str, None]()
        first, again = dict[str, Tensor](), dict[str, Tensor]()

        def follow(sizes: dict[str, Tensor]) -> None:
            watched = Watched(module)

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

        before = RandomState.now()
        follow(first)
        random = not before.is_now()
        with drawing_from(before):
            follow(again)
        for name, size in first.items():
            if name not in again or not torch.allclose(size, again[name], rtol=_SAME, atol=0.0):
                raise ModelError(
                    f"{model.title} draws random numbers from a generator of its own: `{name or 'the model'}` returns "
                    "something else when all global generators are in the same state. Draw from torch's global one."
                )
        return cls(outputs, list(called), random)
