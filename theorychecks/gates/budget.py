"""Budget: widths and seeds that fit into the time that a gate may take, from trainings timed on the spot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Final, NamedTuple

import torch

from theorychecks.experiment.cells import Cell
from theorychecks.experiment.execution import observed
from theorychecks.finding import Finding
from theorychecks.gates.axes import NOTHING_PREDICTED, predicted_along
from theorychecks.gates.examined import Examined
from theorychecks.gates.expectations import CONSTANT
from theorychecks.gates.values import constant
from theorychecks.judging import finding_of
from theorychecks.models import ModelError
from theorychecks.models.model import plural_of
from theorychecks.networks import DepthParametrization, Parametrization
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import HalfInteger, Measurement
from theorychecks.statistics.interval import CONFIDENCE, FEWEST_POINTS
from theorychecks.statistics.judgement import undecided
from theorychecks.statistics.prediction import Layout
from theorychecks.statistics.remedies import Remedy
from theorychecks.statistics.sequential import MOST_SEEDS

TIMED = 3
"""Trainings at each width, of which a few are made together; a single one where they are long."""
_LONG: Final = 1 / 100
"""Of the time: a training that takes more tells enough alone."""
_CONFIRMED = 2
"""Times the trainings, where there is time to confirm a failure."""
_GROWS: Final = {"width": 2, "depth": 1, "heads": 1, "experts": 1}
"""The power at which a training's time grows along each axis, as a rule at most."""


class Affordable(NamedTuple):
    """What a time buys: at so many of the narrowest widths, so many models each.

    Attributes:
        widths: how many.
        budget: at each of them; fewer than a verdict needs where even the narrowest widths take too long.
        confirms: whether there is time left to confirm a failure on fresh seeds.
        needed: seconds that the smallest design takes, at least and at most.
        timed: trainings that were made to tell, at each of the narrowest widths.
    """

    widths: int
    budget: int
    confirms: bool
    needed: tuple[float, float]
    timed: tuple[int, ...]

    @property
    def enough(self) -> bool:
        """Whether a verdict can come of it."""
        return self.budget >= _fewest()

    @property
    def half(self) -> int:
        """The budget of each of two designs, where it is enough for a verdict of each; else none."""
        return self.budget // 2 if self.budget // 2 >= _fewest() else 0

    def no_time(self, designs: int = 1) -> str:
        """That a failure is not confirmed, and what it would take."""
        return f"for which there is no time: give --theory-budget={1.5 * designs * self.needed[1]:.0f}s"


def affordable(examined: Examined, seconds: float) -> Affordable:
    """Time some trainings at each width, from the narrowest on, and see how many of them there is time for.

    The trainings are those of the first seeds, and are not made again. Half of the time is for a failure's confirmation
    on fresh seeds; where that leaves too little, all of it is for the first verdict, of which a pass stands. No width
    is timed that there is surely no time for, by those before it.
    """
    widths, axis = examined.widths, examined.sweep.axis
    # What this trains is not timed, nor is what is made ready for it.
    examined.trains_together()
    points = next(points for points in range(1, len(widths) + 1) if _decides(axis, widths[:points]))
    times, timed = list[float](), list[int]()
    for place, cell in enumerate(_cells(examined)):
        least = _smallest(_at_least(times, widths[: max(place + 1, points)])) if times else 0.0
        if least > seconds and (place >= points or least > _CONFIRMED * seconds):
            break
        if place:
            # Building and calling it is no part of a training's time.
            examined.sweep.on((TIMED,) * (place + 1)).rehearse()
        count = 1 if times and times[-1] > _LONG * seconds else TIMED
        blocks = observed(examined.sweep, replace(cell, count=count), examined.resources)
        times.append(sum(block.seconds for block in blocks) / sum(block.seeds for block in blocks))
        timed.append(count)
    last = len(times) - 1
    longest = [*times, *(times[-1] * (width / widths[last]) ** _GROWS[axis] for width in widths[last + 1 :])]
    kept = len(widths)
    while _smallest(longest[:kept]) > seconds and kept > points:
        kept -= 1
    confirms = _smallest(longest[:kept]) <= seconds
    each = sum(longest[:kept]) * (_CONFIRMED if confirms else 1)
    bought = min(int(seconds / each), MOST_SEEDS) if each else MOST_SEEDS
    needed = _smallest(_at_least(times, widths)[:kept]), _smallest(longest[:kept])
    return Affordable(kept, bought, confirms, needed, tuple(timed))


def too_short(
    examined: Examined, parametrization: Parametrization | DepthParametrization, found: Affordable, seconds: float
) -> Finding:
    """What a gate says that had no time for any verdict, and what it would take.

    The finding holds what the trainings that were timed show of the first coordinate that has numbers, with what is
    predicted of it.

    Raises:
        ModelError: if nothing is predicted of any.
    """
    axis, (least, most) = examined.sweep.axis, found.needed
    takes = f"some {most:.0f} s" if most < 2 * least else f"{least:.0f} to {most:.0f} s"
    text = (
        f"out of time: {seconds:.3g} s buy {found.budget} models at each of the {found.widths} smallest "
        f"{plural_of(axis)}, and a verdict needs {_fewest()}, {takes} with a failure's confirmation; give "
        f"--theory-budget={most * 1.5:.0f}s, or smaller {plural_of(axis)}"
    )
    remedy = Remedy(limited_by="time", text=text, effort=_fewest() / max(found.budget, 1))
    moment, prediction, measurement = _first_measured(examined, parametrization, found.timed)
    judgement = undecided(measurement, remedy, CONFIDENCE)
    return finding_of(judgement, prediction, f"{examined.model.title}, {moment}", engine="module")


def _cells(examined: Examined) -> list[Cell]:
    return examined.sweep.on((TIMED,) * len(examined.widths)).cells(examined.resources)


def _first_measured(
    examined: Examined, parametrization: Parametrization | DepthParametrization, timed: Sequence[int]
) -> tuple[Moment, HalfInteger, Measurement]:
    """The first coordinate that has numbers, at the widths at which enough trainings were timed for a measurement.

    Trainings at one width do not tell which coordinates are zero or the same, and have no exponent.
    """
    count = len(list(takewhile(lambda each: each == TIMED, timed)))
    known = [examined.resources.known(cell) for cell in _cells(examined)[:count]]
    moments = list(map(Moment.of, known[0][0].readings))
    expected = predicted_along(examined, parametrization, moments, first_update=None)
    if not expected:
        raise ModelError(f"{examined.model.title}: {NOTHING_PREDICTED}")
    rows = {
        moment: [torch.cat([block.readings[moment.parts].values for block in blocks])[:TIMED] for blocks in known]
        for moment in expected
    }
    shown = (moment for moment in rows if all(bool(((row > 0) & row.isfinite()).all()) for row in rows[moment]))
    moment = next(shown, next(iter(rows)))
    widths = examined.widths[:count]
    measurement = Measurement.of(widths, rows[moment], axis=examined.sweep.axis, name=str(moment.parts))
    return moment, expected[moment], measurement


def _smallest(times: Sequence[float]) -> float:
    """Seconds that the smallest design on some widths takes with its confirmation, by those of a training at each."""
    return _CONFIRMED * _fewest() * sum(times)


def _at_least(times: Sequence[float], widths: Sequence[int]) -> list[float]:
    """Times at these widths, by those at the narrowest ones: at least, they go on to grow by the power seen so far.

    The power grows with the width, as what does not depend on it has less and less part in them.
    """
    last = len(times) - 1
    seen = math.log(times[-1] / times[0]) / math.log(widths[last] / widths[0]) if last and times[0] else 0.0
    return [*times, *(times[-1] * (width / widths[last]) ** max(seen, 0.0) for width in widths[last + 1 :])]


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
