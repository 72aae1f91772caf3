"""Two samples: how far apart their locations and scales are, and whether they are of one law."""

from __future__ import annotations

import itertools
import math
from typing import Final, NamedTuple

import numpy as np
from scipy import special

from theorychecks.statistics.cells import Array

TESTS: Final = 2
"""Cramer and von Mises' for the whole law, Levene's about medians for the scale, where the former is weak."""
_SHIFT_LOSS: Final = 1.12
_SCALE_LOSS: Final = 1.12
"""How much larger than for tests by t and F a shift or a log-ratio of scales has to be, at normal samples, to be seen
by these two nine times in ten (measured in the tests)."""
_NO_SPREAD: Final = 1e-12
_DOUBT: Final = 0.05
"""A p value above which no level rejects."""
_STEPS: Final = 5
"""From one end of the margin to the other, where the search for the best change begins."""
_NORMAL_90: Final = -float(special.ndtri(0.1))


class Effect(NamedTuple):
    """A departure from equal laws, with its noise."""

    value: float
    standard_error: float
    degrees_of_freedom: float

    def reach(self, level: float) -> float:
        """The largest size, of either sign, in the interval that errs on each side at this level."""
        return abs(self.value) - float(special.stdtrit(self.degrees_of_freedom, level)) * self.standard_error

    def p_beyond(self, margin: float) -> float:
        """The probability of so small an effect if the true one had the size of the margin."""
        room = (margin - abs(self.value)) / max(self.standard_error, _NO_SPREAD)
        return float(special.stdtr(self.degrees_of_freedom, -room))


class Comparison(NamedTuple):
    """Two samples compared: the smaller p value of two tests of one law up to a margin, and the effects.

    The shift of the mean is in pooled standard deviations; the scale is the log-ratio of standard deviations.
    """

    p_value: float
    shift: Effect
    scale: Effect


class _Moments(NamedTuple):
    """Size, mean and variance, of one sample or of all samples with one value left out."""

    size: float
    mean: Array | float
    variance: Array | float


def compare(one: Array, two: Array, within: float) -> Comparison:
    """Compare two samples of finite numbers, shifts and log-ratios of scales up to a margin being no difference.

    Tests of equal laws are inverted: each p value is the largest over all shifts and changes of scale inside the
    margin, one of which makes the laws one where they differ by no more. It is searched for where equal laws are in
    doubt.
    """
    freedom = min(len(one), len(two)) - 1.0
    constant = [bool(np.ptp(sample) < _NO_SPREAD) for sample in (one, two)]
    if all(constant):
        # What does not depend on the draw is equal or not, and has no scale.
        same = abs(one[0] - two[0]) < _NO_SPREAD
        return Comparison(float(same), Effect(0.0 if same else math.inf, 0.0, freedom), Effect(0.0, 0.0, freedom))
    p_value = min(_law_within(one, two, within), _spread_within(one, two, within))
    if any(constant):
        # What does not depend on the draw has no scale to compare with that of what does.
        apart = Effect(math.inf, 0.0, freedom)
        return Comparison(p_value, apart, apart)
    whole, less = (_whole(one), _whole(two)), (_leaving_one_out(one), _leaving_one_out(two))
    effects = []
    for effect in (_shift, _scale):
        changes = np.asarray(effect(less[0], whole[1])), np.asarray(effect(whole[0], less[1]))
        # The jackknife's variance, one sample at a time; for scales after Miller (1968, Ann. Math. Statist. 39).
        variance = sum(float((len(change) - 1) * change.var()) for change in changes)
        effects.append(Effect(float(effect(*whole)), math.sqrt(variance), freedom))
    return Comparison(p_value, *effects)


def _law_within(one: Array, two: Array, within: float) -> float:
    """The largest p value of Cramer and von Mises' test over shifts and changes of scale inside the margin."""
    # It takes half a second to import, and most runs compare no laws.
    from scipy import optimize, stats

    equal = float(stats.cramervonmises_2samp(one, two).pvalue)
    if equal > _DOUBT:
        return equal
    # Scales change about the mean, so that a change of scale alone does not shift.
    centre, unit = float(two.mean()), math.sqrt((one.var(ddof=1) + two.var(ddof=1)) / 2)

    def changed(change: Array) -> Array:
        return np.asarray(centre + (two - centre) * math.exp(change[1]) + change[0] * unit)

    def distance(change: Array) -> float:
        """The test's statistic, up to what depends on the sizes alone (Anderson 1962)."""
        ranks = stats.rankdata(np.concatenate([one, changed(change)]))
        parts = np.sort(ranks[: len(one)]), np.sort(ranks[len(one) :])
        return float(sum(len(part) * ((part - np.arange(1, len(part) + 1)) ** 2).sum() for part in parts))

    steps = np.linspace(-within, within, _STEPS)
    start = np.array(min(itertools.product(steps, steps), key=lambda change: distance(np.array(change))))
    simplex = start + np.array([[0.0, 0.0], [0.2, 0.0], [0.0, 0.2]]) * within * np.where(start > 0, -1.0, 1.0)
    options = {"initial_simplex": simplex, "xatol": 0.01 * within, "fatol": 0.0, "maxfev": 60}
    found = optimize.minimize(distance, start, method="Nelder-Mead", bounds=[(-within, within)] * 2, options=options).x
    return float(stats.cramervonmises_2samp(one, changed(min(start, found, key=distance))).pvalue)


def _spread_within(one: Array, two: Array, within: float) -> float:
    """The largest p value of Levene's test, about medians, over changes of scale inside the margin."""
    from scipy import stats

    # The test compares mean deviations, so the best change is the one that makes them equal, or comes nearest to it.
    first, second = (float(np.abs(sample - np.median(sample)).mean()) for sample in (one, two))
    ratio = math.log(first / second) if min(first, second) > 0 else math.copysign(math.inf, first - second)
    return float(stats.levene(one, math.exp(min(max(ratio, -within), within)) * two, center="median").pvalue)


def detectable(size: int, level: float) -> tuple[float, float]:
    """A shift, in standard deviations, and a log-ratio of scales that two samples of this size show nine times in ten.

    Args:
        size: of either sample, from a normal law.
        level: at which one of the tests has to reject on one side.
    """
    quantiles = _NORMAL_90 - float(special.stdtrit(2 * size - 2, level))
    return _SHIFT_LOSS * quantiles * math.sqrt(2 / size), _SCALE_LOSS * quantiles * math.sqrt(1 / size)


def _whole(sample: Array) -> _Moments:
    return _Moments(len(sample), float(sample.mean()), float(sample.var(ddof=1)))


def _leaving_one_out(sample: Array) -> _Moments:
    size, centred = len(sample), sample - sample.mean()
    squares = (centred**2).sum() - centred**2 * size / (size - 1)
    return _Moments(size - 1, sample.mean() - centred / (size - 1), np.maximum(squares, _NO_SPREAD) / (size - 2))


def _shift(one: _Moments, two: _Moments) -> Array | float:
    freedoms = one.size - 1, two.size - 1
    pooled = (freedoms[0] * one.variance + freedoms[1] * two.variance) / sum(freedoms)
    return np.asarray((one.mean - two.mean) / np.sqrt(pooled))


def _scale(one: _Moments, two: _Moments) -> Array | float:
    return np.asarray((np.log(one.variance) - np.log(two.variance)) / 2)
