"""Coordinates: sizes of what every module returns, and how much of its change is its own update's.

A module's change since the start splits into its effective update f(W_t, x_t) - f(W_0, x_t), for a matrix (W_t - W_0)
x_t, and its propagating update f(W_0, x_t) - f(W_0, x_0), W_0 (x_t - x_0) (Yang, Hu 2021, arXiv:2011.14522, Appendix H;
Haas et al. 2025, arXiv:2505.22491, call their comparison refined coordinate checks). Both are found by calling the
module's own forward again with its first weights, which holds for any module: embeddings, convolutions, norms, readouts
with multipliers, and those of other libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from theorychecks.modules.hooks import Attention, Watched, plain, root_mean_square
from theorychecks.modules.model import tensors_in
from theorychecks.modules.roles import Anatomy, logits_of

Quantity = Literal["size", "change", "effective update", "propagating update", "input"]
SIZE: Final = "size"
CHANGE: Final = "change"
EFFECTIVE: Final = "effective update"
PROPAGATING: Final = "propagating update"
INPUT: Final = "input"


class Coordinate(NamedTuple):
    """What is read, and where: of a module's call, or of a parameter in a module."""

    module: str
    quantity: Quantity
    parameter: str = ""

    def __str__(self) -> str:
        where = self.parameter or self.module or "the model"
        if self.parameter and plain(self.module) != self.parameter.rpartition(".")[0]:
            where += f" in {self.module or 'the model'}"
        return f"{where}, {self.quantity}"


_SAME: Final = 1e-4
"""Relative difference of what counts as a multiple."""
Readings = dict[Coordinate, Tensor]
"""Root mean squares, one number each."""
Features = dict[str, Tensor]
"""What calls returned, by the module's name and place in it."""


class Start(NamedTuple):
    """A model as training found it: its first parameters, and what its calls returned then."""

    parameters: Mapping[str, Tensor]
    features: Features


def read_coordinates(
    module: nn.Module,
    anatomy: Anatomy,
    forward: Callable[[], Any],
    *,
    start: Start | None = None,
    attention: float = 1.0,
) -> tuple[Features, Readings]:
    """Coordinates of one forward pass.

    Args:
        module: the model.
        anatomy: its parts.
        forward: calls it.
        start: what changes are counted from; sizes alone are read without it.
        attention: a factor on its attention logits.
    """
    watched = Watched(module, random=anatomy.random)
    features, readings = Features(), Readings()

    def note(name: str, found: Mapping[str, Tensor]) -> dict[str, Tensor]:
        # What a module hands on unchanged has been read where it was made.
        fresh = {
            f"{name}{key}": tensor for key, tensor in found.items() if not any(tensor is f for f in features.values())
        }
        for where, tensor in fresh.items():
            features[where] = tensor
            readings[Coordinate(where, SIZE)] = root_mean_square(tensor)
            if start is not None:
                readings[Coordinate(where, CHANGE)] = root_mean_square(tensor - start.features[where])
        return fresh

    def visit(name: str, part: nn.Module, arguments: Any, keywords: Any, output: Any) -> None:
        found = tensors_in(output)
        note(name, found)
        given = next(iter(tensors_in(arguments).values()), None)
        if given is not None:
            readings[Coordinate(name, INPUT)] = root_mean_square(given)
        if start is not None and anatomy.own[plain(name)] and found:
            call = _Call(name, part, arguments, keywords, next(iter(found.values())))
            readings.update(_updates(call, anatomy, start, watched))

    def see(logits: Tensor) -> None:
        if watched.visiting:
            name = watched.numbered(logits_of(watched.running))
            note(name, {"": logits})

    with torch.no_grad(), watched.calls(visit), Attention(see, attention):
        forward()
    return features, _with_multipliers(features, readings, anatomy)


def _with_multipliers(features: Features, readings: Readings, anatomy: Anatomy) -> Readings:
    """Readings of readouts, times the number by which the model multiplies what they return, if it does just that."""
    whole = next((tensor for name, tensor in reversed(features.items()) if _call_of(name) == ""), None)
    if whole is None:
        return readings
    for name, tensor in features.items():
        part = anatomy.modules.get(name)
        if tensor is whole or part is None or part.role != "output" or tensor.shape != whole.shape:
            continue
        factor = (tensor * whole).sum() / tensor.square().sum()
        same = (whole - factor * tensor).abs().amax() <= _SAME * whole.abs().amax()
        factor = torch.where(same & factor.isfinite(), factor.abs(), torch.ones_like(factor))
        for coordinate in readings:
            if coordinate.module == name and coordinate.quantity != INPUT:
                readings[coordinate] = factor * readings[coordinate]
    return readings


def _call_of(feature: str) -> str:
    """The call that returned a feature."""
    return feature.partition("[")[0]


class _Call(NamedTuple):
    name: str
    part: nn.Module
    arguments: Any
    keywords: Any
    output: Tensor


def _updates(call: _Call, anatomy: Anatomy, start: Start, watched: Watched) -> Readings:
    """Effective updates of a module's own parameters, and what propagates through it."""
    name = plain(call.name)
    used = anatomy.used_in(name)
    own = anatomy.own[name]
    first = {local: start.parameters[part.name] for local, part in zip(own, used, strict=True)}

    def again(parameters: Mapping[str, Tensor]) -> Tensor:
        found = watched.quietly(lambda: functional_call(call.part, dict(parameters), call.arguments, call.keywords))
        return next(iter(tensors_in(found).values()))

    readings = Readings()
    inside = [other for other in anatomy.own if other != name and (not name or other.startswith(f"{name}."))]
    unmoved = again(first)
    if not inside and call.name in start.features:
        readings[Coordinate(call.name, PROPAGATING)] = root_mean_square(unmoved - start.features[call.name])
    moved = call.output - unmoved
    for local, part in zip(own, used, strict=True):
        coordinate = Coordinate(call.name, EFFECTIVE, part.name)
        if len(own) == 1:
            update = moved
        elif type(call.part) in _WITH_BIAS and own == ("weight", "bias"):
            # Their sum is linear in both, and the bias needs no call.
            shift = cast("Tensor", call.part.bias) - first["bias"]
            if not isinstance(call.part, nn.Linear):
                shift = shift.reshape(-1, *[1] * (moved.ndim - 2))
            update = moved - shift if local == "weight" else shift
        else:
            update = call.output - again({local: first[local]})
        readings[coordinate] = root_mean_square(update)
    return readings


_WITH_BIAS: Final = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
