"""A finding as a picture: all its runs, the fitted power with its band, and the powers it is compared with."""

import hashlib
import io
import json
import math
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from theorychecks.finding import Finding
from theorychecks.reporting.codec import encode
from theorychecks.reporting.geometry import limits, log_runs, pivot_of, thinned, value_ticks, widened
from theorychecks.reporting.svg import inline_svg
from theorychecks.reporting.wording import (
    NOT_FINITE_MARK,
    axis_number,
    clip,
    measured_power,
    percent,
    power,
)

# Drawing more than this makes a picture larger, not clearer.
POINTS_DRAWN = 400

# A placeholder of each ink, and the CSS variable that takes its place, so that a page recolours plots in the dark.
_INKS = {
    "#010101": "var(--plot-ink, #40464f)",
    "#020202": "var(--plot-grid, #dfe3e8)",
    "#030303": "var(--plot-runs, #7d8794)",
    "#040404": "var(--plot-fit, #1b66c9)",
    "#050505": "var(--plot-predicted, #16803c)",
    "#060606": "var(--plot-rival, #b4490e)",
    "#070707": "var(--plot-control, #8b3fb0)",
}
_INK, _GRID, _RUNS, _FIT, _PREDICTED, _RIVAL, _CONTROL = _INKS

# Long gaps, so that the fitted line shows through where it agrees with the predicted one.
_DASHED = (0, (4.0, 3.5))

# Keys and values are Any: matplotlib names its parameters by type only in its newer versions.
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.parse_math": False,
    "text.color": _INK,
    "axes.edgecolor": _GRID,
    "axes.facecolor": "none",
    "axes.labelcolor": _INK,
    "figure.facecolor": "none",
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    # Runs are drawn as segments of no length with round ends, which simplification would remove.
    "path.simplify": False,
}


@dataclass(frozen=True, slots=True)
class _Slope:
    """A power through the pivot of the fit, to be drawn as a straight line."""

    exponent: float
    ink: str
    dashes: str | tuple[int, tuple[float, ...]]
    label: str


def plot_finding(
    finding: Finding,
    control: Finding | None = None,
    *,
    salt: str = "",
    points_drawn: int = POINTS_DRAWN,
) -> str:
    """Return a log-log plot of the finding as inline SVG, the same bytes for the same arguments.

    The powers compared (fitted, predicted, rival, and the fitted power of `control`, if given) are drawn through the
    fit's value at the geometric mean of the axis values, so that only their exponents differ.
    A different `salt` gives different ids to plots of equal findings on one page.
    """
    digest = hashlib.sha256(json.dumps(encode([salt, finding, control]), sort_keys=True).encode()).hexdigest()[:12]
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": digest}):
        figure = Figure(figsize=(4.4, 3.3))
        _draw(figure, finding, control, points_drawn)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return inline_svg(buffer.getvalue(), title=f"{finding.label}: {measured_power(finding)}", inks=_INKS)


def _draw(figure: Figure, finding: Finding, control: Finding | None, points_drawn: int) -> None:
    axes = figure.add_axes((0.125, 0.335, 0.855, 0.645))
    runs = log_runs(finding)
    drawn = thinned(runs, points_drawn)
    x_limits, y_limits = limits(finding, runs)
    slopes = _slopes(finding, control)
    handles: list[Line2D | Patch] = [_dots_handle(len(runs), len(drawn))]
    pivot = pivot_of(finding, runs)
    if pivot is not None and slopes:
        y_limits = widened(y_limits, pivot, [slope.exponent for slope in slopes], x_limits)
        handles += _draw_slopes(axes, finding, pivot, slopes, x_limits)
    _draw_runs(axes, drawn)
    _draw_not_finite(axes, finding, y_limits[0])
    _draw_frame(axes, finding, x_limits, y_limits)
    figure.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.53, 0.23),
        ncols=2,
        frameon=False,
        handlelength=2.2,
        columnspacing=1.2,
    )


def _slopes(finding: Finding, control: Finding | None) -> list[_Slope]:
    axis, prediction = finding.measurement.axis, finding.expectation
    slopes: list[_Slope] = []
    if finding.exponent is not None:
        slopes.append(_Slope(finding.exponent, _FIT, "-", f"fitted {measured_power(finding)}"))
    if prediction.exponent is not None:
        slopes.append(_Slope(prediction.exponent, _PREDICTED, _DASHED, f"predicted {finding.predicted}"))
    if prediction.rival is not None:
        slopes.append(_Slope(prediction.rival, _RIVAL, ":", f"rival {power(axis, prediction.rival)}"))
    if control is not None and control.exponent is not None:
        slopes.append(_Slope(control.exponent, _CONTROL, "-.", f"control fitted {measured_power(control)}"))
    return slopes


def _draw_slopes(
    axes: Axes,
    finding: Finding,
    pivot: tuple[float, float],
    slopes: list[_Slope],
    x_limits: tuple[float, float],
) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = []
    x = np.array([x_limits[0], pivot[0], x_limits[1]])
    interval = finding.interval
    if interval is not None:
        low, high = (pivot[1] + exponent * (x - pivot[0]) for exponent in interval)
        label = f"{percent(finding.judgement.confidence)} interval of exponents"
        handles += axes.fill(
            np.concatenate([x, x[::-1]]), np.concatenate([low, high[::-1]]), color=_FIT, alpha=0.2, lw=0, label=label
        )
    for slope in slopes:
        y = pivot[1] + slope.exponent * (x - pivot[0])
        handles += axes.plot(x, y, color=slope.ink, linestyle=slope.dashes, linewidth=1.6, label=slope.label)
    return handles


def _draw_runs(axes: Axes, runs: NDArray[np.float64]) -> None:
    """Draw every run as a dot: one path for all of them is a fifth of the size of one marker each."""
    if not len(runs):
        axes.text(0.5, 0.5, "no finite positive run", transform=axes.transAxes, ha="center", va="center")
        return
    vertices = np.repeat(runs, 2, axis=0)
    codes = np.tile(np.array([Path.MOVETO, Path.LINETO], dtype=Path.code_type), len(runs))
    dots = PathPatch(
        Path(vertices, codes), facecolor="none", edgecolor=_RUNS, linewidth=3.4, capstyle="round", alpha=0.75
    )
    axes.add_patch(dots)


def _dots_handle(runs: int, drawn: int) -> Line2D:
    label = "runs, one a seed" if runs == drawn else f"runs, {drawn} of {runs} drawn"
    return Line2D([], [], color=_RUNS, linestyle="none", marker="o", markersize=3.4, label=label)


def _draw_not_finite(axes: Axes, finding: Finding, y: float) -> None:
    for axis_value, count in zip(finding.measurement.axis_values, finding.measurement.not_finite, strict=True):
        if count:
            axes.annotate(
                f"{NOT_FINITE_MARK}{count}",
                (math.log10(axis_value), y),
                (0, 3),
                textcoords="offset points",
                ha="center",
            )


def _draw_frame(axes: Axes, finding: Finding, x_limits: tuple[float, float], y_limits: tuple[float, float]) -> None:
    axes.set_xlim(*x_limits)
    axes.set_ylim(*y_limits)
    shown = sorted(set(finding.measurement.axis_values))
    shown = shown[:: max(math.ceil(len(shown) / 6), 1)]
    axes.set_xticks([math.log10(value) for value in shown], [axis_number(value) for value in shown])
    ticks = value_ticks(*y_limits)
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.set_xlabel(clip(finding.measurement.axis, 60), labelpad=2)
    axes.tick_params(length=0)
    axes.grid(visible=True, color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)
