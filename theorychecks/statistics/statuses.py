"""Statuses: what became of a run that has no number, or a bound in place of one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum
from typing import Final

_LARGEST_LOG: Final = 700.0
"""Of a ratio in double precision."""


class Status(Enum):
    """What became of one run. The values are what a stored measurement says."""

    OK = "ok"
    ZERO = "zero"
    DIVERGED = "diverged"
    BELOW = "at most the recorded value"
    ABOVE = "at least the recorded value"
    UNDEFINED = "undefined"

    # Caches look measurements up by all their statuses, and a hash of their names takes ten times as long.
    __hash__ = object.__hash__


SIDE: Final = {
    Status.OK: 0,
    Status.ZERO: -1,
    Status.BELOW: -1,
    Status.DIVERGED: 1,
    Status.ABOVE: 1,
    Status.UNDEFINED: 1,
}


WAYS_OUT: Final = {
    Status.DIVERGED: "where all diverged, lower the learning rate or take fewer steps",
    Status.ZERO: "where all are zero, check that the observable reads something that the training changes",
    Status.UNDEFINED: "where all are undefined, check what is divided by zero",
    Status.BELOW: "where all are at most what is recorded, look further down",
    Status.ABOVE: "where all are at least what is recorded, look further up",
}


def defined(statuses: Sequence[Sequence[Status]]) -> tuple[int, ...]:
    """How many runs of each cell have a number, or a side on which it would lie."""
    return tuple(sum(status is not Status.UNDEFINED for status in row) for row in statuses)


def status_of(value: float) -> Status:
    """What became of a run, by its number alone: infinite runs have diverged, zero runs are zero.

    Of NaN nothing is known, not even the side on which it would lie.
    """
    if math.isnan(value):
        return Status.UNDEFINED
    if math.isinf(value):
        return Status.DIVERGED
    return Status.ZERO if value == 0 else Status.OK


def place(value: float, status: Status, undefined: float) -> float:
    """A run's logarithm, or the end of the line at which it stands."""
    if status is Status.OK:
        return math.log(value)
    return undefined if status is Status.UNDEFINED else SIDE[status] * math.inf


def ratio(value: float, status: Status, other: float, other_status: Status) -> tuple[float, Status]:
    """A quotient of two runs; where one has no number, the side on which the quotient lies."""
    above, below = SIDE[status] > 0 or SIDE[other_status] < 0, SIDE[status] < 0 or SIDE[other_status] > 0
    if not (above or below):
        if abs(math.log(value) - math.log(other)) > _LARGEST_LOG:
            raise ValueError(
                f"a ratio of {value:g} and {other:g} is no number of double precision; scale the two to similar sizes"
            )
        return value / other, Status.OK
    if (above and below) or Status.UNDEFINED in (status, other_status):
        return math.nan, Status.UNDEFINED
    return math.nan, Status.DIVERGED if above else Status.ZERO
