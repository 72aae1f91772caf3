"""The logistic curve of successes along an axis, and the likelihood of the point where it crosses one half."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy import optimize, stats
from scipy.special import expit, log_expit

from theorychecks.statistics.cells import Array
from theorychecks.statistics.interval import Interval

_STEEPEST: Final = 1e4
"""Log-odds over the whole range; anything steeper is a step to any data."""
_FARTHEST: Final = 1e3
"""Ranges away; a crossing there is nowhere."""


@dataclass(frozen=True)
class LogisticCurve:
    """Successes out of independent runs at increasing points, their log-odds linear in the point."""

    points: Array
    successes: Array
    runs: Array

    @cached_property
    def bracket(self) -> tuple[int, int] | None:
        """The last point of only one outcome and the first of only the other, where at most one point lies between.

        No slope is then too steep, and the chi-square law of the deviance does not hold: with one mixed point at the
        crossing itself a profile interval covers it 85% of the time (measured in the tests).
        """
        sides = np.where(self.successes == self.runs, 1, np.where(self.successes == 0, -1, 0))
        pure = np.flatnonzero(sides)
        changes = np.flatnonzero(np.diff(sides[pure]))
        if len(changes) != 1:
            return None
        before, after = int(pure[changes[0]]), int(pure[changes[0] + 1])
        mixed = len(sides) - len(pure)
        return (before, after) if mixed <= 1 and after - before == mixed + 1 else None

    @cached_property
    def crossing(self) -> float:
        """The most likely point at which success has probability one half; infinite where success does not change."""
        range_, middle = float(np.ptp(self.points)), float(self.points.mean())
        places = (self.points - middle) / range_

        def loss(line: Array) -> tuple[float, Array]:
            odds = line[0] + line[1] * places
            failures = self.runs - self.successes
            wrong = expit(odds) * self.runs - self.successes
            value = -(self.successes * log_expit(odds) + failures * log_expit(-odds)).sum()
            return float(value), np.array([wrong.sum(), (wrong * places).sum()])

        offset, slope = optimize.minimize(loss, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-8}).x
        if abs(offset) >= _FARTHEST * abs(slope):
            return math.copysign(math.inf, -offset * slope)
        return middle - range_ * float(offset / slope)

    def deviance(self, point: float) -> float:
        """Twice the log-likelihood that is lost when the curve has to cross one half at this point."""
        return 2 * (self._likelihood(self.crossing) - self._likelihood(point))

    @cached_property
    def misfit(self) -> float:
        """Probability of points so far off a logistic curve by chance: the chi-square law of the residual deviance."""
        share = np.clip(self.successes / self.runs, 1e-12, 1 - 1e-12)
        saturated = float((self.successes * np.log(share) + (self.runs - self.successes) * np.log1p(-share)).sum())
        freedom = len(self.points) - 2
        if freedom < 1 or not math.isfinite(self.crossing):
            return 1.0
        return float(stats.chi2.sf(max(2 * (saturated - self._likelihood(self.crossing)), 0.0), freedom))

    def interval(self, level: float) -> Interval | None:
        """Points whose deviance a chi-square variable exceeds with twice this probability; None if they have no end."""
        limit, range_ = float(stats.norm.isf(level)) ** 2, float(np.ptp(self.points))
        if not math.isfinite(self.crossing):
            return None
        ends = []
        for side in (-1.0, 1.0):
            step = 0.1 * range_
            while self.deviance(self.crossing + side * step) < limit:
                step *= 2
                if step > _FARTHEST * range_:
                    return None
            reach = optimize.brentq(lambda s, side=side: self.deviance(self.crossing + side * s) - limit, 0.0, step)
            ends.append(self.crossing + side * float(reach))
        return Interval(*ends)

    def _likelihood(self, crossing: float) -> float:
        """The largest log-likelihood over slopes, of a curve that crosses one half there."""
        range_ = float(np.ptp(self.points))
        places, failures = (self.points - crossing) / range_, self.runs - self.successes

        def gradient(slope: float) -> float:
            return float(((self.successes - expit(slope * places) * self.runs) * places).sum())

        # The log-likelihood is concave in the slope.
        if gradient(_STEEPEST) >= 0:
            slope = _STEEPEST
        elif gradient(-_STEEPEST) <= 0:
            slope = -_STEEPEST
        else:
            slope = float(optimize.brentq(gradient, -_STEEPEST, _STEEPEST))
        odds = slope * places
        return float((self.successes * log_expit(odds) + failures * log_expit(-odds)).sum())
