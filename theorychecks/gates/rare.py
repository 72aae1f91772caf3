"""Rare: coordinates of experts that rows of a batch reach in too few runs to be judged, and how a reader is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from theorychecks.finding import Finding
from theorychecks.gates.examined import Examined
from theorychecks.judging import as_open
from theorychecks.models import Anatomy, ModelError
from theorychecks.models.coordinates import Coordinate
from theorychecks.models.hooks import plain, starred
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics.exponents import ENOUGH_SEEDS
from theorychecks.statistics.interval import CONFIDENCE
from theorychecks.statistics.shares import has_few_runs, left_to_others, p_of_equal_shares

_SHOWN: Final = 3
_WAY_OUT: Final = "give a batch of more rows, or take fewer experts"


def without_rare(
    examined: Examined, findings: Mapping[Moment, Finding]
) -> tuple[dict[Moment, Finding], tuple[Moment, ...]]:
    """Findings but for those of coordinates that too few runs had when the looks ended, and these.

    They had fewer than four numbers at some width; or they are open, half of the runs or fewer had them somewhere, and
    three quarters of the experts of their mixture are decided. Where no expert of the name has enough, they are
    findings, and open unless they fail. So is one whose expert is reached in more runs at one end of the axis than at
    the other, by more than chance in one of twenty mixtures: which runs these are depends on the axis then, and so may
    what they show.
    """
    anatomy = examined.anatomy
    if not anatomy.routed:
        return dict(findings), ()
    known = {_of_all(moment) for moment, each in findings.items() if not each.measurement.has_undefined}
    lacking = {
        moment for moment, each in findings.items() if each.measurement.has_undefined and _of_all(moment) in known
    }
    kept = {moment: each for moment, each in findings.items() if moment not in lacking}
    measured = (each.measurement for each in kept.values())
    level = (1 - CONFIDENCE) / max(len({(each.seeds, each.left_out) for each in measured if any(each.left_out)}), 1)
    uneven = {moment: _unless_selected(moment, finding, level) for moment, finding in kept.items()}
    few = {moment for moment, each in kept.items() if uneven[moment] is each and _is_open_by_few(each)}
    settled = {moment: each.outcome != "inconclusive" for moment, each in findings.items()}
    rare = lacking | left_to_others(few, settled, {moment: mixture_of(anatomy, moment) for moment in findings})
    return {moment: each for moment, each in uneven.items() if moment not in rare}, tuple(
        moment for moment in findings if moment in rare
    )


def _is_open_by_few(finding: Finding) -> bool:
    return finding.outcome == "inconclusive" and has_few_runs(finding.measurement)


def mixture_of(anatomy: Anatomy, moment: Moment) -> Moment:
    """A coordinate by the name that all experts of its mixture share, whose own numbers come last in their names.

    Experts that have no such number, as those that are one module, share it with none of another layer.
    """
    name, quantity, parameter = moment.coordinate
    parts = plain(name).split(".")
    within = (".".join(parts[: place + 1]) for place in range(len(parts)))
    expert = next((each for each in within if anatomy.routes(each)), "")
    any_of_them = re.sub(r"\d+$", "*", expert)
    module, parameter = (
        any_of_them + each[len(expert) :] if expert and each.startswith(expert) else each for each in (name, parameter)
    )
    return Moment(Coordinate(module, quantity, parameter), moment.step)


def _unless_selected(moment: Moment, finding: Finding, level: float) -> Finding:
    measurement, axis = finding.measurement, finding.measurement.axis
    if finding.outcome == "fail":
        return finding
    if measurement.has_undefined:
        return as_open(finding, f"{_unreached([moment], axis)}; {_WAY_OUT}")
    if not any(measurement.left_out) or p_of_equal_shares(measurement) >= level:
        return finding
    ends = (
        f"{measurement.seeds[end]} of {measurement.made[end]} runs at {axis} {measurement.axis_values[end]:g}"
        for end in (0, -1)
    )
    expert, group = moment.coordinate.module, starred(moment.coordinate.module).partition(".*")[0]
    # Along the experts themselves a batch of the same rows has fewer for each.
    alike = "" if axis == "experts" else f"see that the router of `{group}` chooses alike at every {axis}, or "
    text = (
        f"rows reach `{expert}` in {' and in '.join(ends)}, so that it is judged by other runs there; {alike}give a "
        "batch of more rows"
    )
    return as_open(finding, text)


def check_judged(examined: Examined, judged: Iterable[Moment], rare: Iterable[Moment]) -> None:
    """Refuse a model that has a rare coordinate of which no expert of that name is judged.

    Raises:
        ModelError: naming them.
    """
    known = set(map(_of_all, judged))
    if lacking := [moment for moment in rare if _of_all(moment) not in known]:
        (_, quantity, _), step = lacking[0]
        raise ModelError(
            f"{examined.model.title}: {_unreached(lacking, examined.sweep.axis)} ({quantity}, step {step}). "
            f"{_WAY_OUT.capitalize()}."
        )


def _unreached(rare: Iterable[Moment], axis: str) -> str:
    """That no expert of their name is judged."""
    experts = " and ".join(f"`{name}`" for name in dict.fromkeys(_of_all(moment)[0] for moment in rare))
    return f"no expert of {experts} is reached in {ENOUGH_SEEDS} runs or more at every {axis}"


def _of_all(moment: Moment) -> tuple[str, str, str, int]:
    """A coordinate by the names that all experts share."""
    (module, quantity, parameter), step = moment
    return starred(module), starred(parameter), quantity, step


def note_on(rare: Sequence[Moment]) -> str:
    """That these are not judged, in a line."""
    experts = list(dict.fromkeys(f"`{moment.coordinate.module}`" for moment in rare))
    more = f" and {len(experts) - _SHOWN} more" if len(experts) > _SHOWN else ""
    return (
        f"- not judged: {len(rare)} coordinates of {', '.join(experts[:_SHOWN])}{more}, which too few runs have; "
        "give a batch of more rows to have them judged"
    )
