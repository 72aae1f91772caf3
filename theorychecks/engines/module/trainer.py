"""Trainer: a model that has shown its parts, ready to be trained at any width, for any seeds, at any learning rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, NamedTuple

import psutil
import torch
from torch import Tensor, nn
from torch.optim import LBFGS, Optimizer

from theorychecks.arguments import whole_number
from theorychecks.engines import Limits
from theorychecks.engines.module.ensemble import Ensemble
from theorychecks.engines.module.layers import Layers, layers_of
from theorychecks.models import Adjustment, Model, ModelError
from theorychecks.models.checks import memory, optimizer_of, untouched
from theorychecks.models.examination import examined
from theorychecks.models.model import check_model
from theorychecks.models.recording import Recording, State
from theorychecks.models.stacked import NotStackable, together, train_stacked
from theorychecks.models.state import as_it_was, weights_as_they_were
from theorychecks.models.training import Drawn, drawn, train

_COPIES: Final = 5
"""Of the weights in training: themselves, their gradients, two moments, and a step in the making."""
_AGREES: Final = 0.02
"""Relative difference between what stacked models show and each of them alone: rounding, of small changes too."""


class Blueprint(NamedTuple):
    """What a model is at one width.

    Attributes:
        layers: its matrices, and why others are none.
        trained: parameters that are.
        rates: their learning rates; None where a function makes the steps.
        unscalable: why the learning rates cannot be scaled; empty where they can.
        bytes: of parameters and buffers.
    """

    layers: Layers
    trained: tuple[str, ...]
    rates: Mapping[str, float] | None
    unscalable: str
    bytes: int

    @property
    def hidden(self) -> tuple[str, ...]:
        """Modules whose outputs are hidden layers: those of matrices that are no readouts."""
        return tuple(dict.fromkeys(layer.module for layer in self.layers.layers if layer.role != "output"))


@dataclass(frozen=True)
class Finished:
    """Trainings of some seeds that are over.

    Attributes:
        losses: of the batch that step t sees, and of the first batch after the last step, [t, seed].
        activations: largest root mean square of any hidden layer's outputs on that batch, [t, seed].
        outputs: root mean square of the model's outputs there, [t, seed].
        states: weights and buffers by time, [seed, ...] each.
    """

    losses: Tensor
    activations: Tensor
    outputs: Tensor
    states: Mapping[int, State]

    @classmethod
    def joined(cls, parts: Sequence[Finished]) -> Finished:
        """One after the other along the seeds."""
        if len(parts) == 1:
            return parts[0]
        losses, activations, outputs = (
            torch.cat([getattr(one, name) for one in parts], dim=1) for name in ("losses", "activations", "outputs")
        )
        states = {time: joined([one.states[time] for one in parts], torch.cat) for time in parts[0].states}
        return cls(losses, activations, outputs, states)


def joined(states: Sequence[State], join: Callable[[list[Tensor]], Tensor]) -> State:
    """States of several seeds as one."""
    parameters, buffers = (
        {name: join([part[name] for part in parts]) for name in parts[0]} for parts in zip(*states, strict=True)
    )
    return State(parameters, buffers)


class Trainer:
    """Trains one model; how it is built and what its parts are is found out once.

    Attributes:
        model: what is trained.
        steps: of each training.
        anatomy: the model's parts, by comparing the two narrowest widths.
        because: why several seeds are not trained as one, once that is known.
    """

    def __init__(self, model: Model, widths: Sequence[int], *, steps: int) -> None:
        """Examine a model.

        Args:
            model: which.
            widths: two or more, increasing; roles are told by the first two, memory by the last.
            steps: of each training.

        Raises:
            ModelError: if the model cannot be trained as it is.
        """
        check_model(model)
        whole_number(steps, "steps")
        if len(widths) < 2 or any(b <= a for a, b in pairwise(widths)):
            raise ValueError(
                f"roles are told by what grows from one width to the next; got {tuple(widths)}. Give two or more, "
                "increasing."
            )
        self.model, self.steps, self.because = model, steps, ""
        self.anatomy, _ = examined(model, tuple(widths), steps)
        self._narrowest = widths[0]
        self._stacks: bool | None = None
        self._blueprints: dict[int, Blueprint] = {}

    def blueprint(self, width: int) -> Blueprint:
        """What the model is at a width; it is built and called there once.

        Raises:
            ModelError: if that fails, or it is another architecture than at other widths.
        """
        if width not in self._blueprints:
            with as_it_was(), memory(self.model, width):
                start = drawn(self.model, width, (0,), 0, 1)
                self.anatomy.check(self.model, start.module, width)
                with weights_as_they_were(start.module), untouched(self.model, width, start.batches[0]):
                    optimizer = optimizer_of(self.model, start.module, width)
                    layers = layers_of(self.model, self.anatomy, start.module, start.batches[0], width)
                held = [*start.module.parameters(), *start.module.buffers()]
                self._blueprints[width] = Blueprint(
                    layers,
                    tuple(name for name, parameter in start.module.named_parameters() if parameter.requires_grad),
                    _rates(start.module, optimizer),
                    _unscalable(optimizer),
                    sum(tensor.numel() * tensor.element_size() for tensor in held),
                )
        return self._blueprints[width]

    def stacks(self, width: int) -> bool:
        """Whether models of a width are trained and read as one, several seeds together."""
        return self.together(width) > 1

    def together(self, width: int) -> int:
        """How many models of a width are trained as one; one where it is large, or the model cannot be stacked."""
        room = together(self.anatomy, width)
        if room > 1 and self._stacks is None:
            self._stacks = self._agrees()
        return room if self._stacks else 1

    def train(
        self,
        width: int,
        root_seed: int,
        seeds: Sequence[int],
        *,
        times: Sequence[int],
        rates: Tensor | None = None,
        limits: Limits | None = None,
    ) -> Finished:
        """Train some seeds, each as often as it is named.

        Args:
            width: of the model.
            root_seed: another one draws everything anew.
            seeds: which.
            times: at which weights and buffers are kept.
            rates: factors on what each training's steps change, [seed].
            limits: sizes beyond which a training goes on no further.

        Raises:
            ModelError: if the model fails, or there is too little memory for it.
        """
        room, limits = self.together(width), limits or Limits()
        hidden = self.blueprint(width).hidden
        self._check_memory(width, len(seeds), len(times), room)
        recording = Recording(tuple(times), hidden, limits.activations, limits.outputs)
        parts, place = list[Finished](), ("module", root_seed)
        while seeds:
            now, seeds = seeds[:room], seeds[room:]
            factors, rates = (None, None) if rates is None else (rates[:room], rates[room:])
            parts.append(self._trained(width, place, now, factors, recording))
            if not self._stacks:
                room = 1
        return Finished.joined(parts)

    def ensemble(self, width: int, root_seed: int, seeds: Sequence[int]) -> Ensemble:
        """The models of some seeds, to be read with weights that training has kept."""
        as_one, own_batches = self.stacks(width), callable(self.model.batches)
        starts = list[Drawn]()
        with as_it_was():
            for seed in seeds:
                start = drawn(self.model, width, ("module", root_seed), seed, 1)
                # One module is called for all seeds where that works; the others need not be held.
                starts.append(replace(start, module=starts[0].module) if as_one and starts else start)
        return Ensemble(starts, self.anatomy, as_one=as_one, own_batches=own_batches)

    def _trained(
        self, width: int, place: tuple[object, ...], seeds: Sequence[int], rates: Tensor | None, recording: Recording
    ) -> Finished:
        """Trainings of some seeds, as one unless that turns out not to work."""
        if len(seeds) > 1:
            try:
                return self._stacked(width, place, seeds, rates, recording)
            except NotStackable as why:
                self._stacks, self.because = False, str(why)
        each = [None] * len(seeds) if rates is None else list(rates)
        return Finished.joined([self._alone(width, place, s, r, recording) for s, r in zip(seeds, each, strict=True)])

    def _stacked(
        self, width: int, place: tuple[object, ...], seeds: Sequence[int], rates: Tensor | None, recording: Recording
    ) -> Finished:
        found = train_stacked(
            self.model,
            width,
            place,
            seeds,
            steps=self.steps,
            times=(),
            anatomy=self.anatomy,
            adjustment=Adjustment(rate=rates),
            recording=recording,
        )
        return Finished(found.losses, found.sizes[..., 0], found.sizes[..., 1], found.states)

    def _alone(
        self, width: int, place: tuple[object, ...], seed: int, rate: Tensor | None, recording: Recording
    ) -> Finished:
        found = train(
            self.model,
            width,
            place,
            seed,
            steps=self.steps,
            times=(),
            anatomy=self.anatomy,
            adjustment=Adjustment(rate=rate),
            recording=recording,
        )
        sizes = torch.stack(found.sizes)
        losses = torch.tensor(found.losses, dtype=torch.float64)
        states = {time: joined([state], torch.stack) for time, state in found.states.items()}
        return Finished(losses[:, None], sizes[:, :1], sizes[:, 1:], states)

    def _agrees(self) -> bool:
        """Whether models of two seeds can be trained as one, and are then the same as alone."""
        width, place, seeds = self._narrowest, (0,), (0, 1)
        recording = Recording((), self.blueprint(width).hidden)
        try:
            stacked = self._stacked(width, place, seeds, None, recording)
        except NotStackable as why:
            self.because = str(why)
            return False
        alone = Finished.joined([self._alone(width, place, seed, None, recording) for seed in seeds])
        pairs = ((getattr(stacked, name), getattr(alone, name)) for name in ("losses", "activations", "outputs"))
        if all(torch.allclose(one, other, rtol=_AGREES, atol=0, equal_nan=True) for one, other in pairs):
            return True
        self.because = "stacked models do not train as each alone does"
        return False

    def _check_memory(self, width: int, seeds: int, times: int, room: int) -> None:
        needed = self.blueprint(width).bytes * (seeds * times + min(room, seeds) * _COPIES)
        free = psutil.virtual_memory().available
        if needed > free:
            raise ModelError(
                f"{self.model.title} would run out of memory at width {width}: weights of {seeds} seeds at {times} "
                f"times, and training, take some {needed / 1e9:.0f} GB there, and {free / 1e9:.0f} GB are free. Take "
                "fewer seeds at once, keep weights at fewer times, or take narrower widths."
            )


def _rates(module: nn.Module, optimizer: object) -> dict[str, float] | None:
    """Learning rates of parameters that are trained; none where nothing can be told."""
    if not isinstance(optimizer, Optimizer):
        return None
    rates = {id(p): float(group["lr"]) for group in optimizer.param_groups for p in group["params"]}
    return {name: rates[id(p)] for name, p in module.named_parameters() if p.requires_grad}


def _unscalable(optimizer: object) -> str:
    """Why scaling what a step changes is not the same as scaling a learning rate; empty where it is."""
    if not isinstance(optimizer, Optimizer):
        return "a function makes its training steps, and a learning rate inside of it is not to be reached"
    return "LBFGS builds each step on the last one, as it has made it" if isinstance(optimizer, LBFGS) else ""
