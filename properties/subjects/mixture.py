"""Mixtures of experts on a stream of fixed size, all seeds at once.

y = x + s sum_e w_e(z) V_e tanh(U_e x): all weights w_e are one, or those of the k largest logits T z are a softmax over
these k or over all logits, and the others zero; outputs R y are read off it. A row has entries x, which experts read,
and others z, by which it is routed: where experts read those as well, rows of one expert are the more alike the more
experts there are, by a logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Mixtures:
    """Mixtures, one a seed.

    Attributes:
        router: T, [seed, expert, key].
        up: U_e, [seed, expert, hidden, stream].
        down: V_e, [seed, expert, stream, hidden].
        read_out: R, [seed, output, stream].
        scale: s.
        chosen: k, how many experts a row has; all of them, with weights of one, where it is zero.
        over_all: whether the softmax is over all logits, so that weights of the chosen do not add up to one.
    """

    router: Tensor
    up: Tensor
    down: Tensor
    read_out: Tensor
    scale: float
    chosen: int
    over_all: bool

    def logits(self, inputs: Tensor) -> Tensor:
        """T z of rows of inputs [row, stream + key], [seed, row, expert]."""
        return inputs[:, self.up.shape[-1] :] @ self.router.mT

    def places(self, logits: Tensor) -> Tensor | None:
        """Numbers of the experts that a row has, [seed, row, one of them]; None where it has all."""
        return logits.topk(self.chosen, dim=-1).indices if self.chosen else None

    def weights(self, logits: Tensor, places: Tensor | None) -> Tensor:
        """Of these experts, [seed, row, one of them]."""
        if places is None:
            return torch.ones_like(logits)
        if self.over_all:
            return logits.softmax(dim=-1).gather(-1, places)
        return logits.gather(-1, places).softmax(dim=-1)

    def read(self, inputs: Tensor) -> Tensor:
        """x, what experts read of a row, [row, stream]."""
        return inputs[:, : self.up.shape[-1]]

    def first(self, inputs: Tensor, places: Tensor | None) -> Tensor:
        """U_e x of a row's experts, [seed, row, one of them, hidden]."""
        return _by_row(self.up, places, self.read(inputs)[:, None])

    def second(self, hidden: Tensor, places: Tensor | None) -> Tensor:
        """V_e tanh(U_e x) of these, likewise [seed, row, one of them, stream]."""
        return _by_row(self.down, places, torch.tanh(hidden))

    def returned(self, inputs: Tensor) -> Tensor:
        """What the mixture adds to the stream, [seed, row, stream]."""
        logits = self.logits(inputs)
        places = self.places(logits)
        experts = self.second(self.first(inputs, places), places)
        return self.scale * (self.weights(logits, places)[..., None] * experts).sum(dim=2)

    def outputs(self, inputs: Tensor) -> Tensor:
        """[seed, row, output]."""
        return (self.read(inputs) + self.returned(inputs)) @ self.read_out.mT


def drawn_mixtures(
    experts: int,
    hidden: int,
    stream: int,
    outputs: int,
    generators: Sequence[torch.Generator],
    *,
    scale: float,
    chosen: int = 0,
    over_all: bool = False,
) -> Mixtures:
    """Normal entries of the fan-in^-1/2, each seed's from its own generator, and logits of one size for all experts."""

    def normal(*shape: int) -> Tensor:
        drawn = torch.stack([torch.randn(*shape, generator=own, dtype=torch.float64) for own in generators])
        return drawn / math.sqrt(shape[-1])

    # Routers of one length, so that each expert gets its share of rows.
    router = torch.nn.functional.normalize(normal(experts, stream), dim=-1)
    # A row has as many entries that route it as others.
    up, down, read_out = normal(experts, hidden, stream), normal(experts, stream, hidden), normal(outputs, stream)
    return Mixtures(router=router, up=up, down=down, read_out=read_out, scale=scale, chosen=chosen, over_all=over_all)


def _by_row(matrices: Tensor, places: Tensor | None, values: Tensor) -> Tensor:
    """Matrices [seed, expert, to, from] of a row's experts times values [..., row, one of them or 1, from]."""
    if places is None:
        return (values.transpose(-3, -2) @ matrices.mT).transpose(-3, -2)
    own = matrices[torch.arange(len(matrices))[:, None, None], places]
    return (own * values[..., None, :]).sum(dim=-1)


def expert_updates(start: Mixtures, after: Mixtures, inputs: Tensor) -> dict[str, Tensor]:
    """Root mean squares of (U_T - U_0) x and (V_T - V_0) tanh(U_0 x) over the experts that rows had, [seed] each."""
    update = replace(start, up=after.up - start.up, down=after.down - start.down)
    places = start.places(start.logits(inputs))
    moved = {"up": update.first(inputs, places), "down": update.second(start.first(inputs, places), places)}
    return {name: values.square().mean(dim=(1, 2, 3)).sqrt() for name, values in moved.items()}
