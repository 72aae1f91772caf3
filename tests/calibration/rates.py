"""How often intervals hold the exponent, one design and scenario at a time."""

from typing import NamedTuple

import numpy as np
from honest import BIAS_AWARE
from methods import TEXTBOOK
from scenarios import EXPONENT, draw
from simulation import generator

from theorychecks.statistics import Measurement, fit_power_law

OURS = "ours (`fit_power_law`)"
OURS_SHARED = "ours, seeds declared shared"
DECLARED_SHARED = ("shared", "sharedslope")
METHODS = TEXTBOOK | BIAS_AWARE
_ROUNDING = 1e-9
"""Runs rounded to a grid give intervals of no length; those that end at the exponent hold it."""


class Rates(NamedTuple):
    """Rates over the replications of one method in one scenario and design.

    Attributes:
        covered: how often the interval holds the exponent.
        below, above: how often it lies below it, above it.
        half: the median of half its length.
        half_error: Monte Carlo standard error of that median.
        flagged: how often a check of the fit fires, for the package's own fits.
    """

    covered: float
    below: float
    above: float
    half: float
    half_error: float
    flagged: float = 0.0


def count(low, high, flagged=0.0):
    half = np.sort(high - low) / 2
    count = len(half)
    # Order statistics one standard error of the median's rank apart.
    step = np.sqrt(count) / 2
    near = half[[max(int(count / 2 - step), 0), min(int(count / 2 + step), count - 1)]]
    below, above = np.mean(high < EXPONENT - _ROUNDING), np.mean(low > EXPONENT + _ROUNDING)
    return Rates(1 - below - above, below, above, np.median(half), (near[1] - near[0]) / 2, np.mean(flagged))


def fit(design, logs, *, shared_seeds=False):
    """The package's fit to one measurement, given as logarithms of shape [K, S]."""
    return fit_power_law(Measurement.of(design.widths, np.exp(logs), shared_seeds=shared_seeds))


def ours(design, logs, *, shared_seeds=False):
    fits = [fit(design, runs, shared_seeds=shared_seeds) for runs in logs]
    low, high = np.array([found.interval for found in fits]).T
    return count(low, high, [any(check.fired for check in found.checks.values()) for found in fits])


def measure(design, scenario, replications):
    """Rates of every method on the same measurements, by the method's name."""
    logs = draw(generator("coverage", *design, scenario), scenario, design, replications)
    x = np.log(design.widths)
    found = {name: count(*method(x, logs)) for name, method in METHODS.items()}
    found[OURS] = ours(design, logs)
    if scenario in DECLARED_SHARED:
        found[OURS_SHARED] = ours(design, logs, shared_seeds=True)
    return found
