"""Looks: a source is measured and judged until its verdict is decided or its budget spent, and confirmed if it fails.

Torch is imported only where a sweep has to be measured, since plain pytest runs load this module too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from theorychecks.statistics.exponents import ExponentPrediction
from theorychecks.statistics.finite_size import class_for
from theorychecks.statistics.measurement import Measurement, plural
from theorychecks.statistics.parts import Parts
from theorychecks.statistics.prediction import Prediction, TwoSampled
from theorychecks.statistics.sequential import Schedule, in_looks, plan, pooled_noise, schedule
from theorychecks.statistics.verdict import CLEAR, Confirmation, Finding, Role, Verdict

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


def findings_of(
    source: Design | Measurement,
    prediction: Prediction,
    *,
    against: Design | Measurement | None,
    role: Role,
    conditions: Conditions,
) -> dict[Parts, Finding]:
    """One finding a reading.

    Raises:
        ValueError: if the design could never decide, before anything is measured.
    """
    if isinstance(prediction, TwoSampled) and against is None:
        raise ValueError(f"{prediction} compares two ensembles: name the other one by against=")
    if isinstance(source, Measurement):
        if against is not None and not isinstance(against, Measurement):
            raise TypeError(
                f"a measurement is compared with another measurement; got against={against!r}. "
                "measure(sweep).measurements has those of a sweep"
            )
        finding = replace(_judged(prediction, source, against, None), role=role)
        finding = _powered(finding, prediction, None)
        return {Parts(): _told_if_weak(finding) if conditions.confirms else finding}
    from theorychecks.experiment import Design

    # Even blocks of seeds are drawn first, odd ones confirm.
    sweep = source.wider(conditions.octaves).redrawn(2 * conditions.seed)
    other = against
    if isinstance(against, Design):
        other = against.wider(conditions.octaves).redrawn(2 * conditions.seed)
    if other is not None:
        _check_partner(sweep, other, prediction)
    _admit(sweep, prediction, role)
    found = _of_sweep(sweep, other, prediction, role, conditions.resources)
    if not isinstance(other, Measurement):
        found = {name: replace(finding, repeatable=True) for name, finding in found.items()}
    if not conditions.confirms:
        return found
    fresh: Mapping[Parts, Finding] = {}
    if not isinstance(other, Measurement) and (doubted := {n for n, f in found.items() if f.clear and not f.passed}):
        partner = None if other is None else other.redrawn(1)
        fresh = _of_sweep(sweep.redrawn(1), partner, prediction, role, conditions.resources, only=doubted)
    return {name: _confirmed(finding, fresh.get(name)) for name, finding in found.items()}


def _check_partner(sweep: Design, other: Design | Measurement, prediction: Prediction) -> None:
    """Refuse what a sweep or a scan cannot be compared with, before either is measured.

    Raises:
        ValueError: for other axis values, budgets or seeds, or a budget beside numbers that are given.
        TypeError: if it is no sweep, scan or measurement.
    """
    from theorychecks.experiment import Design

    if not isinstance(other, Design | Measurement):
        raise TypeError(f"a sweep is compared with a Sweep or a Measurement; got against={other!r}")
    if (other.axis, other.axis_values) != (sweep.axis, sweep.axis_values):
        raise ValueError(
            f"a sweep is compared with another one at the same {plural(sweep.axis)}, {sweep.axis_values}; "
            f"got against= at {plural(other.axis)} {other.axis_values}"
        )
    if isinstance(other, Measurement):
        if sweep.seeds is None:
            raise ValueError("a sweep with a budget has no partners in a measurement; give the sweep seeds=")
        theirs, seeds = other.seeds, sweep.counts
    else:
        if (sweep.seeds is None) != (other.seeds is None) or sweep.budget != other.budget:
            raise ValueError(
                "two sweeps are compared look by look, on one budget, or on seeds= in both; got "
                f"budget={sweep.budget}, seeds={sweep.seeds} against budget={other.budget}, seeds={other.seeds}"
            )
        theirs, seeds = other.counts, sweep.counts
    if theirs != seeds and not isinstance(prediction, TwoSampled):
        raise ValueError(f"a paired comparison needs the same seeds on both sides; got {seeds} against {theirs}")


def _admit(sweep: Design, prediction: Prediction, role: Role) -> None:
    seeds = sweep.counts
    if sweep.seeds is None:
        demands = prediction.demands(len(sweep.axis_values), 0.95)
        seeds = (demands.seeds,) * len(sweep.axis_values)
    if isinstance(prediction, ExponentPrediction):
        class_for(sweep.axis, prediction.corrections)
    prediction.admit(sweep.axis_values, seeds)
    if role == "prediction" and isinstance(prediction, ExponentPrediction):
        prediction.check_range(sweep.axis_values, sweep.counts)


def _of_sweep(
    sweep: Design,
    other: Design | Measurement | None,
    prediction: Prediction,
    role: Role,
    resources: Resources | None,
    only: Collection[Parts] | None = None,
) -> dict[Parts, Finding]:
    """Findings by reading, all or some, each from the first look that settles it."""
    if sweep.seeds is not None:
        return {
            name: _powered(replace(finding, role=role), prediction, None)
            for name, finding in _measured(sweep, other, prediction, resources, None, only).items()
        }
    from theorychecks.experiment import Design, costs

    price = costs(sweep)
    if isinstance(other, Design):
        price = tuple(a + b for a, b in zip(price, costs(other), strict=True))
    assert sweep.budget is not None

    def look(counts: tuple[int, ...], confidence: float) -> dict[Parts, Finding]:
        partner = other.on(counts) if isinstance(other, Design) else None
        found = _measured(sweep.on(counts), partner, prediction, resources, confidence, only)
        return {name: replace(finding, role=role) for name, finding in found.items()}

    found = in_looks(
        prediction,
        sweep.axis_values,
        price,
        sweep.budget,
        look,
        equal=sweep.shared_seeds,
        joint=sweep.stands_or_falls,
        shares=sweep.shares,
    )
    timetable = schedule(prediction, sweep.axis_values, price, sweep.budget, shares=sweep.shares)
    whole = (sweep, price, timetable)
    return {name: _powered(finding, prediction, whole) for name, finding in found.items()}


def _measured(
    sweep: Design,
    other: Design | Measurement | None,
    prediction: Prediction,
    resources: Resources | None,
    confidence: float | None,
    only: Collection[Parts] | None,
) -> dict[Parts, Finding]:
    from theorychecks.experiment import Design, Resources, measure

    measured = measure(sweep, resources or Resources())
    others: Mapping[Parts, Measurement] = {}
    if isinstance(other, Design):
        their = measure(other, resources or Resources()).measurements
        others = {name: their[name] for name in other.select(their)}
    findings = {}
    for name in sweep.select(measured.measurements):
        if only is not None and name not in only:
            continue
        if isinstance(other, Measurement):
            partner: Measurement | None = other
        elif other is not None and name not in others:
            there = ", ".join(repr(str(each)) for each in others)
            raise ValueError(f"nothing to compare {str(name)!r} with; there are {there}")
        else:
            partner = others.get(name)
        findings[name] = replace(
            _judged(prediction, measured.measurements[name], partner, confidence),
            engine=measured.engine,
            seconds=measured.seconds,
            flops=measured.flops,
            trainings=measured.trainings,
        )
    return findings


def _judged(
    prediction: Prediction, measurement: Measurement, other: Measurement | None, confidence: float | None
) -> Finding:
    options = {} if confidence is None else {"confidence": confidence}
    if isinstance(prediction, TwoSampled):
        assert other is not None
        return prediction.judge_against(measurement, other, **options)
    return prediction.judge(measurement if other is None else measurement.over(other), **options)


def _powered(
    finding: Finding, prediction: Prediction, whole: tuple[Design, tuple[float, ...], Schedule] | None
) -> Finding:
    """A finding with what its whole budget could have detected, by its own noise."""
    measurement = finding.measurement
    noise = pooled_noise(measurement, finding.expectation.average)
    if noise is None:
        return finding
    axis_values, counts = measurement.axis_values, measurement.seeds
    if whole is not None:
        sweep, price, timetable = whole
        spend, confidence = timetable.spends[-1], timetable.confidence
        counts = plan(
            prediction,
            sweep.axis_values,
            price,
            spend,
            noise=noise,
            confidence=confidence,
            have=counts,
            equal=sweep.shared_seeds,
        )
        axis_values = tuple(float(width) for width in sweep.axis_values[: len(counts)])
    power = prediction.power(
        axis_values, counts, noise, finding.confidence, shared_seeds=finding.measurement.shared_seeds
    )
    return replace(finding, power=power)


def _told_if_weak(finding: Finding) -> Finding:
    """A finding that says so if it is decided otherwise than wanted, and not clearly enough to fail its claim."""
    if finding.passed or finding.verdict is Verdict.INCONCLUSIVE or finding.clear:
        return finding
    weak = f"; not clear enough to fail a claim: p = {finding.p_value:.2g}, where {CLEAR:g} is needed"
    return replace(finding, reason=finding.reason + weak)


def _confirmed(finding: Finding, fresh: Finding | None) -> Finding:
    """A finding that would fail its claim, with what fresh seeds say; any other one as it is."""
    if fresh is None:
        return _told_if_weak(finding)
    told = f"{fresh.verdict.value}: {fresh.reason}"
    again = "on fresh seeds" if fresh.verdict is finding.verdict else "fresh seeds do not confirm it:"
    return replace(
        finding,
        confirmation=Confirmation(verdict=fresh.verdict, p_value=fresh.p_value, interval=fresh.interval),
        reason=f"{finding.reason}; {again} {told}",
        seconds=finding.seconds + fresh.seconds,
        flops=finding.flops + fresh.flops,
        trainings=finding.trainings + fresh.trainings,
    )
