"""Processes: an executor of this machine, whose processes end with the one that has started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures.process import ProcessPoolExecutor
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from theorychecks.arguments import whole_number

Result = TypeVar("Result")


class Processes(Executor):
    """So many processes, which start anew, with this package imported, once there is something to do.

    A program that makes one by hand does so below `if __name__ == "__main__":`, as for all of `multiprocessing`.

    Attributes:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self.count = whole_number(count, "the number of processes")
        self._start()

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        """Have a function called by one of the processes."""
        return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes: once they have done what they were given, or at once where futures are cancelled."""
        if cancel_futures:
            self._here.close()
        self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def renew(self) -> None:
        """Begin again with other processes, where one has died and so ended them all."""
        self.shutdown(cancel_futures=True)
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        there, self._here = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(self.count, context, initializer=_live_with, initargs=(there,))


def _live_with(other_end: Connection) -> None:
    """Let a process end when the other end of a pipe is closed, as it is when the process there dies in any way."""
    # Ctrl-C reaches all processes of a terminal, and the one that has started this one says what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_for_end, args=(other_end,), daemon=True).start()


def _wait_for_end(other_end: Connection) -> None:
    other_end.poll(None)
    # Not by an exception: another thread is in the middle of a training.
    os._exit(0)
