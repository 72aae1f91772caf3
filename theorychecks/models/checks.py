"""Checks of a model while it is trained: each refuses one thing by a named error, which says at which width."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, cast

import torch
import torch.fx
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from theorychecks.models.errors import ModelError, blamed, out_of_memory
from theorychecks.models.hooks import LOGITS
from theorychecks.models.model import Batch, Model, Step, plural_of, tensors_of_batch


def called(model: Model, width: int) -> AbstractContextManager[None]:
    """Inside of the block a model and its loss are called, and what they raise says at which width.

    Raises:
        ModelError: for any error of theirs.
    """
    return blamed(
        f"{model.title}: the model or its loss, called with a batch at {model.axis} {width},",
        f"Look at the shapes there; or take {plural_of(model.axis)} that the model can have: multiples of what it "
        "divides by, its number of heads, say.",
    )


def stepped(model: Model, width: int) -> AbstractContextManager[None]:
    """Inside of the block a training step is made, and what it raises says at which width.

    Raises:
        ModelError: for any error of the model, its loss or its optimizer.
    """
    return blamed(
        f"{model.title}: a training step at {model.axis} {width}",
        "Look at the batch, the loss, its gradient and the optimizer's step there.",
    )


def plain_module(model: Model, module: nn.Module) -> nn.Module:
    """The module inside of what compiles or replicates it: it runs as it is here, under its own names.

    Raises:
        ModelError: for one that cannot be read, being replicated over processes, sharded, scripted or exported.
    """
    while inner := getattr(module, "_orig_mod", None) or _replicated(model, module):
        module = inner
    for name, part in module.named_modules():
        where = f"{model.title}: `{name or 'the model'}` is"
        if isinstance(part, torch.jit.ScriptModule):
            raise ModelError(
                f"{where} a TorchScript module, and nothing can be seen of what it calls. Build it without torch.jit; "
                "torch.compile may stay."
            )
        if isinstance(part, torch.fx.GraphModule) and _is_flat(part):
            raise ModelError(
                f"{where} an exported graph, which calls no modules, so that nothing can be seen of them. Build it "
                "without torch.export; torch.compile may stay."
            )
    check_whole(model, module)
    return module


def check_whole(model: Model, module: nn.Module) -> None:
    """Refuse a module of which a process does not hold each parameter as a whole, by itself.

    Raises:
        ModelError: naming the first one.
    """
    for name, part in [*module.named_modules(), *module.named_parameters()]:
        if type(part).__name__ in _SHARDED:
            raise ModelError(
                f"{model.title}: `{name or 'the model'}` is sharded, a {type(part).__name__}, and cannot be called "
                "with other weights. Build the model without fully_shard or FullyShardedDataParallel: a gate trains "
                "it on one process; DistributedDataParallel and torch.compile may stay."
            )


_SHARDED: Final = ("FullyShardedDataParallel", "DTensor")
"""Modules and parameters by the names of their classes, which are slow to import."""


def _replicated(model: Model, module: nn.Module) -> nn.Module | None:
    """The module that is replicated over processes, if there is one."""
    if not isinstance(module, nn.parallel.DistributedDataParallel):
        return None
    if (processes := module.process_group.size()) > 1:
        raise ModelError(
            f"{model.title} is replicated over {processes} processes, and a gate trains on one. Run it in a process "
            "group of one, or build the model without DistributedDataParallel."
        )
    return cast("nn.Module", module.module)


def _is_flat(graph: torch.fx.GraphModule) -> bool:
    """Whether a graph uses parameters of modules inside of it, and calls none of those."""
    called = [graph.get_submodule(str(node.target)) for node in graph.graph.nodes if node.op == "call_module"]
    nested = any("." in name for name, _ in graph.named_parameters())
    return nested and not any(True for part in called for _ in part.parameters())


def optimizer_of(model: Model, module: nn.Module, width: int) -> list[Optimizer] | Step:
    """What trains a module: one or more optimizers, each parameter in one of them, or a function.

    Raises:
        ModelError: if nothing does.
    """
    takes = {"batch size": "module, size", "training length": "module, steps"}.get(model.axis, "module")
    with blamed(
        f"{model.title}: optimizer({takes}), called with the module of {model.axis} {width},",
        f"It takes the module, not its parameters: lambda {takes}: torch.optim.Adam(module.parameters(), lr=...).",
    ):
        made = model.optimized(module, width)
    check_whole(model, module)
    optimizers = list(made) if isinstance(made, list | tuple) else [made]
    other = [one for one in optimizers if not isinstance(one, Optimizer)]
    if any(isinstance(one, LRScheduler) for one in other):
        raise ModelError(
            f"{model.title}: optimizer(module) returns a scheduler, and who is to step it would be a guess. Return a "
            "function instead that makes one training step of a batch: its forward and backward pass, "
            "optimizer.step() and scheduler.step()."
        )
    if not isinstance(made, Optimizer) and callable(made):
        return made
    if other or not optimizers:
        got = "an empty list" if not optimizers else type(other[0]).__name__
        raise ModelError(
            f"{model.title}: optimizer(module) returns a torch.optim.Optimizer, a list of them, or a function that "
            f"makes one training step of a batch; got {got}{' in a list' if other and other[0] is not made else ''}"
        )
    found = cast("list[Optimizer]", optimizers)
    check_owned(model, dict(module.named_parameters()), found)
    return found


def groups_of(optimizers: Sequence[Optimizer]) -> list[dict[str, Any]]:
    """Parameter groups of all optimizers."""
    return [group for optimizer in optimizers for group in optimizer.param_groups]


def check_finite(model: Model, width: int, features: Mapping[str, Tensor]) -> None:
    """Refuse a model that is not finite before it has been trained; logits may be masked out.

    Raises:
        ModelError: naming the first module.
    """
    for name, values in features.items():
        if (values.isnan() | (values == math.inf) | ((values == -math.inf) & (LOGITS not in name))).any():
            raise ModelError(
                f"{model.title}: `{name or 'the model'}` is not finite at {model.axis} {width}, before any step. "
                "Look at its initialization and its inputs there."
            )


def check_owned(model: Model, parameters: Mapping[str, Tensor], optimizers: Sequence[Optimizer]) -> None:
    """Refuse optimizers that lack some of what is to be trained, or share some of it.

    Raises:
        ModelError: naming it.
    """
    owners = Counter(id(parameter) for group in groups_of(optimizers) for parameter in group["params"])
    its = "its optimizer does" if len(optimizers) == 1 else "its optimizers do"
    if without := [name for name, p in parameters.items() if p.requires_grad and not owners[id(p)]]:
        raise ModelError(
            f"{model.title}: {its} not have {_listed(without)}. Give it, or freeze it by requires_grad_(False)."
        )
    if shared := [name for name, p in parameters.items() if owners[id(p)] > 1]:
        raise ModelError(
            f"{model.title}: more than one of its optimizers has {_listed(shared)}, and each would step it. Give every "
            "parameter to one of them."
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
            f"{model.title}: the loss does not depend on {_listed(without)} at {model.axis} {width}: no gradient. "
            "Use them, freeze them by requires_grad_(False), or leave them out."
        )


def check_sizes(model: Model, batches: Mapping[int, Batch]) -> None:
    """Refuse batches that do not grow in proportion to the batch size; along other axes they may be as they like.

    Args:
        model: whose they are.
        batches: one by each batch size.

    Raises:
        ModelError: with the sizes at which they do not.
    """
    first, *others = sorted(batches)
    if model.axis != "batch size":
        return
    shapes = [tensor.shape for tensor in tensors_of_batch(batches[first])]
    for size in others:
        found = [tensor.shape for tensor in tensors_of_batch(batches[size])]
        pairs = [pair for one, other in zip(shapes, found, strict=False) for pair in zip(one, other, strict=False)]
        if not any(small * size == large * first for small, large in pairs):
            before, after = (next(map(tuple, those), ()) for those in (shapes, found))
            raise ModelError(
                f"{model.title}: batches of size {first} begin with a tensor of shape {before}, and of size {size} "
                f"with one of shape {after}: they do not grow in proportion. Let batches(generator, size) draw batches "
                "of `size` samples, at all sizes."
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
            f"{model.title} changes its batch in place at {model.axis} {width}, so that later steps and seeds train on "
            "other data. Work on a copy (x = x.clone()) in the model or the loss."
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
            f"{model.title}: out of memory at {model.axis} {width}. Take smaller {plural_of(model.axis)}, smaller "
            f"batches, or a machine with more memory ({error})"
        ) from error
