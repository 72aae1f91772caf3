"""The store of a run: where it is, what is wrong with it, and what came out of it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from theorychecks.plugin import evidence

if TYPE_CHECKING:
    from theorychecks.experiment.stored import StoredCells

DEFAULT: Final = Path(".theorychecks", "store")
"""Where cells are kept, under the root directory."""
NONE: Final = "none"
_OUTPUT_KEY: Final = "theorychecks_store"
DATE_KEY: Final = "theorychecks_date"
"""Where a worker finds when the run began: by it numbers of the run are told from those of earlier ones."""


def place(text: str) -> str:
    """The name of a directory, or none, as the option takes it."""
    if not text.strip():
        raise argparse.ArgumentTypeError(
            f"a store is a directory; got {text!r}. Name one, or leave --theory-store out for {DEFAULT}"
        )
    return text


def path_of_store(config: pytest.Config) -> Path | None:
    """Where measured cells are kept; None where they are not."""
    chosen = config.getoption("--theory-store")
    if chosen == NONE:
        return None
    return config.rootpath / DEFAULT if chosen is None else Path(config.invocation_params.dir, chosen)


def check_store(config: pytest.Config) -> list[str]:
    """Find out what can be known of the store before minutes are spent, and give back lines for a user.

    Raises:
        pytest.UsageError: for a path at which there can be none.
    """
    from theorychecks.store import Store, StoreError

    path = path_of_store(config)
    if path is None:
        return []
    try:
        return [f"WARNING: {problem}" for problem in Store.open(path).problems]
    except StoreError as error:
        raise pytest.UsageError(f"--theory-store: {error}") from error


def stored_cells(config: pytest.Config) -> StoredCells:
    """What this process takes from the store, and gives to it."""
    from theorychecks.experiment.stored import StoredCells
    from theorychecks.provenance import now_precisely, origin
    from theorychecks.store import Store

    path, worker = path_of_store(config), getattr(config, "workerinput", None)
    store = None if path is None else Store.open(path)
    return StoredCells(store, origin(config.rootpath, worker[DATE_KEY] if worker else now_precisely()))


@dataclass
class StoreUse:
    """What the processes of a run have taken from its store, and given to it.

    Attributes:
        taken: names of blocks that were not measured again.
        given: names of blocks that were measured.
        problems: what a user is told.
        written: names of evidence files that were.
    """

    taken: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    problems: dict[str, None] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)

    def add(
        self,
        taken: Iterable[str] = (),
        given: Iterable[str] = (),
        problems: Iterable[str] = (),
        written: Iterable[str] = (),
    ) -> None:
        """Count what one process says."""
        self.taken.update(taken)
        self.given.update(given)
        self.problems.update(dict.fromkeys(problems))
        self.written.update(written)

    def note(self, stored: StoredCells) -> None:
        """Count what this process has done."""
        self.add(stored.taken, stored.given, stored.all_problems)

    def leave(self, output: dict[str, Any]) -> None:
        """Leave it where the controller of a worker finds it."""
        output[_OUTPUT_KEY] = [sorted(self.taken), sorted(self.given), list(self.problems), sorted(self.written)]

    def read(self, output: dict[str, Any]) -> None:
        """Count what a worker has left."""
        if _OUTPUT_KEY in output:
            self.add(*output[_OUTPUT_KEY])

    @property
    def measured(self) -> int:
        """How many blocks were."""
        return len(self.given)

    @property
    def not_measured(self) -> int:
        """How many were there when the run began; what one worker measures, another one may take."""
        return len(self.taken - self.given)

    def lines(self, config: pytest.Config) -> list[str]:
        """What is said at the end."""
        found = [f"WARNING: {problem}" for problem in self.problems]
        path = path_of_store(config)
        if path is not None and (self.taken or self.given):
            shown = os.path.relpath(path, config.invocation_params.dir)
            found.append(
                f"store: {self.measured:,} blocks of runs were measured, {self.not_measured:,} taken from {shown}"
            )
        return found + evidence.lines(config, self.written)
