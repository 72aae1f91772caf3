"""Literal text: anybody's words, of which no terminal, page or typesetter obeys any, and which mislead no reader."""

from __future__ import annotations

import re
from typing import Final

_TURNS_TEXT: Final = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Marks that change the direction of what follows, in the place of letters that have one of their own."""
_UNSEEN: Final = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff{_TURNS_TEXT}]")


def visible(text: str) -> str:
    r"""A text in which what cannot be seen is written out, an escape character as \x1b; ends of lines stay."""
    return _UNSEEN.sub(_written_out, text)


def in_a_line(text: str) -> str:
    """The same on one line."""
    return visible(" ".join(text.split()))


def _written_out(match: re.Match[str]) -> str:
    number = ord(match.group())
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
