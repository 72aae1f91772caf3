"""Controls: findings of a coordinate check that must fail."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from theorychecks.finding import Finding
from theorychecks.judging import as_control, as_missed_control, as_open_control

if TYPE_CHECKING:
    from theorychecks.gates.coordinate_check import CoordinateCheck


def controls(found: CoordinateCheck, again: Callable[[], CoordinateCheck]) -> list[Finding]:
    """Findings of a check that must fail, as controls: all that are refuted, or the one that comes nearest to it.

    One that passes, and on fresh seeds again, fails as a control: what scales otherwise passes by chance once in twenty
    times at most, and twice running once in four hundred.
    """

    def outside(finding: Finding) -> float:
        interval, allowed = finding.interval, finding.judgement.allowed
        if interval is None or allowed is None:
            return -math.inf
        return max(allowed.low - interval.high, interval.low - allowed.high)

    if found.failed:
        return [as_control(finding) for finding in found.refuted]
    nearest = max(found.findings, key=outside)
    fresh = again() if found.passed else None
    if fresh is not None and fresh.passed:
        text = "every coordinate scales as predicted, and on fresh seeds again; this one comes nearest to not"
        return [as_missed_control(nearest, text, max(fresh.findings, key=outside).interval)]
    again_too = "" if fresh is None else ", and on fresh seeds neither"
    text = f"no coordinate is clearly refuted{again_too}; this one comes nearest: {nearest.reason}"
    return [as_open_control(nearest, text)]
