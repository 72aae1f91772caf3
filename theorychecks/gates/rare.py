"""Rare: coordinates of experts that rows of a batch reach in too few runs to be judged, and how a reader is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from theorychecks.finding import Finding
from theorychecks.gates.examined import Examined
from theorychecks.judging import as_open
from theorychecks.looks import has_few_runs
from theorychecks.models import ModelError
from theorychecks.models.hooks import starred
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics.exponents import ENOUGH_SEEDS
from theorychecks.statistics.interval import CONFIDENCE
from theorychecks.statistics.shares import p_of_equal_shares

_SHOWN: Final = 3
_WAY_OUT: Final = "give a batch of more rows, or take fewer experts"


def without_rare(
    examined: Examined, findings: Mapping[Moment, Finding]
) -> tuple[dict[Moment, Finding], tuple[Moment, ...]]:
    """Findings but for those of coordinates that too few runs had when the looks ended, and these.

    They had fewer than four numbers at some width, or so few that noise leaves open what is near to its prediction.
    Where no expert of the name has enough, they are findings, and open unless they fail. So is one whose expert is
    reached in more runs at one end of the axis than at the other, by more than chance in one of twenty mixtures: which
    runs these are depends on the axis then, and so may what they show.
    """
    if not examined.anatomy.routed:
        return dict(findings), ()
    few = {moment for moment, each in findings.items() if _has_few(each)}
    known = {of_all(moment) for moment in findings.keys() - few}
    rare = tuple(moment for moment in findings if moment in few and of_all(moment) in known)
    kept = {moment: each for moment, each in findings.items() if moment not in rare}
    measured = (each.measurement for each in kept.values())
    level = (1 - CONFIDENCE) / max(len({(each.seeds, each.left_out) for each in measured if any(each.left_out)}), 1)
    return {moment: _unless_selected(moment, finding, level) for moment, finding in kept.items()}, rare


def _has_few(finding: Finding) -> bool:
    open_by_noise = finding.outcome == "inconclusive" and has_few_runs(finding.judgement, finding.expectation)
    return finding.measurement.has_undefined or open_by_noise


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
    known = set(map(of_all, judged))
    if lacking := [moment for moment in rare if of_all(moment) not in known]:
        (_, quantity, _), step = lacking[0]
        raise ModelError(
            f"{examined.model.title}: {_unreached(lacking, examined.sweep.axis)} ({quantity}, step {step}). "
            f"{_WAY_OUT.capitalize()}."
        )


def _unreached(rare: Iterable[Moment], axis: str) -> str:
    """That no expert of their name is judged."""
    experts = " and ".join(f"`{name}`" for name in dict.fromkeys(of_all(moment)[0] for moment in rare))
    return f"no expert of {experts} is reached in {ENOUGH_SEEDS} runs or more at every {axis}"


def of_all(moment: Moment) -> tuple[str, str, str, int]:
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
