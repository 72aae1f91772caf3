"""A sign of rounding: drawn runs that repeat each other, so that their scatter is no noise."""

from __future__ import annotations

from typing import Final

import numpy as np

from theorychecks.statistics.cells import Array
from theorychecks.statistics.curvature import Check
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.statuses import Status

_MOST_TIES: Final = 0.4
"""Of pairs of runs in a cell: normal noise rounded to steps of 1.5 standard deviations; finer steps do no harm."""
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


def check_rounding(measurement: Measurement, *, rough: bool = True) -> Check:
    """Whether a grid hides the noise of a cell: its runs repeat each other, and the next ones are far off.

    Decimals and counts are coarse at some axis values and fine at others, so every cell is looked at by itself. Runs
    that differ by a jitter, as of a unit or of the arithmetic, repeat each other. Where all runs of a cell do, the grid
    shows in its neighbours; where not a single cell scatters, its step is unknown, and any law may lie under it.
    Cells that are exact have nothing to hide.

    Args:
        measurement: of runs that were drawn.
        rough: whether cells whose runs differ by their arithmetic only, all of them, may lie on a grid. Their fit
            knows: a grid is no smooth curve, but for equal steps, one for each axis value.
    """
    cells = [
        np.sort(np.log([value for value, status in zip(cell, row, strict=True) if status is Status.OK]))
        for cell, row, exact in zip(measurement.values, measurement.statuses, measurement.exact, strict=True)
        if not exact
    ]
    cells = [cell for cell in cells if len(cell) > 1]
    shares = [*map(_tied_share, cells), *_still(cells)]
    spreads = [float(cell[-1] - cell[0]) for cell in cells]
    if cells and max(spreads) <= (_ARITHMETIC if rough else 0.0):
        shares.append(1.0)
    share = max(shares, default=0.0)
    return Check(
        fired=share > _MOST_TIES,
        statistic=share,
        bound=_MOST_TIES,
        meaning="largest share of equal pairs of runs at one axis value; a grid hides the noise, so dither the values",
    )


def _tied_share(ordered: Array) -> float:
    """The share of pairs of a cell's runs that repeat each other, if clusters of such runs are far apart."""
    gaps, count = np.diff(ordered), len(ordered)
    spread = gaps.sum()
    apart = gaps > spread * min(_EQUAL, _GAPS / count)
    if not apart.any() or gaps[apart].min() <= _FINE:
        return 0.0
    sizes = np.diff(np.flatnonzero(np.concatenate([[True], apart, [True]])))
    return float((sizes * (sizes - 1)).sum() / (count * (count - 1)))


def _still(cells: list[Array]) -> list[float]:
    """One for a cell that stands still where a neighbour scatters, and hardly any noise falls so far at one step."""
    spreads = np.array([cell[-1] - cell[0] for cell in cells])
    found = []
    for place, spread in enumerate(spreads):
        beside = max(spreads[max(place - 1, 0) : place + 2], default=0.0)
        found.append(float(beside > _FINE and spread <= _EQUAL * beside))
    return found
