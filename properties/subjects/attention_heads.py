"""Causal attention of any number of heads on a stream of fixed size, all seeds at once.

y = x + sum_h O_h softmax(Q_h x (K_h x)^T / k^1/2) V_h x, whose heads have the size k, and outputs R y are read off it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class AttentionHeads:
    """Attention, one a seed.

    Attributes:
        query: Q_h, [seed, head, size, stream].
        key: K_h, likewise.
        value: V_h, likewise.
        out: O_h, [seed, head, stream, size].
        read_out: R, [seed, output, stream].
    """

    query: Tensor
    key: Tensor
    value: Tensor
    out: Tensor
    read_out: Tensor

    def logits(self, inputs: Tensor) -> Tensor:
        """Of inputs [sequence, place, stream], [seed, head, sequence, place, place], before they are masked."""
        queries, keys = self._by_head(self.query, inputs), self._by_head(self.key, inputs)
        return queries @ keys.mT / math.sqrt(self.query.shape[-2])

    def mixed(self, inputs: Tensor) -> Tensor:
        """What heads make of inputs, [seed, head, sequence, place, size]."""
        logits = self.logits(inputs)
        later = torch.ones(logits.shape[-2:], dtype=torch.bool).triu(1)
        return logits.masked_fill(later, -torch.inf).softmax(dim=-1) @ self._by_head(self.value, inputs)

    def returned(self, inputs: Tensor) -> Tensor:
        """What attention adds to the stream, [seed, sequence, place, stream]."""
        return torch.einsum("shbpk,shdk->sbpd", self.mixed(inputs), self.out)

    def outputs(self, inputs: Tensor) -> Tensor:
        """[seed, sequence, place, output]."""
        return torch.einsum("sbpd,sod->sbpo", inputs + self.returned(inputs), self.read_out)

    def _by_head(self, matrix: Tensor, inputs: Tensor) -> Tensor:
        return torch.einsum("bpd,shkd->shbpk", inputs, matrix)


def drawn_heads(
    heads: int, size: int, stream: int, outputs: int, out: float, generators: Sequence[torch.Generator]
) -> AttentionHeads:
    """Normal entries, each seed's from its own generator: of the stream's size ^-1/2, and of size `out` in O."""

    def normal(*shape: int) -> Tensor:
        return torch.stack([torch.randn(*shape, generator=own, dtype=torch.float64) for own in generators])

    query, key, value = (normal(heads, size, stream) * stream**-0.5 for _ in range(3))
    projection, read_out = out * normal(heads, stream, size), normal(outputs, stream) * stream**-0.5
    return AttentionHeads(query=query, key=key, value=value, out=projection, read_out=read_out)
