"""A drawing: shapes and labels that become one small inline SVG, in the colours of the page that it stands on."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Final, Literal

Anchor = Literal["start", "middle", "end"]


def _dots(colour: str, size: float, opacity: float) -> str:
    return f"fill:none;stroke:{colour};stroke-width:{size};stroke-linecap:round;opacity:{opacity}"


def _line(colour: str, dashes: str = "", width: float = 1.6) -> str:
    return f"fill:none;stroke:{colour};stroke-width:{width}" + (f";stroke-dasharray:{dashes}" if dashes else "")


def _ink(name: str, alone: str) -> str:
    """A colour of the page, or one that is legible on white and on black where there is no page."""
    return f"var(--plot-{name}, {alone})"


_INK = _ink("ink", "#7a828c")
_RUNS, _FIT = _ink("runs", "#7d8794"), _ink("fit", "#3a82dd")
_PREDICTED, _RIVAL = _ink("predicted", "#1f9a4c"), _ink("rival", "#cf5a16")
_CONTROL, _WRONG = _ink("control", "#a75bc9"), _ink("wrong", "#d2382e")

STYLES: Final = {
    "grid": _line(_ink("grid", "#9aa3ad66"), width=0.6),
    "allowed": f"fill:{_PREDICTED};opacity:.14",
    "band": f"fill:{_FIT};opacity:.22",
    "control runs": _dots(_CONTROL, 3.0, 0.5),
    "runs": _dots(_RUNS, 3.4, 0.75),
    "fit": _line(_FIT),
    "predicted": _line(_PREDICTED, "6.4,5.6"),
    "rival": _line(_RIVAL, "1.6,2.64"),
    "control": _line(_CONTROL, "10.2,2.56,1.6,2.56"),
    "local": _dots(_FIT, 4.2, 1.0),
    "first": _line(_FIT, width=1.0) + ";opacity:.7",
    "second": _line(_PREDICTED, width=1.0) + ";opacity:.7",
    "third": _line(_RIVAL, width=1.0) + ";opacity:.7",
    "fourth": _line(_CONTROL, width=1.0) + ";opacity:.7",
    "open": _line(_ink("open", "#a87400"), "4,2.5", 1.3),
    "wrong": _line(_WRONG, width=1.1) + ";opacity:.85",
}
"""By name, and in the order in which they are drawn: a later one lies above."""


@dataclass(frozen=True, slots=True)
class Label:
    """A text of a drawing; one that is turned reads upwards."""

    x: float
    y: float
    text: str
    anchor: Anchor = "start"
    turned: bool = False


@dataclass(slots=True)
class Drawing:
    """Shapes and labels, in units of the drawing; all shapes of one style are one element of the page.

    Attributes:
        title: what it shows, for those who do not see it.
        width, height: of the drawing.
        shapes: paths by the names of their styles.
        labels: in the order in which they are read out.
    """

    title: str
    width: float
    height: float
    shapes: dict[str, list[str]] = field(default_factory=dict)
    labels: list[Label] = field(default_factory=list)

    def add(self, style: str, path: str) -> None:
        """Add a path, which may be empty."""
        if path:
            self.shapes.setdefault(style, []).append(path)

    def say(self, x: float, y: float, text: str, anchor: Anchor = "start", *, turned: bool = False) -> None:
        """Add a text."""
        self.labels.append(Label(x, y, text, anchor, turned))

    def svg(self) -> str:
        """Return it as inline SVG, the same bytes for the same drawing; whatever is written in it is escaped."""
        head = (
            f'<svg class="plot" viewBox="0 0 {self.width:g} {self.height:g}" role="img" '
            f'aria-label="{html.escape(self.title)}" style="font-size:8.5px;fill:{_INK}">'
        )
        paths = [
            f'<path d="{"".join(self.shapes[name])}" style="{style}"/>'
            for name, style in STYLES.items()
            if name in self.shapes
        ]
        return "\n".join([head, *paths, *map(_text, self.labels), "</svg>"])


def _text(label: Label) -> str:
    x, y = f"{label.x:.1f}", f"{label.y:.1f}"
    place = f'transform="translate({x} {y}) rotate(-90)"' if label.turned else f'x="{x}" y="{y}"'
    anchor = "" if label.anchor == "start" else f' text-anchor="{label.anchor}"'
    return f"<text {place}{anchor}>{html.escape(label.text)}</text>"


def dot(x: float, y: float) -> str:
    """Return a path that is a dot where ends of lines are round."""
    return f"M{x:.1f} {y:.1f}h0"


def through(points: list[tuple[float, float]]) -> str:
    """Return a path through points."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""


def box(left: float, top: float, right: float, bottom: float) -> str:
    """Return a rectangle as a path."""
    return f"M{left:.1f} {top:.1f}H{right:.1f}V{bottom:.1f}H{left:.1f}z"
