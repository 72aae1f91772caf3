"""A report as Markdown: for a terminal, a pull request, and the step summary of a continuous-integration run."""

import re
from collections.abc import Iterable, Sequence

from theorychecks.finding import Finding
from theorychecks.provenance import Provenance
from theorychecks.reporting import tally, wording
from theorychecks.reporting.origins import on_evidence
from theorychecks.reporting.papers import PaperSection, paper_sections
from theorychecks.reporting.report import ClaimRecord, Report, Suite
from theorychecks.reporting.selection import failing_findings, worst_finding

# GitHub refuses a step summary above 1 MiB; these parts and what surrounds them stay well below it.
_TABLE_BYTES = 400_000
_FAILURE_BYTES = 400_000
# Findings explained in full for one claim: the worst; nobody reads the fiftieth.
_FINDINGS_EXPLAINED = 12
_LOST_NAMED = 50
_NOTE_SHOWN = 8000
_NOTES_BYTES = 100_000

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
# What Markdown, a GitHub formula or HTML would take as markup. A bracket that opens an interval is none.
_MARKUP = re.compile(r"[\\`*_<>|#~$&]|\[(?![-+\d])|\](?=[(\[:])")


def render_markdown(report: Report) -> str:
    """Return the report as Markdown, below 1 MiB whatever its size; what is left out is counted in its place."""
    parts = [
        _header(report.suite),
        _inline(on_evidence(report.claims)),
        _table(report.claims),
        _failures(report.claims),
        _unjudged(report.claims),
        _notes(report.claims),
        *map(_paper, paper_sections(report.claims)),
        _provenance(report.provenance),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


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
        f"{budget.expected_wrong_verdicts_at_most:.3g} wrong verdicts are expected. {_inline(budget.note)}",
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
    named = ", ".join(_code(wording.clip(test, 300)) for test in suite.lost[:_LOST_NAMED])
    rest = len(suite.lost) - _LOST_NAMED
    more = f" and {rest} more" if rest > 0 else ""
    lost = f" Lost: {named}{more}." if named else ""
    return ["", f"**✗ The run is incomplete**: {_inline(tally.incomplete(suite))}.{lost}"]


def _table(claims: Sequence[ClaimRecord]) -> str:
    if not claims:
        return "No claim was run."
    head = [_row(_COLUMNS), _row(["---"] * len(_COLUMNS))]
    rows, left_out = _within((_claim_row(claim) for claim in claims), _TABLE_BYTES)
    note = [f"\n{left_out} more claims are left out of this table; report.json has them all."] if left_out else []
    return "\n".join(head + rows + note)


def _claim_row(claim: ClaimRecord) -> str:
    finding = worst_finding(claim)
    name = _code(wording.clip(claim.id, 120)) + (" (trend)" if claim.trend else "")
    cells = [wording.OUTCOMES[claim.outcome], name, _cell(claim.statement, 240)]
    if finding is None or not tally.has_verdict(claim):
        cells += ["-", _cell(tally.first_line(claim), 160), "-", "-", "-"]
    else:
        cells += [
            _cell(wording.predicted(finding), 120),
            _cell(_measured(finding), 200),
            _cell(wording.axis_range(finding), 80),
            wording.seed_range(finding.measurement.seeds),
            _cell(finding.engine, 60),
        ]
    return _row([*cells, wording.duration(claim.seconds)])


def _measured(finding: Finding) -> str:
    return ("control: " if finding.role == "control" else "") + wording.measured(finding)


def _failures(claims: Sequence[ClaimRecord]) -> str:
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
    blocks, left_out = _within((_failure(claim) for claim in broken), _FAILURE_BYTES)
    note = (
        [f"{left_out} more claims that did not pass are left out here; report.json has them all."] if left_out else []
    )
    return "\n\n".join(["## What did not pass", *blocks, *note])


def _unjudged(claims: Sequence[ClaimRecord]) -> str:
    """Return which claims were skipped or not run, and why."""
    lines = [
        f"- {wording.OUTCOMES[claim.outcome]}: {_code(wording.clip(claim.id, 120))}. "
        f"{_cell(tally.first_line(claim), 300)}"
        for claim in claims
        if claim.outcome in tally.UNJUDGED
    ]
    kept, left_out = _within(lines, _NOTES_BYTES)
    note = [f"- and {left_out} more; report.json has them all."] if left_out else []
    return "\n".join(["## What was not judged", "", *kept, *note]) if lines else ""


def _notes(claims: Sequence[ClaimRecord]) -> str:
    """Return what claims that pass tell besides their findings."""
    noted = [claim for claim in claims if claim.notes and claim.outcome == "pass"]
    if not noted:
        return ""
    blocks, left_out = _within(
        (
            "\n\n".join(
                [
                    f"### {_code(wording.clip(c.id, 120))}",
                    *(_fence(wording.clip(n, _NOTE_SHOWN)) for n in c.notes),
                ]
            )
            for c in noted
        ),
        _NOTES_BYTES,
    )
    note = [f"{left_out} more claims with notes are left out here; report.json has them all."] if left_out else []
    return "\n\n".join(["## Notes", *blocks, *note])


def _failure(claim: ClaimRecord) -> str:
    findings = failing_findings(claim)
    parts = [
        f"### {wording.OUTCOMES[claim.outcome]}: {_code(wording.clip(claim.id, 120))}",
        f"{_cell(claim.statement, 1000)} ({_cell(claim.source, 300)})",
    ]
    if claim.error:
        parts.append(_fence(f"{wording.clip(claim.error, 4000)}\nreproduce  {wording.reproduce(claim)}"))
    elif not findings:
        parts.append("Every finding has the verdict it needs, and no error is recorded: is a control missing?")
        parts.append(_fence(f"reproduce  {wording.reproduce(claim)}"))
    parts += [_fence(wording.clip(note, _NOTE_SHOWN)) for note in claim.notes]
    parts += [_explained(claim, finding) for finding in findings[:_FINDINGS_EXPLAINED]]
    rest = len(findings) - _FINDINGS_EXPLAINED
    if rest > 0:
        parts.append(f"{rest} more findings of this claim are left out here; report.json has them all.")
    return "\n\n".join(parts)


def _paper(section: PaperSection) -> str:
    paper = section.paper
    number = f" (arXiv:{_cell(paper.arxiv, 40)})" if paper.arxiv else ""
    lines = [
        f"## {_cell(paper.title, 300)}{number}",
        "",
        f"Read: {_cell(paper.seen, 300)}. What claims say is theirs, and their sources tell what was derived here.",
    ]
    for heading, claims in section.headed:
        if claims:
            lines += ["", f"{heading}:", ""]
            lines += [f"- {_code(wording.clip(c.id, 120))}: {_cell(c.statement, 600)}" for c in claims]
    for heading, statements in section.statements:
        if statements:
            lines += ["", f"{heading}:", ""]
            lines += [f"- {_cell(said, 600)}: {_cell(why, 900)}" for said, why in statements.items()]
    return "\n".join(lines)


def _explained(claim: ClaimRecord, finding: Finding) -> str:
    role = "prediction" if finding.role == "prediction" else "control, which must be refuted"
    heading = f"{finding.verdict.value.upper()}  {role}  [{wording.clip(finding.label, 120)}]"
    rows = [f"  {name:<11} {wording.clip(text, 600)}" for name, text in wording.explanation(claim, finding)]
    return _fence("\n".join([heading, *rows]))


def _provenance(provenance: Provenance) -> str:
    return "\n".join(
        ["## Provenance", "", *(f"- {name}: {_cell(text, 500)}" for name, text in wording.provenance(provenance))]
    )


def _within(blocks: Iterable[str], limit: int) -> tuple[list[str], int]:
    """Return the blocks that fit into `limit` bytes, in order, and how many did not."""
    kept: list[str] = []
    size, left_out = 0, 0
    for block in blocks:
        size += len(block.encode()) + 2
        if size > limit:
            left_out += 1
        else:
            kept.append(block)
    return kept, left_out


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str, length: int) -> str:
    return _inline(wording.clip(" ".join(text.split()), length))


def _inline(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _MARKUP.sub(_escaped, " ".join(text.split()))


def _escaped(match: re.Match[str]) -> str:
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(match.group(), f"\\{match.group()}")


def _code(text: str) -> str:
    """Return a code span; a pipe inside one still ends a table cell, and is escaped."""
    text = " ".join(text.split())
    ticks = "`" * (1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    pad = " " if "`" in text else ""
    return f"{ticks}{pad}{text}{pad}{ticks}".replace("|", "\\|")


def _fence(text: str) -> str:
    """Return a code block whose fence is longer than any run of backticks in it."""
    ticks = "`" * (1 + max((len(run) for run in re.findall(r"`+", text)), default=2))
    return f"{ticks}text\n{text}\n{ticks}"
