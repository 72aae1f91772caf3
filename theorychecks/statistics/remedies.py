"""Remedies: what keeps a judgement open, and what would decide it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from theorychecks.statistics.axis import plural
from theorychecks.statistics.cells import Array, trimming_costs
from theorychecks.statistics.estimator import exponent_weights
from theorychecks.statistics.finite_size import FiniteSizeClass
from theorychecks.statistics.interval import Fit, Interval
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.rounding import DITHER

Limit = Literal["bias", "noise", "flags", "boundary", "missing runs", "time"]
"""What keeps a judgement from being decided."""
UNSOUND: Final = frozenset({"independence", "rounding"})
"""Checks of the noise itself; the others are of the finite-size class."""
_PLANNED: Final = 0.6
"""A half-width of 0.6 margins leaves room for the estimate itself: it supports a true claim nine times in ten."""
_MOST_DOUBLINGS: Final = 20
_MOST_SEED_DOUBLINGS: Final = 6
"""Whoever would need more than 64 times the seeds is told to widen the range."""


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What would decide an inconclusive judgement.

    Attributes:
        limited_by: what keeps it open.
        text: what to do, in words.
        effort: how many times the seeds it would take, where seeds would do.
    """

    limited_by: Limit
    text: str
    effort: float | None = None


def missing_runs(measurement: Measurement) -> Remedy:
    """Runs without a number, and what would tolerate them."""
    return Remedy(limited_by="missing runs", text=measurement.what_is_missing())


def dithered() -> Remedy:
    """Runs that a grid has rounded, which hides their noise."""
    return Remedy(limited_by="flags", text=f"flagged (rounding): {DITHER}")


def more_runs(reason: str, factor: float, most: int, noun: str) -> Remedy:
    """So many times the runs, "about 40 seeds a width instead of 8"."""
    text = f"{reason}: about {math.ceil(factor * most)} {noun} instead of {most}"
    return Remedy(limited_by="noise", text=text, effort=factor)


def for_half_width(
    reason: str, half: float, margin: float, most: int, noun: str, *, near: str, besides: str = ""
) -> Remedy:
    """What brings an interval of this half-width inside the margin, where noise is all that it holds.

    Args:
        reason: why the judgement is open.
        half: the half-width.
        margin: that it has to fit into.
        most: runs at an axis value.
        noun: what they are called, "seeds a width".
        near: what to do where the interval is narrow, and the estimate near the margin's end.
        besides: what would do instead of more runs.
    """
    # Not a number where one side is constant.
    if not half > margin / 2:
        return Remedy(limited_by="boundary", text=f"{reason}: near the boundary{near}")
    found = more_runs(reason, (half / (_PLANNED * margin)) ** 2, most, noun)
    return Remedy(limited_by=found.limited_by, text=found.text + besides, effort=found.effort)


def for_exponent(fit: Fit, fired: Sequence[str], margin: float, allowed: Interval, measurement: Measurement) -> Remedy:
    """Why a fit decides nothing, and what would.

    Args:
        fit: of the measurement.
        fired: names of its checks that did.
        margin: of the prediction.
        allowed: exponents that the prediction allows.
        measurement: that was fitted.
    """
    disjoint = fit.interval.disjoint(allowed)
    if not UNSOUND.isdisjoint(fired) or (fired and (disjoint or fit.interval.inside(allowed))):
        return Remedy(limited_by="flags", text=f"flagged ({', '.join(fired)}): {_unflagged(fired, disjoint=disjoint)}")
    flags = f"; flagged ({', '.join(fired)})" if fired else ""
    factor = _times_the_seeds(fit, margin, measurement)
    if fit.bias_bound > margin / 2 and factor is None:
        return Remedy(limited_by="bias", text=f"bias-limited: {_wider_range(fit, margin, measurement)}{flags}")
    if max(fit.noise_half_width, fit.bias_bound) > margin / 2:
        if factor is None:
            # Noise falls as one over the root of the seeds; what it may be is what the bias leaves over.
            wanted = max(_PLANNED * margin - fit.bias_bound, 0.1 * margin)
            factor = (fit.noise_half_width / wanted) ** 2
        each = measurement.axis if plural(measurement.axis) != measurement.axis else "value"
        found = more_runs("noise-limited", factor, max(measurement.made), f"seeds a {each}")
        return Remedy(limited_by="noise", text=found.text + flags, effort=factor)
    inside = Interval(fit.exponent, fit.exponent).inside(allowed)
    room = min(abs(fit.exponent - end) for end in allowed if math.isfinite(end))
    text = (
        f"near the boundary: the estimate lies {room:.3f} {'inside' if inside else 'outside'} the margin, the "
        f"half-width is {fit.bias_bound + fit.noise_half_width:.3f}; more seeds and "
        f"{'wider widths' if measurement.axis == 'width' else 'a wider range'}{flags}"
    )
    return Remedy(limited_by="boundary", text=text)


def between_rivals(fit: Fit, neighbours: Interval, axis: str) -> Remedy:
    """An estimate between two exponents, whose interval excludes all others: more runs only make it surer of that."""
    nearer = min((end for end in neighbours if math.isfinite(end)), key=lambda end: abs(fit.exponent - end))
    distance, wider = abs(fit.exponent - nearer), "wider widths" if axis == "width" else "a wider range"
    text = (
        f"between two exponents: the estimate {fit.exponent:+.3f} lies {distance:.3f} from {nearer:+g}; {wider} show "
        "to which one it tends, and more seeds do not"
    )
    return Remedy(limited_by="boundary", text=text)


def range_for(
    margin: float, axis_values: Sequence[float], seeds: Sequence[int], noise: float, finite_size: FiniteSizeClass
) -> float | None:
    """How far the axis would have to reach, doubling from its last value, for a true claim to be supported."""
    if finite_size.towards == "zero":
        return None
    axis, counts = np.asarray(axis_values, dtype=np.float64), np.asarray(seeds, dtype=np.float64)
    for _ in range(_MOST_DOUBLINGS):
        axis, counts = np.append(axis, 2 * axis[-1]), np.append(counts, counts[-1])
        if _half_width(axis, counts, noise, finite_size) <= _PLANNED * margin:
            return float(axis[-1])
    return None


def _unflagged(fired: Sequence[str], *, disjoint: bool) -> str:
    """What would keep a check from firing, that of the noise itself first."""
    if "independence" in fired:
        return "runs of one index agree across the axis; declare shared_seeds=True, or draw them independently"
    if "rounding" in fired:
        return DITHER
    way_out = "the data are curved beyond the finite-size class; widen the range"
    if disjoint:
        return f"outside the class: {way_out}. Its constant says that what is allowed is refuted, twice that does not"
    return way_out


def _times_the_seeds(fit: Fit, margin: float, measurement: Measurement) -> float | None:
    """How many times the seeds would support a true claim on this range; weights trade bias for noise, so both fall."""
    axis = np.asarray(measurement.axis_values, dtype=np.float64)
    counts = np.asarray(measurement.seeds, dtype=np.float64)
    factors = 2.0 ** (np.arange(1, 2 * _MOST_SEED_DOUBLINGS + 1) / 2)
    reached = (f for f in factors if _half_width(axis, f * counts, fit.noise, fit.finite_size) <= _PLANNED * margin)
    return next(map(float, reached), None)


def _wider_range(fit: Fit, margin: float, measurement: Measurement) -> str:
    bound = f"the bias bound is {fit.bias_bound:.3f} of a margin of {margin:g}"
    reached = range_for(margin, measurement.axis_values, measurement.seeds, fit.noise, fit.finite_size)
    if reached is None:
        end = "start the range higher" if fit.finite_size.towards == "infinity" else "reach further down"
        return f"{bound}; {end}, with more seeds"
    return f"{bound}; {plural(measurement.axis)} up to {reached:,.0f} would decide"


def _half_width(axis: Array, seeds: Array, noise: float, finite_size: FiniteSizeClass) -> float:
    variances = noise**2 * trimming_costs(seeds) / seeds
    weights, bias, _ = exponent_weights(axis, variances, finite_size.curves(axis), finite_size.sizes(axis))
    return bias + 2 * float(np.sqrt((weights**2 * variances).sum()))
