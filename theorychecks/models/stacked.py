"""Stacked training: models of one width and several seeds as one, by `torch.func`, where they allow it.

Many small products become few large ones; a model alone spends most of its time between them. Optimizers that mix the
entries of a matrix, as Muon does, step each seed's by itself. What draws random numbers, has an optimizer of another
kind, or cannot be vectorised is trained in a loop.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.optim import SGD, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop

from theorychecks.models.adjustment import NONE, Adjustment
from theorychecks.models.checks import check_finite, memory, optimizer_of
from theorychecks.models.coordinates import Read, Readings, Start, read_coordinates
from theorychecks.models.errors import ModelError
from theorychecks.models.model import Batch, Model, copied
from theorychecks.models.precision import WithoutAutocast
from theorychecks.models.recording import NOTHING, Recording, Seen, State
from theorychecks.models.roles import Anatomy
from theorychecks.models.state import as_it_was, with_notes
from theorychecks.models.training import (
    Drawn,
    adjust_start,
    adjusted,
    attention_scaled,
    drawn,
    scaled_outputs,
    set_options,
)

MOST_WEIGHTS: Final = 2**21
"""Of all models stacked together; beyond that one alone keeps the processor busy."""
_ENTRY_BY_ENTRY: Final = (SGD, Adam, AdamW, NAdam, RAdam, Adamax, RMSprop)
_MATRIX_BY_MATRIX: Final = tuple(
    getattr(torch.optim, name) for name in ("Muon", "Adafactor") if hasattr(torch.optim, name)
)
"""Optimizers that step each parameter by itself; they are given each seed's, while models are called as one."""


@dataclass(frozen=True)
class Together:
    """What trainings of several seeds have shown, stacked.

    Attributes:
        coordinates: by the number of steps after which they were read, [seed] each.
        losses: [t, seed], as `Trained` has them.
        sizes: of what was recorded, [t, seed, 2].
        states: recorded weights and buffers, by the number of steps.
    """

    coordinates: Mapping[int, Readings]
    losses: Tensor
    sizes: Tensor
    states: Mapping[int, State]


class NotStackable(Exception):  # noqa: N818 - a verdict on the model, for which there is a loop
    """A model cannot be stacked, and why."""


def train_stacked(
    model: Model,
    width: int,
    place: tuple[object, ...],
    seeds: Sequence[int],
    *,
    steps: int,
    anatomy: Anatomy,
    adjustment: Adjustment = NONE,
    recording: Recording = NOTHING,
) -> Together:
    """Train models of several seeds at once, as `train` does each.

    A rate of the adjustment has one number for each of them.

    Raises:
        NotStackable: where they have to be trained one by one.
    """
    if anatomy.random:
        raise NotStackable("its forward pass draws random numbers")
    distinct = list(dict.fromkeys(seeds))
    with as_it_was(), memory(model, width), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="There is a performance drop")
        made = [drawn(model, width, place, seed, steps) for seed in distinct]
        for one in made:
            anatomy.check(model, one.module, width)
        if why := apart([one.module for one in made]):
            raise NotStackable(why)
        try:
            stack = _Stack(model, width, made, [distinct.index(seed) for seed in seeds], adjustment, recording)
            return stack.train(width, steps, anatomy)
        except (NotStackable, ModelError, MemoryError):
            raise
        except Exception as error:
            # Whatever vmap cannot do with a model, a loop can; a model that is broken says so there.
            raise NotStackable(f"{type(error).__name__}: {error}") from error


def apart(modules: Sequence[nn.Module]) -> str:
    """Why modules are not the same but for their parameters and buffers; empty where they are."""
    if len({id(module) for module in modules}) < len(modules):
        return "build gives the same module again"
    for parts in zip(*(module.modules() for module in modules), strict=True):
        if key := _differs([{k: v for k, v in vars(part).items() if not k.startswith("_")} for part in parts]):
            return f"its {key} differs from seed to seed, and is neither parameter nor buffer"
    # What the first one's parameters note is given to those of all.
    for (name, first), *others in zip(*(module.named_parameters() for module in modules), strict=True):
        if key := _differs([vars(first), *(vars(other) for _, other in others)]):
            return f"the {key} that is noted on its {name} differs from seed to seed"
    return ""


def _differs(attributes: Sequence[Mapping[str, Any]]) -> str:
    """The first of a module's or parameter's tensors and numbers that are not all the same; empty if there is none."""
    first, *others = attributes
    for key, value in first.items():
        if isinstance(value, Tensor | float) and any(not _equal(value, other.get(key)) for other in others):
            return key
    return ""


def _equal(value: Tensor | float, other: object) -> bool:
    if isinstance(value, Tensor):
        return isinstance(other, Tensor) and torch.equal(value, other)
    return value == other


def together(anatomy: Anatomy, width: int) -> int:
    """How many models of a width are best stacked; one where it is large itself."""
    return max(int(MOST_WEIGHTS / anatomy.weights_at(width)), 1)


class Within(nn.Module):
    """Calls something with a module whose parameters are given."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, action: Callable[[nn.Module], Any]) -> Any:
        """What the action returns."""
        return action(self.module)


class _Stack:
    """Models of several seeds, as one."""

    def __init__(
        self,
        model: Model,
        width: int,
        made: Sequence[Drawn],
        which: Sequence[int],
        adjustment: Adjustment,
        recording: Recording,
    ) -> None:
        self.model, self.adjustment, self.recording = model, adjustment, recording
        self.states = dict[int, State]()
        for one in made:
            adjust_start(one, adjustment)
        optimizers = optimizer_of(model, made[0].module, width)
        if not isinstance(optimizers, list):
            raise NotStackable(f"its optimizer is {type(optimizers).__name__}")
        for optimizer in optimizers:
            if type(optimizer) not in (*_ENTRY_BY_ENTRY, *_MATRIX_BY_MATRIX):
                raise NotStackable(f"its optimizer is {type(optimizer).__name__}")
            if getattr(optimizer, "_optimizer_step_pre_hooks", None) or getattr(
                optimizer, "_optimizer_step_post_hooks", None
            ):
                raise NotStackable("its optimizer has hooks, which may look at its own parameters")
            if optimizer.state:
                raise NotStackable("its optimizer has a state before the first step")
        self.optimizers, self.apart = optimizers, list[tuple[Tensor, tuple[Tensor, ...]]]()
        parameters, buffers = stack_module_state([one.module for one in made])
        self.parameters = {
            name: tensor.detach()[list(which)].clone().requires_grad_() for name, tensor in parameters.items()
        }
        self.buffers = {name: tensor[list(which)].clone() for name, tensor in buffers.items()}
        self.count = len(which)
        self.base = made[0].module
        self.noted = dict(self.base.named_parameters())
        names = {id(parameter): name for name, parameter in self.noted.items()}
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["params"] = [self.parameters[names[id(parameter)]] for parameter in group["params"]]
                if type(optimizer) in _MATRIX_BY_MATRIX:
                    each = [(tensor, tensor.detach().unbind()) for tensor in group["params"]]
                    group["params"] = [matrix for _, matrices in each for matrix in matrices]
                    self.apart += each
        set_options(self.optimizers, adjustment)
        for name, parameter in self.noted.items():
            self.parameters[name].requires_grad_(parameter.requires_grad)
        self.within = Within(self.base)
        drawn_each = callable(model.batches)
        self.batch_dimension = 0 if drawn_each else None
        self.batches = [
            # The caller's data, whatever the model does to them.
            stacked([made[k].batches[step] for k in which]) if drawn_each else copied(made[0].batches[step])
            for step in range(len(made[0].batches))
        ]

    def train(self, width: int, steps: int, anatomy: Anatomy) -> Together:
        with scaled_outputs(self.base, self.adjustment):
            return self._train(width, steps, anatomy)

    def _train(self, width: int, steps: int, anatomy: Anatomy) -> Together:
        times = self.recording.coordinates
        first = {name: tensor.detach().clone() for name, tensor in self.parameters.items()}
        coordinates, start = dict[int, Readings](), Start(first, {}, {}, {})
        if times:
            read = self._probe(anatomy, None)
            coordinates[0], start = read.readings, read.start(first)
            check_finite(self.model, width, read.features)
        seen = list[Seen]()
        self._keep(0)
        for step in range(steps):
            loss, sizes = self._seen(self.batches[step])
            seen.append(Seen(loss.detach(), sizes))
            if step == 0:
                check_finite(self.model, width, {"the loss": seen[0].loss})
            before = {}
            if self.adjustment.touches_updates():
                before = {name: tensor.detach().clone() for name, tensor in self.parameters.items()}
            self._step(loss)
            with torch.no_grad():
                for name, was in before.items():
                    self.parameters[name].copy_(adjusted(self.adjustment, name, was, self.parameters[name]))
            self._keep(step + 1)
            if step + 1 in times:
                coordinates[step + 1] = self._probe(anatomy, start).readings
            if not times and not self.recording.within(*seen[-1]).any():
                return self._trained({}, seen, steps)
        with torch.no_grad():
            seen.append(self._seen(self.batches[0]))
        return self._trained(coordinates, seen, steps)

    def _step(self, losses: Tensor) -> None:
        for tensor in self.parameters.values():
            tensor.grad = None
        losses.sum().backward()  # type: ignore[no-untyped-call]
        for tensor, matrices in self.apart:
            gradients = [None] * len(matrices) if tensor.grad is None else tensor.grad.unbind()
            for matrix, gradient in zip(matrices, gradients, strict=True):
                matrix.grad = gradient
        for optimizer in self.optimizers:
            optimizer.step()

    def _trained(self, coordinates: Mapping[int, Readings], seen: Sequence[Seen], steps: int) -> Together:
        self.recording.fill(self.states)
        losses, sizes = (
            torch.stack([*each, *[torch.full_like(each[0], torch.nan)] * (steps + 1 - len(each))]).double()
            for each in zip(*seen, strict=True)
        )
        return Together(coordinates, losses, sizes, self.states)

    def _keep(self, time: int) -> None:
        if time in self.recording.times:
            self.states[time] = State(self.parameters, self.buffers).copied()

    def _seen(self, batch: Batch) -> Seen:
        def one(parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor], batch: Batch) -> Seen:
            def call(module: nn.Module) -> Seen:
                return self.recording.see(module, lambda: self.model.outputs_and_loss(module, batch))

            with attention_scaled(self.adjustment):
                return cast(Seen, self._inside(parameters, buffers, call))

        dimensions = (0, 0, self.batch_dimension)
        return vmap(one, in_dims=dimensions)(self.parameters, self.buffers, batch)

    def _probe(self, anatomy: Anatomy, start: Start | None) -> Read:
        batch = self.batches[0]
        kept = {name: buffer.clone() for name, buffer in self.buffers.items()}
        order: list[Any] = []

        def one(
            parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor], start: Start | None, batch: Batch
        ) -> list[list[Tensor]]:
            def call(module: nn.Module) -> Read:
                return read_coordinates(
                    module,
                    anatomy,
                    lambda: self.model.outputs_and_loss(module, batch),
                    start=start,
                    attention=self.adjustment.attention,
                )

            read = self._inside(parameters, buffers, call)
            order[:] = [list(found) for found in read]
            return [list(found.values()) for found in read]

        dimensions = (0, 0, None if start is None else 0, self.batch_dimension)
        with torch.no_grad(), WithoutAutocast():
            detached = {name: tensor.detach() for name, tensor in self.parameters.items()}
            values = vmap(one, in_dims=dimensions)(detached, kept, start, batch)
        return Read(*(dict(zip(names, found, strict=True)) for names, found in zip(order, values, strict=True)))

    def _inside(self, parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor], call: Callable[..., Any]) -> Any:
        noted = {name: with_notes(tensor, self.noted[name]) for name, tensor in parameters.items()}
        given = {f"module.{name}": tensor for name, tensor in {**noted, **buffers}.items()}
        return functional_call(self.within, given, (call,))


def stacked(batches: Sequence[Batch]) -> Batch:
    """Batches of several seeds as one, tensor by tensor."""
    first = batches[0]
    if isinstance(first, Tensor):
        return torch.stack(list(batches))
    if isinstance(first, Mapping):
        return {key: stacked([batch[key] for batch in batches]) for key in first}
    if isinstance(first, tuple | list):
        return tuple(stacked([batch[place] for batch in batches]) for place in range(len(first)))
    return first
