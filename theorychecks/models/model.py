"""Model: how somebody builds a model of any width, trains it, and on what."""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from typing import Any, Final, Literal, cast, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from theorychecks.arguments import whole_number
from theorychecks.models.adjustment import NONE, Adjustment
from theorychecks.models.errors import ModelError, blamed
from theorychecks.models.loaded import Loaded

Batch = Any
Step = Callable[[Batch], Any]
Axis = Literal["width", "depth", "heads", "experts", "batch size", "training length"]
AXES: Final = get_args(Axis)
OF_TRAINING: Final = ("batch size", "training length")
"""Axes along which the module stays as it is, and its training changes."""

_STEPS: Final = 4


@dataclass(frozen=True, eq=False)
class Model:
    """A model of any width, how it is trained, and on what; nothing to inherit.

    Attributes:
        build: from a width to a module, drawn from torch's global generator.
        optimizer: from that module to a `torch.optim.Optimizer`, to a list of them with each parameter in one, or to a
            function that makes one whole training step of a batch: with a schedule, clipping or accumulation.
        batches: one for each step, in a list, a DataLoader or an iterator, or a function from a `torch.Generator` to
            such, which draws other ones for each seed. The first one is what coordinates are measured on. A batch is a
            pair (inputs, targets), a mapping of keywords, or whatever `forward` takes.
        loss: from outputs and targets (or the whole batch where it is no pair) to a number; where there is none, the
            model computes it: it returns the loss, or something with a `loss`.
        forward: from a module and a batch to outputs, in the place of a call of the module with its inputs.
        steps: of a training that a sweep measures; as many as there are batches unless given, and four where they are
            drawn; none along the training length, which says it.
        roles: takes the place of what is inferred, by pattern of the parameter's or module's name:
            `{"*.scores": "attention logits"}`; a parameter's decides what its module returns as well.
        name: what reports call it.
        axis: what build takes, "width" or "depth": along the depth there are ever more blocks, and all else stays;
            along the "heads" of attention, or the "experts" of a mixture, these alone grow in number.
            Along the "batch size" and the "training length" the module stays: `build()` takes nothing, and
            `optimizer(module, size)` or `optimizer(module, steps)` has the rule for rates and decay; batches of a size
            are drawn by `batches(generator, size)`, and a training length takes as many batches as it has steps. All
            matrices are then "hidden", since none grows.
    """

    build: Callable[..., nn.Module]
    optimizer: Callable[..., Optimizer | Sequence[Optimizer] | Step]
    batches: Iterable[Batch] | Callable[..., Iterable[Batch]]
    loss: Callable[[Any, Any], Tensor] | None = field(default=None, kw_only=True)
    forward: Callable[[nn.Module, Batch], Any] | None = field(default=None, kw_only=True)
    steps: int = field(default=0, kw_only=True)
    roles: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    name: str = field(default="", kw_only=True)
    axis: Axis = field(default="width", kw_only=True)

    def __post_init__(self) -> None:
        for what, function in (("build", self.build), ("optimizer", self.optimizer)):
            if not callable(function):
                raise TypeError(f"{what} is a function, {_SIGNATURES[what]}; got {function!r}")
        if isinstance(self.build, nn.Module):
            name = type(self.build).__name__
            raise TypeError(
                f"build is a function, {_SIGNATURES['build']}; got one {name} that is built already. "
                f"Give what builds one of any width: lambda width: {name}(width)"
            )
        if isinstance(self.optimizer, functools.partial) and isinstance(self.optimizer.func, type):
            name = self.optimizer.func.__name__
            raise TypeError(
                f"optimizer is a function, {_SIGNATURES['optimizer']}; got a partial {name}, which takes parameters. "
                f"Write lambda module: torch.optim.{name}(module.parameters(), ...)"
            )
        if isinstance(self.optimizer, type) and issubclass(self.optimizer, Optimizer):
            name = self.optimizer.__name__
            raise TypeError(
                f"optimizer is a function, {_SIGNATURES['optimizer']}; got the class {name}. "
                f"Write lambda module: torch.optim.{name}(module.parameters(), lr=...)"
            )
        if isinstance(self.loss, type):
            name = self.loss.__name__
            raise TypeError(f"loss is a function, loss(outputs, targets) -> number; got the class {name}: {name}()")
        if self.loss is not None and not callable(self.loss):
            raise TypeError(f"loss is a function, loss(outputs, targets) -> number; got {self.loss!r}")
        if self.forward is not None and not callable(self.forward):
            raise TypeError(f"forward is a function, forward(module, batch) -> outputs; got {self.forward!r}")
        if self.axis == "batch size" and not callable(self.batches):
            raise TypeError(
                "along the batch size batches is a function, batches(generator, size) -> one batch of so many samples "
                f"for each step; got {type(self.batches).__name__}"
            )
        if _is_loader(self.batches):
            object.__setattr__(self, "batches", Loaded(cast("Iterable[Batch]", self.batches)))
        several = isinstance(self.batches, Sequence) and len(self.batches)
        if not several and not callable(self.batches) and not isinstance(self.batches, Loaded):
            raise TypeError(
                "batches is a list with one batch for each step, a DataLoader or an iterator that gives them, or a "
                f"function from a torch.Generator to such; got {type(self.batches).__name__}"
            )
        if self.steps and self.axis == "training length":
            raise ValueError(f"along the training length its values are the steps; got steps={self.steps}")
        if self.axis != "training length":
            if not self.steps:
                object.__setattr__(self, "steps", several or _STEPS)
            whole_number(self.steps, "steps")
        if not isinstance(self.roles, Mapping):
            raise TypeError(
                f"roles is a mapping from patterns of names to roles, {{'*.router.weight': 'unchecked'}}; "
                f"got {self.roles!r}"
            )
        if not isinstance(self.name, str):
            raise TypeError(f"name is what reports call the model, a text like 'decoder'; got {self.name!r}")
        if self.axis not in AXES:
            raise ValueError(f"axis is what a model is scaled along, {' or '.join(map(repr, AXES))}; got {self.axis!r}")

    @property
    def title(self) -> str:
        """The name, or that of the function that builds it."""
        return self.name or getattr(self.build, "__qualname__", type(self.build).__name__)

    @property
    def _own(self) -> bool:
        """Whether the module is the same at all values of the axis."""
        return self.axis in OF_TRAINING

    def call_of_build(self, width: int) -> str:
        """How build is called at a value of the axis, for messages."""
        return "build()" if self._own else f"build({width})"

    def built(self, width: int) -> nn.Module:
        """The module at a value of the axis."""
        return self.build() if self._own else self.build(width)

    def optimized(self, module: nn.Module, width: int) -> Optimizer | Sequence[Optimizer] | Step:
        """What trains a module at a value of the axis."""
        return self.optimizer(module, width) if self._own else self.optimizer(module)

    def adjustment(self, _width: int) -> Adjustment:
        """What is done to the set-up at a width besides what its owner does: nothing."""
        return NONE

    def first_batches(self, count: int, draw: torch.Generator, width: int) -> list[Batch]:
        """So many batches at a value of the axis, drawn for one seed where they are drawn.

        Raises:
            ModelError: if there are too few, or what should draw them does not.
        """
        sized = self.axis == "batch size"
        takes, given_too = ("generator, size", f" and {width}") if sized else ("generator", "")
        signature = f"batches({takes}) -> one batch for each step, [(inputs, targets), ...]"
        what, way_out = f"batches({takes}), called with a torch.Generator{given_too},", f"Write {signature}."
        if isinstance(self.batches, Loaded):
            what, way_out = "reading batches", "Look at what gives them: the loader, its data set, the iterator."
        with blamed(f"{self.title}: {what}", way_out):
            drawing = (draw, width) if sized else (draw,)
            given: Any = self.batches(*drawing) if callable(self.batches) else self.batches
            if isinstance(given, Loaded):
                found, given = given.first(count), given.source
            elif not isinstance(given, Iterable) or isinstance(given, Tensor):
                raise ModelError(f"{self.title}: batches is a function, {signature}; got {_described(given)}")
            else:
                found = list(itertools.islice(given, count))
        if len(found) < count and isinstance(given, Iterator):
            raise ModelError(
                f"{self.title}: {count} steps need {count} batches; its {_described(given)} has given {len(found)} and "
                "is exhausted. Give an iterator that nobody else has read, a list, or a DataLoader."
            )
        if len(found) < count:
            shorter = f"ask for steps={len(found)}" if self.axis != "training length" else "take shorter trainings"
            raise ModelError(
                f"{self.title}: {count} steps need {count} batches; got {len(found)}. Give more batches, or {shorter}."
            )
        return found

    def outputs_and_loss(self, module: nn.Module, batch: Batch) -> tuple[Any, Tensor]:
        """One forward pass: what the module returns, and the loss of it."""
        inputs, targets = batch if isinstance(batch, tuple | list) and len(batch) == 2 else (batch, batch)
        outputs = _called(module, inputs) if self.forward is None else self.forward(module, batch)
        loss = self.loss(outputs, targets) if self.loss is not None else own_loss(outputs)
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            raise ModelError(
                f"{self.title}: a loss is one number; got {_described(loss)}. Give loss=..., from outputs and targets "
                "to a scalar, or let the model return something with a `loss`."
            )
        return outputs, loss.reshape(())


def check_model(given: object) -> None:
    """Refuse what is no `Model`, such as the class that one is built from.

    Raises:
        TypeError: with how a model is written.
    """
    if isinstance(given, Model):
        return
    is_class = isinstance(given, type)
    name = given.__name__ if isinstance(given, type) else type(given).__name__
    build = f"lambda width: {name}(width)" if is_class or isinstance(given, nn.Module) else "build"
    raise TypeError(
        f"a gate takes a tc.Model, which says how yours is built and trained; got {'the class ' if is_class else ''}"
        f"{name}. Write tc.Model({build}, lambda module: torch.optim.Adam(module.parameters(), lr=...), batches, "
        "loss=...)"
    )


def plural_of(axis: str) -> str:
    """The argument that has values of an axis."""
    return axis if axis.endswith("s") else f"{axis}s".replace(" ", "_")


_SIGNATURES = {
    "build": "build(width) -> torch.nn.Module",
    "optimizer": "optimizer(module) -> torch.optim.Optimizer, -> a list of them, or -> a function that makes one "
    "training step of a batch",
}


def _is_loader(batches: object) -> bool:
    """Whether something gives batches one after the other, and is neither a list of them nor a single one."""
    return isinstance(batches, Iterable) and not isinstance(batches, Sequence | Mapping | Tensor | np.ndarray)


def own_loss(outputs: Any) -> object:
    """The loss that a model computes itself, wherever it returns it."""
    if isinstance(outputs, Tensor):
        return outputs
    if isinstance(outputs, Mapping) and "loss" in outputs:
        return outputs["loss"]
    if hasattr(outputs, "loss"):
        return outputs.loss
    if isinstance(outputs, tuple | list):
        # Hugging Face returns (loss, logits), nanoGPT (logits, loss).
        return next((part for part in outputs if isinstance(part, Tensor) and part.ndim == 0), outputs)
    return outputs


def tensors_in(found: Any, prefix: str = "") -> dict[str, Tensor]:
    """Floating-point tensors in what a module returns, by where they lie in it; losses are none of them."""
    if isinstance(found, Tensor):
        return {prefix: found} if found.is_floating_point() and found.ndim > 0 else {}
    items: list[tuple[str, Any]] = []
    if isinstance(found, Mapping):
        items = [(str(key), value) for key, value in found.items() if key != "loss"]
    elif isinstance(found, tuple | list):
        items = [(str(place), value) for place, value in enumerate(found)]
    elif hasattr(found, "__dataclass_fields__"):
        items = [(key, getattr(found, key)) for key in found.__dataclass_fields__ if key != "loss"]
    return {
        name: tensor
        for key, value in items
        for name, tensor in tensors_in(value, f"{prefix}[{key}]" if prefix or len(items) > 1 else "").items()
    }


def copied(batch: Batch) -> Batch:
    """A batch with tensors of its own, which a model may change."""
    return copy.deepcopy(batch, {id(tensor): tensor.clone() for tensor in tensors_of_batch(batch)})


def tensors_of_batch(batch: Batch) -> list[Tensor]:
    """All tensors of a batch, whole numbers too."""
    if isinstance(batch, Tensor):
        return [batch]
    parts: Sequence[Any] = ()
    if isinstance(batch, Mapping):
        parts = list(batch.values())
    elif isinstance(batch, tuple | list):
        parts = batch
    elif is_dataclass(batch) and not isinstance(batch, type):
        parts = list(vars(batch).values())
    return [tensor for part in parts for tensor in tensors_of_batch(part)]


def _called(module: nn.Module, inputs: Any) -> Any:
    if isinstance(inputs, Mapping):
        return module(**cast("Mapping[str, Any]", inputs))
    return module(*inputs) if isinstance(inputs, tuple | list) else module(inputs)


def _described(value: object) -> str:
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
