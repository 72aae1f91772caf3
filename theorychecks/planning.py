"""Planning: what would be measured is noted in the place of measuring it, and who needs the numbers ends there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NoReturn, Protocol


class NotMeasured(BaseException):
    """Numbers are needed to go on, and a plan has none; nothing is wrong, and `except Exception` is not for it."""


class Planner(Protocol):
    """Is told what would be measured.

    Attributes:
        looks: so many of each budget are planned.
    """

    looks: int

    def needs(self, designs: Sequence[Any], most: Any, resources: Any) -> None:
        """Designs would be measured one after the other.

        Args:
            designs: with their seeds, look by look.
            most: all that may follow, were every look taken.
            resources: that trainings may use.
        """
        ...

    def leaves_open(self, why: str) -> None:
        """What follows cannot be told beforehand."""
        ...


planner: Final[ContextVar[Planner | None]] = ContextVar("theorychecks_planner", default=None)
"""Who is told; nobody where things are measured."""


@contextmanager
def planning(told: Planner) -> Iterator[None]:
    """Plan inside the block, and measure nothing."""
    token = planner.set(told)
    try:
        yield
    finally:
        planner.reset(token)


def end_of_plan(why: str) -> NoReturn:
    """End a claim's test where it needs numbers.

    Raises:
        NotMeasured: always.
    """
    told = planner.get()
    if told is not None:
        told.leaves_open(why)
    raise NotMeasured(why)
