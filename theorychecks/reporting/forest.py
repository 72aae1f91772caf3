"""A forest plot of all claims: how near each comes to the edge of what is allowed, the nearest first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from theorychecks.reporting import tally
from theorychecks.reporting.contents import Entry
from theorychecks.reporting.margins import in_margins, margin_used
from theorychecks.reporting.selection import badness, worst_finding

REACH: Final = 1.75
"""Margins that are shown on either side of what is predicted; an interval that goes further ends in an arrow."""


@dataclass(frozen=True, slots=True)
class Row:
    """A claim in the forest plot, by the finding that speaks most against it.

    Attributes:
        entry: the claim.
        left, width, middle: of its interval, in per cent of the plot; none where nothing has a margin.
        cut_left, cut_right: whether the interval goes on beyond the plot.
        said: the same in a few words.
    """

    entry: Entry
    left: float | None
    width: float
    middle: float
    cut_left: bool
    cut_right: bool
    said: str


@dataclass(frozen=True, slots=True)
class Forest:
    """Rows of claims, and of trends, which are told apart, since they do not fail a run."""

    claims: tuple[Row, ...]
    trends: tuple[Row, ...]


def forest(found: Sequence[Entry]) -> Forest:
    """Return the plot, those that do not hold first, then by how much of the margin is used."""
    judged = [entry for entry in found if tally.has_verdict(entry.claim)]
    ordered = sorted(judged, key=_urgency, reverse=True)
    rows = [(entry.claim.trend, _row(entry)) for entry in ordered]
    return Forest(
        tuple(row for is_trend, row in rows if not is_trend), tuple(row for is_trend, row in rows if is_trend)
    )


def place(margins: float) -> float:
    """Return where a distance from what is predicted lies, in per cent of the plot."""
    return 50 * (1 + max(min(margins / REACH, 1.0), -1.0))


def _urgency(entry: Entry) -> tuple[int, int, float]:
    worst = worst_finding(entry.claim)
    outcome = {"fail": 2, "error": 2, "inconclusive": 1}.get(entry.claim.outcome, 0)
    return (outcome, *((0, 0.0) if worst is None else badness(worst)))


def _row(entry: Entry) -> Row:
    worst = worst_finding(entry.claim)
    margins = None if worst is None else in_margins(worst)
    if worst is None or margins is None:
        return Row(entry, None, 0.0, 0.0, False, False, "by a test, no margin")
    low, high = max(margins.low, -REACH), min(margins.high, REACH)
    left, right = place(low), place(high)
    if worst.role == "control":
        said = "control, must lie outside"
    else:
        used = 100 * max(margin_used(worst), 0.0)
        # Rounded so that 100% stands for neither what lies just inside nor just outside.
        said = f"{math.floor(used) if used <= 100 else math.ceil(used):,}% of the margin used"
    return Row(
        entry,
        left,
        max(right - left, 0.4),
        place((margins.low + margins.high) / 2),
        margins.low < -REACH,
        margins.high > REACH,
        said,
    )
