"""Axis: what varies in a measurement, and what it takes to fit an exponent along it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

SMALLEST_SPAN: Final = 8.0


def plural(axis: str) -> str:
    """Values of an axis: widths, particles."""
    return axis if axis.endswith("s") else f"{axis}s"


def check_order(axis_values: Sequence[float], *, axis: str = "width") -> None:
    """Refuse what is no axis.

    Raises:
        ValueError: unless there is a value, and all are positive and increase.
    """
    values = list(axis_values)
    if not values:
        raise ValueError(f"a measurement is made at one {axis} or more; got none")
    if any(not math.isfinite(value) or value <= 0 for value in values):
        raise ValueError(f"every {axis} must be a positive number; got {values}")
    if any(b <= a for a, b in itertools.pairwise(values)):
        raise ValueError(f"{plural(axis)} must increase, each named once; got {values}")


def check_axis(axis_values: Sequence[float], *, axis: str = "width") -> None:
    """Refuse an axis on which no exponent can be fitted.

    Raises:
        ValueError: unless there are at least two positive, increasing values spanning a factor of 8.
    """
    values = list(axis_values)
    if len(values) < 2:
        raise ValueError(f"an exponent needs several {plural(axis)}; got {values}. Try widths(64, 2048).")
    check_order(values, axis=axis)
    if values[-1] / values[0] < SMALLEST_SPAN:
        raise ValueError(
            f"{plural(axis)} must span at least a factor of {SMALLEST_SPAN:g} to fit an exponent; "
            f"got {values[0]:g}..{values[-1]:g}. Try {values[0]:g}..{values[0] * 32:g}."
        )
