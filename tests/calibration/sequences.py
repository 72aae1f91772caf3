"""Sequential designs on simulated experiments: looks that double the seeds, and looks that a budget pays for."""

from typing import NamedTuple

import numpy as np
from simulation import generator

from theorychecks.looks import in_looks
from theorychecks.sources import Sample
from theorychecks.statistics import Interval, Measurement, PowerLaw, Verdict, decide, fit_power_law
from theorychecks.statistics.sequential import MOST_SEEDS, SHARES, pooled_noise

PREDICTION = PowerLaw(-0.5)
MARGIN = PREDICTION.allowed
SEEDS = (4, 8, 16, 32)
BUDGET = 16
RULES = {
    "fixed, 32 seeds": (None, None, None, 0.05),
    "naive, .05 at each look": (0.05,) * 4,
    "Bonferroni, .0125 at each look": (0.0125,) * 4,
    "Pocock, .0182 at each look": (0.0182,) * 4,
}
"""Levels of the looks; None where a rule does not look."""


class Grid(NamedTuple):
    """Widths that are successive powers of two, and what the cost of a run grows like."""

    name: str
    first: int
    last: int
    cost: int

    @property
    def widths(self):
        return tuple(2**power for power in range(self.first, self.last + 1))

    @property
    def costs(self):
        return tuple(float(m) ** self.cost for m in self.widths)


FAST = Grid("fast", 9, 17, 1)
DENSE = Grid("dense", 6, 12, 2)


def law(rng, exponent, c, widths):
    """Means of the logarithm; c is drawn where it is None."""
    m = np.array(widths, dtype=float)
    drawn, omega = (rng.uniform(-3, 3), rng.choice([0.5, 1.0])) if c is None else (c, 0.5)
    return exponent * np.log(m) + np.log1p(drawn * m**-omega)


class Doubling(NamedTuple):
    """What a rule came to, over the replications."""

    supported: float
    refuted: float
    cost: float


def doubling(grid, noise, exponent, c, replications):
    """Outcomes by rule when seeds double at every width; all rules see the same runs."""
    rng = generator("doubling", grid.name, noise, exponent, c)
    counts = {rule: np.zeros(3) for rule in RULES}
    for _ in range(replications):
        means = law(rng, exponent, c, grid.widths)
        logs = means[:, None] + noise * rng.standard_normal((len(means), SEEDS[-1]))
        fits = [fit_power_law(Measurement.of(grid.widths, np.exp(logs[:, :seeds]))) for seeds in SEEDS]
        for rule, levels in RULES.items():
            counts[rule] += _rule(fits, levels)
    return {rule: Doubling(*(found / replications)) for rule, found in counts.items()}


def _rule(fits, levels):
    verdict, spent = Verdict.INCONCLUSIVE, 0
    for fit, level, seeds in zip(fits, levels, SEEDS, strict=True):
        spent = seeds
        if level is None:
            continue
        low = fit.lower_edge - fit.lowest.reach_below(level / 2)
        high = fit.upper_edge + fit.highest.reach_above(level / 2)
        verdict = decide(Interval(low, high), MARGIN, flagged=fit.flagged)
        if verdict is not Verdict.INCONCLUSIVE:
            break
    return np.array([verdict is Verdict.SUPPORTED, verdict is Verdict.REFUTED, spent / SEEDS[-1]], dtype=float)


class Simulated:
    """A source of runs that are drawn already: their logarithms, [width, run]."""

    budget, counts, shares, shared_seeds, joint = BUDGET, (), SHARES, False, False

    def __init__(self, grid, logs):
        self.axis_values, self.costs, self.logs = grid.widths, grid.costs, logs

    def measured(self, counts):
        """The first so many runs at each of the first widths."""
        cells = [np.exp(cell[:count]) for cell, count in zip(self.logs, counts, strict=False)]
        return Sample(pairs={"": (Measurement.of(self.axis_values[: len(counts)], cells), None)})


class Adaptive(NamedTuple):
    """What a budget came to: shares of the verdicts, mean cost in budgets, and the certificate of the last design."""

    supported: float
    refuted: float
    cost: float


def adaptive(grid, noise, exponent, c, replications):
    """Outcomes of budgets worth 16 seeds at every width."""
    rng = generator("adaptive", grid.name, noise, exponent, c)
    whole = BUDGET * sum(grid.costs)
    outcomes = np.zeros(3)
    for _ in range(replications):
        means = law(rng, exponent, c, grid.widths)
        logs = means[:, None] + noise * rng.standard_normal((len(means), MOST_SEEDS))

        judgement = in_looks(Simulated(grid, logs), PREDICTION)[""].judgement
        seeds, verdict = judgement.measurement.seeds, judgement.verdict
        cost = np.dot(seeds, grid.costs[: len(seeds)]) / whole
        outcomes += [verdict is Verdict.SUPPORTED, verdict is Verdict.REFUTED, cost]
    return Adaptive(*(outcomes / replications))


def typical_noise(grid, noise, seeds):
    """The noise that a design's own measurements show; that of trimmed means is a little larger than of their runs."""
    rng = generator("noise", grid.name, noise, seeds)
    shape = (len(grid.widths), seeds)
    measured = [Measurement.of(grid.widths, np.exp(noise * rng.standard_normal(shape))) for _ in range(200)]
    return float(np.mean([pooled_noise(one, "mean of logs") for one in measured]))


def certificate(prediction, grid, noise, seeds, departure, c, replications):
    """Share of the runs of a fixed design that are SUPPORTED and REFUTED at a departure from the prediction."""
    rng = generator("certificate", prediction.expectation.kind, grid.name, noise, seeds, departure, c)
    found = np.zeros(2)
    for _ in range(replications):
        means = law(rng, -0.5 + departure, c, grid.widths)
        logs = means[:, None] + noise * rng.standard_normal((len(means), seeds))
        verdict = prediction.judge(Measurement.of(grid.widths, np.exp(logs))).verdict
        found += [verdict is Verdict.SUPPORTED, verdict is Verdict.REFUTED]
    return tuple(found / replications)
