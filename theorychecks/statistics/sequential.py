"""Sequential designs: a budget spent in looks, each planned from the noise alone, until the verdict is decided.

A look that may end the experiment is a chance to err, so the looks share the level among them (Bonferroni; measured
against Pocock's boundary and none at all in `tests/calibration`). The union bound holds because widths and
seeds of a look depend on earlier data through the pooled noise only, never through the estimate.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from theorychecks.statistics.cells import Array, summarise
from theorychecks.statistics.interval import CONFIDENCE
from theorychecks.statistics.measurement import Average, Measurement
from theorychecks.statistics.prediction import Demands, Layout, Prediction

SHARES: Final = (1 / 64, 1 / 16, 1 / 4, 1.0)
"""Of the budget, spent by the end of each look."""
MOST_SEEDS: Final = 400
"""At one axis value: what more would buy is noise that the bias bound hides."""
ALLOCATIONS: Final = (0.0, 1 / 4, 1 / 2)
"""Seeds fall as these powers of the cost; the square root is optimal for one contrast and blinds the checks' others."""
_PRIOR_NOISE: Final = 0.25
"""Standard deviation of a run's logarithm, for the look that has no data yet."""
_WIDER: Final = 1.1
"""How much blunter than the sharpest a design may be that reaches further: crossovers beyond a range are invisible."""
_STEPS_AN_OCTAVE: Final = 8
"""Noise is rounded, so that equal designs are planned once, and what they could see is found once."""


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
    prediction: Prediction,
    axis_values: Sequence[float],
    costs: Sequence[float],
    budget: int,
    confidence: float = CONFIDENCE,
    shares: Sequence[float] = SHARES,
) -> Schedule:
    """Looks at parts of a budget, the first of them at the smallest design where that costs more.

    Args:
        prediction: says what the smallest design is.
        axis_values: all there are.
        costs: of one run at each of them, in any unit.
        budget: what so many runs at every axis value would cost.
        confidence: of the verdict, over all looks.
        shares: of the budget, spent by the end of each look.

    Raises:
        ValueError: if the whole budget does not buy the smallest design.
    """
    strictest = 1 - (1 - confidence) / len(shares)
    demands = smallest_design(prediction, axis_values, strictest)
    smallest, whole = demands.seeds * sum(costs[: demands.points]), budget * sum(costs)
    spends = [max(share * whole, smallest) for share in shares]
    # A look that costs nearly as much as the next one is none.
    spends = [spend for spend, after in itertools.pairwise(spends) if 2 * spend <= after] + [whole]
    if smallest > whole:
        needed = math.ceil(smallest / sum(costs))
        raise ValueError(
            f"a budget of {budget} runs at each point does not buy the smallest design, {demands.seeds} runs at "
            f"{demands.points} points; give {needed} or more"
        )
    return Schedule(tuple(spends), 1 - (1 - confidence) / len(spends))


def smallest_design(prediction: Prediction, axis_values: Sequence[float], confidence: float) -> Demands:
    """The fewest of the first axis values that can be judged, and runs at each: all of them if fewer never can."""
    demands = prediction.demands(len(axis_values), confidence)
    for points in range(demands.points, len(axis_values)):
        try:
            seeds = (demands.seeds,) * points
            # What a design is for does not matter here: whether it can be judged at all.
            layout = Layout(axis_values=axis_values[:points], seeds=seeds, role="control", against=seeds)
            prediction.admit(layout, confidence=confidence)
        except ValueError:
            # Narrow steps take more points to span what an exponent needs.
            continue
        return demands._replace(points=points)
    return demands._replace(points=max(len(axis_values), demands.points))


def plan(
    prediction: Prediction,
    axis_values: Sequence[float],
    costs: Sequence[float],
    spend: float,
    *,
    noise: float | None,
    confidence: float,
    have: Sequence[int] = (),
    equal: bool = False,
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
        equal: whether all axis values need the same number of runs.
    """
    rounded = 2.0 ** (round(_steps_of(noise or _PRIOR_NOISE)) / _STEPS_AN_OCTAVE)
    return _plan(prediction, tuple(axis_values), tuple(costs), spend, rounded, confidence, tuple(have), equal)


def rounded_up(noise: float) -> float:
    """The next of the noises that designs are planned for, so that the many readings of a gate share certificates."""
    return float(2.0 ** (math.ceil(_steps_of(noise)) / _STEPS_AN_OCTAVE))


def _steps_of(noise: float) -> float:
    return max(math.log2(noise) if noise else -math.inf, -40.0) * _STEPS_AN_OCTAVE


@lru_cache(maxsize=4096)
def _plan(
    prediction: Prediction,
    axis_values: tuple[float, ...],
    costs: tuple[float, ...],
    spend: float,
    noise: float,
    confidence: float,
    have: tuple[int, ...],
    equal: bool,
) -> tuple[int, ...]:
    demands = smallest_design(prediction, axis_values, confidence)
    fewest = max(demands.points, len(have))
    allocations = ALLOCATIONS[:1] if equal else ALLOCATIONS
    designs: list[tuple[float, tuple[int, ...]]] = []
    for points in range(fewest, len(axis_values) + 1):
        floor = [max(demands.seeds, made) for made in (*have, *[0] * (points - len(have)))]
        if equal:
            floor = [max(floor)] * points
        if points > fewest and float(np.dot(floor, costs[:points])) > spend:
            break
        tried = {_counts(costs[:points], spend, allocation, tuple(floor)) for allocation in allocations}
        designs.append(
            min(
                (prediction.power(axis_values[:points], counts, noise, confidence).resolution, counts)
                for counts in tried
            )
        )
    sharpest = min(resolution for resolution, _ in designs)
    return next(counts for resolution, counts in reversed(designs) if resolution <= _WIDER * sharpest)


@lru_cache(maxsize=4096)
def _counts(costs: tuple[float, ...], spend: float, allocation: float, floor: tuple[int, ...]) -> tuple[int, ...]:
    """As many runs as the money buys, falling as a power of their cost, and never fewer than the floor.

    The noise does not enter, so that all readings of a gate share them.
    """
    cost, least = np.asarray(costs, dtype=np.float64), np.asarray(floor, dtype=np.float64)
    shape = (cost / cost.min()) ** -allocation

    def counts(scale: float) -> Array:
        return np.asarray(np.maximum(np.minimum(np.floor(scale * shape), MOST_SEEDS), least))

    low, high = 0.0, MOST_SEEDS / float(shape.min())
    fewest, most = counts(low), counts(high)
    for _ in range(60):
        if fewest.tobytes() == most.tobytes():
            break
        middle = (low + high) / 2
        tried = counts(middle)
        if tried @ cost <= spend:
            low, fewest = middle, tried
        else:
            high, most = middle, tried
    return tuple(int(count) for count in fewest)


def pooled_noise(measurement: Measurement, average: Average) -> float | None:
    """Standard deviation of a run's logarithm, pooled over cells; None where runs are missing beyond tolerance."""
    if measurement.beyond_tolerance(average):
        return None
    return math.sqrt(summarise(measurement, average).pooled_variance)
