"""Account: what a terminal is told of a claim that did not pass, the first culprit first."""

from collections.abc import Sequence

from theorychecks.finding import Finding
from theorychecks.reporting import wording
from theorychecks.reporting.report import ClaimRecord
from theorychecks.reporting.selection import failing_findings

_FINDINGS_TOLD = 6


def culprit(claim: ClaimRecord) -> str:
    """Return the first thing that keeps a claim from passing, in a line; nothing where there is none.

    That is what broke, or what a gate's diagnosis blames first, or else the worst finding, with its role.
    """
    if claim.error:
        return next(filter(None, map(str.strip, claim.error.splitlines())), "")
    failing = failing_findings(claim)
    if not failing:
        return ""
    worst = failing[0]
    if worst.outcome == "fail" and worst.role == "prediction" and (blamed := _blamed(claim.notes)):
        return blamed
    return told(worst)


def _blamed(notes: Sequence[str]) -> str:
    """Return what the diagnosis of a gate blames first: below its heading, in a list."""
    for note in notes:
        heading, *below = note.splitlines() or [""]
        if below and below[0].startswith("- ") and not heading.startswith("- "):
            return below[0].removeprefix("- ").partition(" (")[0]
    return ""


def told(finding: Finding) -> str:
    """Return what was found in a few words: "moved (control): SUPPORTED, n^-0.98 measured, n^-1 predicted"."""
    found = "" if finding.exponent is None else f"{wording.measured_power(finding)} measured, "
    label = wording.clip(" ".join(finding.label.split()), 60)
    return f"{label} ({finding.role}): {finding.verdict.value.upper()}, {found}{finding.predicted} predicted"


def account(claim: ClaimRecord) -> str:
    """Return a claim that did not pass as text for a terminal: what broke, or every failing finding explained.

    The first line is what pytest's short summary shows, cut to the terminal's width.
    """
    first = culprit(claim)
    blocks = [f"{claim.id}: {first}"] if first else []
    blocks.append(f"{claim.outcome.upper()}  {claim.id}: {wording.clip(claim.statement, 200)}")
    if claim.error:
        blocks.append(claim.error)
    blocks += claim.notes
    failing = failing_findings(claim)
    for finding in failing[:_FINDINGS_TOLD]:
        rows = [f"  {name:<11}{text}" for name, text in wording.explanation(claim, finding)]
        heading = f"{finding.verdict.value.upper()}  {finding.label} ({finding.role}, wanted {finding.wanted.value})"
        blocks.append("\n".join([heading, *rows]))
    if len(failing) > _FINDINGS_TOLD:
        blocks.append(f"and {len(failing) - _FINDINGS_TOLD} more findings like these, all in the report")
    return wording.literal("\n\n".join(blocks))
