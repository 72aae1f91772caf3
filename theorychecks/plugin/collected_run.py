"""A collected run: claims are collected as in any run, and something else takes the place of running them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from theorychecks.plugin.items import Collected
from theorychecks.plugin.runner import Runner
from theorychecks.plugin.storing import StoreUse
from theorychecks.plugin.under_way import Lane


class CollectedRun:
    """Takes the place of what runs and judges claims, up to the point where they would run.

    Attributes:
        collected: claims by node id.
        uncollected: whether something could not be collected.
    """

    def __init__(self) -> None:
        self.collected: Collected = {}
        self.uncollected = False

    def pytest_configure(self, config: pytest.Config) -> None:
        """Claims are collected as a run does it."""
        self.config = config
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
    def pytest_sessionfinish(self) -> None:
        """See `Runner`."""
        self.collector.pytest_sessionfinish()
