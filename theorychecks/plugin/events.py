"""Events: how the controller learns what its workers are at.

Each worker appends lines to a file of its own, and the controller reads what is new now and then. pytest-xdist has a
channel for its own messages only; a file needs none, keeps what a killed worker has told, and makes nobody wait.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from theorychecks.plugin.under_way import Lane
from theorychecks.progress import Look

_SUFFIX: Final = ".events"


class Sender:
    """A `ClaimListener` that leaves in a file what a worker tells: the name of each method called, and its arguments.

    Args:
        directory: where the controller looks.
        worker: the worker's id.
    """

    def __init__(self, directory: Path, worker: str) -> None:
        self._path = directory / f"{worker}{_SUFFIX}"
        self._file: int | None = None

    def claim_begun(self, claim: str) -> None:
        """See `ClaimListener`."""
        self._send("claim_begun", claim)

    def claim_ended(self) -> None:
        """See `ClaimListener`."""
        self._send("claim_ended")

    def planned(self, cells: int, flops: float) -> None:
        """See `Listener`."""
        self._send("planned", cells, flops)

    def begun(self, title: str, axis: str, axis_value: float, look: Look | None) -> None:
        """See `Listener`."""
        self._send("begun", title, axis, axis_value, look)

    def measured(self, cells: int, flops: float, planned: float) -> None:
        """See `Listener`."""
        self._send("measured", cells, flops, planned)

    def doubted(self, what: str) -> None:
        """See `Listener`."""
        self._send("doubted", what)

    def _send(self, name: str, *arguments: object) -> None:
        # A claim must not fail because nobody can be told how far it is.
        with suppress(OSError):
            if self._file is None:
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.write(self._file, json.dumps([name, *arguments], default=float).encode() + b"\n")

    def close(self) -> None:
        """Send nothing more."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Inbox:
    """What workers have sent, and the controller has not read.

    Args:
        lane: of a worker, by its id.
    """

    def __init__(self, lane: Callable[[str], Lane]) -> None:
        self._lane = lane
        self._read: dict[Path, int] = {}

    def read(self, directory: Path) -> None:
        """Bring lanes up to date."""
        for path in sorted(directory.glob(f"*{_SUFFIX}")):
            with suppress(OSError), path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                # A worker that was killed while it wrote leaves a line that never ends.
                whole, end, _ = file.read().rpartition(b"\n")
                self._read[path] = self._read.get(path, 0) + len(whole + end)
                for line in whole.splitlines():
                    _tell(self._lane(path.stem), *json.loads(line))


def _tell(lane: Lane, name: str, *arguments: Any) -> None:
    if name == "begun" and arguments[-1] is not None:
        arguments = *arguments[:-1], Look(*arguments[-1])
    getattr(lane, name)(*arguments)
