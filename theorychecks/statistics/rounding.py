"""A sign of rounding: drawn runs that repeat each other, so that their scatter is no noise."""

from __future__ import annotations

from typing import Final

import numpy as np

from theorychecks.statistics.curvature import Check
from theorychecks.statistics.measurement import Measurement, Status

_MOST_TIES: Final = 0.4
"""Of pairs of runs within cells: normal noise rounded to steps of 1.5 standard deviations; finer steps do no harm."""
_FINE: Final = 1e-3
"""Steps of a thousandth hide nothing that a margin could miss, however often runs repeat."""
_DECIMALS: Final = 9
"""Of the logarithm; runs that agree so far are equal up to the rounding of their arithmetic."""


def check_rounding(measurement: Measurement) -> Check:
    """Whether a grid hides the noise: too many pairs of runs at one axis value are equal, and the next ones far off.

    Cells that are exact have nothing to hide. Where not a single cell scatters, the grid's step is unknown, and any
    law may lie under it.
    """
    cells = [
        np.log([value for value, status in zip(cell, row, strict=True) if status is Status.OK]).round(_DECIMALS)
        for cell, row, exact in zip(measurement.values, measurement.statuses, measurement.exact, strict=True)
        if not exact
    ]
    cells = [cell for cell in cells if len(cell) > 1]
    tied, pairs = sum(_tied_pairs(cell) for cell in cells), sum(len(cell) * (len(cell) - 1) // 2 for cell in cells)
    share = tied / max(pairs, 1)
    steps = [float(step) for cell in cells for step in np.diff(np.unique(cell))]
    coarse = bool(cells) and min(steps, default=1.0) > _FINE
    hidden = share > _MOST_TIES or any((cell == cell[0]).all() for cell in cells)
    return Check(
        fired=coarse and hidden,
        statistic=share,
        bound=_MOST_TIES,
        meaning="share of pairs of runs at one axis value that are equal; a grid hides the noise, so dither the values",
    )


def _tied_pairs(cell: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> int:
    counts = np.unique(cell, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())
