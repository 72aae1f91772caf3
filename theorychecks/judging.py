"""Judging: plan, measure, judge, stop or go on, confirm; the one place that makes findings.

Torch is imported only where a sweep has to be measured, since plain pytest runs load this module too.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from theorychecks.finding import WANTED, Confirmation, Finding, Findings, Looks
from theorychecks.progress import looking
from theorychecks.sources import Against, Compared, Given, Known, Sample, Source, check_source, settled
from theorychecks.statistics.breakdown import breakdown_constant
from theorychecks.statistics.interval import CONFIDENCE, Interval
from theorychecks.statistics.judgement import CLEAR, Judgement, Power, Verdict, is_clear
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.parts import Parts
from theorychecks.statistics.prediction import Prediction, Role
from theorychecks.statistics.sequential import Schedule, plan, pooled_noise, schedule

if TYPE_CHECKING:
    from theorychecks.experiment import Design, Resources


@dataclass(frozen=True)
class Conditions:
    """What a run imposes on all its claims.

    Attributes:
        octaves: of width, added to every sweep.
        resources: what trainings may use; the defaults unless given.
        seed: another one draws other networks everywhere.
        confirms: whether a verdict that fails a claim is drawn again, on fresh seeds, before it does.
        seconds: that each gate may take; as long as its own budget does unless given.
    """

    octaves: int = 0
    resources: Resources | None = None
    seed: int = 0
    confirms: bool = False
    seconds: float | None = None


@dataclass(frozen=True)
class Seen:
    """A reading as the last look that it needed has shown it."""

    judgement: Judgement
    looks: Looks | None
    sample: Sample

    @property
    def p_value(self) -> float | None:
        """Over all looks."""
        p_value = self.judgement.p_value
        return p_value if self.looks is None or p_value is None else min(1.0, self.looks.planned * p_value)

    def fails(self, role: Role) -> bool:
        """Whether it is clearly decided otherwise than its role wants."""
        verdict = self.judgement.verdict
        return verdict not in (WANTED[role], Verdict.INCONCLUSIVE) and is_clear(self.p_value)

    def settled(self, role: Role) -> bool:
        """Whether no further look is wanted."""
        return self.judgement.verdict is WANTED[role] or self.fails(role)

    @property
    def hopeless(self) -> bool:
        """Whether more of the same will not help: somewhere not a single run has a number, and numbers are needed."""
        measurement, remedy = self.judgement.measurement, self.judgement.remedy
        lost = zip(measurement.not_finite, measurement.seeds, strict=True)
        needed = remedy is not None and remedy.limited_by == "missing runs"
        return needed and any(count == seeds for count, seeds in lost)


def in_looks(
    source: Source,
    prediction: Prediction,
    role: Role = "prediction",
    *,
    only: Collection[Parts] | None = None,
    confidence: float = CONFIDENCE,
) -> dict[Parts, Seen]:
    """Measure and judge until every reading is settled, or nothing is left to be spent.

    Args:
        source: what is measured.
        prediction: what it is held against.
        role: which verdict is wanted.
        only: readings that are judged; all unless given.
        confidence: of the verdicts, over all looks.
    """
    timetable = _timetable(source, prediction, confidence)
    seen: dict[Parts, Seen] = {}
    counts: tuple[int, ...] = ()
    noise: float | None = None
    for taken, spend in enumerate(timetable.spends, start=1):
        looks = None
        if source.budget is None:
            counts = source.counts
        else:
            counts = _planned(source, prediction, timetable, spend, noise, counts)
            looks = Looks(taken=taken, planned=len(timetable.spends), budget=source.budget)
        with looking(taken, len(timetable.spends)):
            sample = source.measured(counts)
        noises = list[float]()
        for parts, pair in sample.pairs.items():
            if only is not None and parts not in only:
                continue
            judgement = prediction.judge(*pair, confidence=timetable.confidence)
            if parts not in seen or not seen[parts].settled(role):
                seen[parts] = Seen(judgement, looks, sample)
            if (found := pooled_noise(judgement.measurement, prediction.expectation.average)) is not None:
                noises.append(found)
        noise = max(noises, default=noise)
        fallen = source.stands_or_falls and any(each.fails(role) for each in seen.values())
        if fallen or all(each.settled(role) or each.hopeless for each in seen.values()):
            break
    return seen


def findings_of(
    source: Design | Measurement,
    prediction: Prediction,
    *,
    against: Against = None,
    role: Role = "prediction",
    label: str = "",
    given: Mapping[str, str] | None = None,
    conditions: Conditions | None = None,
) -> Findings:
    """One finding a reading.

    Args:
        source: what is measured, or was.
        prediction: what it is held against.
        against: what it is compared with, if anything; a number or a function of the axis value is known exactly.
        role: which verdict is wanted.
        label: what reports call the quantity; its title unless given.
        given: what the claim was given.
        conditions: what the run imposes.

    Raises:
        ValueError: if the design could never decide, or a known number is not positive, before anything is measured.
        TypeError: if the source, or what it is compared with, is none.
    """
    check_source(source)
    conditions = conditions or Conditions()
    if isinstance(source, Measurement):
        other = settled(against, source.axis, source.axis_values)
        setting = {**(given or {}), **_compared_with(other)}
        return _findings(Given(source, other), prediction, role, label or source.name, setting, conditions)
    from theorychecks.experiment import Design

    # Even blocks of seeds are drawn first, odd ones confirm.
    design = source.wider(conditions.octaves).redrawn(2 * conditions.seed)
    other = settled(against, design.axis, design.axis_values)
    if isinstance(other, Design):
        other = other.wider(conditions.octaves).redrawn(2 * conditions.seed)
    compared = Compared(design, other, conditions.resources)
    compared.admit(prediction, role)
    setting = {**(given or {}), **source.setting, **_compared_with(other)}
    return _findings(compared, prediction, role, label or source.title, setting, conditions)


def _compared_with(other: object) -> Mapping[str, str]:
    """What a report says of known numbers, which no measurement shows."""
    return {"against": other.name} if isinstance(other, Known) else {}


def _findings(
    source: Given | Compared,
    prediction: Prediction,
    role: Role,
    title: str,
    setting: Mapping[str, str],
    conditions: Conditions,
) -> Findings:
    """What looks have shown, with the power of the whole budget, and what fresh seeds say where a claim would fail."""
    seen = in_looks(source, prediction, role)
    doubted = {parts for parts, each in seen.items() if each.fails(role)}
    fresh: Mapping[Parts, Seen] = {}
    if conditions.confirms and source.repeatable and doubted:
        fresh = in_looks(source.redrawn(), prediction, role, only=doubted)
    findings = Findings()
    for parts, each in seen.items():
        again = fresh.get(parts)
        fit, allowed = each.judgement.fit, each.judgement.allowed
        findings.append(
            Finding(
                label=", ".join(text for text in (title, str(parts)) if text),
                role=role,
                setting=setting,
                predicted=prediction.phrase(each.judgement.measurement.axis),
                expectation=prediction.expectation,
                judgement=each.judgement,
                reason=_reason(each, again, role),
                p_value=each.p_value,
                breakdown=breakdown_constant(fit, each.judgement.measurement, allowed) if fit and allowed else None,
                power=_power(source, prediction, each.judgement),
                looks=each.looks,
                confirmation=None if again is None else _confirmation(again),
                repeatable=source.repeatable,
                engine=each.sample.engine,
                effort=each.sample.effort if again is None else each.sample.effort + again.sample.effort,
            )
        )
    return findings


def finding_of(judgement: Judgement, prediction: Prediction, label: str, *, engine: str = "") -> Finding:
    """A judgement that no looks have led to, as a finding: of a gate that had no time for any."""
    return Finding(
        label=label,
        role="prediction",
        predicted=prediction.phrase(judgement.measurement.axis),
        expectation=prediction.expectation,
        judgement=judgement,
        reason=judgement.reason,
        p_value=judgement.p_value,
        engine=engine,
    )


def as_control(finding: Finding) -> Finding:
    """A prediction's finding in the role of a control, which must be refuted."""
    return replace(finding, role="control")


def as_missed_control(finding: Finding, reason: str, fresh: Interval | None) -> Finding:
    """A control that fails: all that was predicted holds, and on fresh seeds again."""
    again = Confirmation(verdict=Verdict.SUPPORTED, p_value=None, interval=fresh)
    return replace(finding, role="control", p_value=None, confirmation=again, reason=reason)


def as_open_control(finding: Finding, reason: str) -> Finding:
    """A control of which nothing follows, though this finding comes nearest to refuting it."""
    judgement = replace(finding.judgement, verdict=Verdict.INCONCLUSIVE, reason=reason)
    return replace(finding, role="control", judgement=judgement, reason=reason)


def relabelled(finding: Finding, label: str, setting: Mapping[str, str]) -> Finding:
    """A finding under another label, for one that stands for many."""
    return replace(finding, label=label, setting=setting)


def _confirmation(fresh: Seen) -> Confirmation:
    judgement = fresh.judgement
    return Confirmation(verdict=judgement.verdict, p_value=fresh.p_value, interval=judgement.interval)


def _reason(seen: Seen, fresh: Seen | None, role: Role) -> str:
    """Why, what would decide it on this budget, and what fresh seeds say."""
    judgement = seen.judgement
    reason, remedy, looks = judgement.reason, judgement.remedy, seen.looks
    if looks is not None and remedy is not None and remedy.effort is not None:
        budget, seconds = math.ceil(remedy.effort * looks.budget), remedy.effort * seen.sample.effort.seconds
        reason = f"{remedy.text}, a budget of {budget} instead of {looks.budget}, some {seconds:.0f} s"
    if fresh is not None:
        again = "on fresh seeds"
        if fresh.judgement.verdict is not judgement.verdict:
            again = "fresh seeds do not confirm it:"
        return f"{reason}; {again} {fresh.judgement.verdict.value}: {_reason(fresh, None, role)}"
    if judgement.verdict is Verdict.INCONCLUSIVE or seen.settled(role):
        return reason
    return f"{reason}; not clear enough to fail a claim: p = {seen.p_value:.2g}, where {CLEAR:g} is needed"


def _timetable(source: Source, prediction: Prediction, confidence: float) -> Schedule:
    if source.budget is None:
        return Schedule((math.inf,), confidence)
    return schedule(prediction, source.axis_values, source.costs, source.budget, confidence, source.shares)


def _planned(
    source: Source,
    prediction: Prediction,
    timetable: Schedule,
    spend: float,
    noise: float | None,
    have: tuple[int, ...],
) -> tuple[int, ...]:
    return plan(
        prediction,
        source.axis_values,
        source.costs,
        spend,
        noise=noise,
        confidence=timetable.confidence,
        have=have,
        equal=source.shared_seeds,
    )


def _power(source: Source, prediction: Prediction, judgement: Judgement) -> Power | None:
    """What the whole budget could have detected, by the noise that was found."""
    measurement = judgement.measurement
    noise = pooled_noise(measurement, prediction.expectation.average)
    if noise is None:
        return None
    axis_values, counts = measurement.axis_values, measurement.seeds
    if source.budget is not None:
        timetable = _timetable(source, prediction, CONFIDENCE)
        counts = _planned(source, prediction, timetable, timetable.spends[-1], noise, counts)
        axis_values = tuple(float(value) for value in source.axis_values[: len(counts)])
    return prediction.power(axis_values, counts, noise, judgement.confidence, shared_seeds=measurement.shared_seeds)
