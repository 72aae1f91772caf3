"""Trainer: a model that has shown its parts, ready to be trained at any width, for any seeds, at any learning rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import psutil
import torch
from torch import Tensor

from theorychecks.arguments import whole_number
from theorychecks.engines import Limits
from theorychecks.engines.module.blueprint import Blueprint, rates_of, why_unscalable
from theorychecks.engines.module.ensemble import Ensemble
from theorychecks.engines.module.finished import Finished, joined, kept
from theorychecks.engines.module.layers import layers_of
from theorychecks.engines.module.routed import called_by_any
from theorychecks.models import Anatomy, Model, ModelError
from theorychecks.models.blocks import Places
from theorychecks.models.checks import check_sizes, memory, optimizer_of, untouched
from theorychecks.models.coordinates import Coordinate, everywhere, here
from theorychecks.models.examination import examined
from theorychecks.models.lengths import check_growth
from theorychecks.models.model import Batch, check_model, plural_of
from theorychecks.models.recording import Recording
from theorychecks.models.stacked import NotStackable, together, train_stacked
from theorychecks.models.state import as_it_was, weights_as_they_were
from theorychecks.models.training import Drawn, drawn, train

_COPIES: Final = 5
"""Of the weights in training: themselves, their gradients, two moments, and a step in the making."""


def _place(root_seed: int, width: int) -> tuple[object, ...]:
    """What tells draws at a width from others."""
    return root_seed, "width", float(width)


def check_roles_show(widths: Sequence[int]) -> None:
    """Refuse widths that tell no roles of a model's parts.

    Raises:
        ValueError: unless there are two or more, increasing.
    """
    if len(widths) < 2 or any(b <= a for a, b in pairwise(widths)):
        raise ValueError(
            f"roles are told by what grows from one width to the next; got {tuple(widths)}. Give two or more, "
            "increasing."
        )


class Trainer:
    """Trains one model; how it is built and what its parts are is found out once.

    Attributes:
        model: what is trained.
        steps: of each training.
        anatomy: the model's parts, by comparing the two narrowest widths, or the two smallest depths.
        optimizing: what can be told of its optimizer.
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
        check_roles_show(widths)
        self.model, self.steps, self.because = model, steps, ""
        self.anatomy, self.optimizing = examined(model, tuple(widths), steps)
        self._narrowest = widths[0]
        self._stacks: bool | None = None
        self._routed: tuple[list[Coordinate], list[Coordinate]] | None = None
        self._blueprints: dict[int, Blueprint] = {}
        self._anatomies: dict[int, Anatomy] = {}
        self._first: dict[int, Batch] = {}
        self._shapes: dict[int, Mapping[str, tuple[int, ...]]] = {}

    def steps_at(self, width: int) -> int:
        """Of each training at a width; along the training length as many as that says."""
        return width if self.model.axis == "training length" else self.steps

    def anatomy_at(self, width: int) -> Anatomy:
        """The model's parts by their names at a width: the same at all of them, and other ones at each depth.

        Raises:
            ModelError: if it is another architecture there.
        """
        if self.model.axis in ("width", "heads"):
            return self.anatomy
        if width not in self._anatomies:
            with as_it_was(), memory(self.model, width):
                module = drawn(self.model, width, (0,), 0, 1).module
                self._anatomies[width] = self.anatomy.at(self.model, module, width)
        return self._anatomies[width]

    def blueprint(self, width: int) -> Blueprint:
        """What the model is at a width; it is built and called there once.

        Raises:
            ModelError: if that fails, or it is another architecture than at other widths.
        """
        if width not in self._blueprints:
            with as_it_was(), memory(self.model, width):
                start = drawn(self.model, width, (0,), 0, 1)
                anatomy = self.anatomy_at(width)
                anatomy.check(self.model, start.module, width)
                anatomy.check_reached(self.model, start.module, start.batches[0], width)
                self._check_growth(start, width)
                with weights_as_they_were(start.module), untouched(self.model, width, start.batches[0]):
                    optimizers = optimizer_of(self.model, start.module, width)
                    layers = layers_of(self.model, anatomy, start.module, start.batches[0], width)
                held = [*start.module.parameters(), *start.module.buffers()]
                self._blueprints[width] = Blueprint(
                    layers,
                    tuple(name for name, parameter in start.module.named_parameters() if parameter.requires_grad),
                    rates_of(start.module, optimizers, self.model.adjustment(width).updates),
                    why_unscalable(optimizers),
                    sum(tensor.numel() * tensor.element_size() for tensor in held),
                )
        return self._blueprints[width]

    def _check_growth(self, start: Drawn, width: int) -> None:
        """Hold the sizes of a model, or of its batches, at a width against those at all widths that have been seen."""
        if self.model.axis in ("width", "heads"):
            self._shapes[width] = {name: tuple(parameter.shape) for name, parameter in start.module.named_parameters()}
            check_growth(self.model, self._shapes)
        if self.model.axis == "batch size":
            self._first[width] = start.batches[0]
            check_sizes(self.model, self._first)

    def stacks(self, width: int) -> bool:
        """Whether models of a width are trained and read as one, several seeds together."""
        return self.together(width) > 1

    def together(self, width: int) -> int:
        """How many models of a width are trained as one; one where it is large, or the model cannot be stacked."""
        room = together(self.anatomy_at(width), width)
        if room > 1 and self._stacks is None:
            self._stacks = self._agrees()
        return room if self._stacks else 1

    def train(
        self,
        width: int,
        root_seed: int,
        seeds: Sequence[int],
        *,
        times: Sequence[int] = (),
        coordinates: Sequence[int] = (),
        rates: Tensor | None = None,
        limits: Limits | None = None,
    ) -> Finished:
        """Train some seeds, each as often as it is named.

        Args:
            width: of the model.
            root_seed: another one draws everything anew.
            seeds: which.
            times: at which weights and buffers are kept.
            coordinates: times at which they are read, besides the start; none unless given.
            rates: factors on what each training's steps change, [seed].
            limits: sizes beyond which a training goes on no further.

        Raises:
            ModelError: if the model fails, or there is too little memory for it.
        """
        room, limits = self.together(width), limits or Limits()
        hidden = self.blueprint(width).hidden
        self._check_memory(width, len(seeds), len(times), room)
        recording = Recording(tuple(times), tuple(coordinates), hidden, limits.activations, limits.outputs)
        parts, place = list[Finished](), _place(root_seed, width)
        while seeds:
            now, seeds = seeds[:room], seeds[room:]
            factors, rates = (None, None) if rates is None else (rates[:room], rates[room:])
            parts.append(self._trained(width, place, now, factors, recording))
            if not self._stacks:
                room = 1
        return Finished.joined(parts)

    def coordinates_of(
        self, found: Finished, times: tuple[int, ...], width: int
    ) -> Mapping[int, Mapping[Coordinate, Tensor]]:
        """Coordinates that were read, [seed] each: the same ones for all seeds and widths; see `ModuleRun`."""
        if not self.anatomy.routed:
            return {time: self._at_every_depth(read, width) for time, read in found.coordinates.items()}
        if self._routed is None:
            self._routed = called_by_any(self.model, self.anatomy_at(self._narrowest), self._narrowest)
        first, later = ({name: torch.empty(0) for name in names} for names in self._routed)
        names = {time: list(self._at_every_depth(later if time else first, self._narrowest)) for time in (0, *times)}
        return {
            time: {name: found.coordinate(time, self._here(name, width)) for name in there}
            for time, there in names.items()
        }

    def _at_every_depth(self, read: Mapping[Coordinate, Tensor], width: int) -> Mapping[Coordinate, Tensor]:
        places = self._places(width)
        return read if places is None else everywhere(read, places)

    def _here(self, name: Coordinate, width: int) -> Coordinate:
        places = self._places(width)
        return name if places is None else here(name, places)

    def _places(self, width: int) -> Places | None:
        return self.anatomy_at(width).places

    def ensemble(self, width: int, root_seed: int, seeds: Sequence[int], *, batches: int = 1) -> Ensemble:
        """The models of some seeds and so many batches, to be read with weights that training has kept."""
        as_one, own_batches = self.stacks(width), callable(self.model.batches)
        starts = list[Drawn]()
        with as_it_was():
            for seed in seeds:
                start = drawn(self.model, width, _place(root_seed, width), seed, batches)
                # One module is called for all seeds where that works; the others need not be held.
                starts.append(replace(start, module=starts[0].module) if as_one and starts else start)
        adjustment = self.model.adjustment(width)
        return Ensemble(starts, self.anatomy_at(width), as_one=as_one, own_batches=own_batches, adjustment=adjustment)

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
            steps=self.steps_at(width),
            anatomy=self.anatomy_at(width),
            adjustment=replace(self.model.adjustment(width), rate=rates),
            recording=recording,
        )
        losses, sizes = found.losses.cpu(), found.sizes.cpu()
        coordinates = {time: {k: kept(v) for k, v in read.items()} for time, read in found.coordinates.items()}
        return Finished(losses, sizes[..., 0], sizes[..., 1], found.states, coordinates)

    def _alone(
        self, width: int, place: tuple[object, ...], seed: int, rate: Tensor | None, recording: Recording
    ) -> Finished:
        found = train(
            self.model,
            width,
            place,
            seed,
            steps=self.steps_at(width),
            anatomy=self.anatomy_at(width),
            adjustment=replace(self.model.adjustment(width), rate=rate),
            recording=recording,
        )
        sizes = torch.stack(found.sizes).cpu()
        losses = torch.tensor(found.losses, dtype=torch.float64)
        states = {time: joined([state], torch.stack) for time, state in found.states.items()}
        coordinates = {time: {k: kept(v)[None] for k, v in read.items()} for time, read in found.coordinates.items()}
        return Finished(losses[:, None], sizes[:, :1], sizes[:, 1:], states, coordinates)

    def _agrees(self) -> bool:
        """Whether models of two seeds can be trained as one, and then have the coordinates that each alone has."""
        width, place, seeds = self._narrowest, (0,), (0, 1)
        recording = Recording(coordinates=(1, self.steps_at(width)), layers=self.blueprint(width).hidden)
        try:
            stacked = self._stacked(width, place, seeds, None, recording)
        except NotStackable as why:
            self.because = str(why)
            return False
        alone = Finished.joined([self._alone(width, place, seed, None, recording) for seed in seeds])
        if stacked.agrees(alone):
            return True
        self.because = "stacked models do not train as each alone does"
        return False

    def _check_memory(self, width: int, seeds: int, times: int, room: int) -> None:
        needed = self.blueprint(width).bytes * (seeds * times + min(room, seeds) * _COPIES)
        free = psutil.virtual_memory().available
        if needed > free:
            raise ModelError(
                f"{self.model.title} would run out of memory at {self.model.axis} {width}: weights of {seeds} "
                f"seeds at {times} times, and training, take some {needed / 1e9:.0f} GB there, and {free / 1e9:.0f} GB "
                f"are free. Take fewer seeds at once, keep weights at fewer times, or take smaller "
                f"{plural_of(self.model.axis)}."
            )
