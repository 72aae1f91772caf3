"""Where things go in a log-log plot of a finding; coordinates are decimal logarithms throughout."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theorychecks.finding import Finding

_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Steps between round values, up to a power of ten."""
_FAR = 1e5
"""What lies further off than this, in units of a picture, is out of sight."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of a picture of 317 by 238 units, and where decimal logarithms lie in it.

    Attributes:
        x_limits, y_limits: decimal logarithms at the edges.
        left, top, width, height: of the frame.
    """

    x_limits: tuple[float, float]
    y_limits: tuple[float, float]
    left: int = 40
    top: int = 5
    width: int = 270
    height: int = 153

    @property
    def bottom(self) -> int:
        """Its lower edge."""
        return self.top + self.height

    def x(self, log: float) -> float:
        """The place of an axis value."""
        low, high = self.x_limits
        return self.left + self.width * (log - low) / (high - low)

    def y(self, log: float) -> float:
        """The place of a value."""
        low, high = self.y_limits
        return self.bottom - self.height * (log - low) / (high - low)

    def points(self, logs: Iterable[Sequence[float]]) -> list[tuple[float, float]]:
        """The places of points; those that are far out of sight lie nearer than they should."""
        return [(self.x(x), max(min(self.y(y), _FAR), -_FAR)) for x, y in logs]


def log_runs(finding: Finding) -> NDArray[np.float64]:
    """Return the runs that a log-log plot can show, float[run, 2], as decimal logarithms, ordered within a column."""
    points = [
        (math.log10(axis_value), math.log10(value))
        for axis_value, row in zip(finding.measurement.axis_values, finding.measurement.values, strict=True)
        for value in sorted(v for v in row if v > 0)
    ]
    return np.array(points, dtype=np.float64).reshape(-1, 2)


def thinned(runs: NDArray[np.float64], points_drawn: int) -> NDArray[np.float64]:
    """Return at most `points_drawn` runs: evenly spaced ranks of every column, its extremes first."""
    columns = [runs[runs[:, 0] == x] for x in np.unique(runs[:, 0])]
    if len(runs) <= points_drawn or not columns:
        return runs
    share = max(points_drawn // len(columns), 1)
    kept = [c[np.unique(np.linspace(0, len(c) - 1, min(share, len(c))).round().astype(int))] for c in columns]
    return np.concatenate(kept)[:points_drawn]


def limits(finding: Finding, runs: NDArray[np.float64]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the limits of both axes that show all runs, before any line is drawn."""
    xs = [math.log10(value) for value in finding.measurement.axis_values]
    pad = 0.04 * (max(xs) - min(xs)) or 0.1
    # Clipped, because a label at 10^309 would be infinite.
    ys = np.clip(runs[:, 1], -300.0, 300.0) if len(runs) else np.array([-0.5, 0.5])
    middle = float(ys.min() + ys.max()) / 2
    # Half a decade at least: a plateau should look flat, not like its own noise magnified.
    reach = max(0.54 * float(ys.max() - ys.min()), 0.25)
    return (min(xs) - pad, max(xs) + pad), (middle - reach, middle + reach)


def widened(
    y_limits: tuple[float, float], pivot: tuple[float, float], exponents: Iterable[float], x_limits: tuple[float, float]
) -> tuple[float, float]:
    """Return limits that show powers through the pivot too, but never so wide that the runs shrink to a line."""
    ends = [pivot[1] + exponent * (x - pivot[0]) for exponent in exponents for x in x_limits]
    allowance = max(y_limits[1] - y_limits[0], 1.0)
    low = max(min(y_limits[0], *ends), y_limits[0] - allowance)
    high = min(max(y_limits[1], *ends), y_limits[1] + allowance)
    return low, high


def pivot_of(finding: Finding, runs: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the point through which all slopes go, in decimal logarithms: the fit's value at the geometric mean."""
    xs = [math.log10(value) for value in finding.measurement.axis_values]
    x = sum(xs) / len(xs)
    fit = finding.judgement.fit
    if fit is not None and fit.prefactor > 0 and math.isfinite(fit.prefactor):
        return x, math.log10(fit.prefactor) + fit.exponent * x
    return (x, float(runs[:, 1].mean())) if len(runs) else None


def value_ticks(low: float, high: float) -> dict[float, str]:
    """Return tick labels by decimal logarithm: round values within a decade or two, powers of ten beyond."""
    if high - low < 1.2:
        return {math.log10(v): f"{v:.4g}" for v in _round_values(10**low, 10**high) if low <= math.log10(v) <= high}
    mantissas = (1, 2, 5) if high - low < 2 else (1, 3) if high - low < 3 else (1,)
    step = max(math.ceil((high - low) / 5), 1) if mantissas == (1,) else 1
    decades = range(math.floor(low), math.ceil(high) + 1, step)
    ticks = {decade + math.log10(m): f"{float(f'{m}e{decade}'):.4g}" for decade in decades for m in mantissas}
    return {at: label for at, label in ticks.items() if low <= at <= high}


def _round_values(low: float, high: float) -> list[float]:
    """Return multiples of a round step within a range, as many as five."""
    least = (high - low) / 4
    unit = 10.0 ** math.floor(math.log10(least))
    step = next(unit * nice for nice in _NICE if unit * nice >= least)
    return [step * k for k in range(max(math.ceil(low / step), 1), math.floor(high / step) + 1)]
