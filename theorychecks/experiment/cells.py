"""Cells: one axis value of a design each, ready to be observed; and what was observed, by what made it."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Protocol, TypeVar

from theorychecks.engines.matrix import Tally
from theorychecks.observables.observable import Reading, Readings
from theorychecks.origin import IN_THIS_RUN, Origin

MOST_BYTES: Final = 2**29
"""512 MiB a process: some five hundred thousand readings; a gate of many experts makes more than a hundred thousand."""
_AROUND: Final = 2**10
"""Bytes that Python keeps around the numbers of one reading: a tensor, parts, and places in dictionaries."""


class HasSeeds(Protocol):
    """A block, measured or stored."""

    @property
    def seeds(self) -> int:
        """How many consecutive ones it holds."""
        ...


Some = TypeVar("Some", bound=HasSeeds)


@dataclass(frozen=True)
class Cell:
    """One axis value of a design, ready to be observed.

    Attributes:
        axis_value: which one.
        count: how many values are wanted.
        key: what determines them, with their seeds.
        made_of: gives the same for a store, but for the axis value: values, and functions and classes that make numbers
            of them. It is one function for all cells of a design that have these in common.
        description: texts for a reader: "title", the axis, "engine".
        chunks: from the values that there are and those that are wanted to groups of seeds, observed together.
        observe: readings of some seeds, and how many values they are.
        engine: what carries it out.
        because: why it is not the engine that was asked for, if it is not.
        flops: floating-point operations that one value takes by the engine's cost model, observables aside; 0 where
            none is known beforehand.
    """

    axis_value: float
    count: int
    key: Hashable
    made_of: Callable[[], tuple[object, ...]]
    description: Mapping[str, str]
    chunks: Callable[[int, int], list[list[int]]]
    observe: Callable[[Sequence[int], Tally], tuple[Readings, int]]
    engine: str
    because: str = ""
    flops: float = 0.0

    def block(self, seeds: Sequence[int]) -> Block:
        """Observe some seeds, timed and counted.

        Raises:
            TypeError, ValueError: for readings that are none.
        """
        started, tally = time.perf_counter(), Tally()
        readings, count = self.observe(seeds, tally)
        _check_readings(self.description["title"] or "the sweep", readings, count)
        return Block(readings, count, time.perf_counter() - started, tally.flops, tally.trainings)


@dataclass(frozen=True)
class Block:
    """Some consecutive seeds of one axis value, observed together.

    Attributes:
        readings: one number a seed each.
        seeds: how many.
        seconds: how long it took.
        flops: floating-point operations of all matrix products.
        trainings: networks trained, each time that one was.
        origin: whether this run has measured it, or an earlier one.
    """

    readings: Readings
    seeds: int
    seconds: float
    flops: float
    trainings: int
    origin: Origin = IN_THIS_RUN

    @property
    def bytes(self) -> int:
        """Of its numbers, and of what is around them."""
        return sum(_AROUND + one.values.numel() * one.values.element_size() for one in self.readings.values())


class Cells:
    """Measured blocks by what made them; beyond so many bytes, those that nobody has asked for the longest are gone.

    A run has one for each process, so that its claims share trainings; whoever measures by hand hands one over, in
    `Resources`. What is gone is measured again when it is asked for, with equal numbers.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self._blocks: OrderedDict[Hashable, tuple[Block, ...]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._blocks)

    @property
    def bytes(self) -> int:
        """Of all blocks that are there."""
        return self._bytes

    def blocks(self, key: Hashable) -> tuple[Block, ...]:
        """The blocks of one axis value from its first seed on; none where it was not measured, or is gone."""
        if key not in self._blocks:
            return ()
        self._blocks.move_to_end(key)
        return self._blocks[key]

    def keep(self, key: Hashable, blocks: Sequence[Block]) -> None:
        """Keep all blocks of one axis value, in the place of those that were there."""
        self._forget(key)
        self._blocks[key] = tuple(blocks)
        self._bytes += _size(blocks)
        while self._bytes > self.most_bytes:
            self._forget(next(iter(self._blocks)))

    def _forget(self, key: Hashable) -> None:
        self._bytes -= _size(self._blocks.pop(key, ()))


def seeds_of(blocks: Iterable[HasSeeds]) -> int:
    """How many values consecutive blocks hold together."""
    return sum(block.seeds for block in blocks)


def holding(blocks: Sequence[Some], count: int) -> Sequence[Some]:
    """Those of consecutive blocks that hold the first so many values."""
    ends = accumulate(block.seeds for block in blocks)
    return [block for block, end in zip(blocks, ends, strict=True) if end - block.seeds < count]


def _size(blocks: Sequence[Block]) -> int:
    return sum(block.bytes for block in blocks)


def _check_readings(title: str, readings: Readings, count: int) -> None:
    if not isinstance(readings, Mapping) or not all(isinstance(each, Reading) for each in readings.values()):
        raise TypeError(f"{title} must read a mapping from tc.Parts to tc.Reading; got {readings!r}")
    if not readings:
        raise ValueError(f"{title} reads nothing at all: an empty claim would pass vacuously")
    for parts, reading in readings.items():
        if tuple(reading.values.shape) != (count,):
            raise ValueError(
                f"{title} must give one number a seed, shape ({count},); "
                f"got {tuple(reading.values.shape)} for {str(parts) or 'its only reading'!r}"
            )
