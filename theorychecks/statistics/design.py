"""Designs: widths to measure at, and seeds at each of them."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence

from theorychecks.arguments import is_whole, whole_number
from theorychecks.statistics.axis import check_axis, plural
from theorychecks.statistics.measurement import FEWEST_SEEDS


def widths(first: int, last: int, *, factor: int = 2) -> tuple[int, ...]:
    """Widths from first to last in a geometric progression.

    Raises:
        ValueError: unless both are positive integers a whole number of factors apart, spanning a factor of 8.
    """
    first, last = (whole_number(value, "a width") for value in (first, last))
    if not is_whole(factor, 2):
        raise ValueError(
            f"successive widths differ by a whole factor of 2 or more; got factor={factor!r}. "
            "Name widths that lie closer one by one: widths=(64, 96, 128, 192, 256, 384, 512)."
        )
    factor = operator.index(factor)
    grid = [first]
    while grid[-1] < last:
        grid.append(grid[-1] * factor)
    if grid[-1] != last:
        near = grid[-2:] if len(grid) > 1 else [first * factor]
        raise ValueError(
            f"widths({first}, {last}, factor={factor}) does not reach {last}; the nearest ends are "
            f"{' and '.join(map(str, near))}"
        )
    check_axis(grid)
    return tuple(grid)


def check_widths(given: object, axis: str = "width") -> tuple[int, ...]:
    """Widths, or values of another axis, one by one, as plain integers.

    Raises:
        TypeError: for a single number, or anything else that has no members.
        ValueError: unless all are positive integers.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        example = "widths=tc.widths(64, 1024) or (64, 128, 256)" if axis == "width" else "(8, 16, 32, 64)"
        raise TypeError(f"{plural(axis)} are several, such as {example}; got {given!r}")
    one = f"each of {axis}" if axis.endswith("s") else f"a {axis}"
    return tuple(whole_number(value, one) for value in given)


def check_seeds(seeds: int | Sequence[int], points: int) -> tuple[int, ...]:
    """Seeds for each of so many axis values: one count for all, or one each.

    Raises:
        ValueError: unless there are 3 or more everywhere, as whole numbers.
    """
    given = tuple(seeds) if isinstance(seeds, Sequence) else (seeds,) * points
    if len(given) != points:
        raise ValueError(f"one number of seeds for all widths, or one for each of {points}; got {given}")
    counts = tuple(whole_number(count, "a number of seeds") for count in given)
    if min(counts) < FEWEST_SEEDS:
        raise ValueError(f"an interval over seeds needs at least {FEWEST_SEEDS} of them, better 8; got {min(counts)}")
    return counts
