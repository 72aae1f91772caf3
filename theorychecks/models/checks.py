"""Checks of a model while it is trained: each refuses one thing by a named error, which says at which width."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from theorychecks.models.errors import ModelError, blamed, out_of_memory
from theorychecks.models.hooks import LOGITS
from theorychecks.models.model import Batch, Model, Step, tensors_of_batch


def called(model: Model, width: int) -> AbstractContextManager[None]:
    """Inside of the block a model and its loss are called, and what they raise says at which width.

    Raises:
        ModelError: for any error of theirs.
    """
    return blamed(
        f"{model.title}: the model or its loss, called with a batch at width {width},",
        "Look at the shapes there; or take widths that the model can have: multiples of its number of heads, say.",
    )


def stepped(model: Model, width: int) -> AbstractContextManager[None]:
    """Inside of the block a training step is made, and what it raises says at which width.

    Raises:
        ModelError: for any error of the model, its loss or its optimizer.
    """
    return blamed(
        f"{model.title}: a training step at width {width}",
        "Look at the batch, the loss, its gradient and the optimizer's step there.",
    )


def optimizer_of(model: Model, module: nn.Module, width: int) -> Optimizer | Step:
    """What trains a module.

    Raises:
        ModelError: if nothing does.
    """
    with blamed(
        f"{model.title}: optimizer(module), called with the module of width {width},",
        "It takes the module, not its parameters: lambda module: torch.optim.Adam(module.parameters(), lr=...).",
    ):
        made = model.optimizer(module)
    if not isinstance(made, Optimizer) and not callable(made):
        raise ModelError(
            f"{model.title}: optimizer(module) returns a torch.optim.Optimizer, or a function that makes one training "
            f"step of a batch; got {type(made).__name__}"
        )
    return made


def check_finite(model: Model, width: int, features: Mapping[str, Tensor]) -> None:
    """Refuse a model that is not finite before it has been trained; logits may be masked out.

    Raises:
        ModelError: naming the first module.
    """
    for name, values in features.items():
        if (values.isnan() | (values == math.inf) | ((values == -math.inf) & (LOGITS not in name))).any():
            raise ModelError(
                f"{model.title}: `{name or 'the model'}` is not finite at width {width}, before any step. Look at its "
                "initialization and its inputs there."
            )


def check_owned(model: Model, parameters: Mapping[str, Tensor], optimizer: Optimizer) -> None:
    """Refuse an optimizer that lacks some of what is to be trained.

    Raises:
        ModelError: naming it.
    """
    owned = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    without = [name for name, p in parameters.items() if p.requires_grad and id(p) not in owned]
    if without:
        raise ModelError(
            f"{model.title}: its optimizer does not have {_listed(without)}. Give it, or freeze it by "
            "requires_grad_(False)."
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(f"`{name}`" for name in names[:4]) + more


def check_gradients(model: Model, width: int, parameters: Mapping[str, Tensor], *, routed: bool) -> None:
    """Refuse a model of which some parameters have no part in the loss, unless its weights choose what is called.

    Raises:
        ModelError: naming them.
    """
    without = [name for name, p in parameters.items() if p.requires_grad and p.grad is None]
    if without and not routed:
        raise ModelError(
            f"{model.title}: the loss does not depend on {_listed(without)} at width {width}: no gradient. "
            "Use them, freeze them by requires_grad_(False), or leave them out."
        )


@contextmanager
def untouched(model: Model, width: int, batch: Batch) -> Iterator[None]:
    """Refuse a model that changes its batch, and give the caller's data back as it was.

    Raises:
        ModelError: if it does.
    """
    tensors = tensors_of_batch(batch)
    before = [tensor.detach().clone() for tensor in tensors]
    changed = []
    try:
        yield
    finally:
        for tensor, was in zip(tensors, before, strict=True):
            if not torch.equal(torch.nan_to_num(tensor), torch.nan_to_num(was)):
                changed.append(tensor)
                with torch.no_grad():
                    tensor.copy_(was)
    if changed:
        raise ModelError(
            f"{model.title} changes its batch in place at width {width}, so that later steps and seeds train on other "
            "data. Work on a copy (x = x.clone()) in the model or the loss."
        )


@contextmanager
def memory(model: Model, width: int) -> Iterator[None]:
    """Say at which width memory has run out.

    Raises:
        ModelError: if it has.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        raise ModelError(
            f"{model.title}: out of memory at width {width}. Take narrower widths, smaller batches, or a machine with "
            f"more memory ({error})"
        ) from error
