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

    def blocks(self, cell: Cell) -> list[Block]:
        """Blocks of a cell from its first seed on; none where nothing was measured, or it cannot be told."""
        key = self._key(cell)
        if key is None:
            return []
        try:
            found = self.store.blocks(key)
        except NewerFormatError as error:
            self.problems[str(error)] = None
            return []
        for block in found:
            self.taken.add(str(block.name))
            self._check_version(block)
        return [_measured(block) for block in found]

    def keep(self, cell: Cell, first: int, block: Block) -> None:
        """Keep what was measured of some seeds, from the first on."""
        key = self._key(cell)
        if key is None:
            return
        readings = {
            parts: StoredReading(reading.values.detach().cpu().numpy(), reading.statuses, reading.exact)
            for parts, reading in block.readings.items()
        }
        made = StoredBlock(
            key=key,
            first=first,
            seeds=block.seeds,
            readings=readings,
            seconds=block.seconds,
            flops=block.flops,
            trainings=block.trainings,
            provenance={**self.provenance, "torch": torch.__version__},
            description=cell.description,
        )
        self.store.save(made)
        self.given.add(str(made.name))

    @contextmanager
    def alone(self, cell: Cell) -> Iterator[None]:
        """Inside of the block no other process measures this cell, as far as that can be had."""
        key = self._key(cell)
        if key is None:
            yield
            return
        with self.store.lock(key, patience=_PATIENCE):
            yield

    def _key(self, cell: Cell) -> str | None:
        try:
            return fingerprint(*cell.made_of())
        except Unfingerprintable as error:
            self.problems[f"{cell.description['title']} is measured anew in every run: {error}"] = None
            return None

    def _check_version(self, block: StoredBlock) -> None:
        version = block.provenance.get("torch", "an unknown version")
        if version != torch.__version__:
            self.problems[
                f"some numbers were measured with torch {version}, and this is {torch.__version__}; "
                "--theory-store=none, or another directory, measures them anew"
            ] = None


def _measured(stored: StoredBlock) -> Block:
    readings = {
        parts: Reading(torch.from_numpy(np.array(reading.values)), reading.statuses, reading.exact)
        for parts, reading in stored.readings.items()
    }
    return Block(readings, stored.seeds, stored.seconds, stored.flops, stored.trainings)


def longer(one: Sequence[Block], other: Sequence[Block]) -> list[Block]:
    """Those blocks that hold the more seeds."""
    return list(other if seeds_of(other) > seeds_of(one) else one)
