"""The report as a terminal shows it: one line a claim, then what is missing."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table
from rich.text import Text

from theorychecks.reporting import tally, wording
from theorychecks.reporting.account import culprit
from theorychecks.reporting.origins import on_evidence
from theorychecks.reporting.report import ClaimRecord, Report
from theorychecks.reporting.selection import worst_finding

_COLOURS = {
    "pass": "green",
    "fail": "red",
    "inconclusive": "yellow",
    "error": "magenta",
    "skipped": "cyan",
    "not run": "bright_black",
}
_NARROWEST = 120
_SHORTEST_NAME = 24
"""A test's name is cut to this where there is no room; numbers never are, since a line that wraps loses nothing."""


def claim_table(report: Report, *, width: int = 120, colour: bool = False) -> str:
    """Return one line a claim, showing the finding that comes closest to its margin.

    Args:
        report: what a run found.
        width: of the terminal, in columns.
        colour: whether to add colour codes; outcomes are words either way.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("outcome", "claim", "predicted", "measured", "range"):
        table.add_column(title, no_wrap=True)
    table.add_column("time", no_wrap=True, justify="right")
    table.add_column("test", no_wrap=True, overflow="ellipsis")
    for claim in report.claims:
        table.add_row(*(Text(wording.literal(cell.plain), style=cell.style) for cell in _cells(claim)))
    longest = max((len(_name(claim)) for claim in report.claims), default=0)
    buffer = io.StringIO()
    console = Console(
        file=buffer, width=max(width, _NARROWEST), force_terminal=colour, no_color=not colour, highlight=False
    )
    others = console.measure(table, options=console.options.update(max_width=10_000)).maximum - longest
    table.columns[-1].max_width = max(_SHORTEST_NAME, console.width - others)
    console.width = max(console.width, others + table.columns[-1].max_width)
    console.print(table)
    return buffer.getvalue()


def closing_lines(report: Report) -> list[str]:
    """Return the counts, the error budget, what the run lacks, and claims that were lost or are undecided."""
    suite = report.suite
    budget = suite.error_budget
    lines = [
        f"{tally.counts(suite)}; {suite.findings} findings; wrong verdicts expected: at most "
        f"{budget.expected_wrong_verdicts_at_most:.3g}, if every true exponent lay at the edge of its margin",
        f"run nightly on fresh seeds: {wording.false_alarms(budget)}",
    ]
    if earlier := on_evidence(report.claims):
        lines.append(earlier)
    if not tally.is_whole(suite):
        lines.append(f"INCOMPLETE: {tally.incomplete(suite)}")
    if suite.trends_failed:
        lines.append(
            f"{suite.trends_failed} trends fail, which is reported only; --theory-trends=gate fails the run on them"
        )
    lines.extend(f"lost: {node}" for node in suite.lost)
    if suite.inconclusive and not suite.passed and not suite.failed and not suite.errors:
        lines.append("NOTHING DECIDED: no claim passed, so the run fails")
    for claim in report.claims:
        if claim.outcome == "fail":
            lines.append(f"failed: {claim.id}: {culprit(claim)}")
    for claim in report.claims:
        if claim.outcome == "inconclusive" and (finding := worst_finding(claim)):
            lines.append(f"undecided: {claim.id}, {finding.label} ({finding.role}): {finding.reason}")
    return [wording.literal(line) for line in lines]


def _name(claim: ClaimRecord) -> str:
    return claim.test.rpartition("::")[2]


def _cells(claim: ClaimRecord) -> list[Text]:
    finding = worst_finding(claim)
    outcome = Text(claim.outcome, style=_COLOURS[claim.outcome])
    time, test = Text(wording.duration(claim.seconds)), Text(_name(claim))
    if finding is None or not tally.has_verdict(claim):
        said = wording.clip(tally.first_line(claim), 60)
        return [outcome, Text(claim.id), Text("-"), Text(said), Text("-"), time, test]
    measured = f"{finding.exponent:+.2f}" if finding.exponent is not None else "-"
    if finding.interval:
        measured += f" [{finding.interval[0]:+.2f}, {finding.interval[1]:+.2f}]"
    values = finding.measurement.axis_values
    runs = f"{wording.axis_number(values[0])}..{wording.axis_number(values[-1])}"
    runs += f" x {wording.seed_range(finding.measurement.seeds)} {finding.engine}"
    predicted = finding.predicted if finding.role == "prediction" else f"{finding.predicted} (control)"
    return [outcome, Text(claim.id), Text(predicted), Text(measured), Text(runs), time, test]
