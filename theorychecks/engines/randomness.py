"""Random generators that belong to a place in a design, so that no draw depends on another."""

from __future__ import annotations

import hashlib

import torch


def generator(*place: object) -> torch.Generator:
    """A generator for this place: equal places draw equal numbers, different places independent ones."""
    return torch.Generator().manual_seed(_digest(place) >> 1)


def uniform(*place: object) -> float:
    """One number in [0, 1) that belongs to this place."""
    return _digest(place) / 2**64


def _digest(place: tuple[object, ...]) -> int:
    return int.from_bytes(hashlib.blake2b(repr(place).encode(), digest_size=8).digest(), "big")
