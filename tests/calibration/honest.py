"""Bias-aware intervals other than the package's: other weights, other bounds, other noise.

Widths have equal numbers of seeds here, so weights depend on the data through the pooled noise alone, and the
candidates of a design are computed once.
"""

import itertools
from functools import cache
from typing import NamedTuple

import numpy as np
from methods import around, line_weights, quantile, welch
from scipy import optimize, special

from theorychecks.statistics import FiniteSizeClass

_NORMAL = 1.96
NOISES = np.geomspace(1e-4, 3.0, 80)
"""Standard errors of a cell's location, from far below to far above what the designs have."""


class Candidates(NamedTuple):
    """Linear estimators, one a row, with the lowest and highest bias within the class."""

    weights: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray

    @property
    def lengths(self):
        """Roots of sums of squares: the standard error in units of a cell's."""
        return np.sqrt((self.weights**2).sum(1))

    def half_bias(self, *, lopsided):
        """What bias adds to half the interval: each end its own bound, or both the larger one."""
        return (self.highest - self.lowest) / 2 if lopsided else np.maximum(self.highest, -self.lowest)


def candidates(weights, curves):
    bias = weights @ curves.T
    # c = 0 belongs to the class too.
    return Candidates(weights, np.minimum(bias.min(1), 0), np.maximum(bias.max(1), 0))


def class_curves(x):
    return FiniteSizeClass().curves(np.exp(x))


def line_design(x):
    return np.stack([np.ones_like(x), x], axis=1)


def ridge_path(x):
    """Generalised least squares with prior variance along m^-1/2 and m^-1, in units of a cell's variance."""
    slow, fast, design = np.exp(-0.5 * x), np.exp(-x), line_design(x)
    rows = []
    for k_slow, k_fast in itertools.product(np.r_[0.0, np.logspace(-4, 9, 53)], np.r_[0.0, np.logspace(1, 9, 9)]):
        precision = np.linalg.inv(np.eye(len(x)) + k_slow * np.outer(slow, slow) + k_fast * np.outer(fast, fast))
        rows.append(np.linalg.solve(design.T @ precision @ design, design.T @ precision)[1])
    return np.array(rows)


def best_weights(x, curves, price, *, lopsided):
    """Exponent weights with the least bias bound plus `price` times length: a second-order cone programme.

    All exponent weights are those of a line plus a combination of directions that no line sees.
    """
    line, unseen = line_weights(x), np.linalg.svd(line_design(x).T)[2][2:]
    scale = np.abs(curves @ unseen.T).max()
    along, still, count = curves @ unseen.T / scale, curves @ line, len(unseen)
    zero, one = np.zeros((len(curves), 1)), np.ones((len(curves), 1))
    # Unknowns: the combination, how far bias may fall, how far it may rise.
    slopes = np.block([[along, one, zero], [-along, zero, one]])
    constraints = [
        {"type": "ineq", "fun": lambda v: slopes @ v + np.r_[still, -still], "jac": lambda _: slopes},
    ]
    if not lopsided:
        level = np.r_[np.zeros(count), 1.0, -1.0]
        constraints.append({"type": "eq", "fun": lambda v: level @ v, "jac": lambda _: level})

    def length(v):
        return np.sqrt(line @ line + v[:count] @ v[:count] / scale**2)

    found = optimize.minimize(
        lambda v: v[count:].sum() / 2 + price * length(v),
        np.r_[np.zeros(count), np.full(2, np.abs(still).max())],
        jac=lambda v: np.r_[price * v[:count] / scale**2 / length(v), 0.5, 0.5],
        method="SLSQP",
        bounds=[(None, None)] * count + [(0, None)] * 2,
        constraints=constraints,
        options={"maxiter": 500, "ftol": 1e-14},
    )
    return line + unseen.T @ found.x[:count] / scale


def lower_bound(x, curves, price, weights, *, lopsided):
    """A number that no exponent weights can beat, by duality; equal to what `weights` reach if they are best.

    Take any mixture q = sum p_j B_j with sum |p_j| <= 1, or sums of at most 1/2 for each sign where lopsided.
    Then bias bound + price |w| >= w.q + price |w|, whose minimum over exponent weights is the line's exponent of q
    plus sqrt((price^2 - |r|^2) / Sxx), r the residual of q about the line.
    The mixture is sought among the curves whose bias is largest at the weights, where -r = price w / |w| off the line.
    """
    design, line = line_design(x), line_weights(x)
    off = np.eye(len(x)) - design @ np.linalg.pinv(design)
    bias = curves @ weights
    up, down = bias.max(), bias.min()
    if not lopsided:
        up, down = max(up, -down), -max(up, -down)
    slack = 1e-6 * (up - down)
    binding = [curves[bias > up - slack], -curves[bias < down + slack]]
    sign = np.repeat([1.0, 0.0], [len(rows) for rows in binding])
    rows, groups = np.concatenate(binding), [sign, 1 - sign] if lopsided else [np.ones(len(sign))]
    share, heavy = 1 / len(groups), 1e3
    system = np.vstack([off @ rows.T, *(heavy * group[None] for group in groups)])
    target = np.r_[-price * off @ weights / np.linalg.norm(weights), [heavy * share] * len(groups)]
    mixture = optimize.nnls(system, target)[0]
    for group in groups:
        mixture[group > 0] /= max(mixture @ group / share, 1.0)
    q = mixture @ rows
    return line @ q + np.linalg.norm(line) * np.sqrt(max(price**2 - (off @ q) @ (off @ q), 0))


@cache
def family(points, first, kind, *, lopsided):
    """Candidates of a design of successive powers of two: those of one kind, over all relevant noises."""
    x = np.log(2.0) * np.arange(first, first + points)
    curves = class_curves(x)
    if kind == "ridge":
        return candidates(ridge_path(x), curves)
    if kind == "line":
        return candidates(line_weights(x)[None], curves)
    weights = [best_weights(x, curves, _NORMAL * noise, lopsided=lopsided) for noise in NOISES]
    return candidates(np.array(weights), curves)


def summaries(logs, trim):
    """Locations, their variances and degrees of freedom; trimmed and winsorised after Yuen (1974)."""
    seeds = logs.shape[2]
    aside = int(trim * seeds)
    kept = seeds - 2 * aside
    ordered = np.sort(logs, axis=2)
    winsorised = np.clip(ordered, ordered[:, :, [aside]], ordered[:, :, [seeds - aside - 1]])
    variances = winsorised.var(2, ddof=1) * (seeds - 1) / (kept * (kept - 1))
    return ordered[:, :, aside : seeds - aside].mean(2), np.maximum(variances, 1e-12), kept - 1.0


def add(bias, error, freedom):
    """Each tail errs by at most 2.5%, whatever the bias."""
    return bias + quantile(freedom) * error


def both_tails(bias, error, freedom):
    """The two tails together err by at most 5% under the worst bias, and one alone may err by 5%."""
    shift = bias / error
    low, high = np.zeros_like(shift), shift + quantile(freedom)
    for _ in range(50):
        middle = (low + high) / 2
        inside = special.stdtr(freedom, middle - shift) - special.stdtr(freedom, -middle - shift)
        low, high = np.where(inside < 0.95, middle, low), np.where(inside < 0.95, high, middle)
    return error * high


def bias_aware(kind, *, lopsided=False, trim=0.2, student=False, half=add):
    """An interval with a bias bound.

    Args:
        kind: which weights are candidates: "best", "ridge" or "line".
        lopsided: whether each end of the interval has a bound of its own.
        trim: share of the runs set aside on each side where there are eight or more.
        student: whether weights are chosen with their own quantile of Student's t in place of 1.96.
        half: how bias and noise make half a length.
    """

    def method(x, logs):
        seeds = logs.shape[2]
        options = family(len(x), round(x[0] / np.log(2.0)), kind, lopsided=lopsided)
        locations, variances, freedom = summaries(logs, trim if seeds >= 8 else 0.0)
        price = _NORMAL
        if student:
            squares = options.weights**2
            price = quantile(freedom * squares.sum(1) ** 2 / (squares**2).sum(1))
        reach = options.half_bias(lopsided=lopsided)
        pooled = np.sqrt(variances.mean(1))
        chosen = np.argmin(reach + price * options.lengths * pooled[:, None], axis=1)
        centre, error, freedom = welch(options.weights[chosen], locations, variances, freedom)
        if lopsided:
            centre -= ((options.highest + options.lowest) / 2)[chosen]
        return around(centre, half(reach[chosen], error, freedom))

    return method


def medians(x, logs):
    """Medians of the cells, with the noise pooled from median absolute deviations."""
    options = family(len(x), round(x[0] / np.log(2.0)), "best", lopsided=False)
    middle = np.median(logs, axis=2)
    deviation = 1.4826 * np.median(np.abs(logs - middle[:, :, None]), axis=2)
    # A median's variance is pi/2 times that of a mean.
    variances = np.maximum(np.pi / 2 * (deviation**2).mean(1) / logs.shape[2], 1e-12)
    reach = options.half_bias(lopsided=False)
    chosen = np.argmin(reach + _NORMAL * options.lengths * np.sqrt(variances)[:, None], axis=1)
    freedom = len(x) * (logs.shape[2] - 1)
    centre = (options.weights[chosen] * middle).sum(1)
    return around(centre, reach[chosen] + quantile(freedom) * options.lengths[chosen] * np.sqrt(variances))


def over_seeds_with_bound(x, logs):
    """The best weights for the pooled noise, and Student's t over one estimate a seed index."""
    options = family(len(x), round(x[0] / np.log(2.0)), "best", lopsided=False)
    pooled = np.sqrt(summaries(logs, 0.0)[1].mean(1))
    chosen = np.argmin(options.half_bias(lopsided=False) + _NORMAL * options.lengths * pooled[:, None], axis=1)
    estimates = np.einsum("rk,rks->rs", options.weights[chosen], logs)
    seeds = logs.shape[2]
    error = estimates.std(1, ddof=1) / np.sqrt(seeds)
    return around(estimates.mean(1), options.half_bias(lopsided=False)[chosen] + quantile(seeds - 1) * error)


BIAS_AWARE = {
    "least-squares weights and the bias bound, Welch": bias_aware("line"),
    "medians with pooled absolute deviations": medians,
    "best weights, t(S-1)": over_seeds_with_bound,
    "best weights, plain means": bias_aware("best", trim=0.0),
    "ridge path relative to the noise": bias_aware("ridge"),
    "best weights": bias_aware("best"),
    "best weights, chosen with t": bias_aware("best", student=True),
    "best weights, tails together 5%": bias_aware("best", half=both_tails),
    "ridge path, a bound for each end": bias_aware("ridge", lopsided=True),
    "best weights, a bound for each end": bias_aware("best", lopsided=True),
    "best weights, a bound for each end, chosen with t": bias_aware("best", lopsided=True, student=True),
    "best weights, a bound for each end, a tenth trimmed": bias_aware("best", lopsided=True, trim=0.1),
    "best weights, a bound for each end, plain means": bias_aware("best", lopsided=True, trim=0.0),
}
