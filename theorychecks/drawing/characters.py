"""Characters: a scene as lines of text, for a terminal; runs are dots of braille, two by four to a character."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from theorychecks.drawing.scene import NO_RUNS, Scene, axis_label, ticks

_BRAILLE: Final = 0x2800
_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille character, by row and column (Unicode, chapter 21.1)."""
_MARKS: Final = {"fit": "─", "predicted": "·", "rival": "x"}
_PLAIN: Final = {"⠿": "o", "─": "-", "·": ".", "│": "|", "└": "+"}
_SMALLEST: Final = (24, 6)


def characters(scene: Scene, *, columns: int = 72, rows: int = 14, plain: bool = False) -> list[str]:
    """Return a log-log plot of a scene as lines of text, without a space at their ends.

    Args:
        scene: what there is to be seen.
        columns: of the whole figure.
        rows: of the frame; the axis and the legend stand below.
        plain: whether the terminal knows ASCII alone: runs are letters then, one for each character with a run.
    """
    labels = {at: label for at, label in ticks(*scene.y_limits).items()}
    left = max(map(len, labels.values()), default=0)
    width, height = max(columns - left - 2, _SMALLEST[0]), max(rows, _SMALLEST[1])
    cells = [[" "] * width for _ in range(height)]
    for slope in reversed(scene.slopes):
        if slope.style != "fit":
            _draw(scene, cells, slope.exponent, _MARKS[slope.style])
    _dot(scene, cells)
    named: dict[int, str] = {}
    for at, label in labels.items():
        named.setdefault(_row(scene, at, height), label)
    lines = [f"{named.get(row, ''):>{left}} │{''.join(cells[row])}" for row in range(height)]
    lines += [f"{'':>{left}} └{'─' * width}", f"{'':>{left}}  {_axis(scene, width)}"]
    lines += [f"{'':>{left}}  {each}" for each in _legend(scene)]
    return [_as_plain(line).rstrip() if plain else line.rstrip() for line in lines]


def _row(scene: Scene, y: float, height: int) -> int:
    low, high = scene.y_limits
    return _place(1 - (y - low) / (high - low), height)


def _place(share: float, count: int) -> int:
    return min(max(int(share * count), 0), count - 1)


def _draw(scene: Scene, cells: Sequence[list[str]], exponent: float, mark: str) -> None:
    """Draw a power, a mark a column, as far as it is inside the frame."""
    (left, right), (low, high) = scene.x_limits, scene.y_limits
    width = len(cells[0])
    for column in range(width):
        y = scene.height(exponent, left + (column + 0.5) / width * (right - left))
        if low <= y <= high:
            cells[_row(scene, y, len(cells))][column] = mark


def _dot(scene: Scene, cells: Sequence[list[str]]) -> None:
    """Put a dot for every run, over what is drawn already."""
    (left, right), (low, high) = scene.x_limits, scene.y_limits
    height, width = len(cells), len(cells[0])
    for x, y in scene.runs:
        column = _place((x - left) / (right - left), 2 * width)
        row = _place(1 - (y - low) / (high - low), 4 * height)
        line = cells[row // 4]
        before = ord(line[column // 2])
        bits = before if _BRAILLE <= before < _BRAILLE + 256 else _BRAILLE
        line[column // 2] = chr(bits | _DOTS[row % 4][column % 2])
    if not scene.runs:
        start = max((width - len(NO_RUNS)) // 2, 0)
        cells[height // 2][start : start + len(NO_RUNS)] = NO_RUNS


def _axis(scene: Scene, width: int) -> str:
    """The ends of the axis, and its name between them."""
    first, last = axis_label(scene.axis_values[0]), axis_label(scene.axis_values[-1])
    return f"{first}{scene.axis[: width // 2]:^{max(width - len(first) - len(last), 0)}}{last}"


def _legend(scene: Scene) -> list[str]:
    marks: list[tuple[str, str]] = [("⠿", "runs, one a seed")]
    marks += [(_MARKS[slope.style], slope.label) for slope in scene.slopes if slope.style != "fit"]
    return ["   ".join(f"{mark} {label}" for mark, label in marks)]


def _as_plain(line: str) -> str:
    return "".join(_PLAIN.get(each, "o" if _BRAILLE <= ord(each) < _BRAILLE + 256 else each) for each in line)
