"""Stored cells: what other runs and processes have measured, by what made it, in the place of measuring it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch

from theorychecks.experiment.cells import Block, Cell, seeds_of
from theorychecks.experiment.fingerprint import Unfingerprintable, fingerprint
from theorychecks.observables.observable import Reading
from theorychecks.store import NewerFormatError, Store, StoredBlock, StoredReading

_PATIENCE: Final = 600.0
"""Seconds for which another process may be measuring what is wanted here."""
_KEPT: Final = (torch.float16, torch.float32, torch.float64)
"""What a store holds; numbers of other kinds, which are whole or shorter, are the same in double precision."""


@dataclass(frozen=True)
class StoredCells:
    """Cells of a store, as measuring takes and gives them.

    Attributes:
        store: which.
        provenance: what is said of numbers that are measured now, besides torch's version: "date", "commit".
        taken: blocks that were not measured again, by their names.
        given: blocks that were measured and kept.
        problems: what a user is told besides the store's own problems.
    """

    store: Store
    provenance: Mapping[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    problems: dict[str, None] = field(default_factory=dict)

    def place_of(self, cell: Cell) -> Place | None:
        """Where a cell is kept; None where nothing tells it from others in another process, which is said once.

        What makes its numbers is looked at now: measuring them may change what a function uses by name.
        """
        try:
            return Place(self, cell, fingerprint(*cell.made_of))
        except Unfingerprintable as error:
            self.problems[f"{cell.description['title']} is measured anew in every run: {error}"] = None
            return None


@dataclass(frozen=True)
class Place:
    """Where one cell is kept.

    Attributes:
        cells: which it is one of.
        cell: whose place it is.
        key: what made the numbers.
    """

    cells: StoredCells
    cell: Cell
    key: str

    def blocks(self) -> list[Block]:
        """Blocks from the first seed on; none where nothing was measured."""
        try:
            found = self.cells.store.blocks(self.key)
        except NewerFormatError as error:
            self.cells.problems[str(error)] = None
            return []
        for block in found:
            self.cells.taken.add(str(block.name))
            self._check_version(block)
        return [_measured(block) for block in found]

    def keep(self, first: int, block: Block) -> None:
        """Keep what was measured of some seeds, from the first on."""
        made = StoredBlock(
            key=self.key,
            first=first,
            seeds=block.seeds,
            readings={parts: _to_store(reading) for parts, reading in block.readings.items()},
            seconds=block.seconds,
            flops=block.flops,
            trainings=block.trainings,
            provenance={**self.cells.provenance, "torch": torch.__version__},
            description=self.cell.description,
        )
        self.cells.store.save(made)
        self.cells.given.add(str(made.name))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Inside of the block no other process measures this cell, as far as that can be had."""
        with self.cells.store.lock(self.key, patience=_PATIENCE):
            yield

    def _check_version(self, block: StoredBlock) -> None:
        version = block.provenance.get("torch", "an unknown version")
        if version != torch.__version__:
            self.cells.problems[
                f"some numbers were measured with torch {version}, and this is {torch.__version__}; "
                "--theory-store=none, or another directory, measures them anew"
            ] = None


def _to_store(reading: Reading) -> StoredReading:
    values = reading.values.detach().cpu()
    if values.dtype not in _KEPT:
        values = values.double()
    return StoredReading(values.numpy(), reading.statuses, reading.exact)


def _measured(stored: StoredBlock) -> Block:
    readings = {
        parts: Reading(torch.from_numpy(np.array(reading.values)), reading.statuses, reading.exact)
        for parts, reading in stored.readings.items()
    }
    return Block(readings, stored.seeds, stored.seconds, stored.flops, stored.trainings)


def longer(one: Sequence[Block], other: Sequence[Block]) -> list[Block]:
    """Those blocks that hold the more seeds."""
    return list(other if seeds_of(other) > seeds_of(one) else one)
