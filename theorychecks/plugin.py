"""The pytest plugin: runs claims, gathers findings from all workers, reports them.

The only module that knows pytest. Findings travel from worker to controller as JSON text on test reports, and the list
of collected claims as a file, so that a worker that dies takes neither with it.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from unittest import SkipTest

import numpy as np
import pytest

from theorychecks import provenance
from theorychecks.claims import Claim, Recorder, claim_of, recording, shown

if TYPE_CHECKING:
    from theorychecks.reporting.report import ClaimDocument, Report, ReportDocument

PROFILES: Final = ("quick", "default", "full")
_EXAMPLES: Final = {"quick": 0, "default": 2, "full": 20}
"""Settings drawn by Hypothesis for each claim, besides the explicit ones."""
_OCTAVES: Final = {"quick": 0, "default": 0, "full": 1}
_DIRECTORY_KEY: Final = "theorychecks_directory"
_REPORT_ATTRIBUTE: Final = "theorychecks_claim"
_document_key = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("theorychecks", "claims about wide networks (theorychecks)")
    group.addoption(
        "--theory-profile",
        choices=PROFILES,
        default="default",
        help="quick: each claim on its canonical setting only; default: two further settings each; "
        "full: twenty, and one more octave of width",
    )
    group.addoption(
        "--theory-inconclusive",
        choices=("fail", "skip"),
        default="fail",
        help="whether an INCONCLUSIVE claim fails the run (default) or is skipped",
    )
    group.addoption(
        "--theory-report",
        metavar="DIRECTORY",
        default=None,
        help="where report.json, report.md and index.html go (default: reports/latest under the root directory)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the gatherer on the controller and the runner everywhere."""
    worker = getattr(config, "workerinput", None)
    config.pluginmanager.register(_Runner(config, worker), "theorychecks-runner")
    if worker is None:
        config.pluginmanager.register(_Gatherer(config), "theorychecks-gatherer")


class _Runner:
    """Runs claims, on a worker or in the only process there is."""

    def __init__(self, config: pytest.Config, worker: dict[str, Any] | None) -> None:
        self.config = config
        self.worker = worker
        self.profile: str = config.getoption("--theory-profile")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Refuse two claims with one id, and give Hypothesis the profile's settings."""
        owners: dict[str, tuple[object, str]] = {}
        for item in items:
            claim = _claim(item)
            if claim is None:
                if _claims_below_given(item):
                    self._refuse(
                        item, f"{item.nodeid} has @claim below @given, which hides it. Put @claim above @given."
                    )
                continue
            test = _test(item)
            owner, node = owners.setdefault(claim.id, (test, item.nodeid))
            if owner is not test:
                self._refuse(
                    item, f"two claims have the id {claim.id!r}: {node} and {item.nodeid}. Give one of them another id."
                )
            _apply_profile(test, self.profile)

    def _refuse(self, item: pytest.Item, text: str) -> None:
        """Report an error of collection; one that is raised on a worker never reaches the reader."""
        self.config.hook.pytest_collectreport(report=pytest.CollectReport(item.nodeid, "failed", text, None))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which claims there are to be judged."""
        collected = {
            item.nodeid: {"id": claim.id, "statement": claim.statement, "source": claim.source}
            for item in session.items
            if (claim := _claim(item)) is not None
        }
        if self.worker is None:
            gatherer = self.config.pluginmanager.get_plugin("theorychecks-gatherer")
            if gatherer is not None:
                gatherer.collected = collected
            return
        directory = Path(self.worker[_DIRECTORY_KEY])
        unfinished = directory / f"{self.worker['workerid']}.partial"
        unfinished.write_text(json.dumps(collected), encoding="utf-8")
        unfinished.replace(directory / f"{self.worker['workerid']}.json")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run a claim with a recorder, and judge it when it is done."""
        claim = _claim(item)
        if claim is None:
            return (yield)
        recorder = Recorder(octaves=_OCTAVES[self.profile])
        parameters = {name: shown(value) for name, value in getattr(_callspec(item), "params", {}).items()}
        started, error = time.perf_counter(), None
        try:
            with recording(recorder, parameters), _capped_threads():
                result = yield
            error = recorder.missing()
        except SkipTest as exception:
            # Hypothesis skips what has no setting to run; a claim that judges nothing does not pass that way.
            result, error = None, f"{recorder.missing() or 'the claim skipped itself'} ({exception})"
        except BaseException as exception:
            error = f"{type(exception).__name__}: {exception}"
            raise
        finally:
            document = _claim_document(item.nodeid, claim, recorder, error, time.perf_counter() - started)
            item.stash[_document_key] = json.dumps(document, allow_nan=False, default=_plain)
        self._conclude(document)
        return result

    def _conclude(self, document: ClaimDocument) -> None:
        """Turn a claim's outcome into pytest's."""
        from theorychecks.reporting import wording

        if document["outcome"] == "pass":
            return
        text = wording.account(document)
        if document["outcome"] == "inconclusive" and self.config.getoption("--theory-inconclusive") == "skip":
            pytest.skip(text)
        pytest.fail(text, pytrace=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send a claim's findings along with its report, as text."""
        report = yield
        if call.when == "call" and _document_key in item.stash:
            setattr(report, _REPORT_ATTRIBUTE, item.stash[_document_key])
        return report


@dataclass(eq=False)  # pytest keeps its plugins in sets
class _Gatherer:
    """Gathers findings where all reports arrive, and writes the report at the end."""

    config: pytest.Config
    collected: dict[str, dict[str, str]] = field(default_factory=dict)
    documents: dict[str, ClaimDocument] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    report: Report | None = None
    written: Path | None = None
    started: float = field(default_factory=time.perf_counter)
    directory: tempfile.TemporaryDirectory[str] | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where to leave its list of claims."""
        if self.directory is None:
            self.directory = tempfile.TemporaryDirectory(prefix="theorychecks-")
        node.workerinput[_DIRECTORY_KEY] = self.directory.name

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a report carries."""
        carried = getattr(report, _REPORT_ATTRIBUTE, None)
        if carried is not None:
            self.documents[report.nodeid] = json.loads(carried)
        elif report.failed or report.skipped:
            self.errors[report.nodeid] = _what_happened(report)

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Write the report, and fail the run when a claim is missing from it."""
        yield
        self._read_collected()
        option = self.config.option
        if not self.collected or option.collectonly or option.setuponly:
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
        if self._incomplete() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print one line a claim, what is missing, and where the report is."""
        if self.report is None or self.written is None:
            return
        from theorychecks.reporting.terminal import claim_table, closing_lines

        terminalreporter.section("theory")
        width = terminalreporter._tw.fullwidth
        terminalreporter.write(claim_table(self.report, width=width, colour=terminalreporter._tw.hasmarkup))
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

    def _threads(self) -> int:
        return _threads(len(getattr(self.config.option, "tx", None) or [""]))

    def _incomplete(self) -> bool:
        assert self.report is not None
        suite = self.report.suite
        return not suite["collected"] == suite["judged"] == suite["reported"]

    def _document(self, session: pytest.Session) -> ReportDocument:
        claims = [self._claim_document(node, claim) for node, claim in self.collected.items()]
        findings = sum(len(claim["findings"]) for claim in claims)
        outcomes = [claim["outcome"] for claim in claims]
        return {
            "schema": 1,
            "claims": claims,
            "suite": {
                "claims": len(claims),
                "collected": len(self.collected),
                "judged": sum(_is_judged(claim) for claim in claims),
                "reported": len(self.documents),
                "passed": outcomes.count("pass"),
                "failed": outcomes.count("fail"),
                "inconclusive": outcomes.count("inconclusive"),
                "lost": [node for node in self.collected if node not in self.documents],
                "findings": findings,
                "error_budget": provenance.error_budget(findings),
                "wall_seconds": time.perf_counter() - self.started,
                "profile": self.config.getoption("--theory-profile"),
            },
            "provenance": provenance.gather(
                self.config.rootpath, ["pytest", *map(str, self.config.invocation_params.args)], self._threads()
            ),
        }

    def _claim_document(self, node: str, claim: dict[str, str]) -> ClaimDocument:
        if node in self.documents:
            return self.documents[node]
        return {
            "id": claim["id"],
            "test": node,
            "statement": claim["statement"],
            "source": claim["source"],
            "outcome": "fail",
            "error": self.errors.get(node, "lost: the claim was collected, but no worker reported on it"),
            "seconds": 0.0,
            "findings": [],
        }


def _test(item: pytest.Item) -> object:
    """The function behind an item; a method is bound anew for each item, and its function is one."""
    bound = getattr(item, "obj", None)
    return getattr(bound, "__func__", bound)


def _claim(item: pytest.Item) -> Claim | None:
    return claim_of(_test(item))


def _claims_below_given(item: pytest.Item) -> bool:
    handle = getattr(_test(item), "hypothesis", None)
    return claim_of(getattr(handle, "inner_test", None)) is not None


def _callspec(item: pytest.Item) -> object:
    return getattr(item, "callspec", None)


def _claim_document(node: str, claim: Claim, recorder: Recorder, error: str | None, seconds: float) -> ClaimDocument:
    return cast(
        "ClaimDocument",
        {
            "id": claim.id,
            "test": node,
            "statement": claim.statement,
            "source": claim.source,
            "outcome": "fail" if error else recorder.outcome,
            "error": error,
            "seconds": seconds,
            "findings": [finding.to_document() for finding in recorder.findings],
        },
    )


def _plain(value: object) -> object:
    """A numpy number that somebody predicted or measured, as Python's own."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a report holds plain JSON; got {value!r}")


def _what_happened(report: pytest.TestReport) -> str:
    """Why a claim was not run, the message before the traceback."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    crash = getattr(report.longrepr, "reprcrash", None)
    text = report.longreprtext or "the test failed before it was called"
    return f"{crash.message}\n\n{text}" if crash else text


def _is_judged(claim: ClaimDocument) -> bool:
    return {"prediction", "control"} <= {finding["role"] for finding in claim["findings"]}


def _apply_profile(test: object, profile: str) -> None:
    """Derive a claim's Hypothesis settings from the active ones, unless the claim brings its own.

    Failures are recorded, never raised, so Hypothesis has nothing to shrink; the same settings are drawn every time.
    """
    if not hasattr(test, "hypothesis"):
        return
    from hypothesis import HealthCheck, Phase, Verbosity, settings
    from hypothesis.errors import InvalidArgument

    examples = _EXAMPLES[profile]
    active = cast(settings, settings.default)
    phases: Sequence[Phase] = (Phase.explicit, Phase.generate) if examples else (Phase.explicit,)
    try:
        settings(
            active,
            max_examples=max(examples, 1),
            phases=phases,
            derandomize=True,
            database=None,
            deadline=None,
            print_blob=False,
            verbosity=Verbosity.normal,
            suppress_health_check=[*active.suppress_health_check, HealthCheck.too_slow],
        )(cast(Any, test))
    except InvalidArgument:
        # The claim is decorated with settings of its own, and keeps them; or it was given ours before.
        return


def _threads(workers: int) -> int:
    """Threads that each of the workers may use without crowding out the others."""
    return max(1, (os.cpu_count() or 1) // workers)


class _capped_threads:  # noqa: N801 - reads as the statement it is in `with`
    """Cap torch's threads inside a block, and restore them after it."""

    def __enter__(self) -> None:
        import torch

        self._before = torch.get_num_threads()
        workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
        torch.set_num_threads(min(self._before, _threads(workers)))

    def __exit__(self, *_: object) -> None:
        import torch

        torch.set_num_threads(self._before)
