"""A finding as a picture: all its runs, the fitted power with its band, and the powers it is compared with."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from theorychecks.finding import Finding
from theorychecks.reporting.geometry import Frame, limits, log_runs, pivot_of, thinned, value_ticks, widened
from theorychecks.reporting.rendering import template
from theorychecks.reporting.wording import (
    NOT_FINITE_MARK,
    axis_number,
    clip,
    measured_power,
    percent,
    power,
)

POINTS_DRAWN: Final = 400
"""Drawing more than this makes a picture larger, not clearer."""
_AXIS_TICKS: Final = 6
_LEGEND: Final = ((29.0, 194.0), (182.0, 194.0))
"""Where the columns of the legend begin, in units of the picture."""
_LEGEND_ROW: Final = 12.7


@dataclass(frozen=True, slots=True)
class _Slope:
    """A power through the pivot of the fit, drawn as a straight line of the page's style for it."""

    exponent: float
    style: str
    label: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the legend: what it looks like, by the page's style for it, and what it is."""

    style: str
    label: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class _Picture:
    """What the template draws, in units of the picture; lines, bands and dots are paths within the frame."""

    title: str
    frame: Frame
    axis: str
    x_ticks: list[tuple[str, str]]
    y_ticks: list[tuple[str, str]]
    band: str
    dots: str
    lines: list[tuple[str, str]]
    counts: list[tuple[str, str]]
    legend: list[_Entry]


def plot_finding(finding: Finding, control: Finding | None = None, *, points_drawn: int = POINTS_DRAWN) -> str:
    """Return a log-log plot of the finding as inline SVG, the same bytes for the same arguments.

    The powers compared (fitted, predicted, rival, and the fitted power of `control`, if given) are drawn through the
    fit's value at the geometric mean of the axis values, so that only their exponents differ.
    """
    runs = log_runs(finding)
    drawn = thinned(runs, points_drawn)
    x_limits, y_limits = limits(finding, runs)
    pivot, slopes, interval = pivot_of(finding, runs), _slopes(finding, control), finding.interval
    if pivot is None or not slopes:
        slopes, interval = [], None
    else:
        y_limits = widened(y_limits, pivot, [slope.exponent for slope in slopes], x_limits)
    frame = Frame(x_limits, y_limits)
    picture = _Picture(
        title=f"{finding.label}: {measured_power(finding)}",
        frame=frame,
        axis=clip(finding.measurement.axis, 60),
        x_ticks=[(f"{frame.x(math.log10(value)):.1f}", axis_number(value)) for value in _shown(finding)],
        y_ticks=[(f"{frame.y(at):.1f}", label) for at, label in value_ticks(*y_limits).items()],
        band="" if interval is None or pivot is None else _band(frame, pivot, interval),
        dots="".join(f"M{x:.1f} {y:.1f}h0" for x, y in frame.points(drawn.tolist())),
        lines=[] if pivot is None else [(slope.style, _line(frame, pivot, slope.exponent)) for slope in slopes],
        counts=_counts(finding, frame),
        legend=list(_legend(finding, slopes, _dots_label(runs, drawn), with_band=interval is not None)),
    )
    return template("plot.svg.j2").render(picture=picture)


def _slopes(finding: Finding, control: Finding | None) -> list[_Slope]:
    axis, prediction = finding.measurement.axis, finding.expectation
    slopes: list[_Slope] = []
    if finding.exponent is not None:
        slopes.append(_Slope(finding.exponent, "fit", f"fitted {measured_power(finding)}"))
    if prediction.exponent is not None:
        slopes.append(_Slope(prediction.exponent, "predicted", f"predicted {finding.predicted}"))
    if prediction.rival is not None:
        slopes.append(_Slope(prediction.rival, "rival", f"rival {power(axis, prediction.rival)}"))
    if control is not None and control.exponent is not None:
        slopes.append(_Slope(control.exponent, "control", f"control fitted {measured_power(control)}"))
    return slopes


def _shown(finding: Finding) -> list[float]:
    """Axis values that have a tick."""
    values = sorted(set(finding.measurement.axis_values))
    return values[:: max(math.ceil(len(values) / _AXIS_TICKS), 1)]


def _line(frame: Frame, pivot: tuple[float, float], exponent: float) -> str:
    ends = [(x, pivot[1] + exponent * (x - pivot[0])) for x in frame.x_limits]
    return _path(frame, ends)


def _band(frame: Frame, pivot: tuple[float, float], interval: Sequence[float]) -> str:
    """All lines through the pivot whose exponents lie in an interval."""
    low, high = interval
    (left, right), (x, y) = frame.x_limits, pivot
    ends = [(left, low), (x, 0.0), (right, low), (right, high), (x, 0.0), (left, high)]
    return _path(frame, [(at, y + exponent * (at - x)) for at, exponent in ends]) + "z"


def _path(frame: Frame, points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in frame.points(points))


def _dots_label(runs: NDArray[np.float64], drawn: NDArray[np.float64]) -> str:
    return "runs, one a seed" if len(runs) == len(drawn) else f"runs, {len(drawn)} of {len(runs)} drawn"


def _counts(finding: Finding, frame: Frame) -> list[tuple[str, str]]:
    """Runs without a finite positive value, by the place of their axis value."""
    measurement = finding.measurement
    return [
        (f"{frame.x(math.log10(axis_value)):.1f}", f"{NOT_FINITE_MARK}{count}")
        for axis_value, count in zip(measurement.axis_values, measurement.not_finite, strict=True)
        if count
    ]


def _legend(finding: Finding, slopes: Sequence[_Slope], runs: str, *, with_band: bool) -> Iterator[_Entry]:
    """Two columns, the first of which is filled first."""
    said = [("runs", runs)]
    if with_band:
        said.append(("band", f"{percent(finding.judgement.confidence)} interval of exponents"))
    said += [(slope.style, slope.label) for slope in slopes]
    rows = math.ceil(len(said) / len(_LEGEND))
    for place, (style, label) in enumerate(said):
        x, y = _LEGEND[place // rows]
        yield _Entry(style, label, x, y + _LEGEND_ROW * (place % rows))
