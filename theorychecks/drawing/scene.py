"""Scene: the runs of a measurement and the powers that they are compared with, in decimal logarithms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from theorychecks.statistics.exponents import power_text
from theorychecks.statistics.interval import Interval
from theorychecks.statistics.judgement import Expectation, Judgement

Style = Literal["fit", "predicted", "rival"]
NO_RUNS: Final = "no finite positive run"
"""What stands in the place of runs where there is none."""
_LEAST_REACH: Final = 0.25
"""Decades on each side: a plateau looks flat, and not like its own noise magnified."""
_LARGEST_LOG: Final = 300.0
"""Of numbers that are drawn; labels of larger ones would be infinite."""
_MOST_TICKS: Final = 6


@dataclass(frozen=True)
class Slope:
    """A power, drawn as a straight line through the pivot of its scene."""

    style: Style
    exponent: float
    label: str


@dataclass(frozen=True)
class Scene:
    """What there is to be seen of a measurement that was held against a prediction.

    Attributes:
        title: what was measured.
        axis: over what.
        axis_values: that have a tick.
        runs: (axis value, value) of every run that is positive and finite.
        slopes: powers through the pivot, so that only their exponents differ; none where nothing was fitted.
        pivot: of the fit, at the geometric mean of the axis values.
        interval: of the fitted exponent.
        x_limits, y_limits: which show all runs, and the powers as far as the runs do not shrink to a line.
    """

    title: str
    axis: str
    axis_values: tuple[float, ...]
    runs: tuple[tuple[float, float], ...]
    slopes: tuple[Slope, ...]
    pivot: tuple[float, float]
    interval: Interval | None
    x_limits: tuple[float, float]
    y_limits: tuple[float, float]

    def height(self, exponent: float, x: float) -> float:
        """Where the power through the pivot is at an axis value."""
        return self.pivot[1] + exponent * (x - self.pivot[0])


def scene_of(judgement: Judgement, expectation: Expectation, *, title: str, predicted: str) -> Scene:
    """Return the scene of a judgement.

    Args:
        judgement: with its measurement, and its fit where there is one.
        expectation: with the exponents that are predicted, and their rival.
        title: what was measured.
        predicted: the prediction in a few words.
    """
    measurement, fit = judgement.measurement, judgement.fit
    values = sorted(set(measurement.axis_values))
    logs = [math.log10(value) for value in values]
    runs = tuple(
        (math.log10(axis_value), math.log10(value))
        for axis_value, row in zip(measurement.axis_values, measurement.values, strict=True)
        for value in row
        if 0 < value < math.inf
    )
    middle = sum(logs) / len(logs)
    pivot, slopes = (middle, sum(y for _, y in runs) / max(len(runs), 1)), tuple[Slope, ...]()
    if fit is not None and fit.prefactor > 0 and math.isfinite(fit.prefactor):
        pivot = middle, math.log10(fit.prefactor) + fit.exponent * middle
        slopes = tuple(_slopes(judgement, expectation, predicted))
    margin = 0.04 * (logs[-1] - logs[0]) or 0.1
    x_limits = logs[0] - margin, logs[-1] + margin
    ends = [pivot[1] + slope.exponent * (x - pivot[0]) for slope in slopes for x in x_limits]
    return Scene(
        title=title,
        axis=measurement.axis,
        axis_values=tuple(values[:: math.ceil(len(values) / _MOST_TICKS)]),
        runs=runs,
        slopes=slopes,
        pivot=pivot,
        interval=judgement.interval if slopes else None,
        x_limits=x_limits,
        y_limits=_limits([y for _, y in runs], ends),
    )


def _slopes(judgement: Judgement, expectation: Expectation, predicted: str) -> Iterable[Slope]:
    axis, fit = judgement.measurement.axis, judgement.fit
    assert fit is not None
    base = "n" if axis == "width" else axis
    yield Slope("fit", fit.exponent, f"fitted {base}^{fit.exponent:+z.2f}")
    if expectation.exponent is not None:
        yield Slope("predicted", expectation.exponent, f"predicted {predicted}")
    if expectation.rival is not None:
        yield Slope("rival", expectation.rival, f"rival {power_text(axis, expectation.rival)}")


def _limits(heights: Sequence[float], ends: Sequence[float]) -> tuple[float, float]:
    """What shows all runs, and ends of lines that lie no further off than the runs are apart."""
    shown = [min(max(y, -_LARGEST_LOG), _LARGEST_LOG) for y in heights] or [0.0]
    middle = (min(shown) + max(shown)) / 2
    reach = max(0.54 * (max(shown) - min(shown)), _LEAST_REACH)
    low, high = middle - reach, middle + reach
    allowance = max(high - low, 1.0)
    return max(min(low, *ends, low), low - allowance), min(max(high, *ends, high), high + allowance)


def ticks(low: float, high: float) -> dict[float, str]:
    """Return labels of round numbers by their decimal logarithm: powers of ten, or 1, 2 and 5 times these."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    step = math.ceil((high - low) / _MOST_TICKS)
    mantissas = (1, 2, 5) if high - low < 2 else (1,)
    found = {
        decade + math.log10(each): f"{each * 10.0**decade:.3g}" for decade in decades[::step] for each in mantissas
    }
    return {at: label for at, label in found.items() if low <= at <= high}


def axis_label(value: float) -> str:
    """Return an axis value in full, in groups of three digits, where it is a whole number."""
    return f"{int(value):,}" if value == int(value) and value < 1e9 else f"{value:.4g}"
