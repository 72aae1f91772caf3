"""Coordinate check: how every module and parameter of a model scales with width, each with a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from theorychecks.arguments import whole_number
from theorychecks.claims import ClaimFailure, ClaimUndecided
from theorychecks.claims.recording import given, now_recording
from theorychecks.drawing import table
from theorychecks.experiment import Resources, Sweep
from theorychecks.finding import Finding, Findings
from theorychecks.gates.axes import NOTHING_PREDICTED, diagnosed, predicted_along
from theorychecks.gates.budget import affordable, too_short
from theorychecks.gates.controls import controls
from theorychecks.gates.culprit import Diagnosis
from theorychecks.gates.depth import check_known_in_depth
from theorychecks.gates.examined import Examined
from theorychecks.gates.expectations import check_known
from theorychecks.gates.mending import mending
from theorychecks.gates.rare import check_judged, mixture_of, note_on, without_rare
from theorychecks.gates.readout_decay import bounded, judged_apart, learned_apart, note_on_decay
from theorychecks.gates.values import check_numbers, chosen_values, constant
from theorychecks.judging import Conditions, findings_of
from theorychecks.models import Model, ModelError
from theorychecks.networks import DepthParametrization, Parametrization
from theorychecks.observables.coordinates import Coordinates, Moment
from theorychecks.planning import end_of_plan, planner
from theorychecks.statistics import HalfInteger
from theorychecks.statistics.design import check_seeds, check_widths
from theorychecks.statistics.prediction import Layout

STEPS = 4
_SHOWN = 3
BUDGET = 64
"""Runs at every width, at most; most models are decided by a tenth of them."""
LOOKS = (1 / 10, 1 / 4, 1 / 2, 1.0)
"""Shares of the budget, spent by the end of each look: what a first look leaves open takes two to ten times as much."""


@dataclass(frozen=True)
class CoordinateCheck:
    """What a coordinate check has found.

    Attributes:
        findings: one for each coordinate and step, with its exponent, interval and verdict.
        diagnosis: what is wrong where, if anything is.
        unjudged: coordinates without an exponent, being zero or the same whatever the weights and the width.
        rare: coordinates of experts of which too few runs have a number, no row of their batch reaching these.
        cancelled: parameters that are not judged either, since whatever follows takes them out again.
        fused: layers of which those outputs alone are judged that grow.
        mending: code that undoes the inits and learning rates that are off for sure.
        undecayed: updates of readouts that a weight decay makes up much of, and that are judged without it as well.
    """

    findings: tuple[Finding, ...]
    diagnosis: Diagnosis
    unjudged: tuple[Moment, ...] = ()
    rare: tuple[Moment, ...] = ()
    cancelled: tuple[str, ...] = ()
    fused: tuple[str, ...] = ()
    mending: str = ""
    undecayed: tuple[Moment, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every coordinate scales as it is meant to."""
        return all(finding.passed for finding in self.findings)

    @property
    def failed(self) -> bool:
        """Whether some coordinate clearly does not, and fresh seeds say the same."""
        return bool(self.refuted)

    @property
    def refuted(self) -> tuple[Finding, ...]:
        """Coordinates that clearly do not scale as they are meant to, and on fresh seeds again."""
        return tuple(finding for finding in self.findings if finding.outcome == "fail")

    @property
    def undecided(self) -> tuple[Finding, ...]:
        """Coordinates of which nothing could be said, each with what it would take."""
        return tuple(finding for finding in self.findings if not finding.passed and finding.outcome != "fail")

    def __str__(self) -> str:
        lines = [str(self.diagnosis)]
        if self.undecided and not self.failed:
            supported = sum(finding.passed for finding in self.findings)
            lines = [
                f"{self.diagnosis.title}: undecided: {len(self.undecided)} of {len(self.findings)} coordinates are "
                f"open, {supported} scale as predicted, and none is known to scale otherwise"
            ]
        lines += [f"- undecided: {finding.label}: {finding.reason}" for finding in self.undecided[:_SHOWN]]
        if len(self.undecided) > _SHOWN:
            lines.append(f"- and {len(self.undecided) - _SHOWN} more")
        return "\n".join([*lines, *self.left_out, *([f"\n{self.mending}"] if self.mending else [])])

    def _repr_html_(self) -> str:
        """What a notebook shows: the diagnosis, and what is refuted or open."""
        wrong = (*self.refuted, *self.undecided)
        return table((), [("coordinate check", str(self))]) + (Findings(wrong)._repr_html_() if wrong else "")

    @property
    def left_out(self) -> list[str]:
        """What was not judged, and why, in a line for each reason."""
        lines = []
        if self.unjudged:
            lines.append(f"- not judged: {len(self.unjudged)} coordinates that are zero or depend on nothing")
        if self.rare:
            lines.append(note_on(self.rare))
        if self.undecayed:
            lines.append(note_on_decay(self.undecayed))
        if self.cancelled:
            lines.append(f"- not judged: {', '.join(self.cancelled)}, which whatever follows takes out again")
        if self.fused:
            lines.append(
                f"- judged in part: {', '.join(self.fused)}, of which some outputs do not grow; make these a layer of "
                "their own to have them judged"
            )
        return lines


def coordinate_check(
    model: Model,
    parametrization: Parametrization | DepthParametrization,
    *,
    widths: Sequence[int] | None = None,
    depths: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    experts: Sequence[int] | None = None,
    steps: int = STEPS,
    at: Sequence[int] | None = None,
    budget: int | None = None,
    seeds: int | tuple[int, ...] | None = None,
) -> CoordinateCheck:
    """Train a model at several widths, and hold every coordinate against what its parametrization predicts.

    Coordinates are, for every module: the size of what it returns, its change since the start, and the propagating
    update W_0 dx_t; for every parameter in every module that uses it: the effective update dW_t x_t; and the logits of
    every attention. Those that are zero, or do not depend on the weights, have no exponent and are left out.

    Known exceptions are built in: before training attention logits fall as n^-1/2 or faster, and so does what becomes
    small with the matrices that read out, such as outputs of a readout that is neither tied nor has a bias; logits, and
    changes of what is small at first, are bounded from above only; what lies before all that grows may move less. Not
    built in: by plain gradients, query and key matrices of their own move by n^-1/2 too little at first.

    Args:
        model: how it is built, trained, and on what.
        parametrization: what it is meant to be: `MAXIMAL_UPDATE` or `NTK`; along the depth `COMPLETE_P` or `DEPTH_MUP`.
        widths: five or more, such as `widths(64, 1024)`.
        depths: of a model with `axis="depth"` in the place of widths: five or more, such as (4, 8, 16, 32, 64).
        heads: likewise, of one with `axis="heads"`.
        experts: likewise, of one with `axis="experts"`.
        steps: of training.
        at: after which steps coordinates are read, besides the start; the first and the last unless given.
        budget: the most that a verdict may cost, as so many runs at every width; 64 unless given. It is spent in looks,
            and the first that decides all is the last.
        seeds: takes the place of a budget.

    Raises:
        ClaimFailure: outside of a claim run by pytest, if a coordinate scales otherwise than predicted, and on fresh
            seeds again; the message says what is wrong first.
        ClaimUndecided: likewise, if nothing fails and some coordinates are open; it says what a verdict would take.
        ModelError: if the model cannot be gated, or its first runs reach no expert of a mixture.
        ValueError: if the widths can never decide, before anything is trained; or for an unknown parametrization.
    """
    values = chosen_values(model, widths=widths, depths=depths, heads=heads, experts=experts)
    sweep = swept(model, parametrization, values, steps=steps, at=at, budget=budget, seeds=seeds)
    recorder = now_recording.get()
    found = checked(sweep, parametrization, recorder.conditions if recorder else Conditions())
    if recorder is not None:
        for finding in found.findings:
            recorder.add(finding)
        if note := "\n".join([*([str(found.diagnosis)] if found.diagnosis else []), *found.left_out]):
            recorder.notes += filter(None, [note, found.mending])
    elif found.failed:
        raise ClaimFailure(str(found))
    elif not found.passed:
        raise ClaimUndecided(str(found))
    return found


def coordinate_check_refuted(
    model: Model,
    parametrization: Parametrization | DepthParametrization,
    *,
    widths: Sequence[int] | None = None,
    depths: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    experts: Sequence[int] | None = None,
    steps: int = STEPS,
    at: Sequence[int] | None = None,
    budget: int | None = None,
    seeds: int | tuple[int, ...] | None = None,
) -> CoordinateCheck:
    """Like `coordinate_check`, for a control: a model that must be found not to have this parametrization.

    Every coordinate that clearly scales otherwise is recorded as a control; where there is none, the one that comes
    nearest to it, which fails if all pass, and on fresh seeds again, and is undecided else. The diagnosis is returned,
    and noted.

    Raises:
        ClaimFailure: outside of a claim run by pytest, if every coordinate scales as predicted.
        ClaimUndecided: likewise, if none clearly scales otherwise, and some are open.
        ModelError, ValueError: as `coordinate_check`.
    """
    values = chosen_values(model, widths=widths, depths=depths, heads=heads, experts=experts)
    sweep = swept(model, parametrization, values, steps=steps, at=at, budget=budget, seeds=seeds)
    recorder = now_recording.get()
    conditions = replace(recorder.conditions if recorder else Conditions(), announces=False)
    found = checked(sweep, parametrization, conditions)
    if recorder is not None:
        for finding in controls(
            found.findings, lambda: checked(sweep.redrawn(1), parametrization, conditions).findings
        ):
            recorder.add(finding)
        recorder.notes.append(str(found.diagnosis))
    elif found.passed:
        raise ClaimFailure(f"{found.diagnosis}, and a control must be refuted")
    elif not found.failed:
        raise ClaimUndecided(f"{found}\nA control must be refuted.")
    return found


def swept(
    model: Model,
    parametrization: Parametrization | DepthParametrization,
    widths: Sequence[int],
    *,
    steps: int = STEPS,
    at: Sequence[int] | None = None,
    budget: int | None = None,
    seeds: int | tuple[int, ...] | None = None,
) -> Sweep:
    """A model's coordinates over its widths, as a check that can decide reads them.

    Raises:
        TypeError, ValueError: for what is no model, and for widths, steps and times that can decide nothing.
    """
    if model.axis == "depth":
        check_known_in_depth(parametrization)
    else:
        check_known(parametrization, model.axis)
    whole_number(steps, "steps")
    coordinates = Coordinates((1, steps) if at is None else at)  # type: ignore[arg-type] # it makes a tuple of them
    if coordinates.at[-1] > steps:
        raise ValueError(f"coordinates are read at=... after 1 to steps={steps} steps; got {at}")
    chosen = check_numbers(widths, model.axis) if model.axis != "width" else check_widths(widths)
    counts = check_seeds(seeds or BUDGET, len(chosen))
    constant(model.axis).admit(Layout(axis_values=chosen, seeds=counts, axis=model.axis))
    return Sweep(
        coordinates,
        model if model.steps == steps else replace(model, steps=steps),
        widths=chosen,
        budget=BUDGET if budget is None and seeds is None else budget,
        seeds=seeds,
        joint=True,
        looks=LOOKS,
    )


def checked(
    sweep: Sweep, parametrization: Parametrization | DepthParametrization, conditions: Conditions
) -> CoordinateCheck:
    """Judge all coordinates of a model together, and say what is wrong; nothing is recorded."""
    # A model stays where it is built, and its widths are its owner's.
    resources = replace(conditions.resources or Resources(), device="cpu")
    conditions = replace(conditions, octaves=0, resources=resources, confirms=True)
    examined = Examined(sweep.redrawn(2 * conditions.seed), resources)
    if (plan := planner.get()) is not None:
        plan.needs([examined.pilots], examined.pilots, resources)
        findings_of(sweep, constant(sweep.axis), conditions=conditions)
        end_of_plan("a coordinate check judges what its first trainings show")
    title = examined.model.title
    bought = None
    if conditions.seconds is not None:
        bought = affordable(examined, conditions.seconds)
        if not bought.enough:
            finding = too_short(examined, parametrization, bought, conditions.seconds)
            return CoordinateCheck((finding,), diagnosed(examined, {}))
        sweep = replace(sweep.with_budget(bought.budget), widths=sweep.widths[: bought.widths])
        examined = Examined(sweep.redrawn(2 * conditions.seed), resources)
        if not bought.confirms:
            conditions = replace(conditions, no_time=bought.no_time())
    examined.rehearse()
    moments = examined.moments()
    expected, unreached = (
        predicted_along(examined, parametrization, found, first_update=examined.first_update)
        for found in (moments.judged, moments.rare)
    )
    check_judged(examined, expected, unreached)
    if not expected:
        raise ModelError(f"{title}: {NOTHING_PREDICTED}")
    apart = learned_apart(examined, expected, parametrization)
    if apart and bought is not None and bought.half:
        sweep = sweep.with_budget(bought.half)
    elif apart and bought is not None:
        conditions = replace(conditions, no_time=bought.no_time(designs=2))
    judge = partial(_judged, sweep, {**given.get(), "parametrization": parametrization.name}, conditions)
    findings = judge(examined, bounded(expected, apart), title)
    counts = max((finding.measurement.made for finding in findings.values()), key=sum)
    findings, seen = judged_apart(examined.on(counts), findings, apart, judge)
    findings, seldom = without_rare(examined, findings)
    rare, anatomy = (*unreached, *seldom), examined.anatomy
    diagnosis = diagnosed(seen, findings)
    code = mending(diagnosis.culprits, anatomy, decays=examined.optimizing.decays, grouped=examined.grouped)
    left_out = (tuple(moments.constant), rare, anatomy.cancelled, tuple(anatomy.fixed))
    return CoordinateCheck(tuple(findings.values()), diagnosis, *left_out, code, undecayed=tuple(apart))


def _judged(
    sweep: Sweep,
    setting: Mapping[str, str],
    conditions: Conditions,
    examined: Examined,
    expected: Mapping[Moment, HalfInteger],
    label: str,
) -> dict[Moment, Finding]:
    """Findings of a model's coordinates, which are in the order in which its sweep reads them."""
    predicted = {moment.parts: each for moment, each in expected.items()}
    seen = replace(sweep, training=examined.model)
    anatomy = examined.anatomy
    alike = {moment.parts: mixture_of(anatomy, moment) for moment in expected} if anatomy.routed else {}
    found = findings_of(seen, predicted, label=label, given=setting, conditions=conditions, alike=alike)
    return dict(zip(expected, found, strict=True))
