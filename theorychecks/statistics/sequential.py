"""Sequential designs: a budget spent in looks, each planned from the noise alone, until the verdict is decided.

A look that may end the experiment is a chance to err, so the looks share the level among them (Bonferroni; measured
against Pocock's and O'Brien and Fleming's boundaries in `tests/calibration`). The union bound holds because widths and
seeds of a look depend on earlier data through the pooled noise only, never through the estimate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from theorychecks.statistics.cells import summarise
from theorychecks.statistics.interval import CONFIDENCE
from theorychecks.statistics.measurement import Average, Measurement
from theorychecks.statistics.prediction import Prediction

SHARES: Final = (1 / 64, 1 / 16, 1 / 4, 1.0)
"""Of the budget, spent by the end of each look."""
MOST_SEEDS: Final = 400
"""At one axis value: what more would buy is noise that the bias bound hides."""
ALLOCATIONS: Final = (0.0, 1 / 4, 1 / 2)
"""Seeds fall as these powers of the cost; the square root is optimal for one contrast and blinds the checks' others."""
_PRIOR_NOISE: Final = 0.25
"""Standard deviation of a run's logarithm, for the look that has no data yet."""
_STEPS_AN_OCTAVE: Final = 8
"""Noise is rounded for planning, so that equal designs are planned once."""


@dataclass(frozen=True)
class Schedule:
    """The looks that a budget has room for.

    Attributes:
        spends: what may have been spent by the end of each look, in units of cost.
        confidence: of each look's intervals; the looks share the level.
    """

    spends: tuple[float, ...]
    confidence: float


def schedule(
    prediction: Prediction, points: int, costs: Sequence[float], budget: int, confidence: float = CONFIDENCE
) -> Schedule:
    """Looks at 1/64, 1/16, 1/4 and all of a budget; those too small for the smallest design are not taken.

    Args:
        prediction: says what the smallest design is.
        points: how many axis values there are.
        costs: of one run at each of them, in any unit.
        budget: what so many runs at every axis value would cost.
        confidence: of the verdict, over all looks.

    Raises:
        ValueError: if the whole budget does not buy the smallest design.
    """
    strictest = 1 - (1 - confidence) / len(SHARES)
    demands = prediction.demands(points, strictest)
    smallest = demands.seeds * sum(costs[: demands.points])
    spends = tuple(share * budget * sum(costs) for share in SHARES)
    affordable = tuple(spend for spend in spends if spend >= smallest)
    if not affordable:
        needed = math.ceil(smallest / sum(costs))
        raise ValueError(
            f"a budget of {budget} runs at each point does not buy the smallest design, {demands.seeds} runs at "
            f"{demands.points} points; give {needed} or more"
        )
    return Schedule(affordable, 1 - (1 - confidence) / len(affordable))


def plan(
    prediction: Prediction,
    axis_values: Sequence[float],
    costs: Sequence[float],
    spend: float,
    *,
    noise: float | None,
    confidence: float,
    have: Sequence[int] = (),
) -> tuple[int, ...]:
    """Seeds at each of the first so many axis values, for the sharpest verdict that the money can buy.

    Args:
        prediction: what is to be judged.
        axis_values: all there are.
        costs: of one run at each.
        spend: what all runs together may cost, those that have been made included.
        noise: standard deviation of one run's logarithm, as measured so far; None before anything is.
        confidence: of this look.
        have: runs that have been made.
    """
    steps = math.log2(noise if noise else _PRIOR_NOISE) * _STEPS_AN_OCTAVE
    rounded = 2.0 ** (round(max(steps, -40.0 * _STEPS_AN_OCTAVE)) / _STEPS_AN_OCTAVE)
    return _plan(prediction, tuple(axis_values), tuple(costs), spend, rounded, confidence, tuple(have))


@lru_cache(maxsize=4096)
def _plan(
    prediction: Prediction,
    axis_values: tuple[float, ...],
    costs: tuple[float, ...],
    spend: float,
    noise: float,
    confidence: float,
    have: tuple[int, ...],
) -> tuple[int, ...]:
    demands = prediction.demands(len(axis_values), confidence)
    fewest = max(demands.points, len(have))
    best: tuple[int, ...] = ()
    sharpest = math.inf
    for points in range(fewest, len(axis_values) + 1):
        floor = [max(demands.seeds, made) for made in (*have, *[0] * (points - len(have)))]
        if points > fewest and float(np.dot(floor, costs[:points])) > spend:
            break
        for allocation in ALLOCATIONS:
            counts = _counts(costs[:points], spend, allocation, floor)
            detectable = prediction.power(axis_values[:points], counts, noise, confidence).detectable
            if not best or detectable < sharpest:
                best, sharpest = counts, detectable
    return best


def _counts(costs: Sequence[float], spend: float, allocation: float, floor: Sequence[int]) -> tuple[int, ...]:
    """As many runs as the money buys, falling as a power of their cost, and never fewer than the floor."""
    cost, least = np.asarray(costs), np.asarray(floor)
    shape = (cost / cost.min()) ** -allocation

    def counts(scale: float) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        return np.asarray(np.maximum(np.minimum(np.floor(scale * shape), MOST_SEEDS), least), dtype=np.int64)

    low, high = 0.0, MOST_SEEDS / float(shape.min())
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if float(counts(middle) @ cost) <= spend else (low, middle)
    return tuple(int(count) for count in counts(low))


def pooled_noise(measurement: Measurement, average: Average) -> float | None:
    """Standard deviation of a run's logarithm, pooled over cells; None where runs are missing beyond tolerance."""
    if measurement.beyond_tolerance(average):
        return None
    cells = summarise(measurement, average)
    weights = cells.degrees_of_freedom
    return math.sqrt(float((cells.variances * cells.seeds * weights).sum() / weights.sum()))
