"""Outcome: what its findings say of a claim; one rule for a run of pytest, and for a report that is judged anew."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal

from theorychecks.finding import Finding

Outcome = Literal["pass", "fail", "inconclusive"]
_FIXTURE: Final = "One inside a fixture is not recorded."


def outcome_of(findings: Collection[Finding]) -> Outcome:
    """What findings say of their claim: every prediction supported and every control refuted, or not."""
    outcomes = {finding.outcome for finding in findings}
    if "fail" in outcomes:
        return "fail"
    return "inconclusive" if "inconclusive" in outcomes else "pass"


def missing_among(findings: Collection[Finding], *, gate: bool) -> str | None:
    """What a claim that has run still lacks.

    Args:
        findings: of the claim.
        gate: whether it is a gate, of which either a prediction or a control is enough.
    """
    if gate:
        return None if findings else f"nothing was judged: the test never reached coordinate_check(). {_FIXTURE}"
    if not any(finding.role == "prediction" for finding in findings):
        return (
            f"no prediction was judged: the test never reached check(). {_FIXTURE} "
            "Under the quick profile only explicit @example settings run; add the canonical one."
        )
    if not any(finding.role == "control" for finding in findings):
        return "no control was judged: add check_refuted(...) of a set-up in which the prediction is false"
    return None
