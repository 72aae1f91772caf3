"""A sign that seeds declared independent are not: runs with the same index agree across the axis."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import special

from theorychecks.statistics.cells import Cells
from theorychecks.statistics.curvature import Check

_LEVEL: Final = 1e-3
_FEWEST_SEEDS: Final = 4


def check_independence(cells: Cells, among: int = 1) -> Check | None:
    """Friedman's test (1937, JASA 32) on the ranks of seed indices within cells; None where there are too few to tell.

    Draws that all axis values share give each index a level of its own, and that is what the test sees: a slope of its
    own, which cancels in the sum of ranks, it does not. An interval that takes them for independent is
    too wide under a common level and in general unpredictable; declared shared, it is exact.

    Args:
        cells: the runs.
        among: how many such tests share the level.
    """
    fewest = int(cells.seeds.min())
    if cells.shared or cells.exact or fewest < _FEWEST_SEEDS:
        return None
    points = len(cells.logs)
    bound = float(special.chdtri(fewest - 1, _LEVEL / among))
    if points * (fewest - 1) <= bound:
        # Perfect agreement would not reach the bound.
        return None
    runs = np.array([cell[:fewest] for cell in cells.logs])
    below, alike = (op(runs[:, None, :], runs[:, :, None]).sum(axis=2) for op in (np.less, np.equal))
    ranks = below + (alike + 1) / 2
    spread = ((ranks.sum(axis=0) - points * (fewest + 1) / 2) ** 2).sum()
    statistic = float(12 * spread / (points * fewest * (fewest + 1)))
    return Check(
        fired=statistic > bound,
        statistic=statistic,
        bound=bound,
        meaning="agreement of runs with the same index across the axis; if they share draws, say shared_seeds=True",
    )
