"""Executors: cells are measured in other processes, here or on other machines, and gathered where they are wanted."""

from __future__ import annotations

import pickle
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

import torch

from theorychecks.experiment.cells import Block, Cell, Cells, seeds_of
from theorychecks.experiment.design import Design
from theorychecks.experiment.pickling import pickled
from theorychecks.experiment.resources import Resources
from theorychecks.experiment.tasks import ExecutorError, Outcome, Sent, Task, carry_out, code_here, name_of
from theorychecks.progress import current_look, listener
from theorychecks.statistics.measurement import FEWEST_SEEDS

_AWAKE: Final = 1.0
"""Seconds between two moments at which an interrupt is heard that comes from another thread, and not by a signal: so
pytest-xdist ends a worker whose controller is gone."""


@dataclass(frozen=True, eq=False)
class _Piece:
    """A task of the design's, the cell that it belongs to, and the first value of the cell that comes of it."""

    task: Task
    cell: Cell
    first: int


def gathered(design: Design, cells: Sequence[Cell], resources: Resources) -> Generator[list[Block], None, None]:
    """Blocks of each cell in turn; those that are nowhere yet are measured by the executor, all at the same time.

    Whatever arrives is kept at once. What was raised for some seeds is raised here in the order of the cells, so that
    of several failures it is always the same one; nothing more is measured then.

    Raises:
        ExecutorError: if the executor fails.
    """
    gathering = _Gathering(design, cells, resources)
    try:
        for place, cell in enumerate(cells):
            if gathering.pieces[place]:
                listener.get().begun(design.title, design.axis, cell.axis_value, current_look.get())
            yield gathering.blocks(place)
    finally:
        gathering.end()


class _Gathering:
    """What is under way for a design."""

    def __init__(self, design: Design, cells: Sequence[Cell], resources: Resources) -> None:
        assert resources.executor is not None
        self.design, self.cells, self.resources, self.executor = design, cells, resources, resources.executor
        self.known = [resources.known(cell) for cell in cells]
        self.pieces = self._pieces()
        self.arrived: dict[_Piece, Outcome] = {}
        self.waiting: dict[Future[bytes], _Piece] = {}
        self.unsent = [piece for pieces in self.pieces for piece in pieces]
        self.broken = False

    def blocks(self, place: int) -> list[Block]:
        """Blocks of a cell, once they are there."""
        found = list(self.known[place])
        for piece in self.pieces[place]:
            while piece not in self.arrived:
                self._receive()
            found.append(self.arrived[piece].block())
        return found

    def end(self) -> None:
        """Cancel what has not begun, and keep what has arrived and not been asked for."""
        for future in self.waiting:
            future.cancel()
        for future, piece in self.waiting.items():
            if _has_result(future):
                self._keep(piece, pickle.loads(future.result()))

    def _pieces(self) -> list[list[_Piece]]:
        missing = [cell.chunks(seeds_of(known), cell.count) for cell, known in zip(self.cells, self.known, strict=True)]
        if not any(missing):
            return [[] for _ in self.cells]
        # The same for all looks, so that a worker that has made it once has it.
        sent = _sent(replace(self.design, seeds=FEWEST_SEEDS, budget=None, selection=()))
        resources = replace(self.resources, cells=Cells(), stored=None, executor=None)
        found = []
        for place, (cell, known, chunks) in enumerate(zip(self.cells, self.known, missing, strict=True)):
            first, values, seeds = seeds_of(known), cell.count - seeds_of(known), sum(map(len, chunks))
            found.append(list[_Piece]())
            for chunk in chunks:
                task = Task(sent, resources, place, cell.engine, tuple(chunk), torch.get_default_dtype(), code_here())
                found[-1].append(_Piece(task, cell, first))
                first += len(chunk) * values // seeds
        return found

    def _receive(self) -> None:
        """Wait until something has arrived, and keep it."""
        piece = None
        try:
            while self.unsent:
                piece = self.unsent[0]
                self.waiting[self.executor.submit(carry_out, piece.task)] = piece
                del self.unsent[0]
            done: set[Future[bytes]] = set()
            while not done:
                done, _ = wait(self.waiting, timeout=_AWAKE, return_when=FIRST_COMPLETED)
            future = next(each for each in self.waiting if each in done)
            piece = self.waiting[future]
            outcome: Outcome = pickle.loads(future.result())
        except BrokenExecutor as error:
            self._start_anew(error)
            return
        except Exception as error:
            assert piece is not None
            lost = "it has cancelled what it was sent, as where a scheduler is gone"
            what = lost if isinstance(error, CancelledError) else f"{type(error).__name__}: {error}"
            raise ExecutorError(
                f"the executor failed while {name_of(piece.cell)} was being measured: {what}. Its workers need "
                "this version of theorychecks, and memory for what they are sent (--theory-memory); look into their "
                "logs, or run without --theory-executor. What was measured is kept."
            ) from error
        del self.waiting[future]
        self._keep(piece, outcome)

    def _start_anew(self, error: BrokenExecutor) -> None:
        """Begin again with what is missing where a process has died, once.

        Raises:
            ExecutorError: the second time, or where the executor cannot be begun again.
        """
        renew = getattr(self.executor, "renew", None)
        if renew is not None:
            renew()
        lost = [piece for future, piece in self.waiting.items() if not _has_result(future)]
        self.waiting = {future: piece for future, piece in self.waiting.items() if _has_result(future)}
        self.unsent = lost + self.unsent
        if self.broken or renew is None:
            # Processes take what was sent first, so these were being measured.
            first = self.unsent[: getattr(self.executor, "count", 1)]
            cells = " or ".join(dict.fromkeys(name_of(piece.cell) for piece in first))
            raise ExecutorError(
                f"a process has died{' twice' if self.broken else ''} while {cells} was being measured ({error}). Most "
                "often the system ends one that takes too much memory: use fewer processes "
                "(--theory-executor=process:N), or give them less (--theory-memory). What was measured is kept."
            ) from error
        self.broken = True

    def _keep(self, piece: _Piece, outcome: Outcome) -> None:
        self.arrived[piece] = outcome
        block, cell = outcome.found, piece.cell
        if isinstance(block, BaseException):
            return
        if self.resources.stored is not None:
            self.resources.stored.keep(cell, piece.first, block)
        place = piece.task.place
        there = [self.arrived[each].found if each in self.arrived else None for each in self.pieces[place]]
        blocks = [each for each in takewhile(lambda each: isinstance(each, Block), there) if isinstance(each, Block)]
        self.resources.cells.keep(cell.key, self.known[place] + blocks)
        complete = all(isinstance(each, Block) for each in there)
        listener.get().measured(int(complete), block.flops, cell.flops * block.seeds)


def _sent(design: Design) -> Sent:
    try:
        return Sent(pickled(design), design)
    except Exception as error:
        raise ExecutorError(
            f"{design.title or 'the sweep'} cannot be sent to other processes: {type(error).__name__}: {error}. "
            "Functions and values that it refers to must be such that pickle, or cloudpickle, takes them; an open "
            "file, a lock or a generator is none. Make it where it is used, or run without --theory-executor."
        ) from error


def _has_result(future: Future[bytes]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
