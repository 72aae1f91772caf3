"""Budget: widths and seeds that fit into the time that a gate may take, from trainings timed on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from theorychecks.experiment.execution import observed
from theorychecks.finding import Finding
from theorychecks.gates.depth import constant
from theorychecks.gates.examined import Examined
from theorychecks.gates.expectations import CONSTANT
from theorychecks.judging import finding_of
from theorychecks.models.model import plural_of
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import HalfInteger
from theorychecks.statistics.interval import CONFIDENCE, FEWEST_POINTS
from theorychecks.statistics.judgement import undecided
from theorychecks.statistics.prediction import Layout
from theorychecks.statistics.remedies import Remedy
from theorychecks.statistics.sequential import MOST_SEEDS

TIMED = 3
"""Trainings at each width, of which a few are made together."""
_CONFIRMED = 2
"""Times the trainings, where a failure is confirmed."""


class Affordable(NamedTuple):
    """What a time buys: at so many of the narrowest widths, so many models each.

    Attributes:
        widths: how many.
        budget: at each of them; fewer than a verdict needs where even the narrowest widths take too long.
        needed: seconds that the smallest design takes.
        timed: at how many of the narrowest widths trainings were made to tell.
    """

    widths: int
    budget: int
    needed: float
    timed: int

    @property
    def enough(self) -> bool:
        """Whether a verdict can come of it."""
        return self.budget >= _fewest()


def affordable(examined: Examined, seconds: float) -> Affordable:
    """Time some trainings at each width, from the narrowest on, and see how many of them there is time for.

    The trainings are those of the first seeds, and are not made again. Half of the time is for a failure's confirmation
    on fresh seeds.
    """
    widths, times, timed = examined.widths, list[float](), 0
    examined.trains_together()
    design = examined.sweep.on((TIMED,) * len(widths))
    for place, cell in enumerate(design.cells(examined.resources)):
        if TIMED * sum(times) > seconds:
            times.append(times[-1] * (widths[place] / widths[place - 1]) ** 2)
        else:
            timed += 1
            blocks = observed(design, cell, examined.resources)
            times.append(sum(block.seconds for block in blocks) / sum(block.seeds for block in blocks))
    kept = len(times)
    while _CONFIRMED * _fewest() * sum(times[:kept]) > seconds and _decides(examined.sweep.axis, widths[: kept - 1]):
        kept -= 1
    each = _CONFIRMED * sum(times[:kept])
    bought = min(int(seconds / each), MOST_SEEDS) if each else MOST_SEEDS
    return Affordable(kept, bought, _fewest() * each, timed)


def too_short(
    examined: Examined, found: Affordable, seconds: float, moment: Moment, prediction: HalfInteger
) -> Finding:
    """What a gate says that had no time for any verdict, and what it would take.

    The finding holds what the trainings that were timed show of one coordinate.
    """
    axis = examined.sweep.axis
    text = (
        f"out of time: {seconds:.3g} s buy {found.budget} models at each of the {found.widths} smallest "
        f"{plural_of(axis)}, and a verdict needs {_fewest()}, some {found.needed:.0f} s; give "
        f"--theory-budget={found.needed * 1.5:.0f}s, or smaller {plural_of(axis)}"
    )
    remedy = Remedy(limited_by="time", text=text, effort=_fewest() / max(found.budget, 1))
    # Roles are told by two widths, which have been seen in any case.
    measurement = examined.on((TIMED,) * max(found.timed, 2)).measurements[moment]
    judgement = undecided(measurement, remedy, CONFIDENCE)
    return finding_of(judgement, prediction, f"{examined.model.title}, {moment}", engine="module")


def _decides(axis: str, widths: Sequence[int]) -> bool:
    """Whether a verdict on these widths is possible at all."""
    try:
        constant(axis).admit(Layout(axis_values=widths, seeds=[MOST_SEEDS] * len(widths), axis=axis))
    except ValueError:
        return False
    return len(widths) >= FEWEST_POINTS


def _fewest() -> int:
    """The same along every axis."""
    return CONSTANT.demands(FEWEST_POINTS, CONFIDENCE).seeds
