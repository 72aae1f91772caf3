"""Evidence: what was measured of one claim, in an archive that is committed beside it and travels with a clone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from theorychecks.store.archive import read_archive
from theorychecks.store.blocks import BlockName, StoredBlock, consecutive
from theorychecks.store.errors import StoreError


class Evidence:
    """Blocks of an archive, which is read, and checked whole, when the first of them is asked for.

    Attributes:
        claim: whose evidence it is, as a reader is told.
        problems: what a user is told, in the order in which it happened.
    """

    def __init__(self, path: Path, claim: str) -> None:
        self.claim = claim
        self._path = path
        self._problems: dict[str, None] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """What a user is told."""
        return tuple(self._problems)

    def blocks(self, key: str) -> list[StoredBlock]:
        """Blocks that hold consecutive seeds of a key from 0 on; none where it was not measured.

        Where there is evidence, and none of this key, something else has made the evidence, which is a problem.
        """
        found = self._by_key.get(key, {})
        if self._by_key and not found:
            self._tell(
                f"the evidence of {self.claim} was measured by other code, or for other settings or widths; what "
                "it lacks is measured anew (write it again by --theory-evidence=write)"
            )
        return consecutive(found, found.get)

    @cached_property
    def _by_key(self) -> Mapping[str, Mapping[BlockName, StoredBlock]]:
        found: dict[str, dict[BlockName, StoredBlock]] = {}
        try:
            for block in read_archive(self._path):
                found.setdefault(block.key, {})[block.name] = block
        except FileNotFoundError:
            pass
        except StoreError as error:
            self._tell(f"{error} The evidence of {self.claim} is passed over (--theory-evidence=write writes it again)")
        return found

    def _tell(self, problem: str) -> None:
        self._problems[problem] = None
