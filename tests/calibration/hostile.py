"""Noise and truths that broke verdicts: skew that grows with the width, grids, lost runs, corrections beyond the class."""

from typing import NamedTuple

import numpy as np
from sequences import FAST, Simulated
from simulation import generator

from theorychecks.looks import in_looks
from theorychecks.statistics import LogarithmicGrowth, Measurement, PowerLaw, Status, Verdict
from theorychecks.statistics.judgement import is_clear
from theorychecks.statistics.sequential import MOST_SEEDS

PREDICTION = PowerLaw(-0.5)
GRIDS = {"2^9..17": 2.0 ** np.arange(9, 18), "2^6..12": 2.0 ** np.arange(6, 13), "2^6..10": 2.0 ** np.arange(6, 11)}
LOWEST, HIGHEST = PREDICTION.allowed


def minus_gamma(rng, shape):
    """Standardised, of skewness -2.8."""
    return -(rng.gamma(0.5, size=shape) - 0.5) / np.sqrt(0.5)


def minus_lognormal(rng, shape):
    """Standardised, of skewness -3.7."""
    return -(np.exp(0.8 * rng.standard_normal(shape)) - np.exp(0.32)) / np.sqrt(np.exp(0.64) * (np.exp(0.64) - 1))


def minus_pareto(rng, shape):
    """Standardised, without a third moment."""
    return -(1 + rng.pareto(2.1, size=shape) - 2.1 / 1.1) / np.sqrt(2.1 / 0.1 / 1.1**2)


def normal(rng, shape):
    return rng.standard_normal(shape)


NOISES = {"normal": normal, "-gamma(.5)": minus_gamma, "-lognormal(.8)": minus_lognormal, "-Pareto(2.1)": minus_pareto}


def middle(runs):
    """The mean of the middle three fifths of the last axis, the outermost runs by their share in it."""
    count = runs.shape[-1]
    edges = np.clip(np.arange(count + 1) / count, 0.2, 0.8)
    return np.sort(runs, axis=-1) @ np.diff(edges) / 0.6


def centred(name, seeds):
    """Runs of a law whose middle, of so many runs, is nought on average."""
    draw = NOISES[name]
    centre = middle(draw(generator("centre", name, seeds), (200_000, seeds))).mean()
    return lambda rng, shape: draw(rng, shape) - centre


class Errors(NamedTuple):
    """Shares of wrong verdicts with the truth on an end of the margin, and of those clear enough to fail a claim."""

    supported: float
    refuted: float
    clear: float


def at_the_edges(grid, name, seeds, growth, replications):
    """Wrong verdicts under the correction that leans towards them, sd .05 (m / m_0)^growth, the worse end of the margin.

    Args:
        grid: of `GRIDS`.
        name: of `NOISES`.
        seeds: at every width, or from the first width to the last.
        growth: exponent of the noise.
        replications: of each end.
    """
    widths = GRIDS[grid]
    counts = np.broadcast_to(seeds, len(widths)).tolist()
    draws = {count: centred(name, count) for count in set(counts)}
    rng = generator("edges", grid, name, seeds, growth)
    scales = 0.05 * (widths / widths[0]) ** growth
    found = {}
    for wanted in (Verdict.SUPPORTED, Verdict.REFUTED):
        for end in (LOWEST, HIGHEST):
            # The correction that moves the estimate into the margin, or out of it.
            c = 3.0 if (end == LOWEST) == (wanted is Verdict.REFUTED) else -3.0
            means = end * np.log(widths) + np.log1p(c * widths**-0.5)
            shares = np.zeros(2)
            for _ in range(replications):
                cells = [
                    np.exp(mean + scale * draws[count](rng, count))
                    for mean, scale, count in zip(means, scales, counts, strict=True)
                ]
                finding = PREDICTION.judge(Measurement.of(widths, cells))
                shares += [finding.verdict is wanted, finding.verdict is wanted and finding.clear]
            found[wanted, end] = shares / replications
    worst = {
        wanted: max(found[wanted, end][0] for end in (LOWEST, HIGHEST))
        for wanted in Verdict
        if wanted.value != "inconclusive"
    }
    clear = max(found[Verdict.REFUTED, end][1] for end in (LOWEST, HIGHEST))
    return Errors(worst[Verdict.SUPPORTED], worst[Verdict.REFUTED], clear)


def lone(last, others, name, seeds, replications):
    """Wrong REFUTED, and clear ones, where the last width has a noise of its own; the truth is on the upper end."""
    widths, draw = GRIDS["2^9..17"], centred(name, seeds)
    rng = generator("lone", last, others, name, seeds)
    means = HIGHEST * np.log(widths) + np.log1p(-3.0 * widths**-0.5)
    scales = np.full(len(widths), others)
    scales[-1] = last
    return _wrongly_refuted(
        lambda: means[:, None] + scales[:, None] * draw(rng, (len(widths), seeds)), widths, replications
    )


def shared(name, seeds, replications):
    """The same over shared seeds, where the exponent itself differs from draw to draw, by .03 of skewed noise."""
    widths, draw = GRIDS["2^9..17"], NOISES[name]
    rng = generator("shared", name, seeds)
    x, means = np.log(widths), HIGHEST * np.log(widths) + np.log1p(-3.0 * widths**-0.5)

    def logs():
        slopes = 0.03 * draw(rng, (1, seeds))
        return means[:, None] + (x - x.mean())[:, None] * slopes + 0.01 * rng.standard_normal((len(widths), seeds))

    return _wrongly_refuted(logs, widths, replications, shared_seeds=True)


def growing(curves, replications):
    """The same for an index of growth on the lower end of its margin, under skewed noise of sd .02 to .2."""
    times, rng = np.logspace(0, 8, 9), generator("growing", curves)
    law, scales = np.log1p(np.log(times))[:, None] / 0.75, np.geomspace(0.02, 0.2, 9)[:, None]
    return _wrongly_refuted(
        lambda: law + scales * minus_gamma(rng, (9, curves)), times, replications, LogarithmicGrowth(), axis="time"
    )


def _wrongly_refuted(logs, axis_values, replications, prediction=PREDICTION, **options):
    shares = np.zeros(2)
    for _ in range(replications):
        finding = prediction.judge(Measurement.of(axis_values, np.exp(logs()), **options))
        refuted = finding.verdict is Verdict.REFUTED
        shares += [refuted, refuted and finding.clear]
    return tuple(shares / replications)


def in_looks_at_the_edges(name, end, wanted, replications):
    """Share of a wrong verdict, and of a clear one, of budgets on 2^9..17 under growing skewed noise."""
    widths, draw = np.array(FAST.widths, dtype=float), NOISES[name]
    # Looks have from 4 to 400 runs at a width; their middle is that of many.
    centre = middle(draw(generator("centre", name), (2000, 2000))).mean()
    rng = generator("looks", name, end, wanted.value)
    c = 3.0 if (end == LOWEST) == (wanted is Verdict.REFUTED) else -3.0
    means, scales = end * np.log(widths) + np.log1p(c * widths**-0.5), 0.05 * (widths / widths[0]) ** 0.25
    shares = np.zeros(2)
    for _ in range(replications):
        logs = means[:, None] + scales[:, None] * (draw(rng, (len(widths), MOST_SEEDS)) - centre)
        seen = in_looks(Simulated(FAST, logs), PREDICTION)[""]
        decided = seen.judgement.verdict is wanted
        shares += [decided, decided and is_clear(seen.p_value)]
    return tuple(shares / replications)


def rounded(factor, noise, exponent, replications):
    """Shares SUPPORTED, REFUTED and flagged of values on a grid of so many per cent a step, at a law on 2^6..10."""
    widths, rng, step = GRIDS["2^6..10"], generator("rounded", factor, noise, exponent), np.log(factor)
    shares = np.zeros(3)
    for _ in range(replications):
        logs = exponent * np.log(widths)[:, None] + noise * rng.standard_normal((len(widths), 8))
        phase = rng.uniform(0, step)
        values = np.exp(step * np.round((logs + phase) / step) - phase)
        finding = PREDICTION.judge(Measurement.of(widths, values))
        shares += [finding.verdict is Verdict.SUPPORTED, finding.verdict is Verdict.REFUTED, finding.fit.flagged]
    return tuple(shares / replications)


def lost(which, replications):
    """How often the interval misses the truth and supports it, at -1/2, and misses it where a correction leans on it.

    One run in five is lost on the wider half.
    """
    return (*_lost(which, 0.0, replications), max(_lost(which, c, replications)[0] for c in (-3.0, 3.0)))


def _lost(which, c, replications):
    widths, rng = GRIDS["2^9..17"], generator("lost", which, c)
    law = widths**-0.5 * (1 + c * widths**-0.5)
    shares = np.zeros(2)
    for _ in range(replications):
        values = law[:, None] * np.exp(0.1 * rng.standard_normal((len(widths), 64)))
        for cell in values[5:]:
            ranks = cell.argsort()
            gone = {"random": rng.permutation(64)[:12], "smallest": ranks[:12], "largest": ranks[-12:]}[which]
            cell[gone] = np.nan
        measurement = Measurement.of(widths, values)
        assert measurement.statuses[-1].count(Status.UNDEFINED) == 12
        finding = PREDICTION.judge(measurement)
        low, high = finding.interval
        shares += [not low <= -0.5 <= high, finding.verdict is Verdict.SUPPORTED]
    return tuple(shares / replications)


def beyond_the_class(grid, seeds, exponent, c, replications):
    """Shares REFUTED and flagged at a law with a correction of constant c, noise .03."""
    widths, rng = GRIDS[grid], generator("beyond", grid, seeds, exponent, c)
    shares = np.zeros(2)
    for _ in range(replications):
        logs = exponent * np.log(widths)[:, None] + np.log1p(c * widths**-0.5)[:, None]
        finding = PREDICTION.judge(
            Measurement.of(widths, np.exp(logs + 0.03 * rng.standard_normal((len(widths), seeds))))
        )
        shares += [finding.verdict is Verdict.REFUTED, finding.fit.flagged]
    return tuple(shares / replications)
