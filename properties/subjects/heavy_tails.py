"""Particles whose initial law has a power-law tail, and the index of a tail."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def heavy_tailed(parameters: int, particles: int, index: float, generators: Sequence[torch.Generator]) -> Tensor:
    """Particles in random directions, of sizes R with P(R > r) = r^-index for r > 1, [system, parameter, particle].

    Moments of order below the index are finite, and no others.
    """
    states = []
    for own in generators:
        directions = torch.randn((parameters, particles), generator=own, dtype=torch.float64)
        sizes = torch.rand(particles, generator=own, dtype=torch.float64) ** (-1 / index)
        states.append(sizes * directions / directions.norm(dim=0))
    return torch.stack(states)


def tail_index(sizes: Tensor, largest: int) -> Tensor:
    """Hill's estimate from so many of the largest sizes [system, particle], [system].

    One over the mean logarithm of their ratio to the next largest one (Hill 1975, Annals of Statistics 3; from memory).

    Raises:
        ValueError: unless there are more sizes than are used.
    """
    if not 0 < largest < sizes.shape[-1]:
        raise ValueError(f"a tail is a part of its sample; got {largest} of {sizes.shape[-1]}")
    ordered = sizes.topk(largest + 1, dim=-1).values.log()
    return 1 / (ordered[..., :-1] - ordered[..., -1:]).mean(dim=-1)
