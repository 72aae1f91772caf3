"""Budget: widths and seeds that fit into the time that a gate may take, from trainings timed on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from theorychecks.engines.matrix import Tally
from theorychecks.experiment import Draw, Scan, measure
from theorychecks.experiment.resources import Resources
from theorychecks.finding import Finding
from theorychecks.gates.expectations import CONSTANT, Expected
from theorychecks.gates.source import Moment, Source
from theorychecks.judging import finding_of
from theorychecks.statistics import Measurement
from theorychecks.statistics.interval import CONFIDENCE, FEWEST_POINTS
from theorychecks.statistics.judgement import undecided
from theorychecks.statistics.prediction import Layout
from theorychecks.statistics.remedies import Remedy
from theorychecks.statistics.sequential import MOST_SEEDS

_TIMED = 3
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


def affordable(source: Source, scan: Scan, seconds: float) -> Affordable:
    """Time some trainings at each width, from the narrowest on, and see how many of them there is time for.

    The trainings are those of the scan's first seeds, and are not made again. Half of the time is for a failure's
    confirmation on fresh seeds.
    """
    source.together(source.widths[0])

    def first(width: float, draw: Draw) -> list[float]:
        """The first reading of each training."""
        return [
            float(next(iter(one.coordinates[0].values()))) for one in source.at(round(width), draw.place, draw.seeds)
        ]

    times, timed = list[float](), 0
    for place, width in enumerate(source.widths):
        if _TIMED * sum(times) > seconds:
            times.append(times[-1] * (width / source.widths[place - 1]) ** 2)
        else:
            made = measure(replace(scan, read=first, values=(width,), seeds=_TIMED, budget=None))
            times.append(made.seconds / _TIMED)
            timed += 1
    kept = len(times)
    while _CONFIRMED * _fewest() * sum(times[:kept]) > seconds and _decides(source.widths[: kept - 1]):
        kept -= 1
    each = _CONFIRMED * sum(times[:kept])
    bought = min(int(seconds / each), MOST_SEEDS) if each else MOST_SEEDS
    return Affordable(kept, bought, _fewest() * each, timed)


def _place(scan: Scan, width: float) -> tuple[object, ...]:
    return scan.draw(float(width), range(_TIMED), Resources(), Tally()).place


def too_short(
    source: Source, scan: Scan, found: Affordable, seconds: float, moment: Moment, prediction: Expected
) -> Finding:
    """What a gate says that had no time for any verdict, and what it would take.

    The finding holds what the trainings that were timed show of one coordinate.
    """
    text = (
        f"out of time: {seconds:.3g} s buy {found.budget} models at each of the {found.widths} narrowest widths, and "
        f"a verdict needs {_fewest()}, some {found.needed:.0f} s; give --theory-budget={found.needed * 1.5:.0f}s, or "
        "narrower widths"
    )
    timed = source.widths[: found.timed]
    read = [
        [float(one.coordinates[moment.step][moment.coordinate]) for one in source.at(n, _place(scan, n), range(_TIMED))]
        for n in timed
    ]
    label = f"{source.model.title}, {moment}"
    remedy = Remedy(limited_by="time", text=text, effort=_fewest() / max(found.budget, 1))
    judgement = undecided(Measurement.of(timed, read, name=label), remedy, CONFIDENCE)
    return finding_of(judgement, prediction, label, engine="function")


def _decides(widths: Sequence[int]) -> bool:
    """Whether a verdict on these widths is possible at all."""
    try:
        CONSTANT.admit(Layout(axis_values=widths, seeds=[MOST_SEEDS] * len(widths)))
    except ValueError:
        return False
    return len(widths) >= FEWEST_POINTS


def _fewest() -> int:
    return CONSTANT.demands(FEWEST_POINTS, CONFIDENCE).seeds
