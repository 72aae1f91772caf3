"""JUnit: what a claim has found, as properties of its test in the file that pytest's --junitxml writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from theorychecks.reporting.report import ClaimRecord

PREFIX: Final = "theory."
"""Before the names of properties, so that they are known among those of others."""


def note_properties(item: pytest.Item, report: pytest.TestReport, record: ClaimRecord) -> None:
    """Put what a claim has found into the properties of its test, in the place of what was there of it.

    Reports travel from workers to the controller with them, and the last one of a test is written.
    """
    found = properties(record)
    for owner in (item, report):
        owner.user_properties[:] = [each for each in owner.user_properties if not each[0].startswith(PREFIX)]
        owner.user_properties.extend(found)


def properties(record: ClaimRecord) -> list[tuple[str, str]]:
    """The claim, how it ended, and the finding that speaks most against it; all of it texts."""
    from theorychecks.reporting.literal import visible
    from theorychecks.reporting.selection import worst_finding

    told = {"claim": record.id, "outcome": record.outcome, "findings": str(len(record.findings))}
    worst = worst_finding(record)
    if worst is not None:
        told |= {
            "finding": worst.label,
            "role": worst.role,
            "verdict": worst.verdict.value,
            "predicted": worst.predicted,
            "exponent": "" if worst.exponent is None else f"{worst.exponent:.6g}",
            "interval": "" if worst.interval is None else f"[{worst.interval.low:.6g}, {worst.interval.high:.6g}]",
        }
    return [(f"{PREFIX}{name}", visible(text)) for name, text in told.items()]
