"""Suites of claims run every night on fresh seeds, by the cell: means and variances are drawn, not runs."""

from typing import NamedTuple

import numpy as np
from scipy import stats

from theorychecks.statistics import FiniteSizeClass, HalfInteger, PowerLaw
from theorychecks.statistics.estimator import exponent_weights
from theorychecks.statistics.sequential import plan, schedule

CLASS = FiniteSizeClass()
NIGHTS_A_YEAR = 365


class Claimed(NamedTuple):
    """One prediction of an exponent as a suite has it, relative to the predicted exponent.

    Attributes:
        widths: all of them.
        looks: seeds at the first widths, by look.
        noise: standard deviation of one run's logarithm.
        sides: which sides of the prediction are refuted, -1 below and 1 above.
        margin: on each of them.
        estimate: where the exponent was found.
        finite_size: the class of corrections.
    """

    widths: tuple
    looks: tuple
    noise: float
    sides: tuple = (-1, 1)
    margin: float = 0.08
    estimate: float = 0.0
    finite_size: FiniteSizeClass = CLASS


def claimed(finding, prediction):
    """The prediction behind a finding of a summary, on its whole budget; costs grow like the width, or not at all."""
    predicted, allowed, finite_size = prediction.expectation, prediction.allowed, prediction.finite_size
    widths, looks = finding.axis_values, (finding.seeds,)
    if finding.budget:
        judged = PowerLaw(predicted.exponent, within=predicted.margin, rival=predicted.rival, corrections=finite_size)
        if predicted.kind in ("half_integer", "half_integer_bound"):
            judged = HalfInteger(predicted.exponent, corrections=finite_size)
        costs = widths if finding.axis == "width" else (1.0,) * len(widths)
        timetable, counts = schedule(judged, widths, costs, finding.budget), ()
        looks = ()
        for spend in timetable.spends:
            counts = plan(
                judged,
                widths,
                costs,
                spend,
                noise=finding.noise,
                confidence=timetable.confidence,
                have=counts,
                equal=finding.shared_seeds,
            )
            looks += (counts,)
    sides = tuple(side for side, end in ((-1, allowed.low), (1, allowed.high)) if np.isfinite(end))
    off = finding.exponent - predicted.exponent
    return Claimed(widths, looks, finding.noise, sides, predicted.margin, off, finite_size)


def p_values(rng, claim, truth, curve, nights):
    """The smallest p value of a refutation over the looks of each night, times their number.

    Args:
        rng: a generator.
        claim: what is tested.
        truth: the exponent, less the predicted one.
        curve: the logarithm of the correction, by width.
        nights: how many.
    """
    axis = np.array(claim.widths, dtype=float)
    sums, squares, have = np.zeros((nights, len(axis))), np.zeros((nights, len(axis))), np.zeros(len(axis), dtype=int)
    smallest = np.ones(nights)
    for counts in claim.looks:
        more = np.array([*counts, *[0] * (len(axis) - len(counts))]) - have
        for cell, new in enumerate(more):
            if new > 0:
                # The mean and the squares about it of so many new runs, which are independent.
                mean = claim.noise / np.sqrt(new) * rng.standard_normal(nights)
                about = claim.noise**2 * (rng.chisquare(new - 1, nights) if new > 1 else 0.0)
                squares[:, cell] += about + new * mean**2
                sums[:, cell] += new * mean
        have = have + np.maximum(more, 0)
        used = len(counts)
        x, seeds = axis[:used], have[:used].astype(float)
        curves, sizes = claim.finite_size.curves(x), claim.finite_size.sizes(x)
        weights, bias, shift = exponent_weights(x, claim.noise**2 / seeds, curves, sizes)
        means = sums[:, :used] / seeds
        variances = (squares[:, :used] - seeds * means**2) / (seeds - 1) / seeds
        estimate = (means + truth * np.log(x) + curve[:used]) @ weights - shift
        terms = weights**2 * variances
        error, freedom = np.sqrt(terms.sum(1)), terms.sum(1) ** 2 / (terms**2 / (seeds - 1)).sum(1)
        beyond = np.max([side * estimate for side in claim.sides], axis=0) - claim.margin
        smallest = np.minimum(smallest, stats.t.sf((beyond - bias) / error, freedom))
    return np.minimum(len(claim.looks) * smallest, 1.0)


def random_curve(rng, claim):
    """The logarithm of a correction within the class."""
    axis = np.array(claim.widths, dtype=float)
    if claim.finite_size == CLASS:
        return np.log1p(rng.uniform(-3, 3) * axis ** -rng.choice([0.5, 1.0]))
    return rng.choice(claim.finite_size.curves(axis))


def worst_curve(claim):
    """The correction of the class that moves the last look's exponent furthest, and the side to which it does."""
    used = len(claim.looks[-1])
    axis = np.array(claim.widths, dtype=float)
    x, seeds = axis[:used], np.array(claim.looks[-1], dtype=float)
    curves = claim.finite_size.curves(x)
    weights, _, _ = exponent_weights(x, claim.noise**2 / seeds, curves, claim.finite_size.sizes(x))
    side = claim.sides[-1]
    return claim.finite_size.curves(axis)[np.argmax(side * (curves @ weights))], side


def red_nights(first, second, level):
    """Red nights a year: some claim is refuted at a level, and again on fresh seeds where there are any."""
    refuted = first < level if second is None else (first < level) & (second < level)
    return NIGHTS_A_YEAR * np.mean(refuted.any(axis=0))
