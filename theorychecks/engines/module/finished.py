"""Finished: what trainings of some seeds have left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from theorychecks.models.coordinates import Coordinate
from theorychecks.models.recording import State

_AGREES: Final = 0.02
"""Relative difference between what stacked models show and each of them alone: rounding, of small changes too."""
_SAME: Final = 1e-6
"""Size of coordinates that are rounding: others are around one."""


@dataclass(frozen=True)
class Finished:
    """Trainings of some seeds that are over.

    Attributes:
        losses: of the batch that step t sees, and of the first batch after the last step, [t, seed].
        activations: largest root mean square of any hidden layer's outputs on that batch, [t, seed].
        outputs: root mean square of the model's outputs there, [t, seed].
        states: weights and buffers by time, [seed, ...] each, where the model is; all else is on the CPU.
        coordinates: by time, [seed] each; infinite where a training has diverged, NaN where the weights of a seed have
            routed nothing there.
    """

    losses: Tensor
    activations: Tensor
    outputs: Tensor
    states: Mapping[int, State]
    coordinates: Mapping[int, Mapping[Coordinate, Tensor]] = field(default_factory=dict)

    @classmethod
    def joined(cls, parts: Sequence[Finished]) -> Finished:
        """One after the other along the seeds."""
        if len(parts) == 1:
            return parts[0]
        losses, activations, outputs = (
            torch.cat([getattr(one, name) for one in parts], dim=1) for name in ("losses", "activations", "outputs")
        )
        states = {time: joined([one.states[time] for one in parts], torch.cat) for time in parts[0].states}
        coordinates = {
            time: {
                name: torch.cat([one.coordinate(time, name) for one in parts])
                for name in dict.fromkeys(name for one in parts for name in one.coordinates[time])
            }
            for time in parts[0].coordinates
        }
        return cls(losses, activations, outputs, states, coordinates)

    def coordinate(self, time: int, name: Coordinate) -> Tensor:
        """A coordinate, [seed]; NaN where there is none."""
        found = self.coordinates[time].get(name)
        return self.losses.new_full(self.losses.shape[1:], torch.nan) if found is None else found

    def agrees(self, other: Finished) -> bool:
        """Whether others are the same but for rounding."""
        sizes = ((getattr(self, name), getattr(other, name)) for name in ("losses", "activations", "outputs"))
        if not all(torch.allclose(*pair, rtol=_AGREES, atol=0, equal_nan=True) for pair in sizes):
            return False
        if any(read.keys() != other.coordinates[time].keys() for time, read in self.coordinates.items()):
            return False
        return all(
            torch.allclose(found, other.coordinates[time][name], rtol=_AGREES, atol=_SAME)
            for time, read in self.coordinates.items()
            for name, found in read.items()
        )


def kept(coordinate: Tensor) -> Tensor:
    """A coordinate as it is kept: on the CPU, and infinite where it is no number."""
    return torch.nan_to_num(coordinate.cpu(), nan=torch.inf, posinf=torch.inf)


def joined(states: Sequence[State], join: Callable[[list[Tensor]], Tensor]) -> State:
    """States of several seeds as one."""
    parameters, buffers = (
        {name: join([part[name] for part in parts]) for name in parts[0]} for parts in zip(*states, strict=True)
    )
    return State(parameters, buffers)
