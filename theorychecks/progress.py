"""Progress: what is being measured, told to a listener meanwhile; without one, telling costs next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple, Protocol


class Look(NamedTuple):
    """Which of the planned looks at a quantity is being taken, counted from one."""

    taken: int
    planned: int


class Listener(Protocol):
    """Is told what is being measured. Its methods are called between measurements, so they are fast and never raise."""

    def planned(self, cells: int, flops: float) -> None:
        """So many axis values lack measurements, which take about so many floating-point operations.

        Where nobody knows the operations beforehand, as for functions and models, they are 0.
        """
        ...

    def begun(self, title: str, axis: str, axis_value: float, look: Look | None) -> None:
        """An axis value of a quantity is being measured."""
        ...

    def measured(self, cells: int, flops: float, planned: float) -> None:
        """Some seeds have been measured, the last ones of a cell or of none.

        Args:
            cells: 1 where the cell is complete, 0 otherwise.
            flops: floating-point operations of these seeds.
            planned: what had been planned for them.
        """
        ...

    def doubted(self, what: str) -> None:
        """A prediction is refuted so far, in these words, and drawn again on fresh seeds; no longer so if empty."""
        ...


class _Nobody:
    def planned(self, cells: int, flops: float) -> None:
        pass

    def begun(self, title: str, axis: str, axis_value: float, look: Look | None) -> None:
        pass

    def measured(self, cells: int, flops: float, planned: float) -> None:
        pass

    def doubted(self, what: str) -> None:
        pass


listener: Final[ContextVar[Listener]] = ContextVar("theorychecks_listener", default=_Nobody())  # noqa: B039
"""Who is told."""
current_look: Final[ContextVar[Look | None]] = ContextVar("theorychecks_look", default=None)
"""The look that measurements are made for; none where they are made by hand."""


@contextmanager
def looking(taken: int, planned: int) -> Iterator[None]:
    """Let what is measured inside the block be told as part of a look."""
    token = current_look.set(Look(taken, planned))
    try:
        yield
    finally:
        current_look.reset(token)
