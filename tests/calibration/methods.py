"""Textbook intervals for an exponent, each over all replications at once.

A method takes the logarithms of the widths, shape [K], and runs, shape [replications, K, S], and returns the two ends
of a nominal 95% interval, each of shape [replications].
"""

import numpy as np
from scipy import special
from simulation import generator

RESAMPLES = 999
_FLOOR = 1e-24


def quantile(freedom):
    """The 97.5% quantile of Student's t."""
    return special.stdtrit(freedom, 0.975)


def around(centre, half):
    return centre - half, centre + half


def line_weights(x, *corrections):
    """The exponent as a combination of locations: least squares on 1, log m and powers of m."""
    columns = [np.ones_like(x), x, *(np.exp(-omega * x) for omega in corrections)]
    return np.linalg.pinv(np.stack(columns, axis=1))[1]


def over_seeds(weights, logs):
    """One estimate a seed index, and Student's t over them."""
    slopes = np.einsum("k,rks->rs", weights, logs)
    seeds = logs.shape[2]
    return around(slopes.mean(1), quantile(seeds - 1) * slopes.std(1, ddof=1) / np.sqrt(seeds))


def linregress(x, logs):
    """Least squares through all runs as if they were independent points on a line."""
    _, points, seeds = logs.shape
    centred = x - x.mean()
    slope = np.einsum("k,rk->r", line_weights(x), logs.mean(2))
    residual = logs - logs.mean((1, 2), keepdims=True) - slope[:, None, None] * centred[:, None]
    freedom = points * seeds - 2
    variance = (residual**2).sum((1, 2)) / freedom / (seeds * (centred**2).sum())
    return around(slope, quantile(freedom) * np.sqrt(variance))


def means_line(x, logs):
    """Least squares through the means, with the scatter of the means about the line."""
    means, centred = logs.mean(2), x - x.mean()
    slope = means @ line_weights(x)
    residual = means - means.mean(1, keepdims=True) - slope[:, None] * centred
    freedom = len(x) - 2
    return around(slope, quantile(freedom) * np.sqrt((residual**2).sum(1) / freedom / (centred**2).sum()))


def weighted_line(x, logs):
    """Least squares weighted by one over the estimated variances, with the scatter about the line."""
    means, weight = logs.mean(2), 1 / np.maximum(logs.var(2, ddof=1), _FLOOR)
    weight /= weight.sum(1, keepdims=True)
    centred = x - (weight @ x)[:, None]
    spread = (weight * centred**2).sum(1)
    slope = (weight * centred * means).sum(1) / spread
    residual = means - (weight * means).sum(1, keepdims=True) - slope[:, None] * centred
    freedom = len(x) - 2
    return around(slope, quantile(freedom) * np.sqrt((weight * residual**2).sum(1) / freedom / spread))


def welch(weights, locations, variances, freedom):
    """A combination with known weights: its value, its standard error and its degrees of freedom.

    Weights are [K] or [replications, K]; Welch (1947) and Satterthwaite (1946).
    """
    terms = weights**2 * variances
    total = np.maximum(terms.sum(1), _FLOOR)
    return (weights * locations).sum(1), np.sqrt(total), total**2 / np.maximum((terms**2).sum(1) / freedom, _FLOOR**2)


def welch_line(x, logs):
    seeds = logs.shape[2]
    centre, error, freedom = welch(line_weights(x), logs.mean(2), logs.var(2, ddof=1) / seeds, seeds - 1)
    return around(centre, quantile(freedom) * error)


def per_seed_lines(x, logs):
    return over_seeds(line_weights(x), logs)


def upper_half(x, logs):
    """A line through the wider half of the widths alone."""
    kept = len(x) // 2
    return over_seeds(line_weights(x[kept:]), logs[:, kept:])


def corrected_line(*omegas):
    """A line with powers of the width beside it: corrections to scaling, to first order."""

    def method(x, logs):
        return over_seeds(line_weights(x, *omegas), logs)

    return method


def richardson(x, logs):
    """The last two local exponents, extrapolated as if they approached their limit like m^-1/2."""
    ratio = np.exp(0.5 * (x[-1] - x[-2]))
    weights = np.zeros_like(x)
    weights[-3:] = np.array([1.0, -1.0 - ratio, ratio]) / (ratio - 1) / (x[-1] - x[-2])
    return over_seeds(weights, logs)


def last_octave(x, logs):
    weights = np.zeros_like(x)
    weights[-2:] = np.array([-1.0, 1.0]) / (x[-1] - x[-2])
    return over_seeds(weights, logs)


def bootstrap(x, logs):
    """Percentiles of the slope over resampled seed indices."""
    seeds = logs.shape[2]
    slopes = np.einsum("k,rks->rs", line_weights(x), logs)
    picked = generator("bootstrap", seeds).integers(seeds, size=(RESAMPLES, seeds))
    shares = np.stack([np.bincount(row, minlength=seeds) for row in picked]) / seeds
    low, high = np.percentile(slopes @ shares.T, [2.5, 97.5], axis=1)
    return low, high


TEXTBOOK = {
    "least squares on points (`linregress`)": linregress,
    "least squares on means, t(K-2)": means_line,
    "weighted by 1/s^2, t(K-2)": weighted_line,
    "least-squares weights, Welch": welch_line,
    "one slope a seed, t(S-1)": per_seed_lines,
    "bootstrap over seeds, percentile": bootstrap,
    "wider half of the widths, t(S-1)": upper_half,
    "last octave, t(S-1)": last_octave,
    "line and m^-1/2, t(S-1)": corrected_line(0.5),
    "line and m^-1, t(S-1)": corrected_line(1.0),
    "line, m^-1/2 and m^-1, t(S-1)": corrected_line(0.5, 1.0),
    "Richardson on the last three, t(S-1)": richardson,
}
