"""Controls: findings of a coordinate check that must fail."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from theorychecks.finding import Finding
from theorychecks.judging import as_control, as_missed_control, as_open_control


def controls(findings: Sequence[Finding], again: Callable[[], Sequence[Finding]]) -> list[Finding]:
    """Findings of a check that must fail, as controls: all that are refuted, or the one that comes nearest to it.

    One that passes, and on fresh seeds again, fails as a control: what scales otherwise passes by chance once in twenty
    times at most, and twice running once in four hundred.
    """

    def outside(finding: Finding) -> float:
        interval, allowed = finding.interval, finding.judgement.allowed
        if interval is None or allowed is None:
            return -math.inf
        return max(allowed.low - interval.high, interval.low - allowed.high)

    if refuted := [finding for finding in findings if finding.outcome == "fail"]:
        return [as_control(finding) for finding in refuted]
    nearest = max(findings, key=outside)
    fresh = again() if _all_pass(findings) else None
    if fresh is not None and _all_pass(fresh):
        text = "every coordinate scales as predicted, and on fresh seeds again; this one comes nearest to not"
        return [as_missed_control(nearest, text, max(fresh, key=outside).interval)]
    again_too = "" if fresh is None else ", and on fresh seeds neither"
    text = f"no coordinate is clearly refuted{again_too}; this one comes nearest: {nearest.reason}"
    return [as_open_control(nearest, text)]


def _all_pass(findings: Sequence[Finding]) -> bool:
    return all(finding.passed for finding in findings)
