"""Counting: a run's claims by their outcomes, and the exit code that follows."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from theorychecks.reporting.error_budget import error_budget
from theorychecks.reporting.report import ClaimRecord, Profile, Suite


class ExitCode(IntEnum):
    """How a run of claims ends; where nothing is to be told, a run of pytest ends as pytest has it."""

    PASSED = 0
    """Nothing is to be told."""
    FAILED = 1
    """A claim fails, or a plain test does, or something cannot be collected."""
    BROKEN = 8
    """No claim fails, and one broke, or was lost with its worker."""
    UNDECIDED = 7
    """No claim fails or broke, and one is undecided where that fails the run, or none was decided."""


def exit_code(suite: Suite, *, undecided_fails: bool = False) -> ExitCode:
    """How a run ends, by its claims.

    Args:
        suite: the counts of the run.
        undecided_fails: whether an undecided claim fails the run.
    """
    if suite.failed:
        return ExitCode.FAILED
    if suite.errors or suite.lost:
        return ExitCode.BROKEN
    nothing_decided = suite.inconclusive and not suite.passed
    return ExitCode.UNDECIDED if nothing_decided or (suite.inconclusive and undecided_fails) else ExitCode.PASSED


def suite_of(
    claims: Sequence[ClaimRecord],
    *,
    collected: int,
    reported: int,
    lost: tuple[str, ...],
    stopped: str | None,
    seed: int,
    wall_seconds: float,
    profile: Profile,
    trends_reported: bool,
) -> Suite:
    """The counts of a run, of which those that its claims do not tell are handed in, by the names that `Suite` has.

    With `trends_reported` a trend that fails is told, and does not fail the run.
    """
    findings = [finding for claim in claims for finding in claim.findings]
    outcomes = [claim.outcome for claim in claims]
    trends = sum(map(is_failed_trend, claims)) if trends_reported else 0
    return Suite(
        claims=len(claims),
        collected=collected,
        judged=sum(map(_is_judged, claims)),
        reported=reported,
        passed=outcomes.count("pass"),
        failed=outcomes.count("fail") - trends,
        inconclusive=outcomes.count("inconclusive"),
        errors=outcomes.count("error"),
        skipped=outcomes.count("skipped"),
        not_run=outcomes.count("not run"),
        trends_failed=trends,
        lost=lost,
        stopped=stopped,
        findings=len(findings),
        seed=seed,
        error_budget=error_budget(findings),
        wall_seconds=wall_seconds,
        profile=profile,
    )


def is_failed_trend(claim: ClaimRecord) -> bool:
    """Whether a claim is a trend that its findings refute; an assertion that is false fails a run in any case."""
    return claim.trend and claim.outcome == "fail" and not claim.error


def _is_judged(claim: ClaimRecord) -> bool:
    """Whether a claim came to a verdict on all that it has to be judged by."""
    roles = {finding.role for finding in claim.findings}
    ended = claim.outcome in ("pass", "fail", "inconclusive")
    return ended and (bool(roles) if claim.gate else {"prediction", "control"} <= roles)
