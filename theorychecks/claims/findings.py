"""Findings: what a check returns, a list that a notebook shows as a table."""

from __future__ import annotations

import html

from theorychecks.statistics.verdict import Finding

_COLUMNS = ("quantity", "role", "verdict", "predicted", "measured", "interval", "reason")


class Findings(list[Finding]):
    """Findings of one check, one a reading; printed line by line, and shown as a table in a notebook."""

    def __str__(self) -> str:
        """One line a finding."""
        return "\n".join(map(str, self))

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        head = "".join(f"<th>{column}</th>" for column in _COLUMNS)
        rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in _cells(each))}</tr>" for each in self)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cells(finding: Finding) -> tuple[str, ...]:
    expected, interval = finding.expectation, finding.interval
    predicted = expected.kind.replace("_", " ")
    predicted += "" if expected.exponent is None else f" {expected.exponent:+g}"
    return (
        finding.label,
        finding.role,
        finding.verdict.value.upper() if finding.passed else f"{finding.verdict.value.upper()}, not as wanted",
        predicted + ("" if expected.margin is None else f" within {expected.margin:g}"),
        "-" if finding.fit is None else f"{finding.fit.exponent:+.3g}",
        "-" if interval is None else f"[{interval.low:+.3g}, {interval.high:+.3g}]",
        finding.reason,
    )
