"""Locks: who has one measures, others wait a while for what is measured; nothing is wrong where there are none."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock

from theorychecks.leftovers import is_old
from theorychecks.store import files


@contextmanager
def held(path: Path, *, patience: float) -> Iterator[bool]:
    """Hold a lock; whether it is held is said, and is False where it could not be had in so many seconds, or at all."""
    lock = _acquired(path, patience)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            # Before it is let go: whoever opened it in between sees that it is gone, and makes a new one.
            with suppress(OSError):
                os.unlink(path)
            with suppress(OSError):
                lock.release()


def sweep(folder: Path) -> None:
    """Remove locks that nobody holds, which processes that died have left, and those that are older than a day."""
    for path in files.listed(folder):
        if path.suffix == ".lock" and is_old(path):
            with suppress(OSError):
                os.unlink(path)
        elif path.suffix == ".lock":
            with held(path, patience=0):
                pass


def _acquired(path: Path, patience: float) -> BaseFileLock | None:
    try:
        path.parent.mkdir(exist_ok=True)
        with warnings.catch_warnings():
            # That this disk knows no locks; files take their place.
            warnings.simplefilter("ignore")
            lock = FileLock(path)
            lock.acquire(timeout=max(patience, 0))
    except (OSError, NotImplementedError, RuntimeError):
        # A time-out is an OSError; a lock that this very thread holds already is a RuntimeError.
        return None
    return lock
