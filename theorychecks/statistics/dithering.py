"""What rounding makes of a finding that judges no fit: nothing follows from runs whose noise a grid hides."""

from __future__ import annotations

from dataclasses import replace

from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.rounding import DITHER, check_rounding
from theorychecks.statistics.verdict import Finding, Remedy, Verdict


def unless_rounded(finding: Finding, other: Measurement | None = None) -> Finding:
    """A finding, or an open one where a grid hides the noise of its runs, or of those they are compared with."""
    check = check_rounding(other or finding.measurement)
    if not check.fired:
        return finding
    text = f"flagged (rounding): {DITHER}"
    remedy = Remedy(limited_by="flags", text=text)
    return replace(finding, verdict=Verdict.INCONCLUSIVE, reason=text, remedy=remedy, p_value=None)
