"""The verdict on an exponent: why it falls so, what would decide it where it is open, and what could have been seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.polynomial import Chebyshev
from scipy import special

from theorychecks.statistics.cells import (
    DOUBT,
    Array,
    degrees_of_freedom,
    doubt_of_mean,
    largest_variance_of_means,
    skewness_doubt,
    skewness_of_means,
    summarise,
    trimming_costs,
)
from theorychecks.statistics.estimator import ExponentWeights, exponent_weights
from theorychecks.statistics.finite_size import FiniteSizeClass
from theorychecks.statistics.interval import Fit, Interval, Slope, fit_power_law, slope_of
from theorychecks.statistics.judgement import Judgement, Power, Verdict, decide, undecided
from theorychecks.statistics.measurement import LOG_OF_MEAN, Average, Measurement, check_any_number
from theorychecks.statistics.noise_law import fit_noise_law
from theorychecks.statistics.rare import PROVISO, RUNS_TO_SEE, unseen
from theorychecks.statistics.remedies import UNSOUND, Remedy, between_rivals, for_exponent, missing_runs
from theorychecks.statistics.rounding import steps_of
from theorychecks.statistics.skewness import hall_inverse

_ROUGH_MEAN: Final = 0.01
"""Relative variance of a cell's mean above which its logarithm has no normal law to speak of."""
_ADMITTED: Final = 0.99
_WIDER: Final = 2.0
"""Data that show curvature beyond the class decide only what a class of twice its constant decides, too."""
CALM: Final = 0.01
"""Runs that scatter by one per cent: hardly an observable has less noise."""
_OFTEN: Final = 0.9
_SIMULATIONS: Final = 1000
"""Of a design's intervals; the Monte Carlo standard error of a power of 0.9 is then 0.9 points."""


def judge_exponent(
    measurement: Measurement,
    *,
    allowed: Interval,
    margin: float,
    average: Average,
    confidence: float,
    finite_size: FiniteSizeClass,
    among: int = 1,
    neighbours: Interval | None = None,
) -> Judgement:
    """Fit an exponent and compare its interval with what is allowed.

    Where the question is which of some exponents it is, the estimate has to be allowed and the interval to lie between
    the neighbours of the predicted one; a check that fired takes the interval of a class of twice the constant. Where
    runs repeat, it reaches further by what steps as coarse as any between runs could hide.
    """
    check_any_number(measurement)
    if (hindrance := _hindrance(measurement, average)) is not None:
        return undecided(measurement, hindrance, confidence, allowed=allowed)
    fit = fit_power_law(measurement, confidence=confidence, finite_size=finite_size, average=average, among=among)
    fired = [name for name, check in fit.checks.items() if check.fired]
    judged = _wider_slope(fit, measurement) if fired else fit
    hidden, unsound = 0.0, UNSOUND.intersection(fired)
    if neighbours is not None and "rounding" in fired and math.isfinite(by := _hidden(fit, measurement)):
        hidden, unsound = by, unsound - {"rounding"}
    careful = judged.interval.reaching(hidden)
    verdict = decide(fit.interval, allowed, flagged=bool(fired))
    if verdict is Verdict.REFUTED and not careful.disjoint(allowed):
        verdict = Verdict.INCONCLUSIVE
    if neighbours is not None and verdict is not Verdict.REFUTED:
        near = Interval(fit.exponent, fit.exponent).reaching(hidden).inside(allowed)
        told = near and neighbours.low < careful.low <= careful.high < neighbours.high
        # What a grid alone leaves open lies between no two exponents.
        between = careful.inside(neighbours) and not Interval(fit.exponent, fit.exponent).inside(allowed)
        verdict = Verdict.SUPPORTED if told else Verdict.INCONCLUSIVE
    limits = allowed if neighbours is None or verdict is Verdict.REFUTED else neighbours
    if neighbours is not None and verdict is Verdict.INCONCLUSIVE and between and not unsound:
        remedy = between_rivals(fit, neighbours, measurement.axis)
        return undecided(measurement, remedy, confidence, fit=fit, interval=fit.interval, allowed=limits)
    # The class, or the standard error itself, is in doubt, so nothing follows from the interval.
    if unsound or verdict is Verdict.INCONCLUSIVE:
        remedy = for_exponent(fit, fired, margin, limits, measurement)
        return undecided(measurement, remedy, confidence, fit=fit, interval=fit.interval, allowed=limits)
    return Judgement(
        measurement=measurement,
        verdict=verdict,
        reason=_reason(verdict, fit, fired, allowed, neighbours) + (PROVISO if average == LOG_OF_MEAN else ""),
        confidence=confidence,
        fit=fit,
        interval=fit.interval,
        allowed=limits,
        p_value=_p_value(verdict, judged, limits.reaching(-hidden if verdict is Verdict.SUPPORTED else hidden)),
    )


def _hidden(fit: Fit, measurement: Measurement) -> float:
    """By how much a grid can move an exponent: each cell by a step, and by one more the noise that it hides."""
    return 2 * float(np.abs(fit.weights) @ steps_of(measurement))


def _hindrance(measurement: Measurement, average: Average) -> Remedy | None:
    """What keeps an exponent from being fitted at all: runs without a number, a mean that so few runs do not show."""
    if measurement.beyond_tolerance(average):
        return missing_runs(measurement)
    if average != LOG_OF_MEAN:
        return None
    if text := unseen(measurement):
        return Remedy(limited_by="noise", text=text, effort=RUNS_TO_SEE / min(measurement.seeds))
    if (scatter := largest_variance_of_means(measurement)) > _ROUGH_MEAN:
        rough = (
            f"noise-limited: a mean over seeds is known to {math.sqrt(scatter):.0%} only, and its logarithm is skewed; "
        )
        most, effort = max(measurement.seeds), scatter / _ROUGH_MEAN
        text = f"{rough}about {math.ceil(effort * most)} seeds instead of {most}"
        return Remedy(limited_by="noise", text=text, effort=effort)
    return None


def power_of_exponent(
    axis_values: Sequence[float],
    seeds: Sequence[int],
    noise: float,
    *,
    allowed: Interval,
    margin: float,
    confidence: float,
    finite_size: FiniteSizeClass,
    shared_seeds: bool,
    room: float,
) -> Power:
    """What a design could detect, by intervals of simulated estimates with normal noise.

    Intervals of a true claim may reach as far as `room` from the prediction, and estimates as the margin.
    """
    design = _resolution(tuple(axis_values), tuple(seeds), noise, finite_size)
    simulated = _simulated_paired if shared_seeds else _simulated
    off, under, over = simulated(tuple(axis_values), tuple(seeds), noise, finite_size, (1 - confidence) / 2)
    # The bias counts twice: the interval allows for it, and the worst correction moves the estimate by as much.
    beyond, within = _often(under - off), _often(np.abs(off) + np.maximum(under, over))
    detectable = margin + 2 * design.bias + beyond
    # The interval's middle lies below the estimate by the shift, which is room above and none below.
    high, low = (1.0 if math.isfinite(end) else math.inf for end in (allowed.high, allowed.low))
    above = (off - design.shift + design.bias + over <= high * room) & (off <= high * margin)
    below = (off - design.shift - design.bias - under >= -low * room) & (off >= -low * margin)
    return Power(detectable=detectable, support=float(np.mean(above & below)), resolution=design.bias + within)


def _often(simulated: Array) -> float:
    """What nine in ten lie below, between two of them as `numpy.quantile` has it, without its overhead."""
    place = _OFTEN * (len(simulated) - 1)
    low, high = np.partition(simulated, (int(place), int(place) + 1))[int(place) : int(place) + 2]
    return float(low + (high - low) * (place - int(place)))


def calmest(axis_values: Sequence[float], seeds: Sequence[int], finite_size: FiniteSizeClass) -> tuple[float, float]:
    """Half the 95% interval, and the bias in it, of an observable as calm as any that one meets."""
    bias = _resolution(tuple(axis_values), tuple(seeds), CALM, finite_size).bias
    _, reach, _ = _simulated(tuple(axis_values), tuple(seeds), CALM, finite_size, 0.025)
    return bias + float(np.median(reach)), bias


@lru_cache(maxsize=4096)
def _resolution(
    axis_values: tuple[float, ...], seeds: tuple[int, ...], noise: float, finite_size: FiniteSizeClass
) -> ExponentWeights:
    """The estimator of a design, if all runs had this noise."""
    axis, counts = np.asarray(axis_values, dtype=np.float64), np.asarray(seeds, dtype=np.float64)
    variances = noise**2 * trimming_costs(counts) / counts
    return exponent_weights(axis, variances, finite_size.curves(axis), finite_size.sizes(axis))


@lru_cache(maxsize=4096)
def _simulated(
    axis_values: tuple[float, ...],
    seeds: tuple[int, ...],
    noise: float,
    finite_size: FiniteSizeClass,
    level: float,
) -> tuple[Array, Array, Array]:
    """Errors of simulated estimates, and how far their intervals reach below and above, [simulation].

    Cells' variances are scaled chi-square; with them vary the standard error, the larger one of two, its degrees of
    freedom, and the skewness that is read into normal noise.
    """
    counts = np.asarray(seeds, dtype=np.float64)
    weights = _resolution(axis_values, seeds, noise, finite_size).weights
    own, smooth, skewed, normal = _simulated_cells(axis_values, seeds)
    freedoms, true = degrees_of_freedom(counts), trimming_costs(counts)
    squares = weights**2 / counts
    total = own @ squares
    error = np.sqrt(np.maximum(total, smooth @ squares))
    welch = total**2 / (own**2 @ (squares**2 / freedoms))
    share = (weights**3 * true**1.5 / counts**2).sum() / error**3
    doubt = skewness_doubt(counts)
    skewness = doubt / DOUBT * share * skewed - doubt * np.abs(share)
    off = noise * math.sqrt(float(squares @ true)) * normal
    reach = noise * error * hall_inverse(-students_quantile(level)(1 / welch), skewness)
    return off, reach, reach


@lru_cache(maxsize=256)
def _simulated_cells(axis_values: tuple[float, ...], seeds: tuple[int, ...]) -> tuple[Array, Array, Array, Array]:
    """What simulations of all estimators share, for noise of one.

    Variances of runs, in cells and as their law has them, [simulation, K]; normal numbers for the skewness and for the
    estimate, [simulation].
    """
    axis, counts = np.asarray(axis_values, dtype=np.float64), np.asarray(seeds, dtype=np.float64)
    rng, freedoms = np.random.default_rng(0), degrees_of_freedom(counts)
    own = trimming_costs(counts) * rng.chisquare(freedoms, (_SIMULATIONS, len(axis))) / freedoms
    smooth = fit_noise_law(axis, own, freedoms)
    return own, smooth, rng.standard_normal(_SIMULATIONS), rng.standard_normal(_SIMULATIONS)


@lru_cache(maxsize=64)
def students_quantile(level: float) -> Chebyshev:
    """Student's quantile over the inverse of two or more degrees of freedom; a thousand at a time are wanted.

    A polynomial of degree 24 has it to 13 digits.
    """
    return Chebyshev.interpolate(lambda inverse: special.stdtrit(1 / inverse, level), 24, domain=[0.0, 0.5])


@lru_cache(maxsize=4096)
def _simulated_paired(
    axis_values: tuple[float, ...],
    seeds: tuple[int, ...],
    noise: float,
    finite_size: FiniteSizeClass,
    level: float,
) -> tuple[Array, Array, Array]:
    """The same over shared seeds: one estimate a draw, and their mean."""
    weights = _resolution(axis_values, seeds, noise, finite_size).weights
    count = min(seeds)
    scale = noise * math.sqrt(float(weights @ weights))
    values = scale * np.random.default_rng(0).standard_normal((_SIMULATIONS, count))
    error, skewness = values.std(axis=1, ddof=1) / math.sqrt(count), skewness_of_means(values)
    quantile, doubt = -float(special.stdtrit(count - 1.0, level)), doubt_of_mean(count)
    below, above = hall_inverse(quantile, skewness - doubt), -hall_inverse(-quantile, skewness + doubt)
    return values.mean(axis=1), error * below, error * above


def _p_value(verdict: Verdict, fit: Fit | Slope, allowed: Interval) -> float | None:
    """Probability of an estimate so far beyond the nearest end of what is allowed, if the truth lay at that end.

    It is that of the class by which the verdict was reached.
    """
    if verdict is Verdict.INCONCLUSIVE:
        return None
    low, high = fit.lower_edge, fit.upper_edge
    if verdict is Verdict.SUPPORTED:
        return max(fit.highest.chance_below(allowed.high - high), fit.lowest.chance_above(low - allowed.low))
    if low > allowed.high:
        return fit.lowest.chance_above(low - allowed.high)
    return fit.highest.chance_below(allowed.low - high)


def _wider_slope(fit: Fit, measurement: Measurement) -> Slope:
    """The exponent for a class of twice the constant, or of the largest one that the range admits."""
    axis = np.asarray(measurement.axis_values, dtype=np.float64)
    size = min(_WIDER * fit.finite_size.size, _ADMITTED * fit.finite_size.largest_size(axis))
    finite_size = fit.finite_size.of_size(max(size, fit.finite_size.size))
    cells = summarise(measurement, fit.average)
    return slope_of(measurement, cells, confidence=fit.confidence, finite_size=finite_size, average=fit.average)


def _reason(verdict: Verdict, fit: Fit, fired: list[str], allowed: Interval, neighbours: Interval | None) -> str:
    shown = f"[{fit.interval.low:+.3f}, {fit.interval.high:+.3f}]"
    limits = f"[{allowed.low:+.3f}, {allowed.high:+.3f}]"
    curved = f" on this range (curved: {', '.join(fired)})" if fired else ""
    if neighbours is not None and verdict is Verdict.SUPPORTED:
        rivals = " and ".join(f"{end:+g}" for end in neighbours if math.isfinite(end))
        return (
            f"the estimate {fit.exponent:+.3f} lies inside {limits}, and the interval {shown} excludes {rivals}{curved}"
        )
    where = "inside" if verdict is Verdict.SUPPORTED else "outside"
    return f"the interval {shown} lies {where} {limits}{curved}"
