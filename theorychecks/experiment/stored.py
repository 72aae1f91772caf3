"""Stored cells: what other runs and processes have measured, by what made it, in the place of measuring it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

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
    _digests: WeakKeyDictionary[Callable[[], object], str | None] = field(default_factory=WeakKeyDictionary, repr=False)

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

    def keeps(self, cell: Cell) -> bool:
        """Whether what is measured of a cell can be found again; where not, that is a problem."""
        return self._key(cell) is not None

    def keep(self, cell: Cell, first: int, block: Block) -> None:
        """Keep what was measured of some seeds, from the first on."""
        key = self._key(cell)
        if key is None:
            return
        made = StoredBlock(
            key=key,
            first=first,
            seeds=block.seeds,
            readings={parts: _to_store(reading) for parts, reading in block.readings.items()},
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
        """What stands for a cell; None where nothing tells it from others in another process, which is said once.

        What makes the numbers is looked at when the first cell of a design is asked for: measuring one may change what
        a function uses by name.
        """
        if cell.made_of not in self._digests:
            self._digests[cell.made_of] = self._digest(cell)
        digest = self._digests[cell.made_of]
        return None if digest is None else fingerprint(digest, cell.axis_value)

    def _digest(self, cell: Cell) -> str | None:
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
