"""Where things go in a log-log plot; coordinates are decimal logarithms throughout."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theorychecks.finding import Finding
from theorychecks.reporting.wording import number

_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Steps between round values, up to a power of ten."""
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of a plot, in units of the drawing, and where values lie in it.

    Attributes:
        x_limits, y_limits: values at the edges, as decimal logarithms where the axis is logarithmic.
        left, top, width, height: of the frame.
    """

    x_limits: tuple[float, float]
    y_limits: tuple[float, float]
    left: float = 46
    top: float = 6
    width: float = 268
    height: float = 146

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height

    def x(self, value: float) -> float:
        """The place of an axis value."""
        low, high = self.x_limits
        return self.left + self.width * (value - low) / (high - low)

    def y(self, value: float) -> float:
        """The place of a value."""
        low, high = self.y_limits
        return self.bottom - self.height * (value - low) / (high - low)

    def points(self, values: Iterable[Sequence[float]]) -> list[Point]:
        """The places of those points that lie within the frame."""
        low, high = self.y_limits
        return [(self.x(x), self.y(y)) for x, y in values if low <= y <= high]

    def line(self, pivot: Point, exponent: float) -> list[Point]:
        """The ends of the part within the frame of the line through a pivot that has this slope; none outside of it."""
        area = self.area([(x, pivot[1] + exponent * (x - pivot[0])) for x in self.x_limits])
        return [area[0], area[-1]] if len(area) > 1 else []

    def area(self, corners: Sequence[Point]) -> list[Point]:
        """The corners, in the drawing, of the part of a polygon that lies between the lower and the upper edge."""
        low, high = self.y_limits
        above = _cut(list(corners), low, 1.0)
        return [(self.x(x), self.y(y)) for x, y in _cut(above, high, -1.0)]


def _cut(corners: list[Point], edge: float, side: float) -> list[Point]:
    """Clip an open or closed polygon at a horizontal edge (Sutherland and Hodgman 1974); keep what is on its side."""
    kept: list[Point] = []
    for place, (x, y) in enumerate(corners):
        before = corners[place - 1]
        inside, was_inside = side * (y - edge) >= 0, side * (before[1] - edge) >= 0
        if inside != was_inside and (len(corners) > 2 or place > 0):
            share = (edge - before[1]) / (y - before[1])
            kept.append((before[0] + share * (x - before[0]), edge))
        if inside:
            kept.append((x, y))
    return kept


def log_runs(finding: Finding) -> NDArray[np.float64]:
    """Return the runs that a log-log plot can show, float[run, 2], as decimal logarithms, ordered within a column."""
    points = [
        (at, math.log10(value))
        for at, row in zip(map(math.log10, finding.measurement.axis_values), finding.measurement.values, strict=True)
        for value in sorted([v for v in row if v > 0])
    ]
    return np.array(points, dtype=np.float64).reshape(-1, 2)


def thinned(runs: NDArray[np.float64], points_drawn: int) -> NDArray[np.float64]:
    """Return at most `points_drawn` runs: evenly spaced ranks of every column, its extremes first."""
    if len(runs) <= points_drawn:
        return runs
    columns = [runs[runs[:, 0] == x] for x in np.unique(runs[:, 0])]
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


def widened(y_limits: Point, heights: Sequence[float]) -> Point:
    """Return limits that show these heights too, but never so wide that the runs shrink to a line."""
    allowance = max(y_limits[1] - y_limits[0], 1.0)
    low = max(min(y_limits[0], *heights), y_limits[0] - allowance)
    high = min(max(y_limits[1], *heights), y_limits[1] + allowance)
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
        return {math.log10(v): _tick(v) for v in _round_values(10**low, 10**high) if low <= math.log10(v) <= high}
    mantissas = (1, 2, 5) if high - low < 2 else (1, 3) if high - low < 3 else (1,)
    step = max(math.ceil((high - low) / 5), 1) if mantissas == (1,) else 1
    decades = range(math.floor(low), math.ceil(high) + 1, step)
    ticks = {decade + math.log10(m): _tick(float(f"{m}e{decade}")) for decade in decades for m in mantissas}
    return {at: label for at, label in ticks.items() if low <= at <= high}


def _tick(value: float) -> str:
    """A value beside an axis: a power of ten where the digits would be many."""
    return number(value, 4) if value < 1e5 else _power_of_ten(value)


def _power_of_ten(value: float) -> str:
    decade = math.floor(math.log10(value) + 1e-9)
    mantissa = f"{value / 10.0**decade:.4g}"
    return f"{mantissa}e{decade}"


def _round_values(low: float, high: float) -> list[float]:
    """Return multiples of a round step within a range, as many as five."""
    least = (high - low) / 4
    unit = 10.0 ** math.floor(math.log10(least))
    step = next(unit * nice for nice in _NICE if unit * nice >= least)
    return [step * k for k in range(max(math.ceil(low / step), 1), math.floor(high / step) + 1)]
