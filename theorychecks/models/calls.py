"""Calls: what one forward pass calls, which parameters each of the called modules uses, and what they return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from theorychecks.models.errors import ModelError
from theorychecks.models.hooks import LOGITS, Attention, Call, Watched, plain, unmasked
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


class Passed(NamedTuple):
    """One forward pass.

    Attributes:
        outputs: shapes of what calls returned, and of attention logits, by feature and in order.
        sizes: of the same, as sums of absolute values that are finite.
        given: of what calls were given, likewise, by call.
        inputs: shapes of that.
        called: modules, in the order in which they first returned.
    """

    outputs: dict[str, torch.Size]
    sizes: dict[str, Tensor]
    given: dict[str, Tensor]
    inputs: dict[str, torch.Size]
    called: list[str]


def passed(model: Model, module: nn.Module, batch: Batch) -> Passed:
    """Follow one forward pass, and leave the module's buffers as they were."""
    outputs, sizes, given = dict[str, torch.Size](), dict[str, Tensor](), dict[str, Tensor]()
    inputs, called = dict[str, torch.Size](), dict[str, None]()
    watched = Watched(module)

    def note(name: str, found: Mapping[str, Tensor]) -> None:
        for place, tensor in found.items():
            outputs[f"{name}{place}"] = tensor.shape
            sizes[f"{name}{place}"] = _size(tensor, masked=LOGITS in name)

    def visit(call: Call) -> None:
        called.setdefault(plain(call.name))
        if call.given is not None:
            given[call.name], inputs[call.name] = _size(call.given, masked=False), call.given.shape
        note(call.name, tensors_in(call.output))

    def see(logits: Tensor) -> None:
        if watched.running is not None:
            note(watched.numbered(logits_of(watched.running)), {"": logits})

    with torch.no_grad(), buffers_as_they_were(module), watched.calls(visit), Attention(see):
        model.outputs_and_loss(module, copied(batch))
    return Passed(outputs, sizes, given, inputs, list(called))


def _size(values: Tensor, *, masked: bool) -> Tensor:
    if masked:
        values = torch.where(unmasked(values), values, torch.zeros_like(values))
    return torch.nan_to_num(values).abs().sum().double()


@dataclass
class Calls:
    """One forward pass.

    Attributes:
        outputs: shapes of what calls returned, and of attention logits, by feature and in order.
        inputs: shapes of what calls were given, by call.
        called: modules, in the order in which they first returned.
        random: whether random numbers were drawn.
    """

    outputs: dict[str, torch.Size]
    inputs: dict[str, torch.Size]
    called: list[str]
    random: bool

    @classmethod
    def of(cls, model: Model, module: nn.Module, batch: Batch) -> Calls:
        """Follow one, and again with the same random numbers.

        Raises:
            ModelError: if they are not the same.
        """
        before = RandomState.now()
        first = passed(model, module, batch)
        random = not before.is_now()
        for _ in range(_REPETITIONS if random else 1):
            with drawing_from(before):
                _check_same(model, first.sizes, passed(model, module, batch).sizes)
                random = random and not before.is_now()
        return cls(first.outputs, first.inputs, first.called, random)


def _check_same(model: Model, first: Mapping[str, Tensor], again: Mapping[str, Tensor]) -> None:
    for name, size in first.items():
        if name not in again or not torch.allclose(size, again[name], rtol=_SAME, atol=0.0):
            raise ModelError(
                f"{model.title} draws random numbers from a generator of its own: `{name or 'the model'}` returns "
                "something else when all global generators are in the same state. Draw from torch's global one."
            )
