"""Loaded: batches of a loader or an iterator, read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from threading import RLock
from typing import Any, Final

from theorychecks.models.state import as_it_was, seed_all

_READING: Final = RLock()
"""One for all sources: reading sets random states that all threads share."""


class Loaded:
    """Batches that are read when they are first needed, and then the same ones for all seeds and widths.

    A loader that shuffles does so by one random state, whatever has been drawn before.

    Args:
        source: a loader, which is read again from its start where more batches are needed than before, or an
            iterator, which is read on.
    """

    def __init__(self, source: Iterable[Any]) -> None:
        self.source, self._read = source, list[Any]()

    def first(self, count: int) -> list[Any]:
        """So many batches, or fewer where there are no more."""
        with _READING:
            if len(self._read) < count:
                with as_it_was():
                    seed_all(0)
                    if isinstance(self.source, Iterator):
                        self._read += islice(self.source, count - len(self._read))
                    else:
                        self._read = list(islice(self.source, count))
            return self._read[:count]
