"""Judging: what looks have shown, confirmed on fresh seeds where a claim would fail; the one place that makes findings.

Torch is imported only where a sweep has to be measured, since plain pytest runs load this module too.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NoReturn

from theorychecks.finding import Confirmation, Finding, Findings
from theorychecks.looks import Predicted, Seen, distinct, first_looks, in_looks, of_reading, power_of
from theorychecks.planning import Planner, end_of_plan, planner
from theorychecks.premises import premises_of
from theorychecks.progress import listener
from theorychecks.sources import Against, Compared, Given, Known, Sample, check_source, settled
from theorychecks.statistics.exponents import power_text
from theorychecks.statistics.interval import Interval
from theorychecks.statistics.judgement import CLEAR, Judgement, Verdict
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.parts import Parts
from theorychecks.statistics.prediction import Prediction, Role

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
        no_time: why there is no time to confirm such a verdict, which then stays open; empty where there is.
        announces: whether a failure is told of while fresh seeds are to confirm it; not where one is wanted.
    """

    octaves: int = 0
    resources: Resources | None = None
    seed: int = 0
    confirms: bool = False
    seconds: float | None = None
    no_time: str = ""
    announces: bool = True


_USED: Final = "its test goes on by what check() has found"


class Unmeasured(Findings):
    """Findings of what is planned and not measured: a test that looks into them ends there."""

    def __len__(self) -> int:
        end_of_plan(_USED)

    def __iter__(self) -> Iterator[Finding]:
        end_of_plan(_USED)

    def __getitem__(self, place: object) -> NoReturn:
        end_of_plan(_USED)

    def __str__(self) -> str:
        return "not measured: this is a plan"

    __repr__ = __str__


def findings_of(
    source: Design | Measurement,
    predicted: Predicted,
    *,
    against: Against = None,
    role: Role = "prediction",
    label: str = "",
    given: Mapping[str, str] | None = None,
    conditions: Conditions | None = None,
    alike: Mapping[Parts, Hashable] | None = None,
) -> Findings:
    """One finding a reading; `Unmeasured` ones where a plan is made.

    Args:
        source: what is measured, or was.
        predicted: what it is held against.
        against: what it is compared with, if anything; a number or a function of the axis value is known exactly.
        role: which verdict is wanted.
        label: what reports call the quantity; its title unless given.
        given: what the claim was given.
        conditions: what the run imposes.
        alike: of which law readings are; those that few runs have want no look once most others of it are settled.

    Raises:
        ValueError: if the design could never decide, or a known number is not positive, before anything is measured.
        TypeError: if the source, or what it is compared with, is none.
    """
    check_source(source)
    conditions = conditions or Conditions()
    if isinstance(source, Measurement):
        other = settled(against, source.axis, source.axis_values)
        setting = {**(given or {}), **_compared_with(other)}
        return _findings(Given(source, other), predicted, role, label or source.name, setting, conditions)
    from theorychecks.experiment import Design

    # Even blocks of seeds are drawn first, odd ones confirm.
    design = source.wider(conditions.octaves).redrawn(2 * conditions.seed)
    other = settled(against, design.axis, design.axis_values)
    if isinstance(other, Design):
        other = other.wider(conditions.octaves).redrawn(2 * conditions.seed)
    compared = Compared(design, other, conditions.resources)
    for prediction in distinct(predicted):
        compared.admit(prediction, role)
    if (plan := planner.get()) is not None:
        return _planned(compared, predicted, plan)
    setting = {**(given or {}), **source.setting, **_compared_with(other)}
    return _findings(compared, predicted, role, label or source.title, setting, conditions, alike)


def _planned(compared: Compared, predicted: Predicted, plan: Planner) -> Unmeasured:
    """Tell a planner what is going to be measured."""
    looks = first_looks(compared, predicted, plan.looks)
    for each in compared.designs:
        budget = each.budget
        designs = [each] if budget is None else [each.on(counts) for counts in looks]
        plan.needs(designs, each if budget is None else each.with_seeds(budget), compared.resources)
    return Unmeasured()


def _compared_with(other: object) -> Mapping[str, str]:
    """What a report says of known numbers, which no measurement shows."""
    return {"against": other.name} if isinstance(other, Known) else {}


def _findings(
    source: Given | Compared,
    predicted: Predicted,
    role: Role,
    title: str,
    setting: Mapping[str, str],
    conditions: Conditions,
    alike: Mapping[Parts, Hashable] | None = None,
) -> Findings:
    """What looks have shown, with the power of the whole budget, and what fresh seeds say where a claim would fail."""
    seen = in_looks(source, predicted, role, joint=source.joint, alike=alike)
    if conditions.no_time and source.repeatable:
        seen = {
            parts: _left_open(each, conditions.no_time) if each.fails(role) else each for parts, each in seen.items()
        }
    fresh = _confirmed(source, predicted, role, seen, conditions)
    if source.joint and fresh and not any(each.fails(role) for each in fresh.values()):
        # A false alarm is no end: the others are looked at as if there had been none.
        seen = in_looks(source, predicted, role, alike=alike)
        fresh = _confirmed(source, predicted, role, seen, conditions)
    findings = Findings()
    for parts, each in seen.items():
        again, prediction = fresh.get(parts), of_reading(predicted, parts)
        assert prediction is not None
        confirmation = None if again is None else _confirmation(again, role)
        findings.append(
            Finding(
                label=", ".join(text for text in (title, str(parts)) if text),
                role=role,
                setting=setting,
                predicted=prediction.phrase(each.judgement.measurement.axis),
                expectation=prediction.expectation,
                judgement=each.judgement,
                reason=_reason(each, confirmation, role, ends=each.sample.ends.get(parts, "")),
                ends=each.sample.ends.get(parts, ""),
                p_value=each.p_value,
                power=power_of(source, prediction, each.judgement),
                looks=each.looks,
                confirmation=confirmation,
                repeatable=source.repeatable,
                engine=each.sample.engine,
                effort=each.sample.effort if again is None else each.sample.effort + again.sample.effort,
                origins=tuple(sorted(each.sample.origins | (again.sample.origins if again else frozenset()))),
                premises=premises_of(prediction, each.judgement, *each.sample.pairs[parts]),
            )
        )
    return findings


def _confirmed(
    source: Given | Compared, predicted: Predicted, role: Role, seen: Mapping[Parts, Seen], conditions: Conditions
) -> Mapping[Parts, Seen]:
    """What fresh seeds say of the readings that would fail a claim, where they are asked.

    Where there is little time, one of several that stand or fall together is enough, and others are seen as far as they
    are by then.
    """
    doubted = {parts for parts, each in seen.items() if each.fails(role)}
    if not (conditions.confirms and source.repeatable and doubted):
        return {}
    announced = conditions.announces and role == "prediction"
    if announced:
        listener.get().doubted(_first_answer(seen, predicted, doubted))
    joint = source.joint and conditions.seconds is not None
    fresh = in_looks(source.redrawn(), predicted, role, only=doubted, joint=joint)
    if announced and not any(each.fails(role) for each in fresh.values()):
        listener.get().doubted("")
    return fresh


def _first_answer(seen: Mapping[Parts, Seen], predicted: Predicted, doubted: Collection[Parts]) -> str:
    """The clearest of the readings that are refuted so far, in a line."""
    chances = {parts: each.p_value for parts, each in seen.items() if parts in doubted}
    parts = min(chances, key=lambda each: 1.0 if (chance := chances[each]) is None else chance)
    judgement, looks, prediction = seen[parts].judgement, seen[parts].looks, of_reading(predicted, parts)
    assert prediction is not None
    measured, axis = judgement.measurement, judgement.measurement.axis
    found = f": {judgement.reason}"
    if judgement.fit is not None:
        found = f" is {power_text(axis, judgement.fit.exponent)}, {prediction.phrase(axis)} expected"
    which = "" if looks is None else f"look {looks.taken} of {looks.planned}; "
    return f"{str(parts) or measured.name}{found} ({which}being confirmed)"


def _left_open(seen: Seen, why: str) -> Seen:
    """A verdict that would fail its claim, and that no fresh seeds have confirmed, as an open one."""
    judgement = seen.judgement
    text = f"{judgement.verdict.value} so far: {judgement.reason}; fresh seeds have to confirm it, {why}"
    return replace(seen, judgement=replace(judgement, verdict=Verdict.INCONCLUSIVE, reason=text, p_value=None))


def judged_anew(finding: Finding, prediction: Prediction) -> Finding:
    """A finding whose recorded numbers are judged by this version's statistics, at the recorded confidence.

    What fresh seeds said, where missing runs ended, the power and the cost stay as recorded. A failure that is new was
    never drawn again on fresh seeds, and leaves the finding open.

    Args:
        finding: as a run has recorded it, with its premises.
        prediction: that these name.

    Raises:
        ValueError: where the prediction refuses the numbers.
    """
    assert finding.premises is not None
    against, confidence = finding.premises.against, finding.judgement.confidence
    judgement = prediction.judge(finding.measurement, against, confidence=confidence)
    seen = Seen(judgement, finding.looks, Sample(pairs={}, engine=finding.engine, effort=finding.effort))
    confirmation = finding.confirmation if seen.fails(finding.role) else None
    if seen.fails(finding.role) and finding.repeatable and confirmation is None:
        unsure = "which no fresh seeds have confirmed: run the claim again"
        text = f"{_reason(seen, None, finding.role)}; judged anew it is {judgement.verdict.value}, {unsure}"
        judgement = replace(judgement, verdict=Verdict.INCONCLUSIVE, reason=text, p_value=None)
        seen = replace(seen, judgement=judgement)
    return replace(
        finding,
        predicted=prediction.phrase(judgement.measurement.axis),
        expectation=prediction.expectation,
        judgement=judgement,
        reason=_reason(seen, confirmation, finding.role, ends=finding.ends),
        p_value=seen.p_value,
    )


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
    return replace(finding, role="control", premises=None)


def as_missed_control(finding: Finding, reason: str, fresh: Interval | None) -> Finding:
    """A control that fails: all that was predicted holds, and on fresh seeds again."""
    again = Confirmation(verdict=Verdict.SUPPORTED, p_value=None, interval=fresh)
    return replace(finding, role="control", p_value=None, confirmation=again, reason=reason, premises=None)


def as_open_control(finding: Finding, reason: str) -> Finding:
    """A control of which nothing follows, though this finding comes nearest to refuting it."""
    return replace(as_open(finding, reason), role="control")


def as_open(finding: Finding, reason: str) -> Finding:
    """A finding of which nothing follows, for a reason that its numbers alone do not show."""
    judgement = replace(finding.judgement, verdict=Verdict.INCONCLUSIVE, reason=reason)
    return replace(finding, judgement=judgement, reason=reason, premises=None)


def relabelled(finding: Finding, label: str, setting: Mapping[str, str]) -> Finding:
    """A finding under another label, for one that stands for many."""
    return replace(finding, label=label, setting=setting)


def _confirmation(fresh: Seen, role: Role) -> Confirmation:
    judgement = fresh.judgement
    return Confirmation(
        verdict=judgement.verdict,
        p_value=fresh.p_value,
        interval=judgement.interval,
        reason=_reason(fresh, None, role),
    )


def _reason(seen: Seen, fresh: Confirmation | None, role: Role, *, ends: str = "") -> str:
    """Why, what would decide it on this budget, what fresh seeds say, and where missing runs have ended."""
    judgement = seen.judgement
    reason, remedy, looks = judgement.reason, judgement.remedy, seen.looks
    if ends and remedy is not None and remedy.limited_by == "missing runs":
        reason = f"{reason}; {ends}"
    if looks is not None and remedy is not None and remedy.effort is not None:
        budget, seconds = math.ceil(remedy.effort * looks.budget), remedy.effort * seen.sample.effort.seconds
        reason = f"{remedy.text}, a budget of {budget} instead of {looks.budget}, some {seconds:.0f} s"
    if fresh is not None:
        again = "on fresh seeds"
        if fresh.verdict is not judgement.verdict:
            again = "fresh seeds do not confirm it:"
        return f"{reason}; {again} {fresh.verdict.value}: {fresh.reason}"
    if judgement.verdict is Verdict.INCONCLUSIVE or seen.settled(role):
        return reason
    return f"{reason}; not clear enough to fail a claim: p = {seen.p_value:.2g}, where {CLEAR:g} is needed"
