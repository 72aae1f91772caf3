"""Garbage of the interpreter, which is looked for in vain where much is made that stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def none_looked_for() -> Iterator[None]:
    """Look for no garbage inside of the block, and after it where it was looked for before."""
    looked_for = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looked_for:
            gc.enable()
