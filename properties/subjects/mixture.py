"""Mixtures of experts on a stream of fixed size, all seeds at once.

y = x + s sum_e w_e(z) V_e phi(U_e x): all weights w_e are one, or softmax over the k largest logits T z and zero for
the others; outputs R y are read off it. A row has entries x, which experts read, and others z, by which it is routed:
where experts read those as well, rows of one expert are the more alike the more experts there are, by a logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
    """

    router: Tensor
    up: Tensor
    down: Tensor
    read_out: Tensor
    scale: float
    chosen: int

    @property
    def experts(self) -> int:
        """How many there are."""
        return self.up.shape[1]

    def weights(self, inputs: Tensor) -> Tensor:
        """Of the experts for rows of inputs [row, stream + key], [seed, row, expert]."""
        logits = inputs[:, self.up.shape[-1] :] @ self.router.mT
        if not self.chosen:
            return torch.ones_like(logits)
        largest, places = logits.topk(self.chosen, dim=-1)
        return torch.zeros_like(logits).scatter(-1, places, largest.softmax(dim=-1))

    def read(self, inputs: Tensor) -> Tensor:
        """x, what experts read of a row, [row, stream]."""
        return inputs[:, : self.up.shape[-1]]

    def hidden(self, inputs: Tensor) -> Tensor:
        """phi(U_e x) of all experts, [seed, expert, row, hidden]."""
        return torch.tanh(self.read(inputs) @ self.up.mT)

    def returned(self, inputs: Tensor) -> Tensor:
        """What the mixture adds to the stream, [seed, row, stream]."""
        experts = self.hidden(inputs) @ self.down.mT
        return self.scale * torch.einsum("sre,serd->srd", self.weights(inputs), experts)

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
) -> Mixtures:
    """Normal entries of the fan-in^-1/2, each seed's from its own generator, and logits of one size for all experts."""

    def normal(*shape: int) -> Tensor:
        drawn = torch.stack([torch.randn(*shape, generator=own, dtype=torch.float64) for own in generators])
        return drawn / math.sqrt(shape[-1])

    # Routers of one length, so that each expert gets its share of rows.
    router = torch.nn.functional.normalize(normal(experts, stream), dim=-1)
    # A row has as many entries that route it as others.
    up, down, read_out = normal(experts, hidden, stream), normal(experts, stream, hidden), normal(outputs, stream)
    return Mixtures(router=router, up=up, down=down, read_out=read_out, scale=scale, chosen=chosen)


def expert_update(start: Mixtures, after: Mixtures, inputs: Tensor) -> Tensor:
    """Root mean square of (U_T - U_0) x over the rows that each expert had before training, [seed]."""
    moved = (start.read(inputs) @ (after.up - start.up).mT).square().mean(dim=-1)
    had = (start.weights(inputs) > 0).mT.to(moved)
    return ((moved * had).sum(dim=(1, 2)) / had.sum(dim=(1, 2))).sqrt()
