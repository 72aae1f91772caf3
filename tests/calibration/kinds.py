"""Measurements on the edge of what predictions other than exponents allow, and the verdicts they get.

A scenario draws one measurement and judges it; whatever it decides in the named direction is wrong.
"""

import math

import numpy as np
from scipy import stats
from simulation import generator

from theorychecks.statistics import (
    Collapse,
    Crossing,
    Equal,
    HalfInteger,
    InteriorOptimum,
    LogarithmicGrowth,
    Measurement,
    Ordering,
    PowerLaw,
    SameLaw,
    Verdict,
)

MARGIN = math.log(1.1)
_GAMMA_MEDIAN, _PARETO_MEDIAN = stats.gamma.median(0.5), 2 ** (1 / 2.1) - 1
NOISE = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "gamma(1/2), falling": lambda rng, shape: (_GAMMA_MEDIAN - rng.gamma(0.5, size=shape)) / math.sqrt(0.5),
    "lognormal(.8)": lambda rng, shape: np.expm1(0.8 * rng.standard_normal(shape)) / 1.3,
    "lognormal(.8), falling": lambda rng, shape: -np.expm1(0.8 * rng.standard_normal(shape)) / 1.3,
    "Pareto(2.1), falling": lambda rng, shape: (_PARETO_MEDIAN - rng.pareto(2.1, shape)) / 4.2,
}
"""Runs of median zero and about unit deviation."""
CURVES = {
    "logistic": lambda x: 1 / (1 + x**-2.9),
    "probit": lambda x: stats.norm.cdf(np.log2(x)),
    "exp(-log 2 x^-2)": lambda x: 0.5 ** (x**-2.0),
    "1 - exp(-log 2 x^2)": lambda x: 1 - 0.5 ** (x**2.0),
    "saturating at 80%": lambda x: 0.8 / (1 + 0.6 * x**-3.0),
}
"""Probabilities of success that cross one half at one."""
GRID = 2.0 ** np.arange(-3, 3.1, 0.5)
TIMES = np.logspace(0, 8, 9)


def collapse(rng, noise, seeds, ratio):
    """Two curves at the margin, the second so many times as noisy."""
    logs = 0.02 * NOISE[noise](rng, (2, seeds)) * np.array([[1.0], [ratio]]) + np.array([[0.0], [MARGIN]])
    return Collapse().judge(Measurement.of((64, 128), np.exp(logs)))


def equal(rng, noise, seeds, points):
    """A quantity at the margin above a number, at so many axis values."""
    widths = 2.0 ** np.arange(6, 6 + points)
    runs = 3.0 * math.exp(MARGIN) * np.exp(0.02 * NOISE[noise](rng, (points, seeds)))
    known = Measurement.of(widths, np.full((points, seeds), 3.0), exact=True)
    return Equal(within=0.1).judge(Measurement.of(widths, runs), known)


def l_shape(rng, noise, seeds, kind="minimum"):
    """A curve that levels off, five times as noisy between the ends."""
    inside = np.array([0.1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.1])[:, None]
    logs = np.maximum(1.0 - 0.5 * np.arange(7), 0)[:, None] + inside * NOISE[noise](rng, (7, seeds))
    return InteriorOptimum(kind).judge(Measurement.of(2.0 ** np.arange(7), np.exp(logs)))


def flat_ends(rng, noise, seeds):
    """Ends as good as the points between, which are five times as noisy."""
    inside = np.array([0.1, 0.5, 0.5, 0.1])[:, None]
    return InteriorOptimum().judge(Measurement.of(2.0 ** np.arange(4), np.exp(inside * NOISE[noise](rng, (4, seeds)))))


def diverging(rng, seeds):
    """An end at which two runs in five diverge, its median that of the rest: the others make up for it."""
    cells = np.exp(0.1 * rng.standard_normal((4, seeds)))
    lost = rng.random(seeds) < 0.4
    # The median of the end is that of its finite runs at 5/6.
    cells[3] = np.where(lost, np.inf, cells[3] * math.exp(-0.1 * stats.norm.ppf(5 / 6)))
    cells[0] *= math.e
    return InteriorOptimum().judge(Measurement.of(2.0 ** np.arange(4), cells))


def ties(rng, share, seeds):
    """Ratios of exactly one, and the rest above."""
    return Ordering("above").judge(Measurement.of((64,), [np.where(rng.random(seeds) < share, 1.0, 1.1)]))


def crossing(rng, curve, runs, at):
    """A curve that crosses one half at the edge of a margin of 0.3."""
    cells = [(rng.random(runs) < share).astype(float) for share in CURVES[curve](GRID)]
    return Crossing(at, within=0.3).judge(Measurement.of(GRID, cells))


LAWS = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "Student, 3": lambda rng, n: rng.standard_t(3, n) / math.sqrt(3),
    "exponential": lambda rng, n: rng.exponential(size=n) - 1,
}


def same_law(rng, law, networks, shift, scale):
    """Laws that differ by a shift and a log-ratio of scales."""
    unit = math.sqrt((1 + math.exp(2 * scale)) / 2)
    one, two = LAWS[law](rng, networks), math.exp(scale) * LAWS[law](rng, networks) + shift * unit
    return SameLaw(0.25).judge(*(Measurement.of((64,), [np.exp(0.1 * side)]) for side in (one, two)))


def growth(rng, index, curves, noise):
    """Curves with an index at the edge of the margin."""
    logs = np.log1p(np.log(TIMES))[:, None] / index + noise * rng.standard_normal((len(TIMES), curves))
    return LogarithmicGrowth().judge(Measurement.of(TIMES, np.exp(logs), axis="time"))


def rare_phase(rng, seeds):
    """A mean of m^-0.42, at the edge, of which an ever larger part lies in a rare phase thirty times as large."""
    widths, cells = 2.0 ** np.arange(9, 18), []
    for m in widths:
        share = 0.0003 * (m / 512) ** 0.5
        large = np.where(rng.random(seeds) < share, 30, 1)
        cells.append(m**-0.42 * large * np.exp(0.1 * rng.standard_normal(seeds) - 0.005) / (1 + 29 * share))
    return PowerLaw(-0.5, average="log of mean").judge(Measurement.of(widths, cells))


def half_integer(rng, exponent, c, noise, seeds):
    """A power of the width that is half a step of theory away, under the worst correction towards the prediction."""
    widths = 2.0 ** np.arange(6, 11)
    laws = widths**exponent * (1 + c * widths**-0.5)
    runs = laws[:, None] * np.exp(noise * NOISE["normal"](rng, (5, seeds)))
    return HalfInteger(0.0).judge(Measurement.of(widths, runs))


def shares(scenario, arguments, replications):
    """Shares of SUPPORTED and REFUTED."""
    rng = generator("kinds", scenario.__name__, *arguments)
    found = [scenario(rng, *arguments).verdict for _ in range(replications)]
    return tuple(
        float(np.mean([verdict is wrong for verdict in found])) for wrong in (Verdict.SUPPORTED, Verdict.REFUTED)
    )
