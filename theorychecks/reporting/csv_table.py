"""A report as a table of comma-separated values: one line a finding, in columns that stay as they are."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping
from typing import Final

from theorychecks.finding import Finding
from theorychecks.reporting import wording
from theorychecks.reporting.report import ClaimRecord, Report

_Cell = str | float | int | None

_OF_CLAIM: Final[Mapping[str, Callable[[ClaimRecord], _Cell]]] = {
    "claim": lambda claim: claim.id,
    "outcome": lambda claim: claim.outcome,
    "trend": lambda claim: "yes" if claim.trend else "no",
    "test": lambda claim: claim.test,
    "source": lambda claim: claim.source,
    "seed": lambda claim: claim.seed,
}
_OF_FINDING: Final[Mapping[str, Callable[[Finding], _Cell]]] = {
    "label": lambda finding: finding.label,
    "role": lambda finding: finding.role,
    "setting": wording.setting,
    "predicted": lambda finding: finding.predicted,
    "predicted_exponent": lambda finding: finding.expectation.exponent,
    "margin": lambda finding: finding.expectation.margin,
    "rival": lambda finding: finding.expectation.rival,
    "verdict": lambda finding: finding.verdict.value,
    "passed": lambda finding: "yes" if finding.passed else "no",
    "exponent": lambda finding: finding.exponent,
    "interval_low": lambda finding: finding.interval.low if finding.interval else None,
    "interval_high": lambda finding: finding.interval.high if finding.interval else None,
    "confidence": lambda finding: finding.judgement.confidence,
    "standard_error": lambda finding: finding.judgement.fit.standard_error if finding.judgement.fit else None,
    "bias_bound": lambda finding: finding.judgement.fit.bias_bound if finding.judgement.fit else None,
    "p_value": lambda finding: finding.p_value,
    "axis": lambda finding: finding.measurement.axis,
    "axis_values": lambda finding: " ".join(f"{value:.10g}" for value in finding.measurement.axis_values),
    "seeds": lambda finding: " ".join(map(str, finding.measurement.seeds)),
    "engine": lambda finding: finding.engine,
    "flops": lambda finding: finding.effort.flops,
    "trainings": lambda finding: finding.effort.trainings,
    "seconds": lambda finding: finding.effort.seconds,
}
COLUMNS: Final = (*_OF_CLAIM, *_OF_FINDING, "reason")


def render_csv(report: Report) -> str:
    """Return the report as comma-separated values, a header and one line a finding; numbers have all their digits.

    A claim that nothing was found of has a line too, which says why in `reason` and is empty where a finding would be.
    Texts are as they are, without escapes: a cell that begins with "=" is a formula to a spreadsheet.
    """
    buffer = io.StringIO()
    table = csv.writer(buffer)
    table.writerow(COLUMNS)
    for claim in report.claims:
        about = [_cell(of(claim)) for of in _OF_CLAIM.values()]
        for finding in claim.findings:
            table.writerow([*about, *(_cell(of(finding)) for of in _OF_FINDING.values()), finding.reason])
        if not claim.findings:
            table.writerow([*about, *("" for _ in _OF_FINDING), claim.error or claim.reason or ""])
    return buffer.getvalue()


def _cell(value: _Cell) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value if isinstance(value, str) else repr(value)
