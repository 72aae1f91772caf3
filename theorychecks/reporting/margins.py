"""Margins: how near a finding comes to the edge of what its prediction allows, in one unit for all predictions."""

from __future__ import annotations

import math

from theorychecks.finding import Finding
from theorychecks.statistics.interval import Interval


def in_margins(finding: Finding) -> Interval | None:
    """Return the interval in units of the margin: 0 is what is predicted, and beyond 1 is what is not allowed.

    Where a prediction bounds one side only, that side is above; of others, beyond -1 is not allowed either.
    There is none where nothing has a margin: an ordering, say, is decided by a test.
    """
    interval, allowed, expected = finding.interval, finding.judgement.allowed, finding.expectation
    if interval is None or allowed is None:
        return None
    low, high = allowed
    if math.isfinite(low) and math.isfinite(high):
        middle, margin = (low + high) / 2, (high - low) / 2
    else:
        edge = high if math.isfinite(high) else low
        middle = edge if expected.exponent is None else expected.exponent
        margin = abs(edge - middle) or expected.margin or 1.0
    if not (margin > 0 and math.isfinite(margin) and math.isfinite(middle)):
        return None
    ends = ((interval.low - middle) / margin, (interval.high - middle) / margin)
    return Interval(-ends[1], -ends[0]) if high == math.inf else Interval(*ends)


def is_one_sided(finding: Finding) -> bool:
    """Whether a prediction bounds one side only."""
    allowed = finding.judgement.allowed
    return allowed is not None and math.isinf(allowed.low) != math.isinf(allowed.high)


def margin_used(finding: Finding) -> float:
    """Return the largest distance from what is predicted that the interval allows, in units of the margin."""
    interval = in_margins(finding)
    if interval is None:
        return 0.0
    return interval.high if is_one_sided(finding) else max(-interval.low, interval.high)


def margin_missed(finding: Finding) -> float:
    """Return how far outside of the margin the whole interval lies, in units of it; below zero where it does not."""
    interval = in_margins(finding)
    if interval is None:
        return 0.0
    above = interval.low - 1
    return above if is_one_sided(finding) else max(above, -1 - interval.high)
