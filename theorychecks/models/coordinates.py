"""Coordinates: sizes of what every module returns, and how much of its change is its own update's.

A module's change since the start splits into its effective update f(W_t, x_t) - f(W_0, x_t), for a matrix (W_t - W_0)
x_t, and its propagating update f(W_0, x_t) - f(W_0, x_0), W_0 (x_t - x_0) (Yang, Hu 2021, arXiv:2011.14522, Appendix H;
Haas et al. 2025, arXiv:2505.22491, call their comparison refined coordinate checks). Both are found by calling the
module's own forward again with its first weights, which holds for any module: embeddings, convolutions, norms, readouts
with multipliers, and those of other libraries.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, Final, Literal, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from theorychecks.models.blocks import Places
from theorychecks.models.calls import logits_of
from theorychecks.models.hooks import LOGITS, Attention, Call, Watched, call_of, plain, unmasked
from theorychecks.models.model import tensors_in
from theorychecks.models.multipliers import followed
from theorychecks.models.nudges import holding_inputs, noting_inputs, nudged
from theorychecks.models.recording import root_mean_square
from theorychecks.models.roles import Anatomy, within
from theorychecks.models.state import RandomState, buffers_as_they_were, drawing_from, with_notes

Quantity = Literal["size", "change", "effective update", "propagating update", "relative update", "input", "added"]
SIZE: Final = "size"
CHANGE: Final = "change"
EFFECTIVE: Final = "effective update"
PROPAGATING: Final = "propagating update"
RELATIVE: Final = "relative update"
INPUT: Final = "input"
ADDED: Final = "added"


class Coordinate(NamedTuple):
    """What is read, and where: of a module's call, or of a parameter in a module."""

    module: str
    quantity: Quantity
    parameter: str = ""

    def __str__(self) -> str:
        where = [self.parameter] if self.parameter else []
        if self.module != self.parameter.rpartition(".")[0] or not self.parameter:
            where.append(self.module or "the model")
        return ", ".join([*where, self.quantity])


_NUDGE: Final = 1e-2
"""What is added to readouts, to see how the model multiplies them."""
_NUDGES: Final = 8
"""In directions of the readout, where only the loss tells, which is blind to most of each."""
Readings = dict[Coordinate, Tensor]
"""Root mean squares, one number each."""
Features = dict[str, Tensor]
"""What calls returned, by the module's name and place in it."""
Given = dict[str, tuple[Any, Any]]
"""What calls of experts were given, arguments and keywords, by the module's name."""


class Start(NamedTuple):
    """A model as training found it: first parameters, what calls returned then and were given, and multipliers."""

    parameters: Mapping[str, Tensor]
    features: Features
    multipliers: Mapping[str, Tensor]
    given: Given


class Read(NamedTuple):
    """What one forward pass shows."""

    features: Features
    multipliers: dict[str, Tensor]
    readings: Readings
    given: Given

    def start(self, parameters: Mapping[str, Tensor]) -> Start:
        """The start of a training that finds these parameters."""
        return Start(parameters, self.features, self.multipliers, self.given)


def read_coordinates(
    module: nn.Module,
    anatomy: Anatomy,
    forward: Callable[[], Any],
    *,
    start: Start | None = None,
    attention: float = 1.0,
) -> Read:
    """Coordinates of one forward pass.

    Args:
        module: the model.
        anatomy: its parts.
        forward: calls it.
        start: what changes are counted from; sizes alone are read without it.
        attention: a factor on its attention logits.
    """
    watched = Watched(module, random=anatomy.random)
    features, readings, rows = Features(), Readings(), Given()
    handed: list[tuple[Tensor, int]] = []
    first: dict[str, str] = {}
    follows = anatomy.places.follows if anatomy.places else {}
    stream = dict[str, Tensor]()

    def note(name: str, found: Mapping[str, Tensor]) -> None:
        for place, tensor in found.items():
            # What a module hands on unchanged has been read where it was made.
            if any(tensor is other and tensor._version == version for other, version in handed):
                continue
            where = f"{name}{place}"
            handed.append((tensor, tensor._version))
            # A later operation may change it in place.
            features[where] = tensor = tensor.detach().clone()
            kept = unmasked(tensor) if LOGITS in name else None
            readings[Coordinate(where, SIZE)] = root_mean_square(anatomy.growing(where, tensor), kept)
            before = start.features.get(where) if start is not None else None
            # What is routed by the weights has other rows after a step, and no change to speak of.
            if before is not None and before.shape == tensor.shape:
                kept = None if kept is None else kept & unmasked(before)
                readings[Coordinate(where, CHANGE)] = root_mean_square(anatomy.growing(where, tensor - before), kept)

    def visit(call: Call) -> None:
        found = tensors_in(call.output)
        note(call.name, found)
        first[call.name] = feature = f"{call.name}{next(iter(found), '')}"
        if (given := call.given) is not None:
            readings[Coordinate(call.name, INPUT)] = root_mean_square(given)
            stream[call.name] = given
            trained = anatomy.own.get(plain(call.name)) and anatomy.routes(call.name)
            if start is None and trained and bool(given.any()):
                rows[call.name] = (call.arguments, call.keywords)
            before = follows.get(call.name)
            if before in stream and stream[before].shape == given.shape:
                readings[Coordinate(before, ADDED)] = root_mean_square(given - stream[before])
        if start is None or not found or call.name in start.given or not anatomy.own.get(plain(call.name)):
            return
        # A call that no row reached at the start has no rows to be read on, whatever reaches it now.
        if feature in start.features or not anatomy.routes(call.name):
            readings.update(_updates(call, anatomy, start, watched.quietly))

    def see(logits: Tensor) -> None:
        if watched.running is not None:
            note(watched.numbered(logits_of(watched.running)), {"": logits})

    state = RandomState.now() if anatomy.random else None
    with torch.no_grad(), watched.calls(visit), Attention(see, attention):
        outputs = forward()
    if start is not None:
        # Whether this pass reaches an expert is nothing to what its steps have made of it.
        with torch.no_grad(), Attention(factor=attention):
            for call in _calls_at(start, module, state):
                first[call.name] = f"{call.name}{next(iter(tensors_in(call.output)), '')}"
                readings.update(_updates(call, anatomy, start, partial(_drawing, state)))
    multipliers = start.multipliers if start is not None else {}
    if start is None or (anatomy.routed and not features.keys() <= start.features.keys()):
        with torch.no_grad(), Attention(factor=attention):
            # What had no row at the start has a multiplier too.
            multipliers = {**_multipliers(module, anatomy, forward, outputs, state), **multipliers}
    added = {part.name for part in anatomy.parameters if anatomy.adds(part)}
    for coordinate, reading in readings.items():
        where = coordinate.parameter if coordinate.parameter in added else coordinate.module
        # An update is that of the first of several outputs; all those of a readout have one multiplier.
        factor = multipliers.get(first.get(where, where), multipliers.get(call_of(where)))
        if factor is not None and coordinate.quantity != INPUT:
            readings[coordinate] = factor * reading
    return Read(features, dict(multipliers), readings, rows)


def _calls_at(start: Start, module: nn.Module, state: RandomState | None) -> Iterator[Call]:
    """Calls of experts as they are now, on the rows that they had at the start."""
    for name, (arguments, keywords) in start.given.items():
        part = module.get_submodule(plain(name))
        yield Call(name, part, arguments, keywords, _drawing(state, partial(part, *arguments, **keywords)))


def _drawing(state: RandomState | None, function: Callable[[], Any]) -> Any:
    """What a function returns, with the random numbers of a state where one is given."""
    with drawing_from(state) if state is not None else nullcontext():
        return function()


def _multipliers(
    module: nn.Module, anatomy: Anatomy, forward: Callable[[], Any], outputs: Any, state: RandomState | None
) -> dict[str, Tensor]:
    """Multipliers of what calls return, and of readouts by how much the model's outputs move with what they return.

    For a model that multiplies its readout this is the multiplier, and whatever else it does to it (a bias, a softmax,
    another shape, a sum with the loss) changes a number that does not depend on the width.
    """
    found = dict[str, Tensor]()
    # What blocks and experts return is judged before it is multiplied, and along the depth all else is as well.
    if anatomy.places is None or not anatomy.places.follows:
        found = _drawing(state, lambda: followed(module, anatomy, forward))
        blocks = anatomy.places.blocks if anatomy.places else ()
        found = {name: factor for name, factor in found.items() if not any(within(name, block) for block in blocks)}
    # Behind the last one nothing grows. What goes from others through the rest of the model, as a router's shares do,
    # is no multiple of theirs in the outputs, and is held.
    between = anatomy.readouts[:-1]
    with noting_inputs(module, anatomy.taking_growing if between else ()) as inputs:
        if inputs:
            _drawing(state, forward)
    for name in anatomy.readouts:
        moved_by, responses, before = list[Tensor](), list[Tensor](), outputs
        held = {other: given for other, given in inputs.items() if name in between and other != plain(name)}
        if held:
            with buffers_as_they_were(module), holding_inputs(module, held):
                before = _drawing(state, forward)
        for nudge in range(1, 1 + (1 if tensors_in(outputs[0]) else _NUDGES)):
            with (
                buffers_as_they_were(module) if held else nullcontext(),
                holding_inputs(module, held),
                nudged(module, name, size=_NUDGE, pattern=nudge) as additions,
            ):
                again = _drawing(state, forward)
            moved_by += additions
            responses += [b - a for a, b in zip(_numbers(before), _numbers(again), strict=True)]
        if not moved_by:
            continue
        factor = _size_of(responses) / _size_of(moved_by)
        # What does not reach the outputs is judged as it is; a loss may multiply outputs as well.
        in_loss = found.get(next(iter(tensors_in(outputs[0])), ""), 1.0)
        found[name] = in_loss * torch.where((factor > 0) & factor.isfinite(), factor, torch.ones_like(factor))
    return found


def _size_of(parts: Sequence[Tensor]) -> Tensor:
    """Root mean square of those that have any size."""
    squares = torch.stack([part.square().sum().to(torch.float64) for part in parts])
    counts = torch.stack(
        [torch.where(square > 0, float(part.numel()), 0.0) for part, square in zip(parts, squares, strict=True)]
    )
    return (squares.sum() / counts.sum().clamp(min=1)).sqrt()


def _numbers(outputs: Any) -> list[Tensor]:
    """Everything a model returns besides its loss, or the loss where there is nothing else."""
    outputs, loss = outputs
    return list(tensors_in(outputs).values()) or [loss]


def _updates(call: Call, anatomy: Anatomy, start: Start, repeated: Callable[[Callable[[], Any]], Any]) -> Readings:
    """Effective updates of a module's own parameters, and what propagates through it.

    Those of an expert are read on the rows that it had at the start, by which the first step has trained it: on others,
    that are routed to it since, they are smaller by n^-1/2, since rows of different inputs have little in common.

    Args:
        call: the module's.
        anatomy: the model's parts.
        start: of the training.
        repeated: makes the call again, with the random numbers that it had.
    """
    name = plain(call.name)
    used = anatomy.used_in(name)
    own = anatomy.own[name]
    now = {local: operator.attrgetter(local)(call.part) for local in own}
    first = {k: with_notes(start.parameters[part.name], now[k]) for k, part in zip(own, used, strict=True)}

    def again(parameters: Mapping[str, Tensor]) -> Tensor:
        found = repeated(lambda: functional_call(call.part, dict(parameters), call.arguments, call.keywords))
        return next(iter(tensors_in(found).values()))

    readings = Readings()
    returned = anatomy.module_of(call.name)
    given = call.given if returned is not None and returned.faint else None
    inside = anatomy.holds_layers(name)
    unmoved = again(first)
    output = next(iter(tensors_in(call.output).values()))
    # What was read where it was made, as the logits of a router are by its softmax, has no feature here.
    feature = f"{call.name}{next(iter(tensors_in(call.output)))}"
    before = start.features.get(feature)
    if not inside and call.name not in start.given and before is not None and before.shape == unmoved.shape:
        readings[Coordinate(feature, PROPAGATING)] = root_mean_square(anatomy.growing(feature, unmoved - before))
    moved = output - unmoved
    for local, part in zip(own, used, strict=True):
        coordinate = Coordinate(call.name, EFFECTIVE, part.name)
        if anatomy.adds(part):
            # Their update is what it is itself.
            update = now[local] - first[local]
        elif len(own) == 1:
            update = moved
        elif type(call.part) in _WITH_BIAS and own == ("weight", "bias") and _unhooked(call, start):
            # Their sum is linear in both, and the bias needs no call.
            shift = cast("Tensor", call.part.bias) - first["bias"]
            if not isinstance(call.part, nn.Linear):
                shift = shift.reshape(-1, *[1] * len(cast("nn.Conv2d", call.part).kernel_size))
            update = moved - shift if local == "weight" else shift
        else:
            update = output - again({local: first[local]})
        if update.shape == output.shape:
            update = anatomy.growing(feature, update)
        readings[coordinate] = size = root_mean_square(update)
        if given is not None and part.matrix:
            by = root_mean_square(given)
            relative = Coordinate(call.name, RELATIVE, part.name)
            readings[relative] = torch.where(by > 0, size / by, torch.zeros_like(size))
    return readings


def _unhooked(call: Call, start: Start) -> bool:
    """Whether no hook but the one that watches a forward pass, where one does, changes what a module returns."""
    return len(call.part._forward_hooks) == (0 if call.name in start.given else 1)


_WITH_BIAS: Final = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def everywhere(readings: Mapping[Coordinate, Tensor], places: Places) -> Readings:
    """Readings of one depth, by names at every depth; those of blocks that stand for no others are left out."""
    found = Readings()
    for (module, quantity, parameter), reading in readings.items():
        names = places.everywhere(module), places.everywhere(parameter)
        if names[0] is not None and names[1] is not None:
            found[Coordinate(names[0], quantity, names[1])] = reading
    return found


def here(name: Coordinate, places: Places) -> Coordinate:
    """A coordinate by its names at one depth."""
    return Coordinate(places.here(name.module), name.quantity, places.here(name.parameter))
