"""Gathers findings where all test reports arrive, and writes the run's report at the end."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from theorychecks.plugin.runner import REPORT_ATTRIBUTE, THREADS, Collected
from theorychecks.plugin.seeds import SEED_KEY, run_seed, seed_line

if TYPE_CHECKING:
    from theorychecks.reporting.report import BudgetDocument, ClaimDocument, Report, ReportDocument

_DIRECTORY_KEY: Final = "theorychecks_directory"


@dataclass(eq=False)  # pytest keeps its plugins in sets
class Gatherer:
    """Gathers findings where all reports arrive, and writes the report at the end."""

    config: pytest.Config
    collected: Collected = field(default_factory=dict)
    documents: dict[str, ClaimDocument] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    report: Report | None = None
    written: Path | None = None
    started: float = field(default_factory=time.perf_counter)
    directory: tempfile.TemporaryDirectory[str] | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where to leave its list of claims, and the seed."""
        if self.directory is None:
            self.directory = tempfile.TemporaryDirectory(prefix="theorychecks-")
        node.workerinput[_DIRECTORY_KEY] = self.directory.name
        node.workerinput[SEED_KEY] = run_seed(self.config)

    def note_collected(self, collected: Collected) -> None:
        """Take note of the claims of the only process there is."""
        self.collected = collected

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a report carries."""
        carried = getattr(report, REPORT_ATTRIBUTE, None)
        if carried is not None:
            self.documents[report.nodeid] = json.loads(carried)
        elif report.failed or report.skipped:
            self.errors[report.nodeid] = _what_happened(report)
            if report.failed and report.nodeid in self.documents:
                # It broke after it was judged, in a fixture's teardown.
                document = self.documents[report.nodeid]
                document["outcome"], document["error"] = "fail", self.errors[report.nodeid]

    def pytest_report_collectionfinish(self) -> list[str]:
        """Say in the header which seeds are drawn, and what it takes to fail."""
        return self._header()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        """Say so once the first worker has left its list of claims."""
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if self.collected or reporter is None:
            return
        self._read_collected()
        for line in self._header():
            reporter.write_line(line)

    def _header(self) -> list[str]:
        if not self.collected or self.config.option.collectonly:
            return []
        from theorychecks.statistics.budget import NIGHTS
        from theorychecks.statistics.verdict import CLEAR

        claims = f"{len(self.collected)} claim{'s' if len(self.collected) > 1 else ''}"
        return [
            f"theory: {claims}, {seed_line(self.config)}; a claim fails at p < {CLEAR:g} and again on fresh seeds, "
            f"which chance does at most {NIGHTS * CLEAR**2 * 100:.2g} times a year in 100 findings drawn every night"
        ]

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Write the report, and fail the run when a claim is missing from it."""
        yield
        self._read_collected()
        option = self.config.option
        if not self.collected or option.collectonly or option.setuponly:
            return
        if session.exitstatus == pytest.ExitCode.INTERRUPTED and not self.documents:
            # Nothing was run, so there is nothing to put in the place of the last report.
            return
        from theorychecks.reporting import Report, render_html, render_markdown

        self.report = Report(self._document(session))
        self.written = self._report_directory()
        self.written.mkdir(parents=True, exist_ok=True)
        markdown = render_markdown(self.report)
        texts = {"report.json": self.report.to_json(), "report.md": markdown, "index.html": render_html(self.report)}
        for name, text in texts.items():
            unfinished = self.written / f".{name}.partial"
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(self.written / name)
        if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
            with open(summary, "a", encoding="utf-8") as file:
                file.write(markdown)
        nothing_decided = self.report.suite["inconclusive"] and not self.report.suite["passed"]
        if (self._incomplete() or nothing_decided) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print one line a claim, what is missing, and where the report is."""
        if self.report is None or self.written is None:
            return
        from theorychecks.reporting.terminal import claim_table, closing_lines

        terminalreporter.section("theory")
        width = shutil.get_terminal_size().columns
        terminalreporter.write(claim_table(self.report, width=width, colour=terminalreporter.hasmarkup))
        for line in closing_lines(self.report):
            terminalreporter.write_line(line)
        shown = os.path.relpath(self.written / "index.html", self.config.invocation_params.dir)
        terminalreporter.write_line(f"report: {shown}")

    def pytest_unconfigure(self) -> None:
        """Remove what workers left."""
        if self.directory is not None:
            self.directory.cleanup()

    def _read_collected(self) -> None:
        if self.directory is None:
            return
        for path in sorted(Path(self.directory.name).glob("*.json")):
            self.collected.update(json.loads(path.read_text(encoding="utf-8")))

    def _report_directory(self) -> Path:
        chosen = self.config.getoption("--theory-report")
        if chosen is None:
            return self.config.rootpath / "reports" / "latest"
        return cast(Path, self.config.invocation_params.dir / chosen)

    def _incomplete(self) -> bool:
        assert self.report is not None
        suite = self.report.suite
        return not suite["collected"] == suite["judged"] == suite["reported"]

    def _document(self, session: pytest.Session) -> ReportDocument:
        from theorychecks import provenance
        from theorychecks.statistics.budget import error_budget

        claims = [self._claim_document(node, claim) for node, claim in self.collected.items()]
        findings = sum(len(claim["findings"]) for claim in claims)
        outcomes = [claim["outcome"] for claim in claims]
        reported = self.config.getoption("--theory-trends") == "report"
        trends = sum(reported and c["trend"] and c["outcome"] == "fail" and not c["error"] for c in claims)
        budget = error_budget([finding for claim in claims for finding in claim["findings"]])
        return {
            "schema": 1,
            "claims": claims,
            "suite": {
                "claims": len(claims),
                "collected": len(self.collected),
                "judged": sum(_is_judged(claim) for claim in claims),
                "reported": len(self.documents),
                "passed": outcomes.count("pass"),
                "failed": outcomes.count("fail") - trends,
                "inconclusive": outcomes.count("inconclusive"),
                "trends_failed": trends,
                "lost": [node for node in self.collected if node not in self.documents],
                "findings": findings,
                "seed": run_seed(self.config),
                "error_budget": cast("BudgetDocument", budget),
                "wall_seconds": time.perf_counter() - self.started,
                "profile": self.config.getoption("--theory-profile"),
            },
            "provenance": provenance.gather(
                self.config.rootpath, ["pytest", *map(str, self.config.invocation_params.args)], THREADS
            ),
        }

    def _claim_document(self, node: str, about: dict[str, Any]) -> ClaimDocument:
        if node in self.documents:
            return self.documents[node]
        lost = {
            "test": node,
            "outcome": "fail",
            "seed": run_seed(self.config),
            "error": self.errors.get(node, "lost: the claim was collected, but no worker reported on it"),
            "seconds": 0.0,
            "findings": [],
            "notes": [],
        }
        return cast("ClaimDocument", about | lost)


def leave_collected(worker: dict[str, Any], collected: Collected) -> None:
    """Leave a worker's list of claims where the controller finds it, whatever becomes of the worker."""
    directory = Path(worker[_DIRECTORY_KEY])
    unfinished = directory / f"{worker['workerid']}.partial"
    unfinished.write_text(json.dumps(collected), encoding="utf-8")
    unfinished.replace(directory / f"{worker['workerid']}.json")


def _what_happened(report: pytest.TestReport) -> str:
    """Why a claim was not run, the message before the traceback."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    crash = getattr(report.longrepr, "reprcrash", None)
    text = report.longreprtext or "the test failed before it was called"
    return f"{crash.message}\n\n{text}" if crash else text


def _is_judged(claim: ClaimDocument) -> bool:
    roles = {finding["role"] for finding in claim["findings"]}
    return bool(roles) if claim["gate"] else {"prediction", "control"} <= roles
