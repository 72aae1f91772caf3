"""Training of somebody's model, from a seed, with its coordinates read before and after some of the steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from theorychecks.engines.randomness import generator, integer
from theorychecks.modules.adjustment import NONE, Adjustment
from theorychecks.modules.coordinates import Readings, Start, read_coordinates
from theorychecks.modules.errors import ModelError
from theorychecks.modules.hooks import Attention
from theorychecks.modules.model import Batch, Model, tensors_of_batch
from theorychecks.modules.roles import Anatomy
from theorychecks.modules.state import as_it_was, seed_all, weights_as_they_were


@dataclass(frozen=True)
class Drawn:
    """A model and its batches, as one seed draws them at one width, and torch's random state after that."""

    module: nn.Module
    batches: list[Batch]
    state: Tensor


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
    batches = model.first_batches(steps, generator(*place, "batches", width, seed))
    return Drawn(module, batches, torch.get_rng_state())


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
    with as_it_was():
        start = drawn(model, width, place, seed, steps)
        with weights_as_they_were(start.module), _memory(model, width):
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
            coordinates, losses, start = dict[int, Readings](), list[float](), Start(first, {})
            if times:
                features, coordinates[0] = self._probe(None)
                self._check_finite(features)
                start = Start(first, features)
            before = [tensor.clone() for tensor in tensors_of_batch(self.batches[0])]
            for taken in range(steps):
                losses.append(self._stepped(step, self.batches[taken]))
                if taken == 0:
                    self._check_batch(before)
                if taken + 1 in times:
                    coordinates[taken + 1] = self._probe(start)[1]
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
                return loss

            return whole
        optimizer = made
        set_epsilon(optimizer, self.adjustment)

        def one(batch: Batch) -> float:
            loss = math.nan

            def closure() -> Tensor:
                nonlocal loss
                optimizer.zero_grad()
                found = self.model.outputs_and_loss(self.module, batch)[1]
                found.backward()  # type: ignore[no-untyped-call]
                loss = float(found.detach())
                return found

            optimizer.step(cast("Callable[[], float]", closure))
            check_gradients(self.model, self.width, self.parameters)
            return loss

        return one

    def _stepped(self, step: Callable[[Batch], float], batch: Batch) -> float:
        adjustment = self.adjustment
        before = {}
        if adjustment.touches_updates():
            before = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}
        with Attention(factor=adjustment.attention):
            loss = step(batch)
        with torch.no_grad():
            for name, was in before.items():
                self.parameters[name].copy_(adjusted(adjustment, name, was, self.parameters[name]))
        return loss

    def _loss(self, batch: Batch) -> float:
        with torch.no_grad(), Attention(factor=self.adjustment.attention), self._buffers_as_they_were():
            return float(self.model.outputs_and_loss(self.module, batch)[1])

    def _probe(self, start: Start | None) -> tuple[dict[str, Tensor], Readings]:
        with torch.random.fork_rng(devices=[]), self._buffers_as_they_were(), torch.compiler.set_stance("force_eager"):
            torch.set_rng_state(self.start.state)
            return read_coordinates(
                self.module,
                self.anatomy,
                lambda: self.model.outputs_and_loss(self.module, self.batches[0]),
                start=start,
                attention=self.adjustment.attention,
            )

    @contextmanager
    def _buffers_as_they_were(self) -> Iterator[None]:
        values = {name: buffer.clone() for name, buffer in self.module.named_buffers()}
        try:
            yield
        finally:
            for name, buffer in self.module.named_buffers():
                buffer.copy_(values[name])

    def _check_finite(self, features: Mapping[str, Tensor]) -> None:
        for name, values in features.items():
            if values.isnan().any() or (values == math.inf).any():
                raise ModelError(
                    f"{self.model.title}: `{name or 'the model'}` returns numbers that are not finite at width "
                    f"{self.width}, before any step. Look at its initialization and its inputs there."
                )

    def _check_batch(self, before: Sequence[Tensor]) -> None:
        after = tensors_of_batch(self.batches[0])
        if any(not torch.equal(a, b) for a, b in zip(before, after, strict=True)):
            raise ModelError(
                f"{self.model.title} changes its batch in place at width {self.width}, so that later steps and seeds "
                "train on other data. Work on a copy (x = x.clone()) in the model or the loss."
            )


def _copied(parameter: nn.Parameter) -> Tensor:
    """A copy with whatever its owner has noted on it, as the package mup notes shapes."""
    copy = parameter.detach().clone()
    copy.__dict__.update(parameter.__dict__)
    return copy


def adjust_start(start: Drawn, adjustment: Adjustment) -> None:
    """Scale parameters as they were drawn, or draw them anew."""
    torch.set_rng_state(start.state)
    with torch.no_grad():
        for name, parameter in start.module.named_parameters():
            if name in adjustment.redrawn:
                parameter.normal_(std=adjustment.redrawn[name])
            if name in adjustment.initial:
                parameter.mul_(adjustment.initial[name])


def scaled_outputs(module: nn.Module, adjustment: Adjustment) -> list[Any]:
    """Hooks that scale what modules return."""
    return [
        module.get_submodule(name).register_forward_hook(lambda _part, _given, output, factor=factor: factor * output)
        for name, factor in adjustment.outputs.items()
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


def check_gradients(model: Model, width: int, parameters: Mapping[str, Tensor]) -> None:
    """Refuse a model of which some parameters have no part in the loss.

    Raises:
        ModelError: naming them.
    """
    without = [name for name, p in parameters.items() if p.requires_grad and p.grad is None]
    if without:
        raise ModelError(
            f"{model.title}: the loss does not depend on {', '.join(f'`{name}`' for name in without[:4])}"
            f"{f' and {len(without) - 4} more' if len(without) > 4 else ''} at width {width}: no gradient. "
            "Use them, freeze them by requires_grad_(False), or leave them out."
        )


@contextmanager
def _memory(model: Model, width: int) -> Iterator[None]:
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error).lower():
            raise
        raise ModelError(
            f"{model.title}: out of memory at width {width}. Take narrower widths, smaller batches, or a machine with "
            f"more memory ({error})"
        ) from error
