"""Garbage of the interpreter, which is looked for in vain where much is made that stays."""

from __future__ import annotations

import gc
import signal
import threading
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


def collect() -> None:
    """Free the garbage that is not frozen; an interrupt meanwhile is raised after it, once.

    Python raises an interrupt in the first code that runs after the signal: here a callback of the collector, as
    Hypothesis has one, whose exceptions are reported and lost.
    """
    handler = signal.getsignal(signal.SIGINT)
    if handler is None or threading.current_thread() is not threading.main_thread():
        gc.collect()
        return
    interrupts: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: interrupts.append(number))
    try:
        gc.collect()
    finally:
        signal.signal(signal.SIGINT, handler)
    if interrupts:
        signal.raise_signal(signal.SIGINT)
