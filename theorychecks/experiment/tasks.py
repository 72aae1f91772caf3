"""Tasks: some seeds of a cell, described so that another process can observe them, and what it does then."""

from __future__ import annotations

import hashlib
import pickle
import platform
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import torch

from theorychecks.experiment.cells import Block, Cell, Cells
from theorychecks.experiment.design import Design
from theorychecks.experiment.pickling import pickled_for_sender
from theorychecks.experiment.resources import Resources

_PACKAGE: Final = Path(__file__).parents[1]
_ONE_AT_A_TIME: Final = threading.Lock()
"""Threads of one worker would share torch's own generator, its number of threads, and one process's memory."""


class ExecutorError(RuntimeError):
    """An executor has failed, not what was to be measured."""


@dataclass(frozen=True)
class Sent:
    """A design that is pickled by value on its way to another process, and is itself in this one.

    Attributes:
        pickled: as bytes.
        original: where it comes from.
    """

    pickled: bytes
    original: Design | None = None

    @property
    def design(self) -> Design:
        """The design, read where it is needed: what goes wrong then is told to the sender."""
        return self.original or _read(self.pickled)

    def __reduce__(self) -> tuple[object, ...]:
        return Sent, (self.pickled,)


@lru_cache(maxsize=8)
def _read(sent: bytes) -> Design:
    """Of equal bytes one object, by which a model is known that has been examined here."""
    design: Design = pickle.loads(sent)
    return design


@dataclass(frozen=True)
class Task:
    """Some seeds of a cell, described so that another process can observe them.

    Attributes:
        sent: the design.
        resources: settled, with nothing that belongs to a process.
        place: of the axis value.
        engine: that the sender has chosen there.
        seeds: which ones.
        dtype: torch's default.
        code: what else makes the numbers; see `code_here`.
    """

    sent: Sent
    resources: Resources
    place: int
    engine: str
    seeds: tuple[int, ...]
    dtype: torch.dtype
    code: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """A block or what was raised in its place, and the warnings meanwhile."""

    found: Block | BaseException
    heard: tuple[tuple[str, type[Warning], str, int], ...] = ()

    def block(self) -> Block:
        """The block, after warning of what was warned of; or what was raised, raised here."""
        for text, category, file, line in self.heard:
            warnings.warn_explicit(text, category, file, line)
        if isinstance(self.found, BaseException):
            raise self.found
        return self.found


def carry_out(task: Task) -> bytes:
    """Observe what a task describes, in whatever process; a pickled outcome, whatever happens.

    One thread at a time, and torch's threads are one, as where claims run.
    """
    with _ONE_AT_A_TIME, _surroundings(task.dtype), warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found: Any
        try:
            found = _on_cpu(_cell(task).block(task.seeds))
        except BaseException as error:
            found = _travelling(error)
    told = tuple((str(each.message), each.category, each.filename, each.lineno) for each in heard)
    return pickled_for_sender(Outcome(found, told))


def _cell(task: Task) -> Cell:
    if task.code != code_here():
        raise ExecutorError(
            f"numbers would not be those of this machine: it has {', '.join(task.code)}, and the worker on "
            f"{platform.node()} has {', '.join(code_here())}. Install the same on both."
        )
    resources = replace(task.resources, cells=_own_cells())
    cell = task.sent.design.cells(resources)[task.place]
    if cell.engine != task.engine:
        raise ExecutorError(
            f"the engine {task.engine} was chosen for {name_of(cell)}, and the worker on {platform.node()} chooses "
            f"{cell.engine}. Settle it by --theory-engine."
        )
    return cell


@lru_cache(maxsize=1)
def _own_cells() -> Cells:
    """For what a quantity measures by itself."""
    return Cells()


@lru_cache(maxsize=1)
def code_here() -> tuple[str, ...]:
    """What makes numbers of a design; torch's build, for a CPU or a card, aside."""
    code = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        code.update(path.read_bytes())
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"Python {python}", f"torch {torch.__version__.partition('+')[0]}", f"theorychecks {code.hexdigest()[:8]}"


@contextmanager
def _surroundings(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_num_threads(), torch.get_default_dtype()
    torch.set_num_threads(1)
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_default_dtype(before[1])


def _on_cpu(block: Block) -> Block:
    """A block whose numbers travel, and nothing that they are parts of."""
    readings = {parts: replace(one, values=one.values.detach().cpu().clone()) for parts, one in block.readings.items()}
    return replace(block, readings=readings)


class _Bare:
    """Is an exception once it is unpickled, made without the `__init__` of its class, which may want what is lost."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __reduce__(self) -> tuple[object, ...]:
        return _made, (type(self.error), self.error.args, vars(self.error))


def _made(kind: type[BaseException], args: tuple[object, ...], state: dict[str, object]) -> BaseException:
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(state)
    return error


def _travelling(error: BaseException) -> Any:
    """What is an exception there that says where it was raised, or one that says what it said if it cannot travel."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith(str(_PACKAGE))]
    if frames:
        error.add_note("raised in a worker:\n" + "".join(traceback.format_list(frames)).rstrip())
    with suppress(Exception):
        there = pickle.loads(pickled_for_sender(error))
        if (type(there), str(there)) == (type(error), str(error)):
            return error
    with suppress(Exception):
        pickled_for_sender(_Bare(error))
        return _Bare(error)
    return RuntimeError(f"{type(error).__name__}: {error}")


def name_of(cell: Cell) -> str:
    """What an error calls a cell: its title, its axis value, and what else describes it."""
    title, *rest = (f"{value}" if name == "title" else f"{name} {value}" for name, value in cell.description.items())
    return f"{title or 'the sweep'} ({', '.join(rest)})"
