"""A badge: a run's outcome in a small picture, for a page that links to its report."""

from __future__ import annotations

import math
import unicodedata
from typing import Final

from theorychecks.reporting import tally
from theorychecks.reporting.counting import ExitCode, exit_code
from theorychecks.reporting.literal import in_a_line
from theorychecks.reporting.rendering import template
from theorychecks.reporting.report import Suite
from theorychecks.reporting.wording import clip

_COLOURS: Final = {
    ExitCode.PASSED: "#12713a",
    ExitCode.FAILED: "#b3261e",
    ExitCode.BROKEN: "#7b2d8e",
    ExitCode.UNDECIDED: "#8a5a00",
}
"""Each with white letters on it has a contrast above 5 to 1."""
_MOST_LETTERS: Final = 40
_PAD: Final = 7
_WIDTHS: Final = {"ijl.,:;|'!I ": 3.4, "frt()[]/-": 4.4, "mwMW%": 10.2}
_USUAL, _CAPITAL, _WIDE = 6.6, 7.6, 11.5
"""Of a letter of eleven pixels; pictures set their text to these widths, whatever font is there."""


def render_badge(suite: Suite, *, label: str = "theory") -> str:
    """Return an SVG picture that says how a run of claims ended.

    Args:
        suite: the counts of the run.
        label: the text on the left.
    """
    left, right = _clipped(label), outcome_text(suite)
    return template("badge.svg.j2").render(
        label=left,
        said=right,
        label_width=_width(left),
        said_width=_width(right),
        pad=_PAD,
        colour=_COLOURS[exit_code(suite)],
    )


def outcome_text(suite: Suite) -> str:
    """Return "165 of 170 claims pass", and what is worse where there is such a thing, in a few words."""
    worse = ((suite.failed, "refuted"), (suite.errors + len(suite.lost), "broke"), (suite.inconclusive, "undecided"))
    said = [f"{count} {what}" for count, what in worse if count]
    whole = [] if tally.is_whole(suite) else ["incomplete"]
    return ", ".join([f"{suite.passed} of {suite.claims} claims pass", *said, *whole])


def _clipped(label: str) -> str:
    """Return a label that a badge has room for."""
    return clip(in_a_line(label), _MOST_LETTERS)


def _width(text: str) -> int:
    return math.ceil(sum(map(_letter_width, text)) + 2 * _PAD)


def _letter_width(letter: str) -> float:
    for letters, width in _WIDTHS.items():
        if letter in letters:
            return width
    if unicodedata.east_asian_width(letter) in "WF":
        return _WIDE
    return _CAPITAL if letter.isupper() else _USUAL
