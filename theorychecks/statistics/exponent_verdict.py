"""The verdict on an exponent: why it falls so, what would decide it where it is open, and what could have been seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from scipy import special

from theorychecks.statistics.cells import (
    DOUBT,
    Array,
    degrees_of_freedom,
    largest_variance_of_means,
    mean_of,
    skewness_doubt,
    trimming_costs,
)
from theorychecks.statistics.finite_size import FiniteSizeClass
from theorychecks.statistics.interval import ExponentWeights, Fit, Interval, exponent_weights, fit_power_law
from theorychecks.statistics.measurement import (
    LOG_OF_MEAN,
    Measurement,
    check_any_number,
    check_measurement,
    plural,
)
from theorychecks.statistics.noise_law import fit_noise_law
from theorychecks.statistics.rare import PROVISO, RUNS_TO_SEE, unseen
from theorychecks.statistics.rounding import DITHER
from theorychecks.statistics.skewness import hall_inverse
from theorychecks.statistics.verdict import Expectation, Finding, Power, Remedy, Verdict, decide

_ROUGH_MEAN: Final = 0.01
"""Relative variance of a cell's mean above which its logarithm has no normal law to speak of."""
_PLANNED: Final = 0.6
"""A half-width of 0.6 margins supports a true claim about nine times in ten."""
_UNSOUND: Final = frozenset({"independence", "rounding"})
"""Checks of the noise itself; the others are of the finite-size class."""
_ADMITTED: Final = 0.99
_WIDER: Final = 2.0
"""Data that show curvature beyond the class refute only what a class of twice its constant refutes, too."""
_MOST_DOUBLINGS: Final = 20
_MOST_SEED_DOUBLINGS: Final = 6
"""Whoever would need more than 64 times the seeds is told to widen the range."""
CALM: Final = 0.01
"""Runs that scatter by one per cent: hardly an observable has less noise."""
_OFTEN: Final = 0.9
_SIMULATIONS: Final = 1000
"""Of a design's intervals; the Monte Carlo standard error of a power of 0.9 is then 0.9 points."""


def judge_exponent(
    expectation: Expectation,
    allowed: Interval,
    measurement: Measurement,
    confidence: float,
    finite_size: FiniteSizeClass,
    among: int = 1,
) -> Finding:
    """Fit an exponent and compare its interval with what is allowed."""
    check_measurement(measurement)
    check_any_number(measurement)
    if measurement.beyond_tolerance(expectation.average):
        missing = measurement.what_is_missing()
        return Finding(
            expectation=expectation,
            measurement=measurement,
            verdict=Verdict.INCONCLUSIVE,
            reason=missing,
            confidence=confidence,
            remedy=Remedy(limited_by="missing runs", text=missing),
        )
    if expectation.average == LOG_OF_MEAN and (text := unseen(measurement)):
        effort = RUNS_TO_SEE / min(measurement.seeds)
        return Finding(
            expectation=expectation,
            measurement=measurement,
            verdict=Verdict.INCONCLUSIVE,
            reason=text,
            confidence=confidence,
            remedy=Remedy(limited_by="noise", text=text, effort=effort),
        )
    if expectation.average == LOG_OF_MEAN and (scatter := largest_variance_of_means(measurement)) > _ROUGH_MEAN:
        most, effort = max(measurement.seeds), scatter / _ROUGH_MEAN
        text = (
            f"noise-limited: a mean over seeds is known to {math.sqrt(scatter):.0%} only, and its logarithm is skewed; "
            f"about {math.ceil(effort * most)} seeds instead of {most}"
        )
        remedy: Remedy | None = Remedy(limited_by="noise", text=text, effort=effort)
        return Finding(
            expectation=expectation,
            measurement=measurement,
            verdict=Verdict.INCONCLUSIVE,
            reason=text,
            confidence=confidence,
            remedy=remedy,
        )
    fit = fit_power_law(
        measurement, confidence=confidence, finite_size=finite_size, average=expectation.average, among=among
    )
    fired = [name for name, check in fit.checks.items() if check.fired]
    verdict = decide(fit.interval, allowed, flagged=bool(fired))
    outside = verdict is Verdict.REFUTED and bool(fired) and not _refuted_by_wider_class(fit, allowed, measurement)
    if outside or not _UNSOUND.isdisjoint(fired):
        # The class, or the standard error itself, is in doubt, so nothing follows from the interval.
        verdict = Verdict.INCONCLUSIVE
    remedy = _remedy(fit, fired, expectation, allowed, measurement) if verdict is Verdict.INCONCLUSIVE else None
    proviso = PROVISO if expectation.average == LOG_OF_MEAN else ""
    return Finding(
        expectation=expectation,
        measurement=measurement,
        verdict=verdict,
        reason=remedy.text if remedy else _reason(verdict, fit, fired, allowed) + proviso,
        confidence=confidence,
        fit=fit,
        interval=fit.interval,
        allowed=allowed,
        remedy=remedy,
        p_value=_p_value(verdict, fit, allowed),
    )


def power_of_exponent(
    expectation: Expectation,
    allowed: Interval,
    axis_values: Sequence[float],
    seeds: Sequence[int],
    noise: float,
    confidence: float,
    finite_size: FiniteSizeClass,
    *,
    shared_seeds: bool,
) -> Power:
    """What a design could detect, by intervals of simulated estimates with normal noise."""
    design = _resolution(tuple(axis_values), tuple(seeds), noise, finite_size)
    simulated = _simulated_paired if shared_seeds else _simulated
    off, under, over = simulated(tuple(axis_values), tuple(seeds), noise, finite_size, (1 - confidence) / 2)
    margin = expectation.margin or 0.0
    # The bias counts twice: the interval allows for it, and the worst correction moves the estimate by as much.
    detectable = margin + 2 * design.bias + float(np.quantile(under - off, _OFTEN))
    # The interval's middle lies below the estimate by the shift, which is room above and none below.
    above = off - design.shift + design.bias + over <= (margin if math.isfinite(allowed.high) else math.inf)
    below = off - design.shift - design.bias - under >= (-margin if math.isfinite(allowed.low) else -math.inf)
    resolution = design.bias + float(np.quantile(np.abs(off) + np.maximum(under, over), _OFTEN))
    return Power(detectable=detectable, support=float(np.mean(above & below)), resolution=resolution)


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
    axis, counts = np.asarray(axis_values, dtype=np.float64), np.asarray(seeds, dtype=np.float64)
    weights = _resolution(axis_values, seeds, noise, finite_size).weights
    rng, freedoms = np.random.default_rng(0), degrees_of_freedom(counts)
    true = noise**2 * trimming_costs(counts)
    variances = true * rng.chisquare(freedoms, (_SIMULATIONS, len(axis))) / freedoms
    own = weights**2 * variances / counts
    smooth = weights**2 * fit_noise_law(axis, variances, freedoms) / counts
    error = np.sqrt(np.maximum(own.sum(axis=1), smooth.sum(axis=1)))
    welch = own.sum(axis=1) ** 2 / (own**2 / freedoms).sum(axis=1)
    share = (weights**3 * true**1.5 / counts**2).sum() / error**3
    doubt = skewness_doubt(counts)
    skewness = doubt / DOUBT * share * rng.standard_normal(_SIMULATIONS) - doubt * np.abs(share)
    off = math.sqrt(float((weights**2 * true / counts).sum())) * rng.standard_normal(_SIMULATIONS)
    reach = error * hall_inverse(-special.stdtrit(welch, level), skewness)
    return off, reach, reach


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
    values = np.random.default_rng(0).standard_normal((_SIMULATIONS, min(seeds)))
    scale = noise * math.sqrt(float(weights @ weights))
    means = [mean_of(scale * row) for row in values]
    off, under, over = zip(
        *((mean.value, mean.reach_below(level), mean.reach_above(level)) for mean in means), strict=True
    )
    return np.array(off), np.array(under), np.array(over)


def _p_value(verdict: Verdict, fit: Fit, allowed: Interval) -> float | None:
    """Probability of an estimate so far beyond the nearest end of what is allowed, if the truth lay at that end."""
    if verdict is Verdict.INCONCLUSIVE:
        return None
    low, high = fit.lower_edge, fit.upper_edge
    if verdict is Verdict.SUPPORTED:
        return max(fit.highest.chance_below(allowed.high - high), fit.lowest.chance_above(low - allowed.low))
    if low > allowed.high:
        return fit.lowest.chance_above(low - allowed.high)
    return fit.highest.chance_below(allowed.low - high)


def _refuted_by_wider_class(fit: Fit, allowed: Interval, measurement: Measurement) -> bool:
    """Whether a class of twice the constant, or the largest that the range admits, refutes what is allowed, too."""
    axis = np.asarray(measurement.axis_values, dtype=np.float64)
    size = min(_WIDER * fit.finite_size.size, _ADMITTED * fit.finite_size.largest_size(axis))
    wider = fit_power_law(
        measurement,
        confidence=fit.confidence,
        finite_size=fit.finite_size.of_size(max(size, fit.finite_size.size)),
        average=fit.average,
        among=fit.among,
    )
    return wider.interval.disjoint(allowed)


def _reason(verdict: Verdict, fit: Fit, fired: list[str], allowed: Interval) -> str:
    shown = f"[{fit.interval.low:+.3f}, {fit.interval.high:+.3f}]"
    limits = f"[{allowed.low:+.3f}, {allowed.high:+.3f}]"
    if verdict is Verdict.SUPPORTED:
        return f"the interval {shown} lies inside {limits}"
    curved = f" on this range (curved: {', '.join(fired)})" if fired else ""
    return f"the interval {shown} lies outside {limits}{curved}"


def _remedy(
    fit: Fit, fired: list[str], expectation: Expectation, allowed: Interval, measurement: Measurement
) -> Remedy:
    """Why a fit decides nothing, and what would."""
    disjoint = fit.interval.disjoint(allowed)
    if not _UNSOUND.isdisjoint(fired) or (fired and (disjoint or fit.interval.inside(allowed))):
        way_out = "the data are curved beyond the finite-size class; widen the range"
        if disjoint:
            way_out = (
                f"outside the class: {way_out}. Its constant says that what is allowed is refuted, twice that does not"
            )
        if "rounding" in fired:
            way_out = DITHER
        if "independence" in fired:
            way_out = "runs of one index agree across the axis; declare shared_seeds=True, or draw them independently"
        return Remedy(limited_by="flags", text=f"flagged ({', '.join(fired)}): {way_out}")
    flags = f"; flagged ({', '.join(fired)})" if fired else ""
    margin = expectation.margin or 0.0
    factor = _times_the_seeds(fit, margin, measurement)
    if fit.bias_bound > margin / 2 and factor is None:
        return Remedy(limited_by="bias", text=f"bias-limited: {_wider_range(fit, margin, measurement)}{flags}")
    if max(fit.noise_half_width, fit.bias_bound) > margin / 2:
        if factor is None:
            # Noise falls as one over the root of the seeds; what it may be is what the bias leaves over.
            wanted = max(_PLANNED * margin - fit.bias_bound, 0.1 * margin)
            factor = (fit.noise_half_width / wanted) ** 2
        most = max(measurement.seeds)
        each = measurement.axis if plural(measurement.axis) != measurement.axis else "value"
        text = f"noise-limited: about {math.ceil(factor * most)} seeds a {each} instead of {most}{flags}"
        return Remedy(limited_by="noise", text=text, effort=factor)
    inside = Interval(fit.exponent, fit.exponent).inside(allowed)
    room = min(abs(fit.exponent - end) for end in allowed if math.isfinite(end))
    text = (
        f"near the boundary: the estimate lies {room:.3f} {'inside' if inside else 'outside'} the margin, the "
        f"half-width is {fit.bias_bound + fit.noise_half_width:.3f}; more seeds and "
        f"{'wider widths' if measurement.axis == 'width' else 'a wider range'}{flags}"
    )
    return Remedy(limited_by="boundary", text=text)


def _times_the_seeds(fit: Fit, margin: float, measurement: Measurement) -> float | None:
    """How many times the seeds would support a true claim on this range; weights trade bias for noise, so both fall."""
    axis = np.asarray(measurement.axis_values, dtype=np.float64)
    counts = np.asarray(measurement.seeds, dtype=np.float64)
    factors = 2.0 ** (np.arange(1, 2 * _MOST_SEED_DOUBLINGS + 1) / 2)
    reached = (f for f in factors if _half_width(axis, f * counts, fit.noise, fit.finite_size) <= _PLANNED * margin)
    return next(map(float, reached), None)


def _wider_range(fit: Fit, margin: float, measurement: Measurement) -> str:
    bound = f"the bias bound is {fit.bias_bound:.3f} of a margin of {margin:g}"
    reached = range_for(margin, measurement.axis_values, measurement.seeds, fit.noise, fit.finite_size)
    if reached is None:
        end = "start the range higher" if fit.finite_size.towards == "infinity" else "reach further down"
        return f"{bound}; {end}, with more seeds"
    return f"{bound}; {plural(measurement.axis)} up to {reached:,.0f} would decide"


def range_for(
    margin: float, axis_values: Sequence[float], seeds: Sequence[int], noise: float, finite_size: FiniteSizeClass
) -> float | None:
    """How far the axis would have to reach, doubling from its last value, for a true claim to be supported."""
    if finite_size.towards == "zero":
        return None
    axis, counts = np.asarray(axis_values, dtype=np.float64), np.asarray(seeds, dtype=np.float64)
    for _ in range(_MOST_DOUBLINGS):
        axis, counts = np.append(axis, 2 * axis[-1]), np.append(counts, counts[-1])
        if _half_width(axis, counts, noise, finite_size) <= _PLANNED * margin:
            return float(axis[-1])
    return None


def _half_width(axis: Array, seeds: Array, noise: float, finite_size: FiniteSizeClass) -> float:
    variances = noise**2 * trimming_costs(seeds) / seeds
    weights, bias, _ = exponent_weights(axis, variances, finite_size.curves(axis), finite_size.sizes(axis))
    return bias + 2 * float(np.sqrt((weights**2 * variances).sum()))
