"""Screen: where the progress of a run is shown, beside what pytest writes and never within.

On a terminal the line stands below the one that pytest is writing, and the cursor stays where pytest left it; before
anything else is written the line is erased. (A live display of `rich` redirects all output to itself, and would have to
print pytest's for it.) Elsewhere, and where tests may write past pytest, as with `--capture=no`, whole lines are
written now and then.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import pytest

Clock = Callable[[], float]
"""Seconds from any start."""

SECONDS_BETWEEN_LINES: Final = 30.0
_SECONDS_BETWEEN_PAINTINGS: Final = 0.01
_PAINTINGS_AT_ONCE: Final = 100
"""Many short cells come before a long one, which must be shown as it begins: later there is no occasion."""
_SECONDS_OF_ROUTINE: Final = 1.0
"""Between two paintings of one cell."""
_SECONDS_OF_SILENCE: Final = 1.0
"""After so long, pytest is not in the middle of a line that it writes piece by piece."""

# Control functions of the VT100, which all terminals of today know.
_ERASE: Final = "\x1b[J"  # from the cursor to the end of the screen
_MAKE_ROOM: Final = "\x1bD\x1b[A"  # down, which scrolls at the bottom, and up again: now there is a line below
_SAVE, _RESTORE = "\x1b7", "\x1b8"  # the cursor
_LINE_BELOW: Final = "\r\x1b[B"


class Pace:
    """Admits so many at once, and from then on one in an interval.

    Args:
        interval: seconds.
        at_once: the most that are admitted after a pause.
        since: when the pause before the first one began; none is needed unless given.
    """

    def __init__(self, interval: float, *, at_once: int = 1, since: float = -math.inf) -> None:
        self._interval, self._ahead = interval, (at_once - 1) * interval
        # All that were admitted are paid for at this time.
        self._paid = since + interval
        self._last = -math.inf

    def admits(self, now: float, *, routine: bool = False) -> bool:
        """Whether one more is admitted at this time; what is routine waits a second after the last one."""
        if self._paid - now > self._ahead or (routine and now - self._last < _SECONDS_OF_ROUTINE):
            return False
        self._paid, self._last = max(self._paid, now) + self._interval, now
        return True


class Screen(ABC):
    """What pytest writes to, and a line of progress besides.

    Args:
        config: of a run that has a terminal reporter.
        pace: of lines.
        clock: tells when the next one is due.
    """

    def __init__(self, config: pytest.Config, pace: Pace, clock: Clock) -> None:
        self.writer, self.clock, self.lock = config.get_terminal_writer(), clock, threading.RLock()
        self._pace = pace
        self._capture = config.pluginmanager.get_plugin("capturemanager")
        self._encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        self._write_raw = self.writer.write_raw

    def open(self) -> None:
        """Begin to watch what pytest writes."""
        self.writer.write_raw = self._watched  # type: ignore[method-assign]

    def close(self) -> None:
        """Leave everything as it was."""
        with self.lock:
            self.make_way()
            self.writer.write_raw = self._write_raw  # type: ignore[method-assign]

    def show(self, line: Callable[[], str], *, routine: bool = False, between_lines: bool = False) -> None:
        """Show a line if one is due.

        Args:
            line: makes it.
            routine: whether it can wait.
            between_lines: whether pytest is known not to be in the middle of writing a line.
        """
        with self.lock:
            if (between_lines or self.is_idle()) and self._pace.admits(self.clock(), routine=routine):
                self._write(line())

    @abstractmethod
    def announce(self, line: str, *, between_lines: bool = False) -> bool:
        """Show a line at once where lines stay, and say whether that was possible; see `show`."""

    def _write(self, line: str) -> None:
        text = line.encode(self._encoding, "replace").decode(self._encoding)
        with self._uncaptured():
            self.write("".join(letter if letter.isprintable() else "?" for letter in text))

    @abstractmethod
    def make_way(self) -> None:
        """Leave the screen to what is written next, by pytest or a debugger."""

    @abstractmethod
    def is_idle(self) -> bool:
        """Whether pytest is surely not in the middle of writing a line, if that matters here."""

    @abstractmethod
    def write(self, text: str) -> None:
        """Write a line."""

    def _watched(self, msg: str, *, flush: bool = False) -> None:
        with self.lock:
            self.make_way()
            self._write_raw(msg, flush=flush)

    def _uncaptured(self) -> AbstractContextManager[None]:
        """Where there is one process, pytest catches what is written while a test runs."""
        return nullcontext() if self._capture is None else self._capture.global_and_fixture_disabled()


class LiveScreen(Screen):
    """A terminal, on which progress has a line of its own, below all others."""

    def __init__(self, config: pytest.Config, clock: Clock) -> None:
        super().__init__(config, Pace(_SECONDS_BETWEEN_PAINTINGS, at_once=_PAINTINGS_AT_ONCE), clock)
        self._shown = ""

    def announce(self, line: str, *, between_lines: bool = False) -> bool:
        """The line that changes says it in any case."""
        return True

    def is_idle(self) -> bool:
        """It does not matter: the cursor returns to where it was."""
        return True

    def write(self, text: str) -> None:
        """Paint the line anew if it has changed, as much of it as the terminal is wide."""
        from rich.cells import set_cell_size

        width, column = shutil.get_terminal_size().columns, self.writer.width_of_current_line
        text = set_cell_size(text, max(width - 1, 1)).rstrip()
        at_the_edge = column > 0 and column % width == 0
        # A cursor at the edge is about to wrap, and terminals forget that when it moves.
        if text != self._shown and not at_the_edge:
            # What pytest has in its buffer belongs above.
            self.writer.flush()
            self._write_raw(f"{_ERASE}{_MAKE_ROOM}{_SAVE}{_LINE_BELOW}{text}{_RESTORE}", flush=True)
            self._shown = text

    def make_way(self) -> None:
        """Erase the line."""
        if self._shown:
            self._shown = ""
            with self._uncaptured():
                self._write_raw(_ERASE, flush=True)


class PlainScreen(Screen):
    """A file, a pipe or a simple terminal, in which every line stays; there are few."""

    def __init__(self, config: pytest.Config, clock: Clock) -> None:
        super().__init__(config, Pace(SECONDS_BETWEEN_LINES, since=clock()), clock)
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._has_workers = config.pluginmanager.has_plugin("dsession")
        self._last_written = clock()
        self.test_under_way: tuple[str, tuple[str, int | None, str]] | None = None

    def announce(self, line: str, *, between_lines: bool = False) -> bool:
        """Write it, however long ago the last one was."""
        with self.lock:
            if free := between_lines or self.is_idle():
                self._write(line)
            return free

    def is_idle(self) -> bool:
        """Where there is one process, progress is made between pytest's lines only."""
        return not self._has_workers or self.clock() - self._last_written >= _SECONDS_OF_SILENCE

    def write(self, text: str) -> None:
        """Write the line below what there is, and let pytest begin a new one."""
        self._reporter.ensure_newline()
        if self.writer.width_of_current_line:
            self.writer.line()
        self.writer.line(text)
        if self.test_under_way is not None and not self._has_workers:
            # Its outcome would stand alone.
            self._reporter.pytest_runtest_logstart(*self.test_under_way)
        self.writer.flush()

    def make_way(self) -> None:
        """Take note of the time."""
        self._last_written = self.clock()


def screen_for(config: pytest.Config, clock: Clock = time.monotonic) -> Screen | None:
    """Where a run's progress is shown; None where nobody wants to see it, or pytest writes nothing."""
    reporter, option = config.pluginmanager.get_plugin("terminalreporter"), config.option
    if reporter is None or option.verbose < 0:
        return None
    catches_all = config.getoption("capture", "no") in ("fd", "sys")
    is_pytests_own = type(reporter) is pytest.TerminalReporter
    moves_its_cursor = bool(reporter.isatty) and config.get_terminal_writer().hasmarkup and os.name == "posix"
    return (LiveScreen if catches_all and is_pytests_own and moves_its_cursor else PlainScreen)(config, clock)
