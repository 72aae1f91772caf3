"""Rejudging: the numbers of a report are judged anew by this version's statistics, without what has measured them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from theorychecks.beside import of_each
from theorychecks.claims.outcome import missing_among, outcome_of
from theorychecks.finding import Finding
from theorychecks.judging import judged_anew
from theorychecks.premises import Premises, known_predictions
from theorychecks.reporting.codec import ReportError, decode, encode
from theorychecks.reporting.counting import is_failed_trend, suite_of
from theorychecks.reporting.report import ClaimRecord, Outcome, Report
from theorychecks.reporting.tally import UNJUDGED
from theorychecks.statistics.prediction import Prediction


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A verdict of a finding, or an outcome of a claim, that is not what was recorded.

    Attributes:
        claim: its id.
        label: of the finding; None where it is the claim's outcome.
        recorded: what was recorded.
        now: what it is.
        reason: why.
    """

    claim: str
    label: str | None
    recorded: str
    now: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rejudged:
    """A report that was judged anew.

    Attributes:
        report: with the verdicts of this version.
        judged: findings that were judged anew.
        unknown: findings that were kept, of predictions that `theorychecks.statistics` does not export.
        derived: findings that were kept, since a gate has derived them from others.
        differences: from what was recorded, claim by claim.
    """

    report: Report
    judged: int
    unknown: int
    derived: int
    differences: tuple[Difference, ...]


def rejudged(report: Report) -> Rejudged:
    """Judge every finding of a report that can be judged without what measured it, and settle its claims.

    Raises:
        ReportError: for a finding whose premises or numbers this version refuses.
    """
    claims = tuple(of_each(_claim_anew, report.claims))
    recorded = report.suite
    # Whether a trend that fails does so for the run is told by those that have; where none has, it is reported only.
    fails_run = any(map(is_failed_trend, report.claims)) and not recorded.trends_failed
    suite = suite_of(
        claims,
        collected=recorded.collected,
        reported=recorded.reported,
        lost=recorded.lost,
        stopped=recorded.stopped,
        seed=recorded.seed,
        wall_seconds=recorded.wall_seconds,
        profile=recorded.profile,
        trends_reported=not fails_run,
    )
    premises = [finding.premises for claim in claims for finding in claim.findings]
    known = sum(each is not None and each.prediction in known_predictions() for each in premises)
    derived = premises.count(None)
    return Rejudged(
        report=replace(report, claims=claims, suite=suite),
        judged=known,
        unknown=len(premises) - known - derived,
        derived=derived,
        differences=tuple(
            difference
            for before, now in zip(report.claims, claims, strict=True)
            for difference in _differences(before, now)
        ),
    )


def _claim_anew(record: ClaimRecord) -> ClaimRecord:
    findings = tuple(_finding_anew(record, finding) for finding in record.findings)
    outcome, error = _settled(record, findings)
    return replace(record, findings=findings, outcome=outcome, error=error)


def _finding_anew(record: ClaimRecord, finding: Finding) -> Finding:
    if finding.premises is None or finding.premises.prediction not in known_predictions():
        return finding
    try:
        return judged_anew(finding, _rebuilt(finding.premises))
    except (ValueError, TypeError, ArithmeticError, IndexError) as error:
        raise ReportError(
            f"{record.id}, {finding.label}: this version cannot judge it ({error}). If the file is as the run has "
            f"written it, run the claim again: pytest {record.test}"
        ) from error


def _rebuilt(premises: Premises) -> Prediction:
    """The prediction that premises name, one of those that the package exports."""
    prediction: Prediction = decode(known_predictions()[premises.prediction], encode(premises.values), "values")
    return prediction


def _settled(record: ClaimRecord, findings: Sequence[Finding]) -> tuple[Outcome, str | None]:
    """How a claim ends by its new findings, and what went wrong, as a run of pytest settles it."""
    before, now = outcome_of(record.findings), outcome_of(findings)
    if record.outcome in UNJUDGED and (now != "fail" or before == "fail"):
        # One that is skipped though its findings fail was expected to fail.
        return record.outcome, record.error
    if now == "fail":
        return "fail", record.error
    if record.error:
        # What the test raised is as true as before, and only a refutation was put above it.
        return "error" if record.outcome == "fail" == before else record.outcome, record.error
    missing = missing_among(findings, gate=record.gate)
    return ("error", missing) if missing else (now, None)


def _differences(before: ClaimRecord, now: ClaimRecord) -> Iterator[Difference]:
    for recorded, finding in zip(before.findings, now.findings, strict=True):
        if recorded.verdict is not finding.verdict:
            yield Difference(
                claim=now.id,
                label=finding.label,
                recorded=recorded.verdict.value,
                now=finding.verdict.value,
                reason=finding.reason,
            )
    if before.outcome != now.outcome:
        yield Difference(claim=now.id, label=None, recorded=before.outcome, now=now.outcome)
