"""The power-law fit and its bias-aware interval.

An exponent is estimated by a fixed linear combination of the cells' mean logarithms.
Its interval is widened by the worst bias that a declared class of finite-size corrections could cause, so that it
covers the asymptotic exponent and not merely the exponent of the range at hand.
The construction is that of fixed-length, bias-aware intervals (Donoho 1994; Armstrong and Kolesar 2018,
Econometrica 86(2)), applied here to the class below; derived and calibrated for this package.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theorychecks.arguments import is_one_of, real_number, whole_number
from theorychecks.statistics.axis import check_axis, plural
from theorychecks.statistics.cells import Cells, Estimate, summarise, summarise_logs
from theorychecks.statistics.curvature import CHECK_LEVEL, Check, curvature_checks, roughness
from theorychecks.statistics.estimator import exponent_weights
from theorychecks.statistics.finite_size import DEFAULT_CLASS, FiniteSizeClass, check_class
from theorychecks.statistics.independence import check_independence
from theorychecks.statistics.measurement import LOG_OF_MEAN, MEAN_OF_LOGS, Average, Measurement, check_measurement
from theorychecks.statistics.rounding import check_rounding

Array = NDArray[np.float64]

CONFIDENCE: Final = 0.95
FEWEST_POINTS: Final = 5
"""Curvature cannot be told from an exponent on fewer axis values."""
_LARGEST_LOG: Final = 700.0
"""Of a float64; a prefactor beyond it, at width one, is of no use to anybody."""


class Interval(NamedTuple):
    """A closed interval, low end first."""

    low: float
    high: float

    def inside(self, other: Interval) -> bool:
        """Whether every point of this interval belongs to the other."""
        return other.low <= self.low and self.high <= other.high

    def disjoint(self, other: Interval) -> bool:
        """Whether the two intervals share no point."""
        return self.high < other.low or self.low > other.high

    def reaching(self, by: float) -> Interval:
        """The same with both ends further out by so much, or further in where it is negative."""
        return Interval(self.low - by, self.high + by)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A fitted power law.

    Attributes:
        exponent, prefactor: of the law prefactor * m^exponent.
        interval: confidence interval of the exponent, bias bound and noise added.
        bias_bound: half the range of biases that members of the finite-size class can cause. The range is not
            symmetric, so neither is the interval about the exponent.
        standard_error: of the exponent, over seeds.
        degrees_of_freedom: Welch-Satterthwaite.
        confidence: of the interval.
        finite_size: the class guarded against.
        checks: drift, tail, lack of fit, rounding and independence of the seeds, by name.
        local_exponents: between successive axis values.
        locations: the cells' (trimmed) mean logarithms.
        weights: the exponent is weights @ locations.
        trimmed: whether cells are trimmed means.
        average: what is averaged over seeds.
        lowest, highest: the estimate of the exponent, runs of unknown side placed so that it is smallest, and largest;
            the same unless there are such runs.
        shift: by which the estimate lies above the middle of the biases that the class can cause.
        noise: standard deviation of the logarithm of one run, pooled over cells.
        among: how many fits share the level of the checks.
    """

    exponent: float
    prefactor: float
    interval: Interval
    bias_bound: float
    standard_error: float
    degrees_of_freedom: float
    confidence: float
    finite_size: FiniteSizeClass
    checks: dict[str, Check]
    local_exponents: tuple[float, ...]
    locations: tuple[float, ...] = field(repr=False)
    weights: tuple[float, ...] = field(repr=False)
    trimmed: bool
    average: Average
    lowest: Estimate = field(repr=False)
    highest: Estimate = field(repr=False)
    shift: float = field(repr=False)
    noise: float
    among: int

    @property
    def lower_edge(self) -> float:
        """The exponent under the correction of the class that raises the estimate most."""
        return self.lowest.value - self.shift - self.bias_bound

    @property
    def upper_edge(self) -> float:
        """The exponent under the correction of the class that lowers the estimate most."""
        return self.highest.value - self.shift + self.bias_bound

    @property
    def flagged(self) -> bool:
        """Whether a check of the fit's assumptions fired."""
        return any(check.fired for check in self.checks.values())

    @property
    def noise_half_width(self) -> float:
        """The part of the interval's half-width that seeds can shrink."""
        return (self.interval.high - self.interval.low) / 2 - self.bias_bound


def fit_power_law(
    measurement: Measurement,
    *,
    confidence: float = CONFIDENCE,
    finite_size: FiniteSizeClass = DEFAULT_CLASS,
    average: Average = MEAN_OF_LOGS,
    among: int = 1,
) -> Fit:
    """Fit an exponent to a measurement, with an interval that is honest about finite-size bias.

    Args:
        measurement: at least five axis values; runs without a number only as far as trimming tolerates them.
        confidence: of the interval; each tail errs by at most half of the rest.
        finite_size: the class of corrections to guard against.
        average: whether the exponent is that of the typical value ("mean of logs") or of the mean ("log of mean").
        among: how many fits are judged together, among which the level of the checks of their assumptions is shared.

    Raises:
        ValueError: if there are too few axis values, or more missing runs than trimming sets aside.
    """
    check_measurement(measurement)
    check_confidence(confidence)
    check_class(finite_size)
    check_average(average)
    check_among(among)
    admit_power_law(measurement.axis_values, axis=measurement.axis, finite_size=finite_size)
    axis = np.asarray(measurement.axis_values, dtype=np.float64)
    if beyond := measurement.beyond_tolerance(average):
        raise ValueError(f"too many runs without a finite positive number at {measurement.axis} {beyond}")
    curves, sizes = finite_size.curves(axis), finite_size.sizes(axis)
    cells = summarise(measurement, average)
    slope = slope_of(measurement, cells, confidence=confidence, finite_size=finite_size, average=average)
    estimate, weights = slope.estimate, slope.weights
    log_axis = np.log(axis)
    checks = curvature_checks(axis, sizes, cells, weights, curves, CHECK_LEVEL / among)
    checks["rounding"] = check_rounding(measurement, rough=roughness(sizes, cells.locations))
    if (independence := check_independence(cells, among)) is not None:
        checks["independence"] = independence
    return Fit(
        exponent=estimate.value,
        prefactor=math.exp(min(np.mean(cells.locations) - estimate.value * log_axis.mean(), _LARGEST_LOG)),
        interval=slope.interval,
        bias_bound=slope.bias,
        standard_error=estimate.standard_error,
        degrees_of_freedom=estimate.degrees_of_freedom,
        confidence=confidence,
        finite_size=finite_size,
        checks=checks,
        local_exponents=tuple(float(v) for v in np.diff(cells.locations) / np.diff(log_axis)),
        locations=tuple(float(v) for v in cells.locations),
        weights=tuple(float(v) for v in weights),
        trimmed=cells.trimmed,
        average=average,
        lowest=slope.lowest,
        highest=slope.highest,
        shift=slope.shift,
        noise=math.sqrt(cells.pooled_variance),
        among=among,
    )


class Slope(NamedTuple):
    """An exponent and its interval, without checks of what they assume; see `Fit` for what its parts are."""

    estimate: Estimate
    lowest: Estimate
    highest: Estimate
    weights: Array
    bias: float
    shift: float
    interval: Interval

    @property
    def lower_edge(self) -> float:
        """As that of a `Fit`."""
        return self.lowest.value - self.shift - self.bias

    @property
    def upper_edge(self) -> float:
        """Likewise."""
        return self.highest.value - self.shift + self.bias


def slope_of(
    measurement: Measurement, cells: Cells, *, confidence: float, finite_size: FiniteSizeClass, average: Average
) -> Slope:
    """The exponent of a measurement that has been summarised; see `fit_power_law`."""
    axis = np.asarray(measurement.axis_values, dtype=np.float64)
    curves, sizes = finite_size.curves(axis), finite_size.sizes(axis)
    weights, bias, shift = exponent_weights(axis, cells.smooth_variances, curves, sizes)
    estimate = cells.combine(weights)
    lowest, highest = _extremes(measurement, average, weights) if measurement.has_undefined else (estimate, estimate)
    level = (1 - confidence) / 2
    interval = Interval(
        lowest.value - shift - bias - lowest.reach_below(level),
        highest.value - shift + bias + highest.reach_above(level),
    )
    return Slope(estimate, lowest, highest, weights, bias, shift, interval)


def _extremes(measurement: Measurement, average: Average, weights: Array) -> tuple[Estimate, Estimate]:
    """The exponent with runs of unknown side placed where it is smallest, and where it is largest."""

    def placed(side: float) -> Cells:
        places = np.where(weights > 0, side, -side) * math.inf
        return summarise_logs(measurement, measurement.log_values(tuple(places)), average)

    return placed(-1.0).combine(weights), placed(1.0).combine(weights)


def admit_power_law(
    axis_values: Sequence[float], *, axis: str = "width", finite_size: FiniteSizeClass = DEFAULT_CLASS
) -> None:
    """Refuse axis values at which no power law could be judged, before anything is measured there.

    Raises:
        ValueError: for fewer than five values, or a first one too small for the finite-size class.
    """
    check_axis(axis_values, axis=axis)
    if len(axis_values) < FEWEST_POINTS:
        raise ValueError(
            f"a power law is fitted to at least {FEWEST_POINTS} {plural(axis)}, so that curvature shows; "
            f"got {len(axis_values)}. Add {plural(axis)} between {axis_values[0]:g} and {axis_values[-1]:g}, or beyond."
        )
    finite_size.curves(np.asarray(axis_values, dtype=np.float64))


def check_average(average: object) -> None:
    """Refuse an average over seeds that is none of the two.

    Raises:
        ValueError: unless it is "mean of logs" or "log of mean".
    """
    if not is_one_of(average, (MEAN_OF_LOGS, LOG_OF_MEAN)):
        raise ValueError(
            f"what is averaged over seeds is {MEAN_OF_LOGS!r}, for the typical value, or {LOG_OF_MEAN!r}, for the "
            f"mean; got average={average!r}"
        )


def check_among(among: object) -> None:
    """Refuse a number of fits judged together that is no number.

    Raises:
        ValueError: unless it is a positive integer.
    """
    whole_number(among, "among, how many fits are judged together,")


def check_confidence(confidence: float) -> None:
    """Refuse a confidence that is no probability.

    Raises:
        TypeError: unless it is a number.
        ValueError: unless it lies between 0 and 1.
    """
    if not 0 < real_number(confidence, "a confidence", like="0.95") < 1:
        raise ValueError(f"a confidence lies between 0 and 1, such as 0.95; got {confidence}")
