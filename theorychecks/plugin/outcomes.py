"""What becomes of a claim, and of a run: six outcomes, told apart by what was raised and reported, and exit codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple
from unittest import SkipTest

import pytest

if TYPE_CHECKING:
    from theorychecks.claims import Claim, Recorder
    from theorychecks.reporting.report import ClaimRecord, Outcome, Suite


EXIT_CODES: Final = (
    "exit codes of a run with claims: 0, all is well, where a skip is no failure; 1, a claim is refuted, or a plain "
    "test fails, or a file cannot be collected; 8, a claim broke or was lost, and none is refuted; 7, nothing else "
    "than claims that are undecided, under --theory-inconclusive=fail or where no claim passed; 2 to 6 as pytest has "
    "them: interrupted, internal error, usage, nothing collected, warnings"
)


_EXPECTED: Final = "expected to fail, as it does"
_NOT_AWAITED: Final = "async def functions are not natively supported"
"""What pytest says where it fails a test that no plugin can await."""


class Ending(NamedTuple):
    """How a claim's test came to its end.

    Attributes:
        outcome: of the claim.
        error: what went wrong.
        reason: why it was skipped or not run.
    """

    outcome: Outcome
    error: str | None = None
    reason: str | None = None


def judged(recorder: Recorder) -> Ending:
    """A test that has run to its end: what its findings say, unless some are missing."""
    missing = recorder.missing()
    return Ending("error", error=missing) if missing else Ending(recorder.outcome)


def interrupted_by(exception: BaseException, recorder: Recorder) -> Ending:
    """A test that has raised: nothing undoes a refutation, an assertion fails, and anything else broke."""
    if recorder.outcome == "fail":
        return Ending("fail", error=f"the claim was refuted before {_interruption(exception)}")
    if isinstance(exception, pytest.xfail.Exception):
        return Ending("skipped", reason=_EXPECTED)
    if isinstance(exception, SkipTest | pytest.skip.Exception):
        return Ending("skipped", reason=str(exception) or "the claim skipped itself")
    if interrupts_run(exception):
        return Ending("not run", reason="the run was interrupted while this claim ran")
    outcome: Outcome = "fail" if _is_assertion(exception) else "error"
    return Ending(outcome, error=f"{type(exception).__name__}: {exception}")


def of_subtest(exception: BaseException) -> Ending:
    """A failed subtest, as far as it goes: what it says of the whole claim."""
    outcome: Outcome = "fail" if _is_assertion(exception) else "error"
    return Ending(outcome, error=f"a subtest raised {type(exception).__name__}: {exception}")


def with_subtests(ending: Ending, failed: Sequence[Ending]) -> Ending:
    """A test whose subtests failed: neither that it ran to its end nor that it was skipped undoes it."""
    if not failed:
        return ending
    outcome: Outcome = "fail" if any(each.outcome == "fail" for each in (ending, *failed)) else "error"
    return Ending(outcome, error="\n\n".join(each.error for each in (ending, *failed) if each.error))


def interrupts_run(exception: BaseException) -> bool:
    """Whether an exception ends the whole run, so that pytest makes no report of the test that raised it."""
    return isinstance(exception, KeyboardInterrupt | pytest.exit.Exception)


def _interruption(exception: BaseException) -> str:
    if isinstance(exception, SkipTest | pytest.skip.Exception):
        return f"it skipped itself ({exception})"
    if interrupts_run(exception):
        return "the run was interrupted"
    return f"it raised {type(exception).__name__}: {exception}"


def _is_assertion(exception: BaseException) -> bool:
    """Whether something was asserted and is false; Hypothesis groups several settings that fail."""
    if isinstance(exception, BaseExceptionGroup):
        return all(map(_is_assertion, exception.exceptions))
    return isinstance(exception, AssertionError | pytest.fail.Exception) and not str(exception).startswith(_NOT_AWAITED)


def ended_outside(report: pytest.TestReport) -> Ending | None:
    """How a claim ends that its test did not end: by a mark, or in a fixture; none where its test is to say."""
    if report.when == "teardown":
        broke = report.failed or _is_excused(report)
        return Ending("error", error=what_happened(report)) if broke else None
    if hasattr(report, "wasxfail"):
        return _expected_to_fail(report)
    if report.when == "setup" and report.skipped:
        return Ending("skipped", reason=_skip_reason(report))
    if report.failed and report.when != "call":
        return Ending("error", error=what_happened(report))
    return None


def _is_excused(report: pytest.TestReport) -> bool:
    """Whether a mark that expects failure takes what has just failed."""
    return report.skipped and hasattr(report, "wasxfail")


def settled(record: ClaimRecord, report: pytest.TestReport) -> ClaimRecord:
    """A claim's record, once pytest has said how the test ended."""
    ending = ended_outside(report)
    if ending is None and report.when == "call" and report.failed and record.outcome in ("pass", "skipped"):
        # Another plugin, a strict expectation of failure, or --runxfail has turned it.
        ending = Ending("error", error=what_happened(report))
    if ending is None or (ending.outcome == "error" and record.outcome == "skipped" and _is_excused(report)):
        return record
    if ending.outcome == "skipped" and record.error:
        ending = ending._replace(reason=f"{ending.reason} ({record.error.splitlines()[0]})")
    return ended(record, ending)


def ended(record: ClaimRecord, ending: Ending) -> ClaimRecord:
    """A claim's record with a later ending; what breaks after a failure is told, and undoes nothing."""
    if record.outcome == "fail" and ending.outcome == "error":
        broke = f"the claim failed before it broke: {ending.error}"
        ending = Ending("fail", error="\n\n".join(filter(None, [record.error, broke])))
    return replace(record, **ending._asdict())


def without_findings(claim: Claim, node: str, seed: int, ending: Ending) -> ClaimRecord:
    """The record of a claim of which nothing was judged."""
    from theorychecks.reporting.report import ClaimRecord

    return ClaimRecord(**vars(claim), test=node, seed=seed, **ending._asdict())


def what_happened(report: pytest.TestReport) -> str:
    """Why a claim was not run, the message before the traceback."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = report.longreprtext or "the test failed before it was called"
    return f"{crash.message}\n\n{text}" if crash else text


def exit_code(pytest_says: int, suite: Suite, *, others_failed: bool, undecided_fails: bool) -> int:
    """The run's exit code, where pytest says that tests passed or failed; any other one stays.

    Args:
        pytest_says: its own exit code.
        suite: the counts of the run.
        others_failed: whether anything failed that is no claim, a test or a collection.
        undecided_fails: whether an undecided claim fails the run.
    """
    if pytest_says not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return pytest_says
    from theorychecks.reporting.counting import ExitCode
    from theorychecks.reporting.counting import exit_code as exit_code_of

    by_claims = exit_code_of(suite, undecided_fails=undecided_fails)
    return (ExitCode.FAILED if others_failed else by_claims) or pytest_says


def _expected_to_fail(report: pytest.TestReport) -> Ending | None:
    if not report.skipped:
        return None
    why = str(report.wasxfail).removeprefix("reason: ")
    return Ending("skipped", reason=_EXPECTED + (f": {why}" if why else ""))


def _skip_reason(report: pytest.TestReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return text.removeprefix("Skipped: ") or "the claim is marked to be skipped"
