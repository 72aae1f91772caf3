"""SVG: a scene as a picture that a notebook shows, and that is a file of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from theorychecks.drawing.markup import clipped, literal
from theorychecks.drawing.scene import NO_RUNS, Scene, axis_label, ticks

_WIDTH, _HEIGHT = 440, 330
_LEFT, _TOP, _RIGHT, _BOTTOM = 60, 30, 425, 245
_LEGEND: Final = ((_LEFT, 285.0), (_LEFT + 185, 285.0))
_ROW: Final = 16.0
_TITLE: Final = 62
_LABEL: Final = 28
"""Characters for which there is room."""
_LINES: Final = {
    "fit": "stroke:#1b66c9",
    "predicted": "stroke:#16803c;stroke-dasharray:8,5",
    "rival": "stroke:#b4490e;stroke-dasharray:2,3",
}
_RUNS: Final = "fill:#5b6573;fill-opacity:.7"
_BAND: Final = "fill:#1b66c9;fill-opacity:.18"
_FAR: Final = 1e4


@dataclass(frozen=True)
class Picture:
    """A picture: a notebook shows it, and `str` gives the SVG to be written to a file."""

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def __str__(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"Picture({len(self.svg):,} characters of SVG)"


def picture(scene: Scene) -> Picture:
    """Return a log-log plot of a scene, the same bytes for the same scene."""
    title = literal(clipped(scene.title, _TITLE))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" '
        f'aria-label="{title}" style="font:11px sans-serif;unicode-bidi:isolate">',
        f"<title>{literal(scene.title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="18" style="font-weight:bold">{title}</text>',
        *_axes(scene),
        # A picture in the picture shows nothing beyond its edges.
        f'<svg x="{_LEFT}" y="{_TOP}" width="{_RIGHT - _LEFT}" height="{_BOTTOM - _TOP}" '
        f'viewBox="{_LEFT} {_TOP} {_RIGHT - _LEFT} {_BOTTOM - _TOP}">',
        *_drawn(scene),
        "</svg>",
        *_legend(scene),
        "</svg>",
    ]
    return Picture("\n".join(parts))


def _x(scene: Scene, log: float) -> float:
    low, high = scene.x_limits
    return _LEFT + (_RIGHT - _LEFT) * (log - low) / (high - low)


def _y(scene: Scene, log: float) -> float:
    low, high = scene.y_limits
    return max(min(_BOTTOM - (_BOTTOM - _TOP) * (log - low) / (high - low), _FAR), -_FAR)


def _axes(scene: Scene) -> Iterator[str]:
    grid = f"M{_LEFT} {_TOP}H{_RIGHT}V{_BOTTOM}H{_LEFT}Z"
    for value in scene.axis_values:
        x = _x(scene, math.log10(value))
        grid += f"M{x:.1f} {_TOP}V{_BOTTOM}"
        yield f'<text x="{x:.1f}" y="{_BOTTOM + 14}" text-anchor="middle">{axis_label(value)}</text>'
    for at, label in ticks(*scene.y_limits).items():
        y = _y(scene, at)
        grid += f"M{_LEFT} {y:.1f}H{_RIGHT}"
        yield f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    middle = (_LEFT + _RIGHT) / 2
    axis = literal(clipped(scene.axis, _TITLE))
    yield f'<text x="{middle}" y="{_BOTTOM + 29}" text-anchor="middle">{axis}</text>'
    yield f'<path d="{grid}" style="fill:none;stroke:#d4d9e0"/>'


def _drawn(scene: Scene) -> Iterator[str]:
    if scene.interval is not None:
        (left, right), (low, high) = scene.x_limits, scene.interval
        ends = [(left, low), (right, low), (right, high), (left, high)]
        corners = [(x, scene.height(exponent, x)) for x, exponent in ends]
        # All lines through the pivot whose exponents lie in the interval.
        corners = [corners[0], scene.pivot, *corners[1:3], scene.pivot, corners[3]]
        yield f'<path d="{_path(scene, corners)}Z" style="{_BAND}"/>'
    for x, y in scene.runs:
        yield f'<circle cx="{_x(scene, x):.1f}" cy="{_y(scene, y):.1f}" r="2.2" style="{_RUNS}"/>'
    for slope in scene.slopes:
        ends = [(x, scene.height(slope.exponent, x)) for x in scene.x_limits]
        yield f'<path d="{_path(scene, ends)}" style="fill:none;stroke-width:1.8;{_LINES[slope.style]}"/>'
    if not scene.runs:
        yield f'<text x="{(_LEFT + _RIGHT) / 2}" y="{(_TOP + _BOTTOM) / 2}" text-anchor="middle">{NO_RUNS}</text>'


def _path(scene: Scene, points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_x(scene, x):.1f} {_y(scene, y):.1f}" for x, y in points)


def _legend(scene: Scene) -> Iterator[str]:
    """Two columns, the first of which is filled first."""
    said = [("runs", "runs, one a seed"), *(("band", "interval of exponents") for _ in filter(None, [scene.interval]))]
    said += [(slope.style, slope.label) for slope in scene.slopes]
    rows = math.ceil(len(said) / len(_LEGEND))
    for place, (style, label) in enumerate(said):
        x, y = _LEGEND[place // rows]
        y += _ROW * (place % rows)
        if style == "runs":
            yield f'<circle cx="{x + 11}" cy="{y}" r="2.2" style="{_RUNS}"/>'
        elif style == "band":
            yield f'<path d="M{x} {y - 4}h22v8h-22z" style="{_BAND}"/>'
        else:
            yield f'<path d="M{x} {y}h22" style="fill:none;stroke-width:1.8;{_LINES[style]}"/>'
        yield f'<text x="{x + 28}" y="{y + 4}">{literal(clipped(label, _LABEL))}</text>'
