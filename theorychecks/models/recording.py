"""Recording: what a training keeps besides its losses: weights at some times, and sizes at every step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from theorychecks.models.model import tensors_in


class State(NamedTuple):
    """Parameters and buffers by name, [seed, ...] each where models are stacked."""

    parameters: Mapping[str, Tensor]
    buffers: Mapping[str, Tensor]

    def copied(self) -> State:
        """As it is now, whatever is trained on."""
        return State(*({name: tensor.detach().clone() for name, tensor in part.items()} for part in self))

    def lost(self) -> State:
        """The same without numbers: what a training has come to that diverged before."""

        def nan(tensor: Tensor) -> Tensor:
            return torch.full_like(tensor, torch.nan) if tensor.is_floating_point() else tensor.clone()

        return State(*({name: nan(tensor.detach()) for name, tensor in part.items()} for part in self))


class Seen(NamedTuple):
    """What one forward pass shows.

    Attributes:
        loss: of the batch.
        sizes: largest root mean square of what the recorded layers return, and that of the outputs, [2]; NaN for what
            there is none of.
    """

    loss: Tensor
    sizes: Tensor


@dataclass(frozen=True)
class Recording:
    """What to keep.

    Attributes:
        times: numbers of steps after which weights and buffers are kept.
        coordinates: numbers of steps after which coordinates are read, besides the start; none are unless given.
        layers: modules whose outputs are sized at every step; None sizes nothing.
        activations: the size of a layer's outputs beyond which a training goes on no further.
        outputs: likewise, of the model's outputs.
    """

    times: tuple[int, ...] = ()
    coordinates: tuple[int, ...] = ()
    layers: tuple[str, ...] | None = None
    activations: float = math.inf
    outputs: float = math.inf

    def see(self, module: nn.Module, forward: Callable[[], tuple[Any, Tensor]]) -> Seen:
        """Make a forward pass, and note what it shows."""
        if self.layers is None:
            loss = forward()[1]
            return Seen(loss, loss.new_empty(0))
        sizes = list[Tensor]()

        def note(_part: nn.Module, _given: Any, output: Any) -> None:
            returned = [tensor.detach() for tensor in tensors_in(output).values()]
            sizes.extend(root_mean_square(tensor) for tensor in returned if tensor.numel())

        handles = [module.get_submodule(name).register_forward_hook(note) for name in self.layers]
        try:
            outputs, loss = forward()
        finally:
            for handle in handles:
                handle.remove()
        nothing = loss.detach().new_full((), math.nan)
        largest = torch.stack(sizes).amax(dim=0) if sizes else nothing
        found = list(tensors_in(outputs).values())
        size = root_mean_square(found[0].detach()) if found else nothing
        return Seen(loss, torch.stack([largest.to(loss.dtype), size.to(loss.dtype)]))

    def within(self, loss: Tensor, sizes: Tensor) -> Tensor:
        """Whether trainings are to go on: their losses are finite, and no size is beyond its limit, [...seed]."""
        within = loss.isfinite()
        if sizes.numel():
            # A size that there is none of has no limit.
            within = within & ~(sizes >= sizes.new_tensor([self.activations, self.outputs])).any(dim=-1)
        return within

    def fill(self, states: dict[int, State]) -> None:
        """Put states without numbers where a training has not come to."""
        for time in self.times:
            if time not in states:
                states[time] = states[min(states)].lost()


NOTHING: Final = Recording()


def root_mean_square(values: Tensor, kept: Tensor | None = None) -> Tensor:
    """Over all entries, or over those that are kept, in single precision or better."""
    values = values if values.dtype == torch.float64 else values.to(torch.float32)
    if kept is None:
        return values.square().mean().sqrt()
    return (torch.where(kept, values, torch.zeros_like(values)).square().sum() / kept.sum().clamp(min=1)).sqrt()
