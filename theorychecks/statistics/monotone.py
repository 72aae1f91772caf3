"""Where a probability that rises or falls along an axis crosses one half, without a shape for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from theorychecks.statistics.cells import Array
from theorychecks.statistics.interval import Interval


@dataclass(frozen=True)
class Transition:
    """Successes out of independent runs at increasing points, more of them beyond the crossing than before it.

    If the crossing lies at a point or before it, success is the likelier outcome there and at all points behind it. A
    binomial test of that at the point, or at it and the next one together, has p value r, twice the smaller of the two.
    Points are tested from the far end towards the crossing for as long as they reject: the first true hypothesis is the
    only one that can err, so all are tested at the whole level (fixed sequence: Maurer, Hothorn and Lehmacher 1995).
    Alone, points far from the crossing stop the sequence where runs are few: at ten runs a point a slow transition is
    then SUPPORTED 0.6 times as often. Sharing the level among all points costs more (measured in the tests).

    Attributes:
        points: increasing.
        shares: of successes at each point.
        before: p values that the crossing lies beyond the point, largest up to it from the first on.
        behind: p values that it lies before the point, largest down to it from the last on.
    """

    points: Array
    shares: Array
    before: Array
    behind: Array

    @classmethod
    def of(cls, points: Array, successes: Array, runs: Array) -> Transition:
        """The transition in the direction that the runs speak for: what comes to prevail is called success."""
        rising, falling = (
            cls(points, counts / runs, _unlikely(counts, runs), _unlikely((runs - counts)[::-1], runs[::-1])[::-1])
            for counts in (successes, runs - successes)
        )
        return min(rising, falling, key=lambda side: max(side.before.min(), side.behind.min()))

    def interval(self, level: float) -> Interval | None:
        """The last point that the crossing is seen to lie beyond, and the first that it is seen to lie before.

        Each end errs at this level; None where either is missing, and with it the direction.
        """
        low, high = np.flatnonzero(self.before <= level), np.flatnonzero(self.behind <= level)
        if not (len(low) and len(high)):
            return None
        return Interval(float(self.points[low[-1]]), float(self.points[high[0]]))

    def p_above(self, bound: float) -> float:
        """The smallest level at which the crossing is seen to lie beyond a bound."""
        return float(self.before[self.points >= bound].min(initial=1.0))

    def p_below(self, bound: float) -> float:
        """The smallest level at which the crossing is seen to lie before a bound."""
        return float(self.behind[self.points <= bound].min(initial=1.0))


def _unlikely(successes: Array, runs: Array) -> Array:
    """Of each point the p value that the crossing lies at it or before it."""
    alone = special.bdtr(successes, runs, 0.5)
    together = np.append(special.bdtr(successes[:-1] + successes[1:], runs[:-1] + runs[1:], 0.5), 1.0)
    return np.asarray(np.maximum.accumulate(np.minimum(1.0, 2 * np.minimum(alone, together))))
