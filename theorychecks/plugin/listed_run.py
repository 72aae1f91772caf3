"""Listing: claims are collected as in any run, and nothing is run."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass

import pytest

from theorychecks.plugin.items import Collected
from theorychecks.plugin.planned_run import OPTIONS, PLANNING, Ended
from theorychecks.plugin.runner import Runner
from theorychecks.plugin.storing import StoreUse
from theorychecks.plugin.under_way import Lane


@dataclass(frozen=True)
class Listed:
    """Claims that a pytest has collected, by node id, and how it ended."""

    claims: Collected
    ended: Ended


def listed(arguments: Sequence[str]) -> Listed:
    """Collect the claims of a pytest with these arguments.

    What pytest says of a wrong argument goes to standard error.
    """
    plugin, printed = _Listing(), io.StringIO()
    with redirect_stdout(printed):
        code = pytest.main([*arguments, *OPTIONS], plugins=[plugin])
    return Listed(plugin.collected, Ended(int(code), plugin.uncollected, printed.getvalue()))


class _Listing:
    """Takes the place of what runs and judges claims."""

    __name__ = PLANNING

    def __init__(self) -> None:
        self.collected: Collected = {}
        self.uncollected = False

    def pytest_configure(self, config: pytest.Config) -> None:
        """Claims are collected as a run does it."""
        self.collector = Runner(config, self._note_collected, Lane(), StoreUse())

    def _note_collected(self, collected: Collected, deselected: Iterable[str]) -> None:
        self.collected = collected

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """See `Runner`."""
        self.collector.pytest_collection_modifyitems(items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """See `Runner`."""
        self.collector.pytest_collection_finish(session)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run nothing; of what could not be collected pytest tells."""
        self.uncollected = session.testsfailed > 0
        return None if self.uncollected else True
