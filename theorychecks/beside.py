"""A process beside this one, which does a part of what takes long; where there is none, all of it is done here.

What is asked of it is a function of a module, called with plain values. It has nothing of this process but them.
"""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import signal
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from concurrent.futures.process import ProcessPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

_PROGRAMS: Final = ("pytest", "py.test", "theorychecks")
"""Programs in the directory of installed ones that another process may import: it finds a function there."""
_beside: ContextVar[Executor | None] = ContextVar("theorychecks_beside", default=None)


@contextmanager
def beside(module: str, *, wanted: bool = True) -> Iterator[None]:
    """Have a process beside this one inside of the block, on a machine that has a core for it.

    There is none where the program is somebody's script: another process begins by importing that, which may run it.

    Args:
        module: what it imports at once, while this one goes on.
        wanted: whether there is enough to do; a process takes half a second to begin.
    """
    pool = _pool(module) if wanted and _cores() > 1 and not _is_script() else None
    if pool is None:
        yield
        return
    token = _beside.set(pool)
    try:
        begun(abs, 0)
        yield
    finally:
        _beside.reset(token)
        pool.shutdown(cancel_futures=True)


def _pool(module: str) -> Executor | None:
    try:
        return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(module,))
    except (ImportError, NotImplementedError, OSError):
        # The machine has no semaphores.
        return None


def begun(task: Callable[[Given], Made], given: Given) -> Callable[[], Made]:
    """Have something done by the process beside this one, if there is one; calling what is returned gives it.

    What is not begun by then is done here, and so is what failed there, so that an error is raised as it is here.
    """
    pool, future = _beside.get(), None
    if pool is not None:
        try:
            future = pool.submit(task, given)
        except (BrokenExecutor, OSError):
            # There is no room for another process.
            future = None
    return lambda: _made(future, task, given)


def of_each(task: Callable[[Given], Made], given: Sequence[Given]) -> list[Made]:
    """What a task makes of each, in their order; this process begins with the first, that beside it with the last."""
    later = [begun(task, each) for each in reversed(given)]
    return [made() for made in reversed(later)]


def _made(future: Future[Made] | None, task: Callable[[Given], Made], given: Given) -> Made:
    if future is None or future.cancel():
        return task(given)
    try:
        return future.result()
    except Exception:  # that process is lost, or what is given or made cannot be sent; or it fails here as well
        return task(given)


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _is_script() -> bool:
    """Whether another process would begin by importing a program that may be no more than a script."""
    main = sys.modules["__main__"]
    if (spec := getattr(main, "__spec__", None)) is not None:
        return str(spec.name).rpartition(".")[2] != "__main__"
    if (file := getattr(main, "__file__", None)) is None:
        return False
    directory, name = os.path.split(os.path.realpath(file))
    return name not in _PROGRAMS or directory != os.path.realpath(sysconfig.get_path("scripts"))


def _begin(module: str) -> None:
    # Ctrl-C reaches all processes of a terminal, and the one that has started this one says what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # It lives for seconds.
    gc.disable()
    importlib.import_module(module)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    # Not by an exception: another thread is in the middle of something.
    os._exit(0)
