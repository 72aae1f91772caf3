"""A gate as pictures: for every training step, how the coordinates of a model scale with its width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from theorychecks.finding import Finding
from theorychecks.reporting.drawing import Drawing, box, through
from theorychecks.reporting.geometry import Frame, Point, value_ticks
from theorychecks.reporting.margins import margin_used
from theorychecks.reporting.wording import axis_number
from theorychecks.statistics.judgement import Verdict

_QUANTITY_STYLES: Final = ("first", "second", "third", "fourth")
WIDTH: Final = 366
"""Of a picture, in its own units."""
_NAMED: Final = 7
"""Coordinates that are named beside their lines: those nearest to their margins, or furthest beyond."""
_NAME_SHOWN: Final = 25
_LINE_HEIGHT: Final = 9.5
_AXIS_TICKS: Final = 5
_FEWEST_LINES: Final = 3
_LEGEND_COLUMNS: Final = 2


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A finding of a gate, its label taken apart: which module or parameter, what of it, and after which step."""

    finding: Finding
    name: str
    quantity: str
    step: int


def coordinates(findings: Sequence[Finding]) -> list[Coordinate]:
    """Return findings by what their labels say; nothing unless all of them are of one model, with a step each."""
    found = [_coordinate(finding) for finding in findings]
    if None in found or len({tuple(finding.setting.items()) for finding in findings}) != 1:
        return []
    return [each for each in found if each is not None] if len(found) >= _FEWEST_LINES else []


def _coordinate(finding: Finding) -> Coordinate | None:
    rest, _, step = finding.label.rpartition(", step ")
    name, _, quantity = rest.rpartition(", ")
    if not (name and step.isdecimal()):
        return None
    return Coordinate(finding, name.removeprefix(f"{finding.setting.get('model', '')}, "), quantity, int(step))


def plot_step(found: Sequence[Coordinate], quantities: Sequence[str]) -> str:
    """Return the coordinates after one step as inline SVG: a line for each, over the width, on logarithmic axes.

    A line's colour says what is measured, unless it scales otherwise than predicted, or nothing could be decided.
    """
    lines = [(each, points) for each in found if len(points := _means(each.finding)) > 1]
    picture = Drawing(f"{len(lines)} coordinates after step {found[0].step}, over the width", WIDTH, 0)
    if not lines:
        return ""
    xs, ys = zip(*(point for _, points in lines for point in points), strict=True)
    pad, reach = 0.04 * (max(xs) - min(xs)), max(0.54 * (max(ys) - min(ys)), 0.25)
    middle = (max(ys) + min(ys)) / 2
    frame = Frame((min(xs) - pad, max(xs) + pad), (middle - reach, middle + reach), left=40, width=200, height=176)
    _axes(picture, frame, sorted({value for each, _ in lines for value in each.finding.measurement.axis_values}))
    for each, points in lines:
        picture.add(_style(each, quantities), through(frame.points(points)))
    _name_lines(picture, frame, lines)
    axis = found[0].finding.measurement.axis
    picture.say(frame.left + frame.width / 2, frame.bottom + 21, axis, "middle")
    picture.say(10, frame.top + frame.height / 2, "mean over seeds", "middle", turned=True)
    _legend(picture, frame.bottom + 33, [_style(each, quantities) for each, _ in lines], quantities)
    return picture.svg()


def _means(finding: Finding) -> list[Point]:
    """The mean logarithms of the runs, as decimal logarithms, where there are any."""
    measurement = finding.measurement
    rows = [[math.log10(value) for value in row if value > 0] for row in measurement.values]
    return [
        (math.log10(value), sum(row) / len(row))
        for value, row in zip(measurement.axis_values, rows, strict=True)
        if row
    ]


def _style(each: Coordinate, quantities: Sequence[str]) -> str:
    if each.finding.verdict is Verdict.REFUTED:
        return "wrong"
    if each.finding.verdict is Verdict.INCONCLUSIVE:
        return "open"
    return _QUANTITY_STYLES[quantities.index(each.quantity) % len(_QUANTITY_STYLES)]


def _axes(picture: Drawing, frame: Frame, values: Sequence[float]) -> None:
    shown = values[:: max(math.ceil(len(values) / _AXIS_TICKS), 1)]
    picture.add("grid", box(frame.left, frame.top, frame.right, frame.bottom))
    for value in shown:
        x = frame.x(math.log10(value))
        picture.add("grid", f"M{x:.1f} {frame.top}v{frame.height}")
        picture.say(x, frame.bottom + 10, axis_number(value), "middle")
    for at, label in value_ticks(*frame.y_limits).items():
        picture.add("grid", f"M{frame.left} {frame.y(at):.1f}h{frame.width}")
        picture.say(frame.left - 3.5, frame.y(at) + 3, label, "end")


def _name_lines(picture: Drawing, frame: Frame, lines: Sequence[tuple[Coordinate, list[Point]]]) -> None:
    """Name the lines nearest to their margins at their right ends, from the top down, none above another."""
    nearest: dict[str, tuple[Coordinate, list[Point]]] = {}
    for line in sorted(lines, key=lambda line: margin_used(line[0].finding), reverse=True):
        nearest.setdefault(line[0].name, line)
    by_height = sorted(list(nearest.values())[:_NAMED], key=lambda line: frame.y(line[1][-1][1]))
    ends = [frame.y(points[-1][1]) for _, points in by_height]
    for (each, _), end, y in zip(by_height, ends, _spread(ends, frame), strict=True):
        name = each.name if len(each.name) <= _NAME_SHOWN else f"…{each.name[-_NAME_SHOWN + 1 :].lstrip('.')}"
        picture.add("grid", f"M{frame.right} {end:.1f}L{frame.right + 8} {y:.1f}")
        picture.say(frame.right + 10, y + 3, name)


def _spread(ends: Sequence[float], frame: Frame) -> list[float]:
    """Heights of names, from the top down, as near to the ends of their lines as the height of a name allows."""
    heights: list[float] = []
    for place, end in enumerate(ends):
        lowest = frame.bottom - _LINE_HEIGHT * (len(ends) - 1 - place)
        highest = heights[-1] + _LINE_HEIGHT if heights else frame.top
        heights.append(max(min(end, lowest), highest))
    return heights


def _legend(picture: Drawing, top: float, drawn: Sequence[str], quantities: Sequence[str]) -> None:
    styles = dict(zip(_QUANTITY_STYLES, quantities, strict=False))
    said = [(style, name) for style, name in styles.items() if style in drawn]
    said += [(style, name) for style, name in _VERDICTS.items() if style in drawn]
    for place, (style, name) in enumerate(said):
        x, y = 8 + WIDTH / _LEGEND_COLUMNS * (place % _LEGEND_COLUMNS), top + 12 * (place // _LEGEND_COLUMNS)
        picture.add(style, f"M{x:.1f} {y:.1f}h19")
        picture.say(x + 24, y + 3, f"{name} ({drawn.count(style)})")
    picture.height = top + 12 * ((len(said) - 1) // _LEGEND_COLUMNS) + 8


_VERDICTS: Final = {"wrong": "not as predicted", "open": "undecided"}
