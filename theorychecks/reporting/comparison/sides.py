"""A side of a comparison: a run's claims, whether its whole report is there or the summary without values alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scipy import special

from theorychecks.finding import WANTED, Finding
from theorychecks.provenance import Provenance
from theorychecks.reporting.codec import ReportError
from theorychecks.reporting.report import ClaimRecord, Outcome, Report, Suite
from theorychecks.reporting.summary import ClaimLine, FindingLine, Summary
from theorychecks.statistics.interval import CONFIDENCE, Interval
from theorychecks.statistics.judgement import Verdict
from theorychecks.statistics.prediction import Role

FindingKey = tuple[str, Role, frozenset[tuple[str, str]], str, int]
"""A finding's label, role, setting and prediction, and which of those that have all these."""


@dataclass(frozen=True, kw_only=True)
class Uncertainty:
    """How far an exponent may lie from the truth.

    Attributes:
        bias: that finite-size corrections can cause, at most.
        standard_error, degrees_of_freedom: of its noise over seeds.
        seeds: runs at each axis value.
        looks: that were taken, each of which could have ended the run; None where there was one, whatever it showed.
    """

    bias: float
    standard_error: float
    degrees_of_freedom: float
    seeds: tuple[int, ...]
    looks: int | None


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one finding's numbers have taken.

    Attributes:
        flops: floating-point operations; 0 where nobody has counted them.
        trainings, seconds: None where the report does not say.
        axis_values, seeds: where, and how many runs at each.
        engine: which one.
        alone: whether no fresh seeds have added to it.
    """

    flops: float
    trainings: int | None
    seconds: float | None
    axis_values: tuple[float, ...]
    seeds: tuple[int, ...]
    engine: str
    alone: bool


@dataclass(frozen=True, kw_only=True)
class SideFinding:
    """A finding as a comparison needs it."""

    label: str
    role: Role
    setting: Mapping[str, str]
    predicted: str
    axis: str
    verdict: Verdict
    exponent: float | None
    interval: Interval | None
    uncertainty: Uncertainty | None
    work: Work

    @property
    def passed(self) -> bool:
        """Whether the verdict is the one the claim needs."""
        return self.verdict is WANTED[self.role]


@dataclass(frozen=True, kw_only=True)
class SideClaim:
    """A claim as a comparison needs it.

    Attributes:
        name: its id, with the parameters of its test where several claims have that id.
        outcome, statement, test: as the claim has them.
        reason: why it has no verdict, in a line.
        findings: by what makes them the same in another run.
    """

    name: str
    outcome: Outcome
    statement: str
    test: str
    reason: str | None
    findings: Mapping[FindingKey, SideFinding]


@dataclass(frozen=True, kw_only=True)
class Side:
    """A run as a comparison needs it.

    Attributes:
        claims: by their names.
        suite, provenance: of the run.
        whole: whether it is a report, and no summary.
    """

    claims: Mapping[str, SideClaim]
    suite: Suite
    provenance: Provenance
    whole: bool

    @classmethod
    def of(cls, run: Report | Summary) -> Side:
        """A report, or the summary of one."""
        names = _names([(claim.id, claim.test) for claim in run.claims])
        if isinstance(run, Report):
            claims = [_of_record(claim, name) for claim, name in zip(run.claims, names, strict=True)]
        else:
            claims = [_of_line(claim, name, run) for claim, name in zip(run.claims, names, strict=True)]
        return cls(
            claims={claim.name: claim for claim in claims},
            suite=run.suite,
            provenance=run.provenance,
            whole=isinstance(run, Report),
        )


def _names(claims: list[tuple[str, str]]) -> list[str]:
    """Names of claims, by their ids and tests: different for different tests."""
    ids = [each for each, _ in claims]
    found = list[str]()
    for each, test in claims:
        parameters = test.rpartition("::")[2].partition("[")[2]
        name = f"{each}[{parameters}" if ids.count(each) > 1 and parameters else each
        found.append(name if name not in found else f"{name} ({test})")
    return found


def _of_record(claim: ClaimRecord, name: str) -> SideClaim:
    return SideClaim(
        name=name,
        outcome=claim.outcome,
        statement=claim.statement,
        test=claim.test,
        reason=claim.error or claim.reason,
        findings=_keyed(map(_of_finding, claim.findings)),
    )


def _of_line(claim: ClaimLine, name: str, summary: Summary) -> SideClaim:
    if any(not 0 <= each.setting < len(summary.settings) for each in claim.findings):
        raise ReportError(f"the summary lacks a setting that {claim.id!r} names. Make it anew: run the claims again.")
    return SideClaim(
        name=name,
        outcome=claim.outcome,
        statement=claim.statement,
        test=claim.test,
        reason=claim.reason,
        findings=_keyed(_of_finding_line(each, summary.settings[each.setting]) for each in claim.findings),
    )


def _keyed(findings: Iterable[SideFinding]) -> dict[FindingKey, SideFinding]:
    found = dict[FindingKey, SideFinding]()
    for each in findings:
        same, place = (each.label, each.role, frozenset(each.setting.items()), each.predicted), 0
        while (*same, place) in found:
            place += 1
        found[*same, place] = each
    return found


def _of_finding(finding: Finding) -> SideFinding:
    measurement, fit, effort = finding.measurement, finding.judgement.fit, finding.effort
    return SideFinding(
        label=finding.label,
        role=finding.role,
        setting=finding.setting,
        predicted=finding.predicted,
        axis=measurement.axis,
        verdict=finding.verdict,
        exponent=finding.exponent,
        interval=finding.interval,
        uncertainty=None
        if fit is None
        else Uncertainty(
            bias=fit.bias_bound,
            standard_error=fit.standard_error,
            degrees_of_freedom=fit.degrees_of_freedom,
            seeds=measurement.seeds,
            looks=finding.looks.taken if finding.looks else None,
        ),
        work=Work(
            flops=effort.flops,
            trainings=effort.trainings,
            seconds=effort.seconds,
            axis_values=measurement.axis_values,
            seeds=measurement.seeds,
            engine=finding.engine,
            alone=finding.confirmation is None,
        ),
    )


def _of_finding_line(line: FindingLine, setting: Mapping[str, str]) -> SideFinding:
    return SideFinding(
        label=line.label,
        role=line.role,
        setting=setting,
        predicted=line.predicted,
        axis=line.axis,
        verdict=line.verdict,
        exponent=line.exponent,
        interval=line.interval,
        uncertainty=None if line.exponent is None or line.interval is None else _told_by(line, line.interval),
        work=Work(
            flops=line.flops,
            trainings=None,
            seconds=None,
            axis_values=line.axis_values,
            seeds=line.seeds,
            engine=line.engine,
            # Fresh seeds are drawn for what would fail a claim; a summary does not tell of those that were.
            alone=line.verdict is WANTED[line.role],
        ),
    )


def _told_by(line: FindingLine, interval: Interval) -> Uncertainty:
    """What a summary lets know: all of the interval is taken for noise, of as many runs as there are."""
    runs = min(line.seeds) - 1 if line.shared_seeds else sum(line.seeds) - len(line.seeds)
    freedom = float(max(runs, 1))
    multiple = -float(special.stdtrit(freedom, (1 - CONFIDENCE) / 2))
    half_width = (interval.high - interval.low) / 2
    error = half_width / multiple if math.isfinite(half_width) else math.inf
    return Uncertainty(bias=0.0, standard_error=error, degrees_of_freedom=freedom, seeds=line.seeds, looks=1)
