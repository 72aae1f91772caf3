"""A report as one HTML page that opens offline: every claim, every finding with its plot, prediction beside control."""

from dataclasses import dataclass

from theorychecks.finding import Finding
from theorychecks.reporting import tally, wording
from theorychecks.reporting.origins import on_evidence
from theorychecks.reporting.papers import paper_sections
from theorychecks.reporting.plots import POINTS_DRAWN, plot_finding
from theorychecks.reporting.rendering import template
from theorychecks.reporting.report import ClaimRecord, Report
from theorychecks.reporting.selection import Pair, most_telling, pairs, worst_finding, worst_of
from theorychecks.statistics.judgement import Verdict

# A card with its plot is some 6 kB, and the page stays below 5 MB. Every claim has one; beyond these, findings get one
# line each.
_CARDS = 300
_LINES = 5000
# The runs drawn on the whole page: a few findings show every run, many findings show a sample of theirs.
_POINTS_ON_PAGE = 40_000
# Pairs that stand open in a claim where everything passes.
_PAIRS_OPEN = 2
_TEXT_SHOWN = 8000
_NUMBER_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class _Card:
    """A finding as the page shows it."""

    finding: Finding
    state: str
    verdict: str
    caption: str
    numbers: list[tuple[str, str]]
    plot: str


@dataclass(frozen=True, slots=True)
class _Line:
    """A finding for which the page has no room: its words, without a card."""

    state: str
    label: str
    verdict: str
    measured: str


@dataclass(frozen=True, slots=True)
class _Section:
    """A claim as the page shows it: pairs that stand open, pairs behind a click, and the rest as lines."""

    claim: ClaimRecord
    anchor: str
    worst: Finding | None
    said: str
    error: str
    notes: list[str]
    open_pairs: list[list[_Card]]
    folded_pairs: list[list[_Card]]
    lines: list[_Line]
    lines_left_out: int


def render_html(report: Report) -> str:
    """Return the report as one self-contained page below 5 MB, the same bytes for the same report."""
    shown = {id(finding) for finding in most_telling(report.claims, _CARDS)}
    points = max(min(POINTS_DRAWN, _POINTS_ON_PAGE // max(len(shown), 1)), 30)
    sections = [_section(index, claim, shown, points) for index, claim in enumerate(report.claims)]
    return template("report.html.j2").render(
        suite=report.suite,
        others=tally.others(report.suite),
        incomplete=None if tally.is_whole(report.suite) else tally.incomplete(report.suite),
        sections=sections,
        papers=paper_sections(report.claims),
        provenance=wording.provenance(report.provenance),
        on_evidence=on_evidence(report.claims),
        outcomes=wording.OUTCOMES,
        w=wording,
    )


def _all_pass(pair: Pair) -> bool:
    return all(finding.passed for finding in pair.findings)


def _section(index: int, claim: ClaimRecord, shown: set[int], points: int) -> _Section:
    anchor = f"claim-{index + 1}"
    in_order = sorted(pairs(claim.findings), key=worst_of, reverse=True)
    rows = [(_all_pass(pair), _cards(pair, shown, points)) for pair in in_order]
    rows = [(passing, cards) for passing, cards in rows if cards]
    failing = sum(not passing for passing, _ in rows)
    is_open = max(failing, _PAIRS_OPEN)
    lines = [_line(finding) for finding in claim.findings if id(finding) not in shown]
    return _Section(
        claim=claim,
        anchor=anchor,
        worst=worst_finding(claim) if tally.has_verdict(claim) else None,
        said=wording.clip(tally.first_line(claim), 300),
        error=wording.clip(claim.error or claim.reason or "", _TEXT_SHOWN),
        notes=[wording.clip(note, _TEXT_SHOWN) for note in claim.notes],
        open_pairs=[cards for _, cards in rows[:is_open]],
        folded_pairs=[cards for _, cards in rows[is_open:]],
        lines=lines[:_LINES],
        lines_left_out=max(len(lines) - _LINES, 0),
    )


def _cards(pair: Pair, shown: set[int], points: int) -> list[_Card]:
    controls = sorted(pair.controls, key=lambda control: id(control) not in shown)
    control = controls[0] if pair.prediction is not None and controls else None
    return [
        _card(finding, None if finding is control else control, points)
        for finding in pair.findings
        if id(finding) in shown
    ]


def _card(finding: Finding, control: Finding | None, points: int) -> _Card:
    compared = control if finding.role == "prediction" else None
    return _Card(
        finding=finding,
        state=_state(finding),
        verdict=wording.verdict(finding),
        caption=_caption(finding),
        numbers=[(name, wording.clip(text, _NUMBER_SHOWN)) for name, text in wording.numbers(finding)],
        plot=plot_finding(finding, compared, points_drawn=points),
    )


def _line(finding: Finding) -> _Line:
    return _Line(_state(finding), finding.label, wording.verdict(finding), wording.measured(finding))


def _state(finding: Finding) -> str:
    if finding.passed:
        return "pass"
    return "inconclusive" if finding.verdict is Verdict.INCONCLUSIVE else "fail"


def _caption(finding: Finding) -> str:
    if finding.exponent is None:
        return f"No exponent is fitted. {wording.axis_range(finding)}."
    lost = (
        f" {wording.NOT_FINITE_MARK} counts runs without a finite positive value."
        if any(finding.measurement.not_finite)
        else ""
    )
    return f"Exponent {wording.scope(finding)}.{lost}"
