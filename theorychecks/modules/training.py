"""Training of somebody's model, from a seed, with its coordinates read before and after some of the steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._pytree import tree_map_only

from theorychecks.engines.randomness import generator, integer
from theorychecks.modules.adjustment import NONE, Adjustment
from theorychecks.modules.coordinates import Read, Readings, Start, read_coordinates
from theorychecks.modules.errors import ModelError
from theorychecks.modules.hooks import LOGITS, Attention
from theorychecks.modules.model import Batch, Model, tensors_of_batch
from theorychecks.modules.roles import Anatomy
from theorychecks.modules.state import (
    RandomState,
    as_it_was,
    buffers_as_they_were,
    drawing_from,
    seed_all,
    weights_as_they_were,
)


@dataclass(frozen=True)
class Drawn:
    """A model and its batches, as one seed draws them at one width, and the random state behind that."""

    module: nn.Module
    batches: list[Batch]
    state: RandomState


@dataclass(frozen=True)
class Trained:
    """What one training has shown.

    Attributes:
        coordinates: by the number of steps after which they were read.
        losses: before each step, and after the last; of the batch of that step, the first one at the end.
    """

    coordinates: Mapping[int, Readings]
    losses: tuple[float, ...]


def drawn(model: Model, width: int, place: tuple[object, ...], seed: int, steps: int) -> Drawn:
    """Build a model and draw its batches; inside of `as_it_was`.

    Raises:
        ModelError: if what is built is no module, or there are too few batches.
    """
    seed_all(integer(*place, "model", width, seed))
    module = model.build(width)
    if not isinstance(module, nn.Module):
        raise ModelError(f"{model.title}: build({width}) returns a torch.nn.Module; got {type(module).__name__}")
    # A compiled module runs eagerly here, under its own names.
    module = getattr(module, "_orig_mod", module)
    batches = model.first_batches(steps, generator(*place, "batches", width, seed))
    return Drawn(module, batches, RandomState.now())


def train(
    model: Model,
    width: int,
    place: tuple[object, ...],
    seed: int,
    *,
    steps: int,
    times: Sequence[int],
    anatomy: Anatomy,
    adjustment: Adjustment = NONE,
) -> Trained:
    """Train one seed's model, read its coordinates at some times, and leave the world as it was.

    Raises:
        ModelError: for outputs that are not finite at step 0, parameters without gradients, batches that a step has
            changed, or too little memory.
    """
    with as_it_was(), memory(model, width):
        start = drawn(model, width, place, seed, steps)
        anatomy.check(model, start.module, width)
        with weights_as_they_were(start.module):
            return _Run(model, width, start, anatomy, adjustment).carried_out(steps, times)


class _Run:
    """One training of one module."""

    def __init__(self, model: Model, width: int, start: Drawn, anatomy: Anatomy, adjustment: Adjustment) -> None:
        self.model, self.width, self.anatomy, self.adjustment = model, width, anatomy, adjustment
        self.start, self.module, self.batches = start, start.module, start.batches
        self.parameters = dict(self.module.named_parameters())

    def carried_out(self, steps: int, times: Sequence[int]) -> Trained:
        adjust_start(self.start, self.adjustment)
        hooks = scaled_outputs(self.module, self.adjustment)
        try:
            first = {name: _copied(parameter) for name, parameter in self.parameters.items()}
            step = self._step_function()
            coordinates, losses, start = dict[int, Readings](), list[float](), Start(first, {}, {})
            if times:
                with untouched(self.model, self.width, self.batches[0]):
                    read = self._probe(None)
                coordinates[0], start = read.readings, Start(first, read.features, read.multipliers)
                check_finite(self.model, self.width, read.features)
            for taken in range(steps):
                with untouched(self.model, self.width, self.batches[taken]):
                    losses.append(self._stepped(step, self.batches[taken]))
                if taken == 0:
                    check_finite(self.model, self.width, {"the loss": torch.tensor(losses[0])})
                if taken + 1 in times:
                    coordinates[taken + 1] = self._probe(start).readings
                if not times and not math.isfinite(losses[-1]):
                    return Trained({}, (*losses, *[math.nan] * (steps + 1 - len(losses))))
            return Trained(coordinates, (*losses, self._loss(self.batches[0])))
        finally:
            for hook in hooks:
                hook.remove()

    def _step_function(self) -> Callable[[Batch], float]:
        made = self.model.optimizer(self.module)
        if not isinstance(made, Optimizer):
            if not callable(made):
                raise ModelError(
                    f"{self.model.title}: optimizer(module) returns a torch.optim.Optimizer, or a function that makes "
                    f"one training step of a batch; got {type(made).__name__}"
                )
            step = made

            def whole(batch: Batch) -> float:
                loss = self._loss(batch)
                step(batch)
                if any(parameter.grad is not None for parameter in self.parameters.values()):
                    check_gradients(self.model, self.width, self.parameters)
                return loss

            return whole
        optimizer = made
        check_owned(self.model, self.parameters, optimizer)
        set_epsilon(optimizer, self.adjustment)

        def one(batch: Batch) -> float:
            losses = []

            def closure() -> Tensor:
                optimizer.zero_grad()
                found = self.model.outputs_and_loss(self.module, batch)[1]
                found.backward()  # type: ignore[no-untyped-call]
                losses.append(float(found.detach()))
                return found

            if isinstance(optimizer, torch.optim.LBFGS):
                optimizer.step(closure)  # type: ignore[no-untyped-call]
            else:
                closure()
                check_gradients(self.model, self.width, self.parameters)
                optimizer.step()
            return losses[0]

        return one

    def _stepped(self, step: Callable[[Batch], float], batch: Batch) -> float:
        adjustment = self.adjustment
        before = {}
        if adjustment.touches_updates():
            before = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}
        with attention_scaled(adjustment):
            loss = step(batch)
        with torch.no_grad():
            for name, was in before.items():
                self.parameters[name].copy_(adjusted(adjustment, name, was, self.parameters[name]))
        return loss

    def _loss(self, batch: Batch) -> float:
        with torch.no_grad(), attention_scaled(self.adjustment), buffers_as_they_were(self.module):
            return float(self.model.outputs_and_loss(self.module, batch)[1])

    def _probe(self, start: Start | None) -> Read:
        with drawing_from(self.start.state), buffers_as_they_were(self.module):
            return read_coordinates(
                self.module,
                self.anatomy,
                lambda: self.model.outputs_and_loss(self.module, self.batches[0]),
                start=start,
                attention=self.adjustment.attention,
            )


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


@contextmanager
def untouched(model: Model, width: int, batch: Batch) -> Iterator[None]:
    """Refuse a model that changes its batch, and give the caller's data back as it was.

    Raises:
        ModelError: if it does.
    """
    tensors = tensors_of_batch(batch)
    before = [tensor.detach().clone() for tensor in tensors]
    yield
    changed = [
        (tensor, was)
        for tensor, was in zip(tensors, before, strict=True)
        if not torch.equal(torch.nan_to_num(tensor), torch.nan_to_num(was))
    ]
    with torch.no_grad():
        for tensor, was in changed:
            tensor.copy_(was)
    if changed:
        raise ModelError(
            f"{model.title} changes its batch in place at width {width}, so that later steps and seeds train on other "
            "data. Work on a copy (x = x.clone()) in the model or the loss."
        )


def attention_scaled(adjustment: Adjustment) -> AbstractContextManager[object]:
    """Inside of the block, attention logits are adjusted."""
    return Attention(factor=adjustment.attention) if adjustment.attention != 1.0 else nullcontext()


def _copied(parameter: nn.Parameter) -> Tensor:
    """A copy with whatever its owner has noted on it, as the package mup notes shapes."""
    copy = parameter.detach().clone()
    copy.__dict__.update(parameter.__dict__)
    return copy


def adjust_start(start: Drawn, adjustment: Adjustment) -> None:
    """Scale parameters as they were drawn, or draw them anew."""
    start.state.set()
    with torch.no_grad():
        for name, parameter in start.module.named_parameters():
            if name in adjustment.redrawn:
                parameter.normal_(std=adjustment.redrawn[name])
            if name in adjustment.initial:
                parameter.mul_(adjustment.initial[name])


def scaled_outputs(module: nn.Module, adjustment: Adjustment) -> list[Any]:
    """Hooks that scale what modules return."""

    def scaling(factor: float) -> Callable[[nn.Module, Any, Any], Any]:
        def scale(tensor: Tensor) -> Tensor:
            return factor * tensor if tensor.is_floating_point() else tensor

        return lambda _part, _given, output: tree_map_only(Tensor, scale, output)

    return [
        module.get_submodule(name).register_forward_hook(scaling(factor)) for name, factor in adjustment.outputs.items()
    ]


def set_epsilon(optimizer: Optimizer, adjustment: Adjustment) -> None:
    """Give an optimizer another epsilon, where it has one."""
    for group in optimizer.param_groups:
        if adjustment.epsilon is not None and "eps" in group:
            group["eps"] = adjustment.epsilon


def adjusted(adjustment: Adjustment, name: str, before: Tensor, after: Tensor) -> Tensor:
    """What a step makes of a parameter, adjusted."""
    factor: float | Tensor = adjustment.updates.get(name, 1.0)
    if adjustment.rate is not None:
        rate = adjustment.rate.to(before.dtype)
        factor = factor * (rate if rate.ndim == 0 else rate.reshape(-1, *[1] * (before.ndim - 1)))
    return before * (1 - adjustment.decay.get(name, 0.0)) + factor * (after - before)


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


def check_gradients(model: Model, width: int, parameters: Mapping[str, Tensor]) -> None:
    """Refuse a model of which some parameters have no part in the loss.

    Raises:
        ModelError: naming them.
    """
    without = [name for name, p in parameters.items() if p.requires_grad and p.grad is None]
    if without:
        raise ModelError(
            f"{model.title}: the loss does not depend on {_listed(without)} at width {width}: no gradient. "
            "Use them, freeze them by requires_grad_(False), or leave them out."
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
        if isinstance(error, RuntimeError) and not any(sign in str(error) for sign in _NO_MEMORY):
            raise
        raise ModelError(
            f"{model.title}: out of memory at width {width}. Take narrower widths, smaller batches, or a machine with "
            f"more memory ({error})"
        ) from error


_NO_MEMORY: Final = ("can't allocate memory", "out of memory", "not enough memory")
