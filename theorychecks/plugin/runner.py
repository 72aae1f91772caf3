"""Runs claims, on a worker or in the only process there is, and turns their findings into outcomes."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final
from unittest import SkipTest

import pytest

from theorychecks import garbage
from theorychecks.plugin.evidence import leave_out_others, resources_of, written
from theorychecks.plugin.executors import end_executor
from theorychecks.plugin.items import (
    Collected,
    claim_of,
    claims_below_given,
    id_of_parameters,
    parameters_of,
    test_of,
)
from theorychecks.plugin.junit import note_properties
from theorychecks.plugin.outcomes import (
    Ending,
    ended_outside,
    interrupted_by,
    interrupts_run,
    judged,
    of_subtest,
    settled,
    what_happened,
    with_subtests,
    without_findings,
)
from theorychecks.plugin.profiles import OCTAVES, apply_profile, no_setting
from theorychecks.plugin.resources import resources
from theorychecks.plugin.seeds import run_seed
from theorychecks.plugin.storing import StoreUse
from theorychecks.plugin.threads import capped_threads
from theorychecks.plugin.tracebacks import hide_frames_of_call, hide_frames_of_collection
from theorychecks.plugin.under_way import ClaimListener, telling
from theorychecks.plugin.unittests import caught_by_unittest, forget_caught, is_unexpected_success

if TYPE_CHECKING:
    from theorychecks.claims import Claim, Recorder
    from theorychecks.experiment import Resources
    from theorychecks.reporting.report import ClaimRecord

REPORT_ATTRIBUTE: Final = "theorychecks_claim"
"""Where a test report carries a claim's findings, as JSON text."""
_record_key = pytest.StashKey["ClaimRecord"]()
_subtests_key = pytest.StashKey[list[Ending]]()
"""How the failed subtests of a claim ended; it is there while the claim runs, when reports are those of subtests."""

_BETWEEN_SEARCHES: Final = 1.0
"""Seconds after which what was made since the last claim began is searched for garbage."""
_BETWEEN_SEARCHES_OF_ALL: Final = 30.0
"""Seconds after which all is searched, in a fifth of a second, for what has become garbage since it was put aside."""


class Runner:
    """Runs claims, on a worker or in the only process there is."""

    def __init__(
        self,
        config: pytest.Config,
        note_collected: Callable[[Collected, Iterable[str]], None],
        listener: ClaimListener,
        store_use: StoreUse,
    ) -> None:
        self.config = config
        self.listener = listener
        self.store_use = store_use
        self.note_collected = note_collected
        self.deselected: set[str] = set()
        self._searched = self._searched_all = time.perf_counter()
        self.profile: str = config.getoption("--theory-profile")
        self.seeded = config.getoption("--hypothesis-seed", default=None) is not None

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Look for no garbage while torch and test modules are imported: what they make stays."""
        with garbage.none_looked_for():
            return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Refuse two claims with one id, and give Hypothesis the profile's settings."""
        owners: dict[str, tuple[object, str]] = {}
        for item in items:
            claim = claim_of(item)
            if claim is None:
                if claims_below_given(item):
                    self._refuse(
                        item, f"{item.nodeid} has @claim below @given, which hides it. Put @claim above @given."
                    )
                continue
            test = test_of(item)
            owner, node = owners.setdefault(claim.id, (test, item.nodeid))
            if owner is not test:
                self._refuse(
                    item, f"two claims have the id {claim.id!r}: {node} and {item.nodeid}. Give one of them another id."
                )
            if wrong := apply_profile(test, self.profile, seeded=self.seeded):
                self._refuse(item, f"{item.nodeid}: {wrong}")
        leave_out_others(self.config, items)

    def _refuse(self, item: pytest.Item, text: str) -> None:
        """Report an error of collection; one that is raised on a worker never reaches the reader."""
        self.config.hook.pytest_collectreport(report=pytest.CollectReport(item.nodeid, "failed", text, None))

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Show nothing of the harness where a file cannot be collected."""
        report = yield
        if not self.config.getoption("fulltrace"):
            hide_frames_of_collection(collector, report)
        return report

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Note which claims are there and are not asked for."""
        self.deselected.update(item.nodeid for item in items if claim_of(item) is not None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which claims there are to be judged, before the header speaks of them."""
        collected = {item.nodeid: claim for item in session.items if (claim := claim_of(item)) is not None}
        if collected:
            # What torch and test modules have made by now stays; looking through it again and again for garbage takes
            # a quarter of a run whose numbers are stored.
            gc.freeze()
        self.note_collected(collected, self.deselected)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run a claim with a recorder, and judge it when it is done."""
        claim = claim_of(item)
        if claim is None:
            return (yield)
        from theorychecks.claims import recording, shown

        self._search_for_garbage()
        recorder = recorder_of(item, claim, self._resources)
        parameters = {name: shown(value) for name, value in parameters_of(item).items()}
        item.stash[_subtests_key] = []
        result: object = None
        raised: BaseException | None = None
        started = time.perf_counter()
        try:
            with recording(recorder, parameters), capped_threads(), telling(self.listener, claim.id):
                result = yield
        except BaseException as exception:
            raised = exception
        seconds = time.perf_counter() - started
        caught = raised or caught_by_unittest(item)
        record = _record(item.nodeid, claim, recorder, self._ending(item, recorder, caught), seconds)
        item.stash[_record_key] = record
        self.store_use.add(**written(self.config, recorder.conditions.resources, record, id_of_parameters(item)))
        self._conclude_test(item, record, caught)
        if raised is not None:
            raise raised
        return result

    def _search_for_garbage(self) -> None:
        """Free what earlier claims have left behind, and look no more through what they have measured, which stays."""
        now = time.perf_counter()
        if all_of_it := now - self._searched_all > _BETWEEN_SEARCHES_OF_ALL:
            gc.unfreeze()
            self._searched_all = now
        if all_of_it or now - self._searched > _BETWEEN_SEARCHES:
            garbage.collect()
            self._searched = now
        # Garbage of the last second is put aside as well, until all is searched again.
        gc.freeze()

    @cached_property
    def _resources(self) -> Resources:
        """Of this process: all its claims share what one of them has measured."""
        return resources(self.config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """End the executor, and say what came of the store; a worker's controller reads it once the worker is done."""
        end_executor(self.config)
        if "_resources" in vars(self) and self._resources.stored is not None:
            self.store_use.note(self._resources.stored)
        output = getattr(self.config, "workeroutput", None)
        if output is not None:
            self.store_use.leave(output)
        # Other plugins look for what refers to something, as Hypothesis does, which passes over what is frozen.
        gc.unfreeze()

    def _ending(self, item: pytest.Item, recorder: Recorder, caught: BaseException | None) -> Ending:
        """How a test ended, by what it raised and what its subtests did."""
        if caught is None or is_unexpected_success(item, caught):
            ending = judged(recorder)
        else:
            ending = interrupted_by(caught, recorder)
        if isinstance(caught, SkipTest) and ending.outcome == "skipped":
            # Hypothesis says so where it has nothing to run, in words that do not name the way out.
            ending = ending._replace(reason=no_setting(test_of(item), self.profile) or ending.reason)
        subtests = item.stash[_subtests_key]
        del item.stash[_subtests_key]
        return with_subtests(ending, subtests)

    def _conclude_test(self, item: pytest.Item, record: ClaimRecord, caught: BaseException | None) -> None:
        """Turn a claim's outcome into pytest's, where what was raised does not say it already."""
        failed = record.outcome == "fail"
        if caught is None or isinstance(caught, SkipTest):
            self._conclude(record)
        elif failed and isinstance(caught, pytest.skip.Exception):
            forget_caught(item)
            self._conclude(record)
        elif failed and interrupts_run(caught):
            self._report_now(item, record)
        elif record.outcome != "pass" and is_unexpected_success(item, caught):
            forget_caught(item)
            try:
                self._conclude(record)
            except pytest.fail.Exception as expected:
                if not self.config.getoption("runxfail"):
                    raise pytest.xfail.Exception("") from expected
                raise

    def _conclude(self, record: ClaimRecord) -> None:
        """Turn a claim's outcome into pytest's."""
        from theorychecks.reporting.account import account

        if record.outcome == "pass":
            return
        if record.outcome == "skipped":
            pytest.skip(record.reason or "")
        text = account(record)
        if record.outcome == "inconclusive" and self.config.getoption("--theory-inconclusive") == "skip":
            pytest.skip(text)
        reported = record.trend and self.config.getoption("--theory-trends") == "report"
        if reported and record.outcome == "fail" and not record.error:
            pytest.skip(f"a trend, which fails the run with --theory-trends=gate only\n{text}")
        pytest.fail(text, pytrace=False)

    def _report_now(self, item: pytest.Item, record: ClaimRecord) -> None:
        """Report a claim that was refuted before the run was interrupted; pytest will not."""
        call = pytest.CallInfo.from_call(lambda: self._conclude(record), "call")
        report = item.ihook.pytest_runtest_makereport(item=item, call=call)
        item.ihook.pytest_runtest_logreport(report=report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send a claim's findings along with its report, as text, once pytest has said how the test ended."""
        if not self.config.getoption("fulltrace"):
            hide_frames_of_call(item, call)
        report = yield
        claim = claim_of(item)
        if claim is None:
            return report
        if report.skipped and isinstance(report.longrepr, tuple) and report.longrepr[0] == __file__:
            # An undecided claim is skipped here, and the summary is to name its test.
            path, line, _ = item.location
            report.longrepr = path, (line or 0) + 1, report.longrepr[2]
        if (subtests := item.stash.get(_subtests_key, None)) is not None:
            if report.failed and call.excinfo is not None:
                subtests.append(of_subtest(call.excinfo.value))
                # The claim's own report takes its place, unless the worker dies before.
                broken = without_findings(claim, item.nodeid, run_seed(self.config), subtests[-1])
                setattr(report, REPORT_ATTRIBUTE, _as_text(broken))
            return report
        known, ending = item.stash.get(_record_key, None), ended_outside(report)
        if known is not None and (call.when == "call" or ending is not None):
            item.stash[_record_key] = settled(known, report)
        elif ending is not None or (call.when == "call" and not report.passed):
            ending = ending or Ending("error", error=what_happened(report))
            item.stash[_record_key] = without_findings(claim, item.nodeid, run_seed(self.config), ending)
        else:
            return report
        setattr(report, REPORT_ATTRIBUTE, _as_text(item.stash[_record_key]))
        note_properties(item, report, item.stash[_record_key])
        return report


def recorder_of(item: pytest.Item, claim: Claim, shared: Resources) -> Recorder:
    """What records a claim's findings, under the conditions that the run imposes; it may use what its process may."""
    from theorychecks.claims import Recorder
    from theorychecks.judging import Conditions

    config = item.config
    conditions = Conditions(
        octaves=OCTAVES[config.getoption("--theory-profile")],
        resources=resources_of(config, shared, claim, id_of_parameters(item)),
        seed=run_seed(config),
        confirms=True,
        seconds=config.getoption("--theory-budget"),
    )
    return Recorder(conditions=conditions, gate=claim.gate)


def _record(node: str, claim: Claim, recorder: Recorder, ending: Ending, seconds: float) -> ClaimRecord:
    from theorychecks.reporting.report import ClaimRecord

    return ClaimRecord(
        **vars(claim),
        test=node,
        **ending._asdict(),
        seed=recorder.conditions.seed,
        seconds=seconds,
        findings=tuple(recorder.findings),
        notes=tuple(recorder.notes),
    )


def _as_text(record: ClaimRecord) -> str:
    """What travels with a test's report; findings that JSON cannot hold are an error of the claim."""
    from theorychecks.reporting.codec import ReportError
    from theorychecks.reporting.report import claim_to_json

    try:
        return claim_to_json(record)
    except ReportError as error:
        text = f"the report cannot hold the findings of this claim: {error}"
        return claim_to_json(replace(record, outcome="error", error=text, findings=(), notes=()))
