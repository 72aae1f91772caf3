"""Status line: what is under way, in a line that changes on a terminal, and elsewhere in one every half a minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.status import Status

from theorychecks.cli.plan_tables import printable
from theorychecks.plugin.screen import SECONDS_BETWEEN_LINES, Pace


class StatusLine:
    """A line that is shown inside of a `with` block.

    Args:
        console: to write to.
        line: makes it.
    """

    def __init__(self, console: Console, line: Callable[[], str]) -> None:
        self._console, self._line = console, line
        self._pace = Pace(SECONDS_BETWEEN_LINES, since=time.monotonic())
        self._status: Status | None = console.status("theory: begins") if console.is_terminal else None

    def __enter__(self) -> StatusLine:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def announce(self, line: str) -> bool:
        """Print a line at once where lines stay, and say that this was possible."""
        if self._status is None:
            self._console.print(printable(line), soft_wrap=True)
        return True

    def show(self) -> None:
        """Show how far it is, if that is due."""
        if self._status is not None:
            self._status.update(printable(self._line()))
        elif self._pace.admits(time.monotonic()):
            self._console.print(printable(self._line()))
