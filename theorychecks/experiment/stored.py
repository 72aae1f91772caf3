"""Stored cells: what other runs and processes have measured, by what made it, in the place of measuring it again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal
from weakref import WeakKeyDictionary

import torch

from theorychecks.experiment.cells import Block, Cell, holding, seeds_of
from theorychecks.experiment.fingerprint import Unfingerprintable, fingerprint
from theorychecks.garbage import none_looked_for
from theorychecks.observables.observable import Reading
from theorychecks.origin import IN_THIS_RUN, Origin
from theorychecks.store import Evidence, NewerFormatError, Store, StoredBlock, StoredReading
from theorychecks.store.blocks import BlockName

_PATIENCE: Final = 600.0
"""Seconds for which another process may be measuring what is wanted here."""
_KEPT: Final = (torch.float16, torch.float32, torch.float64)
"""What a store holds; numbers of other kinds, which are whole or shorter, are the same in double precision."""
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}\+?")
"""What provenance says, where it says something: it is somebody else's text, which pages are going to show."""


@dataclass(frozen=True)
class StoredCells:
    """Cells of a store, and of evidence where the store lacks them, as measuring takes and gives them.

    Attributes:
        store: which, if any.
        provenance: what is said of numbers that are measured now, besides torch's version: "date", "commit"; what has
            the same date was measured in the same run.
        evidence: of the claim that measures, if it is to be taken.
        used: takes all blocks that are measured or taken, where evidence is going to be written.
        taken: blocks that were not measured again, by their names.
        given: blocks that were measured and kept.
        problems: what a user is told besides the store's own problems.
    """

    store: Store | None
    provenance: Mapping[str, str] = field(default_factory=dict)
    evidence: Evidence | None = None
    used: dict[BlockName, StoredBlock] | None = None
    taken: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    problems: dict[str, None] = field(default_factory=dict)
    _digests: WeakKeyDictionary[Callable[[], object], str | None] = field(default_factory=WeakKeyDictionary, repr=False)

    @property
    def all_problems(self) -> list[str]:
        """What a user is told, the store's own problems included."""
        return [*(() if self.store is None else self.store.problems), *self.problems]

    def blocks(self, cell: Cell) -> list[Block]:
        """Blocks of a cell from its first seed on; none where nothing was measured, or it cannot be told."""
        key = self._key(cell)
        if key is None:
            return []
        with none_looked_for():
            # What is read stays, and is no garbage.
            return self._read(cell, key)

    def _read(self, cell: Cell, key: str) -> list[Block]:
        theirs, kept = list[StoredBlock](), self._kept(key, 0)
        if self.evidence is not None and seeds_of(kept) < cell.count:
            found = self.evidence.blocks(key)
            if self.used is None:
                # Evidence that is being written again may be as it is.
                self.problems.update(dict.fromkeys(self.evidence.problems))
            if seeds_of(found) > seeds_of(kept):
                theirs, kept = found, self._kept(key, seeds_of(found))
        if self.used is not None:
            # What a later look takes is asked for again, and noted then.
            theirs = list(holding(theirs, cell.count))
            kept = list(holding(kept, cell.count - seeds_of(theirs)))
        self.taken.update(str(block.name) for block in kept)
        for block in theirs + kept:
            self._check_version(block)
        self._note_used(theirs + kept)
        return [_measured(block, self._origin(block, "evidence")) for block in theirs] + [
            _measured(block, self._origin(block, "store")) for block in kept
        ]

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
        self._note_used([made])
        if self.store is not None:
            self.store.save(made)
            self.given.add(str(made.name))

    @contextmanager
    def alone(self, cell: Cell) -> Iterator[None]:
        """Inside of the block no other process measures this cell, as far as that can be had."""
        key = self._key(cell)
        if key is None or self.store is None:
            yield
            return
        with self.store.lock(key, patience=_PATIENCE):
            yield

    def _key(self, cell: Cell) -> str | None:
        """What stands for a cell; None where nothing tells it from others in another process, which is said once.

        What makes the numbers is looked at when the first cell of a design is asked for: measuring one may change what
        a function uses by name.
        """
        if self.store is None and self.evidence is None and self.used is None:
            return None
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
                "--theory-store=none, or another directory, with --theory-evidence=none measures them anew"
            ] = None

    def _kept(self, key: str, first: int) -> list[StoredBlock]:
        try:
            return [] if self.store is None else self.store.blocks(key, first)
        except NewerFormatError as error:
            self.problems[str(error)] = None
            return []

    def _note_used(self, blocks: Sequence[StoredBlock]) -> None:
        if self.used is not None:
            self.used.update({block.name: block for block in blocks})

    def _origin(self, block: StoredBlock, source: Literal["store", "evidence"]) -> Origin:
        date = block.provenance.get("date", "")
        if date and date == self.provenance.get("date"):
            return IN_THIS_RUN
        day, commit = _DAY.match(date), _COMMIT.fullmatch(block.provenance.get("commit", ""))
        return Origin(source=source, day=day[0] if day else "", commit=commit[0] if commit else "")


def _to_store(reading: Reading) -> StoredReading:
    values = reading.values.detach().cpu()
    if values.dtype not in _KEPT:
        values = values.double()
    return StoredReading(values.numpy(), reading.statuses, reading.exact)


def _measured(stored: StoredBlock, origin: Origin) -> Block:
    readings = {
        parts: Reading(torch.from_numpy(reading.values), reading.statuses, reading.exact)
        for parts, reading in stored.readings.items()
    }
    return Block(readings, stored.seeds, stored.seconds, stored.flops, stored.trainings, origin)


def longer(one: Sequence[Block], other: Sequence[Block]) -> list[Block]:
    """Those blocks that hold the more seeds."""
    return list(other if seeds_of(other) > seeds_of(one) else one)
