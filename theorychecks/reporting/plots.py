"""A finding as a picture: its runs with what they are compared with, and below them the local exponents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from theorychecks.finding import Finding
from theorychecks.reporting.drawing import Drawing, box, dot, through
from theorychecks.reporting.geometry import Frame, Point, limits, log_runs, pivot_of, thinned, value_ticks, widened
from theorychecks.reporting.wording import (
    NOT_FINITE_MARK,
    axis_number,
    clip,
    interval,
    measured_power,
    number,
    percent,
    power,
)

POINTS_DRAWN: Final = 400
"""Drawing more than this makes a picture larger, not clearer."""
WIDTH: Final = 320
"""Of a picture, in its own units; a page makes it as wide as there is room."""
_AXIS_TICKS: Final = 4
_LABEL_SHOWN: Final = 32
_STRIP: Final = 40
"""Height of the local exponents below the runs."""
_LEGEND_COLUMNS: Final = (8.0, 166.0)
_COLUMN_SHOWN: Final = 30
"""Characters of a label that fit into a column."""
_LEGEND_ROW: Final = 12.5
_LEAST_REACH: Final = 0.3
"""Exponents shown about the predicted one: what lies closer together than this looks equal."""


@dataclass(frozen=True, slots=True)
class _Slope:
    """A power through the pivot of the fit, drawn as a straight line."""

    exponent: float
    style: str
    label: str


def plot_finding(finding: Finding, companion: Finding | None = None, *, points_drawn: int = POINTS_DRAWN) -> str:
    """Return a log-log plot of the finding as inline SVG, the same bytes for the same arguments.

    The powers compared are drawn through the fit's value at the geometric mean of the axis values, so that only their
    exponents differ; runs of the companion are shifted there, too.
    Below them are the exponents between neighbouring axis values, with what the prediction allows.

    Args:
        finding: what is drawn.
        companion: what it is compared with: the control of a prediction, or the prediction of a control.
        points_drawn: runs at most, of each of the two.
    """
    other = _fits_beside(finding, companion)
    runs = log_runs(finding)
    drawn = thinned(runs, points_drawn)
    pivot, slopes = pivot_of(finding, runs), _slopes(finding, other)
    beside = np.empty((0, 2)) if other is None else _beside(other, pivot if slopes else None, points_drawn)
    x_limits, y_limits = limits(finding, runs if slopes else np.concatenate([runs, beside]))
    if pivot is None or not slopes:
        slopes = []
    else:
        ends = [pivot[1] + slope.exponent * (x - pivot[0]) for slope in slopes for x in x_limits]
        y_limits = widened(y_limits, [*ends, *beside[:, 1].tolist()])
    frame = Frame(x_limits, y_limits)
    picture = Drawing(f"{finding.label}: {measured_power(finding)}, {interval(finding)}", WIDTH, 0)
    _axes(picture, finding, frame)
    if not len(runs):
        picture.say(frame.left + frame.width / 2, frame.top + frame.height / 2, "no finite positive run", "middle")
    picture.add("runs", _dots(frame, drawn))
    if slopes and pivot is not None:
        _compared(picture, finding, frame, pivot, slopes)
    picture.add("control runs", _dots(frame, beside))
    below = _local_exponents(picture, finding, frame)
    _axis_below(picture, finding, frame, below)
    legend = [("runs", _dots_label(runs, drawn)), *((slope.style, slope.label) for slope in slopes)]
    if other is not None and not slopes:
        legend.append(("control runs", f"runs of the {other.role}"))
    _legend(picture, finding, legend, below + 32)
    return picture.svg()


def _fits_beside(finding: Finding, companion: Finding | None) -> Finding | None:
    """The companion, if it is of the same axis, and has an exponent just where the finding has one."""
    if companion is None or (companion.exponent is None) != (finding.exponent is None):
        return None
    return companion if companion.measurement.axis == finding.measurement.axis else None


def _slopes(finding: Finding, companion: Finding | None) -> list[_Slope]:
    axis, expected = finding.measurement.axis, finding.expectation
    slopes: list[_Slope] = []
    if finding.exponent is not None:
        slopes.append(_Slope(finding.exponent, "fit", f"fitted {measured_power(finding)}"))
    if expected.exponent is not None:
        slopes.append(_Slope(expected.exponent, "predicted", f"predicted {finding.predicted}"))
    if expected.rival is not None:
        slopes.append(_Slope(expected.rival, "rival", f"rival {power(axis, expected.rival)}"))
    if companion is not None and companion.exponent is not None:
        label = f"{companion.role} fitted {measured_power(companion)}"
        slopes.append(_Slope(companion.exponent, "control", label))
    return slopes


def _axes(picture: Drawing, finding: Finding, frame: Frame) -> None:
    """The frame of the runs, its grid, and the values at it."""
    at_x = [frame.x(math.log10(value)) for value in _shown(finding)]
    at_y = {frame.y(at): label for at, label in value_ticks(*frame.y_limits).items()}
    picture.add("grid", box(frame.left, frame.top, frame.right, frame.bottom))
    picture.add("grid", "".join(f"M{x:.1f} {frame.top}v{frame.height}" for x in at_x))
    picture.add("grid", "".join(f"M{frame.left} {y:.1f}h{frame.width}" for y in at_y))
    for y, label in at_y.items():
        picture.say(frame.left - 3.5, y + 3, label, "end")
    picture.say(10, frame.top + frame.height / 2, _shortened(finding.label) or "value", "middle", turned=True)
    for value, count in zip(finding.measurement.axis_values, finding.measurement.not_finite, strict=True):
        if count:
            picture.say(frame.x(math.log10(value)), frame.bottom - 4, f"{NOT_FINITE_MARK}{count}", "middle")


def _shortened(label: str) -> str:
    """A label that fits beside the frame: its end tells quantities of a claim apart, more often than its beginning."""
    if len(label) <= _LABEL_SHOWN:
        return label
    end = label[-_LABEL_SHOWN + 1 :]
    return f"… {end.partition(' ')[2] or end}"


def _axis_below(picture: Drawing, finding: Finding, frame: Frame, below: float) -> None:
    """The axis values and the axis, below the lowest frame."""
    for value in _shown(finding):
        picture.say(frame.x(math.log10(value)), below + 10, axis_number(value), "middle")
    picture.say(frame.left + frame.width / 2, below + 21, clip(finding.measurement.axis, 60), "middle")


def _shown(finding: Finding) -> list[float]:
    """Axis values that have a tick."""
    values = sorted(set(finding.measurement.axis_values))
    return values[:: max(math.ceil(len(values) / _AXIS_TICKS), 1)]


def _dots(frame: Frame, runs: NDArray[np.float64]) -> str:
    return "".join(dot(x, y) for x, y in frame.points(runs.tolist()))


def _compared(picture: Drawing, finding: Finding, frame: Frame, pivot: Point, slopes: Sequence[_Slope]) -> None:
    """The lines through the pivot, and all those whose exponents lie in the interval."""
    for slope in slopes:
        picture.add(slope.style, through(frame.line(pivot, slope.exponent)))
    if finding.interval is not None and finding.exponent is not None:
        for x in frame.x_limits:
            ends = [(x, pivot[1] + exponent * (x - pivot[0])) for exponent in finding.interval]
            area = through(frame.area([pivot, *ends]))
            picture.add("band", f"{area}z" if area else "")


def _beside(companion: Finding, pivot: Point | None, points_drawn: int) -> NDArray[np.float64]:
    """Runs of a companion, moved up or down so that its fit goes through the pivot, where there is one."""
    runs = log_runs(companion)
    fit = companion.judgement.fit
    if pivot is None:
        return thinned(runs, points_drawn)
    if fit is None or not len(runs) or not (fit.prefactor > 0 and math.isfinite(fit.prefactor)):
        return runs[:0]
    moved = pivot[1] - (math.log10(fit.prefactor) + fit.exponent * pivot[0])
    return np.asarray(thinned(runs, points_drawn) + np.array([0.0, moved]), dtype=np.float64)


def _local_exponents(picture: Drawing, finding: Finding, frame: Frame) -> float:
    """Exponents between neighbouring axis values with what is allowed; return where the lowest frame ends."""
    fit, allowed = finding.judgement.fit, finding.judgement.allowed
    between = [math.sqrt(a * b) for a, b in zip(*[finding.measurement.axis_values[i:] for i in (0, 1)], strict=False)]
    local = [
        (math.log10(x), each)
        for x, each in zip(between, fit.local_exponents if fit else (), strict=False)
        if math.isfinite(each)
    ]
    if fit is None or not local:
        return frame.bottom
    marks = [each for _, each in local] + [each for each in (finding.expectation.exponent,) if each is not None]
    marks += [each for each in finding.interval or () if math.isfinite(each)]
    middle = (min(marks) + max(marks)) / 2
    reach = max(0.6 * (max(marks) - min(marks)), _LEAST_REACH)
    strip = replace(frame, y_limits=(middle - reach, middle + reach), top=frame.bottom + 9, height=_STRIP)
    ticks = _round_exponents(*strip.y_limits)
    picture.add("grid", box(strip.left, strip.top, strip.right, strip.bottom))
    for value in ticks:
        picture.add("grid", f"M{strip.left} {strip.y(value):.1f}h{strip.width}")
        picture.say(strip.left - 3.5, strip.y(value) + 3, f"{value:+z.3g}", "end")
    picture.say(10, strip.top + strip.height / 2, "exponent", "middle", turned=True)
    for style, ends in (("allowed", allowed), ("band", finding.interval)):
        if ends is not None:
            low, high = (max(min(end, strip.y_limits[1]), strip.y_limits[0]) for end in ends)
            picture.add(style, box(strip.left, strip.y(high), strip.right, strip.y(low)) if high > low else "")
    if finding.expectation.exponent is not None:
        picture.add("predicted", through(strip.line((strip.x_limits[0], finding.expectation.exponent), 0.0)))
    picture.add("local", "".join(dot(x, y) for x, y in strip.points(local)))
    return strip.bottom


def _round_exponents(low: float, high: float) -> list[float]:
    """Two or three round values between two exponents."""
    step = next(step for step in (0.25, 0.5, 1.0, 2.0, 5.0, (high - low) / 2) if (high - low) / step <= 3.5)
    return [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _dots_label(runs: NDArray[np.float64], drawn: NDArray[np.float64]) -> str:
    return "runs, one a seed" if len(runs) == len(drawn) else f"runs, {number(len(drawn))} of {number(len(runs))} drawn"


def _legend(picture: Drawing, finding: Finding, said: list[tuple[str, str]], top: float) -> None:
    """What each style means, in two columns of which the first is filled first, or in one where labels are long."""
    band = f", {percent(finding.judgement.confidence)} band" if finding.interval is not None else ""
    said = [(style, label + band if style == "fit" else label) for style, label in said]
    columns = _LEGEND_COLUMNS if all(len(label) <= _COLUMN_SHOWN for _, label in said) else _LEGEND_COLUMNS[:1]
    rows = math.ceil(len(said) / len(columns))
    for place, (style, label) in enumerate(said):
        x, y = columns[place // rows], top + _LEGEND_ROW * (place % rows)
        if style.endswith("runs"):
            picture.add(style, dot(x + 9, y))
        else:
            picture.add(style, f"M{x:.1f} {y:.1f}h19")
        if style == "control":
            picture.add("control runs", dot(x + 9, y))
        if style == "fit" and band:
            picture.add("band", box(x, y - 3, x + 19, y + 3))
        picture.say(x + 24, y + 3, label)
    picture.height = top + _LEGEND_ROW * rows - 4
