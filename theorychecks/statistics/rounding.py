"""A sign of rounding: drawn runs that repeat each other, so that their scatter is no noise."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from theorychecks.statistics.cells import Array
from theorychecks.statistics.curvature import Check
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.statuses import Status

_MOST_TIES: Final = 0.4
"""Of pairs of runs within cells: normal noise rounded to steps of 1.5 standard deviations; finer steps do no harm."""
_MOST_IN_ONE: Final = 0.6
"""Of the pairs of a single cell, which come to more by chance where its runs are few."""
_FINE: Final = 1e-3
"""Steps of a thousandth hide nothing that a margin could miss, however often runs repeat."""
_EQUAL: Final = 1e-3
"""Runs so near each other, in units of how far apart others are, repeat each other but for a jitter."""
_GAPS: Final = 0.02
"""The same in units of the mean gap of a cell, where runs are so many that the next one is always near."""
_ARITHMETIC: Final = 1e-6
"""Runs that differ by so little differ by the rounding of their arithmetic, and not by any noise."""

DITHER: Final = (
    "values repeat, since a grid hides their noise; dither them, or measure on a finer grid, or declare exact=True if "
    "nothing is drawn"
)


def check_rounding(measurement: Measurement, *, rough: float = math.inf) -> Check:
    """Whether a grid hides the noise of a cell: its runs repeat each other, and the next ones are far off.

    Decimals and counts are coarse at some axis values and fine at others, so every cell is looked at by itself. Runs
    that differ by a jitter, as of a unit or of the arithmetic, repeat each other. Where all runs of a cell do, the grid
    shows in its neighbours; where not a single cell scatters, its step is unknown, and any law may lie under it.
    Cells that are exact have nothing to hide.

    Args:
        measurement: of runs that were drawn.
        rough: how far the cells lie from a smooth curve, if that is known. Where runs of all cells differ by their
            arithmetic only, a grid is what is rough; equal steps, one for each axis value, are none.
    """
    cells = [
        np.sort(np.log([value for value, status in zip(cell, row, strict=True) if status is Status.OK]))
        for cell, row, exact in zip(measurement.values, measurement.statuses, measurement.exact, strict=True)
        if not exact
    ]
    cells = [cell for cell in cells if len(cell) > 1]
    pairs = np.array([len(cell) * (len(cell) - 1) / 2 for cell in cells])
    steps = [cell[1:] - cell[:-1] for cell in cells]
    ties = np.array([_tied_share(each) for each in steps])
    spreads = np.array([cell[-1] - cell[0] for cell in cells])
    gaps = np.concatenate(steps) if cells else np.ones(1)
    constant = not spreads.all() and gaps[gaps > 0].min(initial=math.inf) > _FINE
    arithmetic = bool(cells) and spreads.max() <= _ARITHMETIC and rough > _FINE
    pooled = float(ties @ pairs / max(pairs.sum(), 1.0))
    most = 1.0 if constant or arithmetic or _still(spreads, ties) else float(ties.max(initial=0.0))
    fired = most > _MOST_IN_ONE or pooled > _MOST_TIES
    return Check(
        fired=fired,
        statistic=most if most > _MOST_IN_ONE else pooled,
        bound=_MOST_IN_ONE if most > _MOST_IN_ONE else _MOST_TIES,
        meaning="share of equal pairs of runs at one axis value; a grid hides the noise, so dither the values",
    )


def steps_of(measurement: Measurement) -> Array:
    """How far apart, in logarithms, steps of a grid under each cell are at most; infinite where none can be seen.

    They are seen between runs of any cell, and count for each as steps of one size in values, or in logarithms.
    """
    drawn = [
        np.sort([value for value, status in zip(cell, row, strict=True) if status is Status.OK])
        for cell, row in zip(measurement.values, measurement.statuses, strict=True)
    ]
    logs = max((float(np.diff(np.log(cell)).max(initial=0.0)) for cell in drawn), default=0.0)
    if logs <= _ARITHMETIC:
        return np.full(len(drawn), math.inf)
    step = max(float(np.diff(cell).max(initial=0.0)) for cell in drawn)
    return np.array([max(logs, math.log1p(step / cell[0])) if len(cell) else math.inf for cell in drawn])


def _tied_share(gaps: Array) -> float:
    """The share of pairs of a cell's runs that repeat each other, if clusters of such runs are far apart."""
    count = len(gaps) + 1
    apart = gaps > gaps.sum() * min(_EQUAL, _GAPS / count)
    if apart.all() or not apart.any() or gaps[apart].min() <= _FINE:
        return 0.0
    sizes = np.diff(np.flatnonzero(np.concatenate([[True], apart, [True]])))
    return float((sizes * (sizes - 1)).sum() / (count * (count - 1)))


def _still(spreads: Array, ties: Array) -> bool:
    """Whether a cell stands still beside one that scatters over few values; runs that converge scatter over many."""
    scatters = np.where((spreads > _FINE) & (ties > _MOST_TIES / 2), spreads, 0.0)
    beside = [max(scatters[max(place - 1, 0) : place + 2]) for place in range(len(spreads))]
    return any(near > 0 and spread <= _EQUAL * near for spread, near in zip(spreads, beside, strict=True))
