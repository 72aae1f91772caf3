"""Gathers findings where all test reports arrive, and writes the run's report at the end."""

from __future__ import annotations

import gc
import json
import os
import shutil
import tempfile
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from theorychecks.garbage import none_looked_for
from theorychecks.kept import UNJUDGED, temporary_directory
from theorychecks.plugin.items import Collected
from theorychecks.plugin.keeping import Covered, Keeper, Written
from theorychecks.plugin.outcomes import Ending, ended, exit_code, what_happened, without_findings
from theorychecks.plugin.resources import device_used
from theorychecks.plugin.runner import REPORT_ATTRIBUTE
from theorychecks.plugin.seeds import SEED_KEY, run_seed
from theorychecks.plugin.storing import DATE_KEY, StoreUse, check_store
from theorychecks.plugin.threads import THREADS
from theorychecks.provenance import now_precisely

if TYPE_CHECKING:
    from theorychecks.claims import Claim
    from theorychecks.reporting.report import ClaimRecord, Report, Suite

_WORTH_A_PROCESS: Final = 500
"""Findings that take a second to be written."""
DIRECTORY_KEY: Final = "theorychecks_directory"
"""Where the controller names the directory in which workers leave what it is to find."""


@dataclass(eq=False)  # pytest keeps its plugins in sets
class Gatherer:
    """Gathers findings where all reports arrive, and writes the report at the end."""

    config: pytest.Config
    collected: Collected = field(default_factory=dict)
    deselected: set[str] = field(default_factory=set)
    records: dict[str, ClaimRecord] = field(default_factory=dict)
    crashed: dict[str, str] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    uncollected: set[str] = field(default_factory=set)
    stopped: str | None = None
    report: Report | None = None
    written: Written | None = None
    started: float = field(default_factory=time.perf_counter)
    directory: tempfile.TemporaryDirectory[str] | None = None
    store_use: StoreUse = field(default_factory=StoreUse)
    date: str = field(default_factory=now_precisely)

    def __post_init__(self) -> None:
        chosen = self.config.getoption("--theory-report")
        here = self.config.invocation_params.dir
        self.keeper = Keeper(self.config.rootpath, None if chosen is None else here / chosen, here)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where to leave its list of claims, the seed, and when the run began."""
        if self.directory is None:
            self.directory = temporary_directory(Path(tempfile.gettempdir()), "theorychecks-")
        node.workerinput[DIRECTORY_KEY] = self.directory.name
        node.workerinput[SEED_KEY] = run_seed(self.config)
        node.workerinput[DATE_KEY] = self.date

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker that is done says of the store."""
        self.store_use.read(getattr(node, "workeroutput", None) or {})

    def note_collected(self, collected: Collected, deselected: Iterable[str]) -> None:
        """Take note of the claims of the only process there is."""
        self.collected = collected
        self.deselected.update(deselected)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a report carries."""
        carried = getattr(report, REPORT_ATTRIBUTE, None)
        if report.failed:
            self.failed.add(report.nodeid)
        if carried is not None:
            self._note_record(report.nodeid, carried)
        elif report.failed:
            # Of a claim, only a worker that died says so without saying what it found.
            self.crashed[report.nodeid] = what_happened(report)

    def has_outcome(self, node: str) -> bool:
        """Whether a claim has been heard of, from the process that ran it or from what is left of that."""
        return node in self.records or node in self.crashed

    def _note_record(self, node: str, text: str) -> None:
        from theorychecks.reporting.codec import ReportError
        from theorychecks.reporting.report import claim_from_json

        try:
            with none_looked_for():
                self.records[node] = claim_from_json(text)
        except ReportError as error:
            # One claim that no report can hold must not cost the others theirs.
            self.crashed[node] = f"the report cannot hold this claim: {error}"

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what could not be collected."""
        if report.failed:
            self.uncollected.add(report.nodeid)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Keep why the run ends before its end."""
        self.stopped = str(excinfo.value) or "interrupted from the keyboard"

    def pytest_report_collectionfinish(self) -> list[str]:
        """Say in the header which seeds are drawn, what it takes to fail, and whether anything can be kept."""
        return self._header()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        """Say so once the first worker has left its list of claims."""
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if self.collected or reporter is None:
            return
        self._read_collected()
        writer = self.config.get_terminal_writer()
        if writer.width_of_current_line:  # of what pytest-xdist says of its workers
            writer.line()
        for line in self._header():
            writer.line(line)

    def _header(self) -> list[str]:
        if not self._judges():
            return []
        from theorychecks.statistics.judgement import CLEAR

        warnings = [*self.keeper.check(), *check_store(self.config)]
        claims = "1 claim" if len(self.collected) == 1 else f"{len(self.collected)} claims"
        fails = "fails" if len(self.collected) == 1 else "fail"
        # One line of a terminal's 80 columns; what chance does to this rule stands below the table.
        rule = f"{fails} at p < {CLEAR:g} and again on fresh seeds"
        return [f"theory: {claims}, seed {run_seed(self.config)}; {rule}", *warnings]

    def _judges(self) -> bool:
        option = self.config.option
        return bool(self.collected) and not (option.collectonly or option.setuponly)

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Write the report, and fail the run when a claim is missing from it."""
        from theorychecks.beside import beside

        findings = sum(len(record.findings) for record in self.records.values())
        # It begins while workers end.
        with beside("theorychecks.reporting.formats", wanted=findings >= _WORTH_A_PROCESS):
            yield
            self._end(session)

    def _end(self, session: pytest.Session) -> None:
        self._read_collected()
        if not self._judges() or not (self.records or self.crashed):
            # Nothing was run, so there is nothing to put in the place of the last report.
            return
        self.stopped = self.stopped or (str(session.shouldfail) if session.shouldfail else None)
        self.report = self._report()
        session.exitstatus = exit_code(
            int(session.exitstatus),
            self.report.suite,
            others_failed=bool(self.uncollected or self.failed - self.collected.keys()),
            undecided_fails=self.config.getoption("--theory-inconclusive") == "fail",
        )
        self.written = self._written(self.report)

    def _written(self, report: Report) -> Written:
        """Write the report, with a copy for GitHub; a run whose report cannot be written still tells its table."""
        from theorychecks.reporting.formats import rendered

        texts = rendered(report)
        unjudged = {claim.test for claim in report.claims if claim.outcome in UNJUDGED}
        covered = Covered(
            ran=self.collected.keys() - unjudged,
            passed_over=unjudged | self.deselected,
            whole_files=not self.deselected and not any("::" in name for name in self.config.args),
        )
        written = self.keeper.write(texts, covered)
        if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
            try:
                with open(summary, "a", encoding="utf-8") as file:
                    file.write(texts["report.md"])
            except OSError as error:
                unwritten = f"WARNING: no summary could be written to {summary}: {error.strerror}"
                return Written(written.directory, (*written.remarks, unwritten))
        return written

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print one line a claim, what is missing, and where the report is."""
        told = self.store_use.lines(self.config)
        if self.report is None:
            # A run may end before its first claim does, and have measured much of it.
            for line in told:
                terminalreporter.write_line(line)
            return
        from theorychecks.reporting.terminal import claim_table, closing_lines

        terminalreporter.section("theory")
        width = shutil.get_terminal_size().columns
        terminalreporter.write(claim_table(self.report, width=width, colour=terminalreporter.hasmarkup))
        for line in closing_lines(self.report):
            terminalreporter.write_line(line)
        if self.written is None:
            return
        if self.written.directory is not None:
            shown = os.path.relpath(self.written.directory / "index.html", self.config.invocation_params.dir)
            terminalreporter.write_line(f"report: {shown}")
        for line in (*self.written.remarks, *told):
            terminalreporter.write_line(line)

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """Remove what workers left."""
        if self.directory is not None:
            self.directory.cleanup()
            # No test has run in this process, and it is about to end: it need not be searched for garbage.
            gc.freeze()

    def _read_collected(self) -> None:
        if self.directory is None:
            return
        from theorychecks.claims import Claim
        from theorychecks.reporting.codec import decode

        for path in sorted(Path(self.directory.name).glob("*.json")):
            left = json.loads(path.read_text(encoding="utf-8"))
            claims = {node: decode(Claim, about) for node, about in left["collected"].items()}
            self.note_collected(self.collected | claims, left["deselected"])

    def _report(self) -> Report:
        from theorychecks import provenance
        from theorychecks.reporting.report import Report

        command = ["pytest", *map(str, self.config.invocation_params.args)]
        claims = tuple(self._claim(node, claim) for node, claim in self.collected.items())
        return Report(
            claims=claims,
            suite=self._suite(claims),
            provenance=provenance.gather(self.config.rootpath, command, THREADS, device_used(self.config)),
        )

    def _suite(self, claims: Sequence[ClaimRecord]) -> Suite:
        from theorychecks.reporting.counting import suite_of

        return suite_of(
            claims,
            collected=len(self.collected),
            reported=len(self.records),
            lost=tuple(node for node in self.collected if self._is_lost(node)),
            stopped=self.stopped,
            seed=run_seed(self.config),
            wall_seconds=time.perf_counter() - self.started,
            profile=self.config.getoption("--theory-profile"),
            trends_reported=self.config.getoption("--theory-trends") == "report",
        )

    def _is_lost(self, node: str) -> bool:
        return node in self.crashed or (node not in self.records and self.stopped is None)

    def _claim(self, node: str, claim: Claim) -> ClaimRecord:
        if node not in self.records and node not in self.crashed:
            return without_findings(claim, node, run_seed(self.config), Ending("not run", reason=self._why_not_run()))
        broke = Ending("error", error=self.crashed.get(node))
        record = self.records.get(node) or without_findings(claim, node, run_seed(self.config), broke)
        return ended(record, broke) if broke.error else record

    def _why_not_run(self) -> str:
        if self.stopped is None:
            return "the claim was collected, but no worker reported on it"
        return f"the run ended before this claim: {self.stopped}"


def leave_collected(worker: dict[str, Any], collected: Collected, deselected: Iterable[str]) -> None:
    """Leave a worker's list of claims where the controller finds it, whatever becomes of the worker."""
    from theorychecks.reporting.codec import encode

    directory = Path(worker[DIRECTORY_KEY])
    unfinished = directory / f"{worker['workerid']}.partial"
    left = {
        "collected": {node: encode(claim) for node, claim in collected.items()},
        "deselected": sorted(deselected),
    }
    unfinished.write_text(json.dumps(left), encoding="utf-8")
    unfinished.replace(directory / f"{worker['workerid']}.json")
