"""Watching: the process that the terminal belongs to follows how far a run is, and shows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import pytest

from theorychecks.plugin.events import Inbox, Sender
from theorychecks.plugin.gatherer import DIRECTORY_KEY, Gatherer
from theorychecks.plugin.keeping import seconds_in
from theorychecks.plugin.screen import Clock, PlainScreen, Screen, screen_for
from theorychecks.plugin.under_way import ClaimListener, Lane, progress_line, seconds_left

_WATCHED: Final = "theorychecks_watched"
"""Whether a worker is to tell what it is at."""
_INTERVAL: Final = 0.25
"""Seconds between two readings of what workers have told."""


def worker_listener(worker: dict[str, Any]) -> ClaimListener:
    """Whom a worker tells what it is at."""
    return Sender(Path(worker[DIRECTORY_KEY]), worker["workerid"]) if worker[_WATCHED] else Lane()


class Watcher:
    """Follows how far a run is.

    Attributes:
        here: what this process is at, where it runs claims itself.
    """

    def __init__(self, config: pytest.Config, gatherer: Gatherer, clock: Clock = time.monotonic) -> None:
        self.config, self.gatherer, self.clock = config, gatherer, clock
        self.here = Lane(changed=lambda new: self.refresh(routine=not new))
        self._lanes = {"": self.here}
        self._inbox = Inbox(self._lane)
        self._decided: set[str] = set()
        self._started: float | None = None
        self._watching = False

    @cached_property
    def _screen(self) -> Screen | None:
        """Plugins are configured before there is a terminal reporter."""
        return screen_for(self.config, self.clock)

    @cached_property
    def _earlier(self) -> dict[str, float]:
        return seconds_in(self.gatherer.keeper.place)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Let a worker tell what it is at, if anybody wants to know."""
        node.workerinput[_WATCHED] = self._screen is not None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Show the progress while tests run."""
        if self._screen is None:
            return (yield)
        over = threading.Event()
        # Where this process runs claims it refreshes the screen as they go on. A thread beside them would be in the way
        # of tests that fork.
        follows = self.config.pluginmanager.has_plugin("dsession")
        thread = threading.Thread(target=self._follow, args=(over,), name="theorychecks-progress", daemon=True)
        self._screen.open()
        self._watching = True
        if follows:
            thread.start()
        try:
            return (yield)
        finally:
            self._watching = False
            over.set()
            if follows:
                thread.join()
            self._screen.close()

    def _follow(self, over: threading.Event) -> None:
        while not over.wait(_INTERVAL):
            self._read()
            self.refresh()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        """Note which test pytest has named last."""
        if isinstance(self._screen, PlainScreen):
            self._screen.test_under_way = nodeid, location

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a claim once it has an outcome."""
        if self._screen is None:
            return
        if report.nodeid in self.gatherer.collected and self.gatherer.has_outcome(report.nodeid):
            with self._screen.lock:
                self._decided.add(report.nodeid)
        self.refresh(between_lines=True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Forget what a worker was at, which is no more."""
        if self._screen is not None:
            self._read()
            with self._screen.lock:
                self._lane(node.gateway.id).claim_ended()

    def pytest_enter_pdb(self) -> None:
        """Leave the terminal to the debugger."""
        self._watching = False
        if self._screen is not None:
            self._screen.make_way()

    def pytest_leave_pdb(self) -> None:
        """Go on."""
        self._watching = self._screen is not None

    def refresh(self, *, routine: bool = False, between_lines: bool = False) -> None:
        """Show how far the run is, if that is due; see `Screen.show`."""
        if self._screen is None or not self._watching or not self.gatherer.collected:
            return
        with suppress(OSError, ValueError), self._screen.lock:  # a terminal that is gone, or closed
            if self._started is None and any(lane.claim for lane in self._lanes.values()):
                self._started = self.clock()
            for lane in self._lanes.values():
                lane.announce(partial(self._screen.announce, between_lines=between_lines))
            if self._started is not None and len(self._decided) < len(self.gatherer.collected):
                self._screen.show(self._line, routine=routine, between_lines=between_lines)

    def _line(self) -> str:
        collected, started = self.gatherer.collected, self._started
        assert started is not None
        left = seconds_left(self.clock() - started, self._decided, collected, self._earlier)
        return progress_line(len(self._decided), len(collected), left, self._lanes.values())

    def _read(self) -> None:
        directory = self.gatherer.directory
        if self._screen is not None and directory is not None:
            with self._screen.lock:
                self._inbox.read(Path(directory.name))

    def _lane(self, worker: str) -> Lane:
        return self._lanes.setdefault(worker, Lane())
