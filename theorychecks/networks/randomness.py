"""Random generators that belong to a place in a design, so that no draw depends on another."""

from __future__ import annotations

import hashlib
import math

import torch
from torch import Tensor

from theorychecks.networks.mlp import Entries


def generator(*place: object) -> torch.Generator:
    """A generator for this place: equal places draw equal numbers, different places independent ones."""
    return torch.Generator().manual_seed(integer(*place) >> 1)


def fill(values: Tensor, entries: Entries, own: torch.Generator) -> None:
    """Fill a tensor with independent numbers of mean zero and variance one."""
    if entries == "gaussian":
        torch.randn(values.shape, generator=own, dtype=values.dtype, out=values)
    elif entries == "uniform":
        values.uniform_(-math.sqrt(3), math.sqrt(3), generator=own)
    else:
        values.random_(0, 2, generator=own).mul_(2).sub_(1)


def uniform(*place: object) -> float:
    """One number in [0, 1) that belongs to this place."""
    return integer(*place) / 2**64


def integer(*place: object) -> int:
    """A whole number below 2^64 that belongs to this place."""
    return int.from_bytes(hashlib.blake2b(repr(place).encode(), digest_size=8).digest(), "big")
