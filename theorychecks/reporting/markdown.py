"""A report as Markdown: for a terminal, a pull request, and the step summary of a continuous-integration run."""

from collections.abc import Iterable, Sequence

from theorychecks.finding import Finding
from theorychecks.provenance import Provenance
from theorychecks.reporting import tally, wording
from theorychecks.reporting.markdown_text import COMMENT_BYTES, SUMMARY_BYTES, cell, code, fence, inline, row, within
from theorychecks.reporting.origins import on_evidence
from theorychecks.reporting.papers import PaperSection, paper_sections
from theorychecks.reporting.report import ClaimRecord, Report, Suite
from theorychecks.reporting.selection import failing_findings, worst_finding

# Findings explained in full for one claim: the worst; nobody reads the fiftieth.
_FINDINGS_EXPLAINED = 12
_LOST_BYTES = 4000
_NOTE_SHOWN = 8000

_COLUMNS = (
    "outcome",
    "claim",
    "statement",
    "predicted",
    "measured (worst finding)",
    "range",
    "seeds",
    "engine",
    "time",
)


def render_markdown(report: Report) -> str:
    """Return the report as Markdown, below 1 MiB whatever its size; what is left out is counted in its place.

    What did not pass comes first, then all claims, and papers.
    """
    claims, most = report.claims, SUMMARY_BYTES
    papers, left_out = within(map(_paper, paper_sections(claims)), most // 10)
    note = f"{left_out} more papers are left out here; index.html has them." if left_out else ""
    return _joined(
        [
            _header(report.suite),
            inline(on_evidence(claims)),
            _failures(claims, most * 4 // 10),
            _unjudged(claims, most // 20),
            _table(claims, most * 3 // 10),
            _notes(claims, most // 20),
            *papers,
            note,
            _provenance(report.provenance),
        ],
        most,
    )


def render_comment(report: Report, *, most_bytes: int = COMMENT_BYTES) -> str:
    """Return the report as Markdown for a comment on a pull request: what did not pass, and all claims folded.

    Args:
        report: what a run found.
        most_bytes: it stays below; what is left out is counted in its place.
    """
    table = _table(report.claims, most_bytes * 3 // 10)
    return _joined(
        [
            _header(report.suite),
            inline(on_evidence(report.claims)),
            _failures(report.claims, most_bytes * 4 // 10),
            _unjudged(report.claims, most_bytes // 20),
            f"<details><summary>All {len(report.claims)} claims</summary>\n\n{table}\n\n</details>",
            _provenance(report.provenance),
        ],
        most_bytes,
    )


def _joined(parts: Iterable[str], most_bytes: int) -> str:
    kept, left_out = within(filter(None, parts), most_bytes - 100)
    note = [f"{left_out} more parts are left out here; report.json has them all."] if left_out else []
    return "\n\n".join([*kept, *note]) + "\n"


def _header(suite: Suite) -> str:
    budget = suite.error_budget
    lines = [
        "# Theory checks",
        "",
        f"**{suite.passed} of {suite.claims} claims pass**, {suite.failed} fail, "
        f"{suite.inconclusive} inconclusive{_others(suite)}; {suite.findings} findings in "
        f"{wording.duration(suite.wall_seconds)} (profile {suite.profile}).",
        "",
        f"Error budget: {wording.percent(budget.confidence)} intervals, each tail wrong with probability at most "
        f"{budget.tail_error:.3g}, so over {budget.findings} findings at most "
        f"{budget.expected_wrong_verdicts_at_most:.3g} wrong verdicts are expected. {inline(budget.note)}",
        "",
        f"Seed {suite.seed}. A claim fails when chance gives its verdict less often than "
        f"{budget.failing_level:g}, on these seeds and again on fresh ones. "
        f"Run nightly on fresh seeds: {wording.false_alarms(budget)}.",
    ]
    return "\n".join(lines + _losses(suite))


def _others(suite: Suite) -> str:
    count = suite.trends_failed
    trends = [f"{count} trends fail, which is reported only"] if count else []
    return "".join(f", {text}" for text in tally.others(suite) + trends)


def _losses(suite: Suite) -> list[str]:
    """Return the warning that the run is not whole, or nothing."""
    if tally.is_whole(suite):
        return []
    named, rest = within((code(wording.clip(test, 300)) for test in suite.lost), _LOST_BYTES)
    more = f" and {rest} more" if rest > 0 else ""
    lost = f" Lost: {', '.join(named)}{more}." if named else ""
    return ["", f"**✗ The run is incomplete**: {cell(tally.incomplete(suite), 1000)}.{lost}"]


def _table(claims: Sequence[ClaimRecord], most_bytes: int) -> str:
    if not claims:
        return "No claim was run."
    head = [row(_COLUMNS), row(["---"] * len(_COLUMNS))]
    rows, left_out = within((_claim_row(claim) for claim in claims), most_bytes)
    note = [f"\n{left_out} more claims are left out of this table; report.json has them all."] if left_out else []
    return "\n".join(head + rows + note)


def _claim_row(claim: ClaimRecord) -> str:
    finding = worst_finding(claim)
    name = code(wording.clip(claim.id, 120)) + (" (trend)" if claim.trend else "")
    cells = [wording.OUTCOMES[claim.outcome], name, cell(claim.statement, 240)]
    if finding is None or not tally.has_verdict(claim):
        cells += ["-", cell(tally.first_line(claim), 160), "-", "-", "-"]
    else:
        cells += [
            cell(wording.predicted(finding), 120),
            cell(_measured(finding), 200),
            cell(wording.axis_range(finding), 80),
            wording.seed_range(finding.measurement.seeds),
            cell(finding.engine, 60),
        ]
    return row([*cells, wording.duration(claim.seconds)])


def _measured(finding: Finding) -> str:
    return ("control: " if finding.role == "control" else "") + wording.measured(finding)


def _failures(claims: Sequence[ClaimRecord], most_bytes: int) -> str:
    broken = [
        claim
        for claim in claims
        if claim.outcome not in tally.UNJUDGED
        and (claim.outcome != "pass" or not all(finding.passed for finding in claim.findings))
    ]
    if not broken:
        return ""
    # What failed comes before what broke, and that before what is merely open, so that a cut loses the less urgent.
    urgency = {"fail": 0, "error": 1}
    broken.sort(key=lambda claim: urgency.get(claim.outcome, 2))
    blocks, left_out = within((_failure(claim) for claim in broken), most_bytes)
    note = (
        [f"{left_out} more claims that did not pass are left out here; report.json has them all."] if left_out else []
    )
    return "\n\n".join(["## What did not pass", *blocks, *note])


def _unjudged(claims: Sequence[ClaimRecord], most_bytes: int) -> str:
    """Return which claims were skipped or not run, and why."""
    lines = [
        f"- {wording.OUTCOMES[claim.outcome]}: {code(wording.clip(claim.id, 120))}. "
        f"{cell(tally.first_line(claim), 300)}"
        for claim in claims
        if claim.outcome in tally.UNJUDGED
    ]
    kept, left_out = within(lines, most_bytes)
    note = [f"- and {left_out} more; report.json has them all."] if left_out else []
    return "\n".join(["## What was not judged", "", *kept, *note]) if lines else ""


def _notes(claims: Sequence[ClaimRecord], most_bytes: int) -> str:
    """Return what claims that pass tell besides their findings."""
    noted = [claim for claim in claims if claim.notes and claim.outcome == "pass"]
    if not noted:
        return ""
    blocks, left_out = within(
        (
            "\n\n".join(
                [
                    f"### {code(wording.clip(c.id, 120))}",
                    *(fence(wording.clip(n, _NOTE_SHOWN)) for n in c.notes),
                ]
            )
            for c in noted
        ),
        most_bytes,
    )
    note = [f"{left_out} more claims with notes are left out here; report.json has them all."] if left_out else []
    return "\n\n".join(["## Notes", *blocks, *note])


def _failure(claim: ClaimRecord) -> str:
    findings = failing_findings(claim)
    parts = [
        f"### {wording.OUTCOMES[claim.outcome]}: {code(wording.clip(claim.id, 120))}",
        f"{cell(claim.statement, 1000)} ({cell(claim.source, 300)})",
    ]
    if claim.error:
        parts.append(fence(f"{wording.clip(claim.error, 4000)}\nreproduce  {wording.reproduce(claim)}"))
    elif not findings:
        parts.append("Every finding has the verdict it needs, and no error is recorded: is a control missing?")
        parts.append(fence(f"reproduce  {wording.reproduce(claim)}"))
    parts += [fence(wording.clip(note, _NOTE_SHOWN)) for note in claim.notes]
    parts += [_explained(claim, finding) for finding in findings[:_FINDINGS_EXPLAINED]]
    rest = len(findings) - _FINDINGS_EXPLAINED
    if rest > 0:
        parts.append(f"{rest} more findings of this claim are left out here; report.json has them all.")
    return "\n\n".join(parts)


def _paper(section: PaperSection) -> str:
    paper = section.paper
    number = f" (arXiv:{cell(paper.arxiv, 40)})" if paper.arxiv else ""
    lines = [
        f"## {cell(paper.title, 300)}{number}",
        "",
        f"Read: {cell(paper.seen, 300)}. What claims say is theirs, and their sources tell what was derived here.",
    ]
    for heading, claims in section.headed:
        if claims:
            lines += ["", f"{heading}:", ""]
            lines += [f"- {code(wording.clip(c.id, 120))}: {cell(c.statement, 600)}" for c in claims]
    for heading, statements in section.statements:
        if statements:
            lines += ["", f"{heading}:", ""]
            lines += [f"- {cell(said, 600)}: {cell(why, 900)}" for said, why in statements.items()]
    return "\n".join(lines)


def _explained(claim: ClaimRecord, finding: Finding) -> str:
    role = "prediction" if finding.role == "prediction" else "control, which must be refuted"
    heading = f"{finding.verdict.value.upper()}  {role}  [{wording.clip(finding.label, 120)}]"
    rows = [f"  {name:<11} {wording.clip(text, 600)}" for name, text in wording.explanation(claim, finding)]
    return fence("\n".join([heading, *rows]))


def _provenance(provenance: Provenance) -> str:
    return "\n".join(
        ["## Provenance", "", *(f"- {name}: {cell(text, 500)}" for name, text in wording.provenance(provenance))]
    )
