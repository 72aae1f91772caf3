"""Designs: widths to measure at, and how many more widths or seeds would decide a verdict."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Final, SupportsIndex

import numpy as np

from theorychecks.statistics.interval import Fit, Interval, exponent_weights
from theorychecks.statistics.measurement import FEWEST_SEEDS, Measurement, check_axis

_PLANNED: Final = 0.6
"""A half-width of 0.6 margins supports a true claim about nine times in ten."""
_MOST_DOUBLINGS: Final = 20


def widths(first: int, last: int, *, factor: int = 2) -> tuple[int, ...]:
    """Widths from first to last in a geometric progression.

    Raises:
        ValueError: unless both are positive integers a whole number of factors apart, spanning a factor of 8.
    """
    first, last, factor = (positive_integer(value, "a width") for value in (first, last, factor))
    if factor < 2:
        raise ValueError(f"successive widths differ by a factor of 2 or more; got {factor}")
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


def check_seeds(seeds: int | Sequence[int], points: int) -> tuple[int, ...]:
    """Seeds for each of so many axis values: one count for all, or one each.

    Raises:
        ValueError: unless there are 3 or more everywhere, as whole numbers.
    """
    given = tuple(seeds) if isinstance(seeds, Sequence) else (seeds,) * points
    if len(given) != points:
        raise ValueError(f"one number of seeds for all widths, or one for each of {points}; got {given}")
    counts = tuple(positive_integer(count, "a number of seeds") for count in given)
    if min(counts) < FEWEST_SEEDS:
        raise ValueError(f"an interval over seeds needs at least {FEWEST_SEEDS} of them, better 8; got {min(counts)}")
    return counts


def positive_integer(value: object, noun: str) -> int:
    """A positive integer as a plain int, numpy's integers included.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, bool) or not isinstance(value, SupportsIndex) or operator.index(value) < 1:
        raise ValueError(f"{noun} is a positive integer; got {value!r}")
    return operator.index(value)


def what_would_decide(fit: Fit, allowed: Interval, margin: float, measurement: Measurement) -> str:
    """Why a fit decides nothing, and what would."""
    inside = Interval(fit.exponent, fit.exponent).inside(allowed)
    room = min(abs(fit.exponent - end) for end in allowed if math.isfinite(end))
    if fit.bias_bound > margin / 2:
        return f"bias-limited: {_wider_range(fit, margin, measurement)}"
    if fit.noise_half_width > margin / 2:
        # Noise falls as one over the root of the seeds; what it may be is what the bias leaves over.
        wanted = max(_PLANNED * margin - fit.bias_bound, 0.1 * margin)
        factor = (fit.noise_half_width / wanted) ** 2
        most = max(measurement.seeds)
        return f"noise-limited: about {math.ceil(factor * most)} seeds a {measurement.axis} instead of {most}"
    side = "inside" if inside else "outside"
    return (
        f"near the boundary: the estimate lies {room:.3f} {side} the margin, the half-width is "
        f"{fit.bias_bound + fit.noise_half_width:.3f}; more seeds and wider {measurement.axis}s"
    )


def _wider_range(fit: Fit, margin: float, measurement: Measurement) -> str:
    axis = np.asarray(measurement.axis_values, dtype=np.float64)
    seeds = np.asarray(measurement.seeds, dtype=np.float64)
    for _ in range(_MOST_DOUBLINGS):
        axis, seeds = np.append(axis, 2 * axis[-1]), np.append(seeds, seeds[-1])
        weights, bias = exponent_weights(axis, fit.noise**2 / seeds, fit.finite_size.curves(axis))
        half_width = bias + 2 * float(np.sqrt((weights**2 * fit.noise**2 / seeds).sum()))
        if half_width <= _PLANNED * margin:
            return (
                f"the bias bound is {fit.bias_bound:.3f} of a margin of {margin:g}; "
                f"{measurement.axis}s up to {axis[-1]:,.0f} would decide"
            )
    return f"the bias bound is {fit.bias_bound:.3f} of a margin of {margin:g}; start the range higher, with more seeds"
