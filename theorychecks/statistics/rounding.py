"""A sign of rounding: drawn runs that repeat each other, so that their scatter is no noise."""

from __future__ import annotations

from typing import Final

import numpy as np

from theorychecks.statistics.cells import Array
from theorychecks.statistics.curvature import Check
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.statuses import Status

_MOST_TIES: Final = 0.4
"""Of pairs of runs within cells: normal noise rounded to steps of 1.5 standard deviations; finer steps do no harm."""
_FINE: Final = 1e-3
"""Steps of a thousandth, or those of arithmetic, hide nothing that a margin could miss, however often runs repeat."""


DITHER: Final = "values repeat, since a grid hides their noise; dither them, or measure on a finer grid"


def check_rounding(measurement: Measurement) -> Check:
    """Whether a grid hides the noise: too many pairs of runs at one axis value are equal, and the next ones far off.

    Cells that are exact have nothing to hide. Where not a single cell scatters, the grid's step is unknown, and any
    law may lie under it.
    """
    cells = [
        np.log([value for value, status in zip(cell, row, strict=True) if status is Status.OK])
        for cell, row, exact in zip(measurement.values, measurement.statuses, measurement.exact, strict=True)
        if not exact
    ]
    cells = [cell for cell in cells if len(cell) > 1]
    steps = [np.diff(np.sort(cell)) for cell in cells]
    smallest = min((float(found[found > 0].min(initial=np.inf)) for found in steps), default=0.0)
    tied, pairs = sum(map(_tied_pairs, steps)), sum(len(cell) * (len(cell) - 1) // 2 for cell in cells)
    share = tied / max(pairs, 1)
    hidden = share > _MOST_TIES or any(not found.any() for found in steps)
    return Check(
        fired=smallest > _FINE and hidden,
        statistic=share,
        bound=_MOST_TIES,
        meaning="share of pairs of runs at one axis value that are equal; a grid hides the noise, so dither the values",
    )


def _tied_pairs(steps: Array) -> int:
    """Pairs among equal runs, from the steps between sorted ones."""
    if steps.all():
        return 0
    ends = np.flatnonzero(np.concatenate([[1.0], steps, [1.0]]))
    counts = np.diff(ends)
    return int((counts * (counts - 1) // 2).sum())
