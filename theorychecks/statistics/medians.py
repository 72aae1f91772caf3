"""Medians: exact bounds by order statistics, and intervals of their difference that hold whatever the noise.

A sample's k-th smallest value lies above the median with a probability that the binomial law gives, whatever the law of
the runs: neither skew nor unequal noise matters, and a diverged run is a value like any other, above all numbers. A run
of which nothing is known may lie on either side, and is placed where it counts against what is tested.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final, NamedTuple

import numpy as np
from scipy import special

from theorychecks.statistics.cells import Array
from theorychecks.statistics.interval import Interval
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.statuses import Status

_ALL_EQUAL: Final = 1e-12
"""Runs that scatter by less, on their logarithm, do not depend on the draw."""
_PRECISION: Final = 0.01
"""To which the logarithm of a p value is found."""
_TAIL: Final = 2.0
"""Extremes of few runs are skewed, and reach further than moments say by so much over their number (measured)."""
_GRID: Final = np.linspace(-8.0, 8.0, 641)
"""Over which densities of the standard normal law are integrated."""


class Sample(NamedTuple):
    """Runs in their order of seeds, those of unknown value lowest or highest."""

    low: Array
    high: Array

    @property
    def median(self) -> float:
        """The median, unknown runs taken for the highest."""
        return float(np.median(self.high))

    @property
    def negative(self) -> Sample:
        """The runs with their signs changed, so that the smallest is the largest."""
        return Sample(-self.high, -self.low)


def samples(measurement: Measurement, unknown: frozenset[Status] = frozenset({Status.UNDEFINED})) -> list[Sample]:
    """The logarithms at each axis value; runs off the top are +inf, runs off the bottom -inf, unknown ones either."""
    found = []
    for logs, row in zip(measurement.log_values(), measurement.statuses, strict=True):
        lost = np.array([status in unknown for status in row])
        found.append(Sample(np.where(lost, -math.inf, logs), np.where(lost, math.inf, logs)))
    return found


def fewest_runs(level: float) -> int:
    """As many runs as bound a median at this level: all of them are above it, or all below, less often."""
    return max(math.ceil(-math.log2(level) - 1e-9), 1)


def lower_bound(ordered: Array, level: float) -> float:
    """A value that lies above the median of an increasing sample with at most this probability; -inf if there is none.

    Between the two order statistics whose probabilities enclose the level it is interpolated linearly in the level,
    which is cautious: over normal, exponential-like and Pareto samples of 6 to 32 it errs 0.7 times as often as the
    level says and never more often, where the interpolation of Hettmansperger and Sheather (1986) errs up to 1.6 times
    as often under skew (measured in the tests).
    """
    rank, share = _rank(len(ordered), level)
    if rank == 0:
        return -math.inf
    value, following = float(ordered[rank - 1]), float(ordered[rank])
    return value + share * (following - value) if math.isfinite(value) and math.isfinite(following) else value


@lru_cache(maxsize=4096)
def _rank(size: int, level: float) -> tuple[int, float]:
    """The largest rank whose order statistic exceeds the median less often than the level, and the way to the next."""
    # P(X_(k) > median) = P(Binomial(S, 1/2) < k).
    errors = np.append(0.0, special.bdtr(np.arange(size // 2), size, 0.5))
    rank = int(np.searchsorted(errors, level * (1 + 1e-9), side="right")) - 1
    if rank < 1:
        return 0, 0.0
    if rank >= size // 2:
        return size // 2, 0.0
    return rank, float((level - errors[rank]) / (errors[rank + 1] - errors[rank]))


def lower_difference(one: Sample, other: Sample, level: float, *, paired: bool) -> float:
    """A value that lies above the median of one sample less that of another with about this probability.

    Paired, it is the bound of the median difference, and exact. Otherwise the distances from the two medians to their
    own bounds are added as roots of sums of squares are (Zou and Donner 2008, Statist. Med. 27, "MOVER"), which errs no
    more often than the level says where both samples are skewed one way, under any ratio of their noise, and up to 1.4
    times as often where the skews are opposite (measured in the tests). Where one of them is infinite the bounds
    themselves are subtracted.
    """
    return _lower_difference(one, other, paired=paired)(level)


def _lower_difference(one: Sample, other: Sample, *, paired: bool) -> Callable[[float], float]:
    """The bound by its level, of runs that are sorted once."""
    if paired:
        with np.errstate(invalid="ignore"):
            differences = one.low - other.high
        # Two diverged runs have no order: it counts against what is tested.
        return _bound(np.where(np.isnan(differences), -math.inf, differences))
    lowest, highest = _bound(one.low), _bound(-other.high)
    first, second = float(np.median(one.low)), float(np.median(other.high))

    def bound(level: float) -> float:
        low, high = lowest(level), -highest(level)
        if not all(math.isfinite(value) for value in (low, high, first, second)):
            return -math.inf if low == -math.inf or high == math.inf else low - high
        return first - second - math.hypot(first - low, high - second)

    return bound


def _bound(values: Array) -> Callable[[float], float]:
    ordered = np.sort(values)
    if math.isfinite(ordered[0]) and ordered[-1] - ordered[0] < _ALL_EQUAL:
        return lambda _: float(ordered[0])
    return partial(lower_bound, ordered)


def difference(one: Sample, other: Sample, level: float, *, paired: bool) -> Interval:
    """The interval of a difference of medians; each end errs at this level."""
    return Interval(
        lower_difference(one, other, level, paired=paired), -lower_difference(other, one, level, paired=paired)
    )


def p_above(one: Sample, other: Sample, bound: float, *, paired: bool) -> float:
    """The smallest level at which the median of one sample is seen to exceed that of another by more than a bound."""
    lower = _lower_difference(one, other, paired=paired)

    def seen(log_level: float) -> bool:
        return lower(math.exp(log_level)) > bound

    # No bound holds at a level at which not even all runs together would be enough, but for runs that are all equal.
    unseen, level = -math.log(2) * max(len(one.low), len(other.low)) - 1, math.log(0.5)
    if not seen(level):
        return 1.0
    if seen(unseen):
        return 0.0
    while level - unseen > _PRECISION:
        middle = (unseen + level) / 2
        unseen, level = (unseen, middle) if seen(middle) else (middle, level)
    return math.exp(level)


class Precision(NamedTuple):
    """Of one sample's part in a difference of medians, in standard deviations of normal runs.

    Attributes:
        reach: how far its bound lies from its median, on average, as far as that enters the interval's half-width.
        error: standard deviation of the end of its part.
    """

    reach: float
    error: float


@lru_cache(maxsize=4096)
def precision(seeds: int, level: float, *, paired: bool = False) -> Precision | None:
    """By moments of normal order statistics; None where so few runs have no bound (derived here).

    An interval's end is the difference of medians less the root of the sum of two squared distances. To first order it
    is a sum over the samples of (1 - c) median + c bound, with c the square root of 1/2 where both are alike, and one
    where there is a single sample of paired differences.
    """
    rank, share = _rank(seeds, level)
    if rank == 0:
        return None
    ranks = np.array([rank, rank + 1, (seeds + 1) // 2, seeds // 2 + 1])
    bound = np.array([1 - share, share, 0.0, 0.0])
    part = 1.0 if paired else math.sqrt(0.5)
    weights = part * bound + (1 - part) * np.array([0.0, 0.0, 0.5, 0.5])
    means, covariance = _normal_order_statistics(ranks, seeds)
    reach = -float(bound @ means)
    # The root of the sum of two squares is convex in how far they differ, which adds to it on average.
    distance = bound - np.array([0.0, 0.0, 0.5, 0.5])
    convexity = 0.0 if paired else float(distance @ covariance @ distance) / (4 * math.sqrt(2) * reach)
    error = math.sqrt(float(weights @ covariance @ weights))
    return Precision(part * reach + convexity, error * (1 + _TAIL / seeds))


def _normal_order_statistics(ranks: Array, size: int) -> tuple[Array, Array]:
    """Means (Blom 1958) and covariances (David and Johnson 1954) of values of a standard normal sample, by rank."""
    shares = ranks / (size + 1)
    density = _normal_density(special.ndtri(shares))
    joint = np.minimum.outer(shares, shares) * (1 - np.maximum.outer(shares, shares))
    means = special.ndtri((ranks - 0.375) / (size + 0.25))
    return np.asarray(means), np.asarray(joint / np.outer(density, density) / (size + 2))


def chance_of_range(room: float, count: int) -> float:
    """Probability that so many standard normal variables lie no further apart (Tukey's range, by its integral)."""
    inside = special.ndtr(_GRID + max(room, 0.0)) - special.ndtr(_GRID)
    return float(np.trapezoid(count * _normal_density(_GRID) * inside ** (count - 1), _GRID))


def chance_within(room: float, count: int) -> float:
    """Probability, or a little less, that so many intervals end on both sides within the room of their normal ends.

    The two ends of an interval miss it each for itself, which is all that they could do, and more than they do: of six
    runs both ends lie within it up to a sixth more often than this says, of a hundred up to a thirtieth (measured).
    """
    return float(max(2 * special.ndtr(room) - 1, 0.0) ** count)


def chance_above(room: float, count: int) -> float:
    """Probability that one standard normal variable, moved up by so much, lies above so many others."""
    return float(np.trapezoid(_normal_density(_GRID) * special.ndtr(_GRID + room) ** count, _GRID))


def room_for(chance: Callable[[float, int], float], wanted: float, count: int) -> float:
    """The room that gives one of the two chances above its wanted value."""
    # It takes a fifth of a second to import, and most runs have no use for it.
    from scipy import optimize

    return float(optimize.brentq(lambda room: chance(room, count) - wanted, 0.0, 20.0))


def _normal_density(values: Array) -> Array:
    return np.asarray(np.exp(-(values**2) / 2) / math.sqrt(2 * math.pi))
