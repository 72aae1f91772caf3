"""The summary of a report: every claim, every finding in one line, and none of the runs' values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from theorychecks.finding import Finding
from theorychecks.provenance import Provenance
from theorychecks.reporting import tally
from theorychecks.reporting.codec import decode, encode
from theorychecks.reporting.report import ClaimRecord, Outcome, Report, Suite, checked_document
from theorychecks.reporting.selection import worst_finding
from theorychecks.statistics.finite_size import FiniteSizeClass
from theorychecks.statistics.interval import Interval
from theorychecks.statistics.judgement import Expectation, Verdict
from theorychecks.statistics.prediction import Role

Shared = TypeVar("Shared")


@dataclass(frozen=True, kw_only=True)
class PredictionLine:
    """A prediction in numbers.

    Attributes:
        expectation: as findings have it.
        allowed: as their judgements have it.
        finite_size: as their fits have it, where a power law was fitted.
    """

    expectation: Expectation
    allowed: Interval | None
    finite_size: FiniteSizeClass | None


@dataclass(frozen=True, kw_only=True)
class FindingLine:
    """A finding without its runs.

    Attributes:
        label, role, predicted, exponent, p_value, engine: as the finding has them.
        setting, prediction: their places in the lists of the summary.
        verdict, interval: as its judgement has them.
        reason: why, where the claim does not have the verdict that it needs.
        axis, axis_values, seeds, shared_seeds: as its measurement has them.
        noise: standard deviation of the logarithm of one run, where a power law was fitted.
        budget: of its looks.
        flops: floating-point operations.
    """

    label: str
    role: Role
    setting: int
    verdict: Verdict
    reason: str | None
    predicted: str
    prediction: int
    exponent: float | None
    interval: Interval | None
    p_value: float | None
    axis: str
    axis_values: tuple[float, ...]
    seeds: tuple[int, ...]
    shared_seeds: bool
    noise: float | None
    budget: int | None
    engine: str
    flops: float


@dataclass(frozen=True, kw_only=True)
class ClaimLine:
    """A claim, its findings in a line each.

    Attributes:
        id, source, test, outcome, seconds: as the claim has them.
        statement: its first line.
        reason: why it has no verdict, in a line.
        worst: the place of the finding that speaks most against it.
        findings: in the order in which they were judged.
    """

    id: str
    statement: str
    source: str
    test: str
    outcome: Outcome
    reason: str | None
    seconds: float
    worst: int | None
    findings: tuple[FindingLine, ...]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A report without the values of its runs.

    Attributes:
        schema: that of the report.
        runs: that it has no values.
        suite, provenance: those of the report.
        settings, predictions: that findings have, each once.
        claims: in the order of the report.
    """

    schema: Literal[3] = 3
    runs: Literal["left out"] = "left out"
    suite: Suite
    provenance: Provenance
    settings: tuple[dict[str, str], ...]
    predictions: tuple[PredictionLine, ...]
    claims: tuple[ClaimLine, ...]

    @classmethod
    def of(cls, report: Report) -> Summary:
        """The summary of a report."""
        settings, predictions = _Settings(), _Predictions()
        claims = tuple(_claim_line(claim, settings, predictions) for claim in report.claims)
        return cls(
            suite=report.suite,
            provenance=report.provenance,
            settings=tuple(settings.values),
            predictions=tuple(predictions.values),
            claims=claims,
        )

    @classmethod
    def from_json(cls, text: str) -> Summary:
        """Return the summary that `text` holds; raise `ReportError` when it is none of this schema."""
        return decode(cls, checked_document(text))

    def to_json(self) -> str:
        """Return the summary as JSON text, a finding a line."""
        return _laid_out(encode(self)) + "\n"


def run_from_json(text: str) -> Report | Summary:
    """Return the report or the summary that `text` holds; raise `ReportError` when it is neither, of this schema."""
    document = checked_document(text)
    return decode(Summary, document) if document.get("runs") == "left out" else decode(Report, document)


def render_summary(report: Report) -> str:
    """Return the summary of a report as JSON text."""
    return Summary.of(report).to_json()


class _Places(Generic[Shared]):
    """Different values, each once, and their places."""

    def __init__(self) -> None:
        self.values: list[Shared] = []

    def of(self, value: Shared) -> int:
        try:
            return self.values.index(value)
        except ValueError:
            self.values.append(value)
            return len(self.values) - 1


_Settings: TypeAlias = _Places[dict[str, str]]
_Predictions: TypeAlias = _Places[PredictionLine]


def _claim_line(claim: ClaimRecord, settings: _Settings, predictions: _Predictions) -> ClaimLine:
    worst = worst_finding(claim)
    return ClaimLine(
        id=claim.id,
        statement=next(iter(claim.statement.splitlines()), ""),
        source=claim.source,
        test=claim.test,
        outcome=claim.outcome,
        reason=None if tally.has_verdict(claim) else tally.first_line(claim),
        seconds=claim.seconds,
        worst=None if worst is None else next(n for n, each in enumerate(claim.findings) if each is worst),
        findings=tuple(_finding_line(each, settings, predictions) for each in claim.findings),
    )


def _finding_line(finding: Finding, settings: _Settings, predictions: _Predictions) -> FindingLine:
    measurement, judgement = finding.measurement, finding.judgement
    fit = judgement.fit
    return FindingLine(
        label=finding.label,
        role=finding.role,
        setting=settings.of(dict(finding.setting)),
        verdict=finding.verdict,
        reason=None if finding.outcome == "pass" else finding.reason,
        predicted=finding.predicted,
        prediction=predictions.of(
            PredictionLine(
                expectation=finding.expectation,
                allowed=judgement.allowed,
                finite_size=fit.finite_size if fit else None,
            )
        ),
        exponent=finding.exponent,
        interval=judgement.interval,
        p_value=finding.p_value,
        axis=measurement.axis,
        axis_values=measurement.axis_values,
        seeds=measurement.seeds,
        shared_seeds=measurement.shared_seeds,
        noise=fit.noise if fit else None,
        budget=finding.looks.budget if finding.looks else None,
        engine=finding.engine,
        flops=finding.effort.flops,
    )


def _laid_out(value: Any, margin: str = "") -> str:
    """JSON text in which whatever holds a list of records has a line for each item, and all else is on one line."""
    if not _holds_records(value):
        return json.dumps(value, allow_nan=False, ensure_ascii=False)
    inner = f"{margin} "
    if isinstance(value, dict):
        items = [f"{json.dumps(name, ensure_ascii=False)}: {_laid_out(each, inner)}" for name, each in value.items()]
    else:
        items = [_laid_out(each, inner) for each in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{inner}" + f",\n{inner}".join(items) + f"\n{margin}{closing}"


def _holds_records(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_records, value.values()))
    return isinstance(value, list) and any(isinstance(each, dict) for each in value)
