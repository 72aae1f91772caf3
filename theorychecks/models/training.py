"""Training of somebody's model, from a seed, with its coordinates read before and after some of the steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._pytree import tree_map_only

from theorychecks.models.adjustment import NONE, Adjustment
from theorychecks.models.checks import (
    called,
    check_finite,
    check_gradients,
    groups_of,
    memory,
    optimizer_of,
    plain_module,
    stepped,
    untouched,
)
from theorychecks.models.coordinates import Coordinate, Read, Readings, Start, read_coordinates
from theorychecks.models.errors import ModelError, blamed
from theorychecks.models.hooks import Attention
from theorychecks.models.missed import Missed
from theorychecks.models.model import OF_TRAINING, Batch, Model, plural_of
from theorychecks.models.precision import WithoutAutocast
from theorychecks.models.recording import NOTHING, Recording, Seen, State
from theorychecks.models.roles import Anatomy
from theorychecks.models.state import (
    RandomState,
    as_it_was,
    buffers_as_they_were,
    drawing_from,
    seed_all,
    weights_as_they_were,
)
from theorychecks.networks.randomness import generator, integer


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
        sizes: likewise, of what was recorded.
        states: recorded weights and buffers, by the number of steps.
    """

    coordinates: Mapping[int, Readings]
    losses: tuple[float, ...]
    sizes: tuple[Tensor, ...] = field(default=(), compare=False)
    states: Mapping[int, State] = field(default_factory=dict, compare=False)


def drawn(model: Model, width: int, place: tuple[object, ...], seed: int, steps: int) -> Drawn:
    """Build a model and draw its batches; inside of `as_it_was`.

    Raises:
        ModelError: if nothing can be built at this width, what is built is no module or cannot be read, or there are
            too few batches.
    """
    seed_all(integer(*place, "model", width, seed))
    call = model.call_of_build(width)
    way_out = (
        f"Along the {model.axis} the model stays as it is: write build() -> torch.nn.Module, without an argument."
        if model.axis in OF_TRAINING
        else f"A gate builds the model at every one of its {plural_of(model.axis)}, by build({model.axis}). Take "
        f"{plural_of(model.axis)} that it can have: multiples of what it divides by, its number of heads, say."
    )
    with blamed(f"{model.title}: {call}", way_out):
        module = model.built(width)
    if not isinstance(module, nn.Module):
        raise ModelError(f"{model.title}: {call} returns a torch.nn.Module; got {type(module).__name__}")
    module = plain_module(model, module)
    batches = model.first_batches(steps, generator(*place, "batches", width, seed), width)
    return Drawn(module, batches, RandomState.now())


def train(
    model: Model,
    width: int,
    place: tuple[object, ...],
    seed: int,
    *,
    steps: int,
    anatomy: Anatomy,
    adjustment: Adjustment = NONE,
    recording: Recording = NOTHING,
) -> Trained:
    """Train one seed's model, record what is asked for, and leave the world as it was.

    Where no coordinates are read, a training that has diverged goes on no further.

    Raises:
        ModelError: for outputs that are not finite at step 0, parameters without gradients, batches that a step has
            changed, or too little memory.
    """
    with as_it_was(), memory(model, width):
        start = drawn(model, width, place, seed, steps)
        anatomy.check(model, start.module, width)
        with weights_as_they_were(start.module):
            return _Run(model, width, start, anatomy, adjustment, recording).carried_out(steps)


def coordinates_called(
    model: Model,
    width: int,
    place: tuple[object, ...],
    seed: int,
    *,
    anatomy: Anatomy,
    adjustment: Adjustment = NONE,
) -> tuple[list[Coordinate], list[Coordinate]]:
    """Coordinates that one seed's model has at the start, and after steps that change nothing.

    Raises:
        ModelError: as `train`.
    """
    with as_it_was(), memory(model, width):
        start = drawn(model, width, place, seed, 1)
        with weights_as_they_were(start.module):
            return _Run(model, width, start, anatomy, adjustment, NOTHING).called()


class _Run:
    """One training of one module."""

    def __init__(
        self, model: Model, width: int, start: Drawn, anatomy: Anatomy, adjustment: Adjustment, recording: Recording
    ) -> None:
        self.model, self.width, self.anatomy, self.adjustment = model, width, anatomy, adjustment
        self.recording, self.states = recording, dict[int, State]()
        self.start, self.module, self.batches = start, start.module, start.batches
        self.parameters = dict(self.module.named_parameters())

    def carried_out(self, steps: int) -> Trained:
        adjust_start(self.start, self.adjustment)
        with scaled_outputs(self.module, self.adjustment):
            return self._carried_out(steps)

    def _carried_out(self, steps: int) -> Trained:
        times, missed = self.recording.coordinates, Missed(self.anatomy)
        first = {name: value.detach().clone() for name, value in self.parameters.items()}
        step = self._step_function()
        coordinates, seen, start = dict[int, Readings](), list[Seen](), Start(first, {}, {}, {})
        if times:
            with untouched(self.model, self.width, self.batches[0]):
                read = self._probe(None)
            coordinates[0], start = read.readings, read.start(first)
            check_finite(self.model, self.width, read.features)
        self._keep(0)
        for taken in range(steps):
            watched = missed.step(self.module) if times else nullcontext()
            with untouched(self.model, self.width, self.batches[taken]), watched:
                seen.append(self._stepped(step, self.batches[taken]))
            if taken == 0:
                check_finite(self.model, self.width, {"the loss": seen[0].loss})
            self._keep(taken + 1)
            if taken + 1 in times:
                coordinates[taken + 1] = missed.without(self._probe(start).readings)
            if not times and not self.recording.within(*seen[-1]):
                return self._trained({}, seen, steps)
        return self._trained(coordinates, [*seen, self._seen(self.batches[0])], steps)

    def called(self) -> tuple[list[Coordinate], list[Coordinate]]:
        """Coordinates before any step, and of the same weights as if there had been some."""
        adjust_start(self.start, self.adjustment)
        with scaled_outputs(self.module, self.adjustment):
            read = self._probe(None)
            return list(read.readings), list(self._probe(read.start(self.parameters)).readings)

    def _trained(self, coordinates: Mapping[int, Readings], seen: Sequence[Seen], steps: int) -> Trained:
        losses, left = [float(one.loss) for one in seen], steps + 1 - len(seen)
        self.recording.fill(self.states)
        sizes = [one.sizes.double() for one in seen]
        sizes += [torch.full_like(sizes[0], math.nan)] * left
        return Trained(coordinates, (*losses, *[math.nan] * left), tuple(sizes), self.states)

    def _keep(self, time: int) -> None:
        if time in self.recording.times:
            self.states[time] = State(self.parameters, dict(self.module.named_buffers())).copied()

    def _step_function(self) -> Callable[[Batch], Seen]:
        made = optimizer_of(self.model, self.module, self.width)
        if not isinstance(made, list):
            step = made

            def whole(batch: Batch) -> Seen:
                seen = self._seen(batch)
                step(batch)
                if any(parameter.grad is not None for parameter in self.parameters.values()):
                    check_gradients(self.model, self.width, self.parameters, routed=self.anatomy.routed)
                return seen

            return whole
        optimizers = made
        set_options(optimizers, self.adjustment)
        calls_back = any(isinstance(optimizer, torch.optim.LBFGS) for optimizer in optimizers)

        def one(batch: Batch) -> Seen:
            seen = []

            def closure() -> Tensor:
                for optimizer in optimizers:
                    optimizer.zero_grad()
                loss, sizes = self.recording.see(self.module, lambda: self.model.outputs_and_loss(self.module, batch))
                loss.backward()  # type: ignore[no-untyped-call]
                seen.append(Seen(loss.detach(), sizes))
                return loss

            if not calls_back:
                closure()
                check_gradients(self.model, self.width, self.parameters, routed=self.anatomy.routed)
            for optimizer in optimizers:
                optimizer.step(*[closure] * calls_back)  # type: ignore[arg-type]
            return seen[0]

        return one

    def _stepped(self, step: Callable[[Batch], Seen], batch: Batch) -> Seen:
        adjustment = self.adjustment
        before = {}
        if adjustment.touches_updates():
            before = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}
        with attention_scaled(adjustment), stepped(self.model, self.width):
            seen = step(batch)
        with torch.no_grad():
            for name, was in before.items():
                self.parameters[name].copy_(adjusted(adjustment, name, was, self.parameters[name]))
        return seen

    def _seen(self, batch: Batch) -> Seen:
        kept = buffers_as_they_were(self.module)
        with torch.no_grad(), attention_scaled(self.adjustment), kept, called(self.model, self.width):
            return self.recording.see(self.module, lambda: self.model.outputs_and_loss(self.module, batch))

    def _probe(self, start: Start | None) -> Read:
        kept = buffers_as_they_were(self.module)
        with drawing_from(self.start.state), kept, WithoutAutocast(), called(self.model, self.width):
            return read_coordinates(
                self.module,
                self.anatomy,
                lambda: self.model.outputs_and_loss(self.module, self.batches[0]),
                start=start,
                attention=self.adjustment.attention,
            )


@contextmanager
def forward_adjusted(module: nn.Module, adjustment: Adjustment) -> Iterator[None]:
    """Inside of the block, forward passes of a module are adjusted."""
    with scaled_outputs(module, adjustment), attention_scaled(adjustment):
        yield


def attention_scaled(adjustment: Adjustment) -> AbstractContextManager[object]:
    """Inside of the block, attention logits are adjusted."""
    return Attention(factor=adjustment.attention) if adjustment.attention != 1.0 else nullcontext()


def adjust_start(start: Drawn, adjustment: Adjustment) -> None:
    """Scale parameters as they were drawn, or draw them anew."""
    start.state.set()
    with torch.no_grad():
        for name, parameter in start.module.named_parameters():
            if name in adjustment.redrawn:
                parameter.normal_(std=adjustment.redrawn[name])
            if name in adjustment.initial:
                parameter.mul_(adjustment.initial[name])


@contextmanager
def scaled_outputs(module: nn.Module, adjustment: Adjustment) -> Iterator[None]:
    """Inside of the block, what modules return is scaled."""

    def scaling(factor: float) -> Callable[[nn.Module, Any, Any], Any]:
        def scale(tensor: Tensor) -> Tensor:
            return factor * tensor if tensor.is_floating_point() else tensor

        return lambda _part, _given, output: tree_map_only(Tensor, scale, output)

    with ExitStack() as hooks:
        for name, factor in adjustment.outputs.items():
            hooks.enter_context(module.get_submodule(name).register_forward_hook(scaling(factor)))
        yield


def set_options(optimizers: Sequence[Optimizer], adjustment: Adjustment) -> None:
    """Give optimizers another epsilon, and no weight decay, where they have them."""
    for group in groups_of(optimizers):
        if adjustment.epsilon is not None and "eps" in group:
            group["eps"] = adjustment.epsilon
        if adjustment.undecayed and "weight_decay" in group:
            group["weight_decay"] = 0.0


def adjusted(adjustment: Adjustment, name: str, before: Tensor, after: Tensor) -> Tensor:
    """What a step makes of a parameter, adjusted."""
    factor: float | Tensor = adjustment.updates.get(name, 1.0)
    if adjustment.rate is not None:
        rate = adjustment.rate.to(before)
        factor = factor * (rate if rate.ndim == 0 else rate.reshape(-1, *[1] * (before.ndim - 1)))
    return before * (1 - adjustment.decay.get(name, 0.0)) + factor * (after - before)
