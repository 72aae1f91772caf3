"""Quantities as a command line has them: bytes with a unit, and how long."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

import typer

_BYTES: Final = {"": 1.0, "B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
_SECONDS: Final = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


def bytes_of(text: str) -> int:
    """Bytes of "60MB".

    Raises:
        typer.BadParameter: for anything else.
    """
    return int(_number(text, _BYTES, "a size is a number with B, kB, MB, GB or TB, like 60MB"))


def seconds_of(text: str) -> float:
    """Seconds of "30d".

    Raises:
        typer.BadParameter: for anything else.
    """
    return _number(text, _SECONDS, "an age is a number of hours, days or weeks, like 12h, 30d or 8w")


def _number(text: str, units: Mapping[str, float], rule: str) -> float:
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]*)", text.strip())
    value = float(found[1]) * units[found[2]] if found and found[2] in units else math.inf
    if not math.isfinite(value):
        raise typer.BadParameter(f"{rule}; got {text!r}")
    return value
