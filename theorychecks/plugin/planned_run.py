"""Planning: claims are collected as in any run, and their tests say what they would measure."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from unittest import SkipTest

import pytest

from theorychecks.planning import NotMeasured, planning
from theorychecks.plugin.collected_run import CollectedRun
from theorychecks.plugin.profiles import no_setting
from theorychecks.plugin.resources import resources
from theorychecks.plugin.runner import recorder_of
from theorychecks.plugin.storing import path_of_store
from theorychecks.plugin.unittests import caught_by_unittest

if TYPE_CHECKING:
    from pathlib import Path

    from theorychecks.experiment import Resources
    from theorychecks.experiment.plans import ClaimPlan

PLANNING: Final = "theorychecks-planning"
"""The name of the plugin that plans; where it is, no claim is judged."""

OPTIONS: Final = ("-n0", "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")
"""Claims are planned in this process, which has imported this package before pytest could; warnings may be errors."""


@dataclass(frozen=True)
class Planned:
    """What claims need, while the pytest that has collected them goes on.

    Attributes:
        claims: in the order in which a run takes them.
        resources: of this process.
        store: where measured cells are kept; None where they are not.
    """

    claims: Sequence[ClaimPlan]
    resources: Resources
    store: Path | None


@dataclass(frozen=True)
class Ended:
    """How pytest has ended.

    Attributes:
        code: its exit code.
        uncollected: whether something could not be collected, so that nothing was planned.
        text: what it has printed.
    """

    code: int
    uncollected: bool
    text: str


def with_plan(
    arguments: Sequence[str], work: Callable[[Planned], None], *, looks: int = 1, writes: bool = False
) -> Ended:
    """Plan what a pytest with these arguments would measure, and do something with the plan while it goes on.

    What claims import and refer to is there as in a run; nothing is trained or judged, and tests that are no claims are
    not run. What pytest says of a wrong argument goes to standard error.

    Args:
        arguments: of pytest.
        work: is done once all claims are planned, unless something could not be collected or there is no claim.
        looks: so many of each budget are planned.
        writes: whether a store is made where there is none.
    """
    plugin, printed = _Planning(work, looks, writes), io.StringIO()
    with redirect_stdout(printed):
        code = pytest.main([*arguments, *OPTIONS], plugins=[plugin])
    if plugin.broke is not None:
        raise plugin.broke
    return Ended(int(code), plugin.uncollected, printed.getvalue())


class _Planning(CollectedRun):
    """Plans all claims, and does what was asked for."""

    __name__ = PLANNING

    def __init__(self, work: Callable[[Planned], None], looks: int, writes: bool) -> None:
        super().__init__()
        self.work, self.looks, self.writes = work, looks, writes
        self.broke: Exception | SystemExit | None = None
        self.stdout = sys.stdout

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Plan all claims, and do what was asked for."""
        self.uncollected = session.testsfailed > 0
        if self.uncollected:
            # Pytest says what is wrong.
            return None
        items = [item for item in session.items if item.nodeid in self.collected]
        if items:
            try:
                self._plan_all(items)
            except (Exception, SystemExit) as error:
                self.broke = error
            finally:
                _tear_down(items[-1], None)
        return True

    def _plan_all(self, items: Sequence[pytest.Item]) -> None:
        """Plan claims, and do what was asked for before fixtures of the session and of the last file end."""
        store = self._settled_store()
        shared = resources(self.config)
        claims = []
        for item, before in zip(items, [None, *items], strict=False):
            if before is not None:
                _tear_down(before, item)
            claims.append(self._plan(item, shared))
        with redirect_stdout(self.stdout):
            self.work(Planned(claims, shared, store))

    def _settled_store(self) -> Path | None:
        """Where the store is; a plan makes none."""
        from theorychecks.store.marker import is_store

        path = path_of_store(self.config)
        if path is not None and not self.writes and not is_store(path):
            self.config.option.theory_store = "none"
        return path

    def _plan(self, item: pytest.Item, shared: Resources) -> ClaimPlan:
        """Run a claim's test, with what is to be used around it, and note what it asks for."""
        from theorychecks.claims import recording
        from theorychecks.experiment.plans import ClaimPlan

        claim = self.collected[item.nodeid]
        found = ClaimPlan(claim.id, item.nodeid, self.looks)
        raised: BaseException | None = None
        try:
            item.ihook.pytest_runtest_setup(item=item)
            with recording(recorder_of(item, claim, shared)), planning(found):
                item.ihook.pytest_runtest_call(item=item)
        except (KeyboardInterrupt, pytest.exit.Exception):
            raise
        except BaseException as error:
            raised = error
        raised = raised or caught_by_unittest(item)
        if isinstance(raised, SkipTest | pytest.skip.Exception | pytest.xfail.Exception):
            profile = self.config.getoption("--theory-profile")
            found.skipped = no_setting(getattr(item, "obj", None), profile) or str(raised) or "it skips itself"
        elif raised is not None and not isinstance(raised, NotMeasured):
            first, *_ = str(raised).splitlines() or [""]
            found.trouble = f"{type(raised).__name__}: {first}"
        return found


def _tear_down(item: pytest.Item, following: pytest.Item | None) -> None:
    """End the fixtures that the following one does not have; nothing is judged, so what they raise says nothing."""
    with suppress(Exception, pytest.fail.Exception, pytest.skip.Exception):
        item.ihook.pytest_runtest_teardown(item=item, nextitem=following)
