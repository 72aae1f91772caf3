"""The counts of a run in words: how many claims ended how, and what keeps the run from being whole."""

from theorychecks.reporting.report import ClaimRecord, Suite

UNJUDGED = ("skipped", "not run")
"""Outcomes of claims that nobody has judged, which says nothing against them."""


def counts(suite: Suite) -> str:
    """Return "12 passed, 1 failed, 0 inconclusive", then errors, skips and what was not run, where there are any."""
    said = [f"{suite.passed} passed", f"{suite.failed} failed", f"{suite.inconclusive} inconclusive"]
    return ", ".join(said + others(suite))


def others(suite: Suite) -> list[str]:
    """Return "1 error", "2 skipped" and "3 not run", those that there are."""
    errors = suite.errors
    told = {
        f"{errors} error{'s' if errors > 1 else ''}": errors,
        f"{suite.skipped} skipped": suite.skipped,
        f"{suite.not_run} not run": suite.not_run,
    }
    return [text for text, count in told.items() if count]


def is_whole(suite: Suite) -> bool:
    """Say whether every claim that was collected was judged or skipped."""
    judged = suite.judged + suite.skipped == suite.collected == suite.reported
    return judged and not (suite.errors or suite.not_run or suite.lost)


def incomplete(suite: Suite) -> str:
    """Return what a run lacks that is not whole: "17 claims collected, 12 judged, 3 errors, 2 not run"."""
    said = [f"{suite.collected} claims collected", f"{suite.judged} judged", *others(suite)]
    lost = len(suite.lost)
    why = f"; the run ended early: {suite.stopped}" if suite.stopped else ""
    return ", ".join(said + ([f"{lost} lost"] if lost else [])) + why


def first_line(claim: ClaimRecord) -> str:
    """Return why a claim has no verdict, in a line."""
    said = claim.error or claim.reason or "nothing judged"
    return (said.splitlines() or [said])[0]


def has_verdict(claim: ClaimRecord) -> bool:
    """Say whether a claim's findings say how it ended; what went wrong says more than they do."""
    return claim.outcome not in UNJUDGED and bool(claim.findings) and not claim.error
