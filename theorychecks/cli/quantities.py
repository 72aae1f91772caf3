"""Quantities as a command line has them: bytes with a unit, and how long."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

import typer

from theorychecks.statistics.design import check_widths, widths

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


def part_of(text: str) -> tuple[int, int]:
    """Which part of how many "2/8" is.

    Raises:
        typer.BadParameter: for anything else.
    """
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    part, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= part <= parts:
        raise typer.BadParameter(
            f"a shard is one part of several, I/N with 1 <= I <= N, like 1/8, 2/8 and so on to 8/8; got {text!r}. "
            "Number array jobs from 1 on, or leave --shard out for all"
        )
    return part, parts


def pinned(text: str | None) -> str | None:
    """A seed that can be named again.

    Raises:
        typer.BadParameter: for one that is drawn.
    """
    if text == "fresh":
        raise typer.BadParameter(
            "a plan and its run have one seed, a whole number; got 'fresh', which draws another one each time"
        )
    return text


def hyphened(name: str) -> str:
    """A name as options have it: "Maximal Update" and "maximal_update" are "maximal-update"."""
    return name.casefold().replace("_", "-").replace(" ", "-")


def widths_of(text: str, axis: str = "width") -> tuple[int, ...]:
    """Widths, or values of another axis, of "64..1024", in factors of two, or of "64,96,128".

    Raises:
        typer.BadParameter: for anything else, and for those that span too little.
    """
    try:
        if found := re.fullmatch(r"([0-9]{1,9})\.\.([0-9]{1,9})", text):
            return widths(int(found[1]), int(found[2]))
        if re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9})*", text):
            return check_widths(tuple(map(int, text.split(","))))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    shown = "4..64, or several, 4,8,16,32,64" if axis != "width" else "64..1024, or several, 64,96,128"
    raise typer.BadParameter(
        f"{axis if axis.endswith('s') else axis + 's'} are a range in factors of two, {shown}; got {text!r}"
    )


def budget_of(text: str) -> float:
    """Seconds of "60s" or "2min".

    Raises:
        typer.BadParameter: for anything else, and for no time at all.
    """
    seconds = _number(text, {"s": 1.0, "min": 60.0, "h": 3600.0}, "a time is a number of s, min or h, like 60s or 2min")
    if not seconds > 0:
        raise typer.BadParameter(f"a time is longer than nothing, like 60s or 2min; got {text!r}")
    return seconds


def duration(seconds: float) -> str:
    """A time as people read it: "<0.1 s", "0.5 s", "40 s", "12 min", "3.5 h"."""
    if seconds < 0.1:
        return "<0.1 s"
    if seconds < 90:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def flops(count: float) -> str:
    """Floating-point operations as people read them: "1.2 TFLOP"; nothing where there are none."""
    for unit, name in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M")):
        if count >= unit:
            return f"{count / unit:.3g} {name}FLOP"
    return f"{count / 1e3:.3g} kFLOP" if count else ""


def _number(text: str, units: Mapping[str, float], rule: str) -> float:
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]*)", text.strip())
    value = float(found[1]) * units[found[2]] if found and found[2] in units else math.inf
    if not math.isfinite(value):
        raise typer.BadParameter(f"{rule}; got {text!r}")
    return value
