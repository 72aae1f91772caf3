"""Listing: claims are collected as in any run, and nothing is run."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass

import pytest

from theorychecks.plugin.collected_run import CollectedRun
from theorychecks.plugin.items import Collected
from theorychecks.plugin.planned_run import OPTIONS, PLANNING, Ended


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


class _Listing(CollectedRun):
    """Runs nothing."""

    __name__ = PLANNING

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run nothing; of what could not be collected pytest tells."""
        self.uncollected = session.testsfailed > 0
        return None if self.uncollected else True
