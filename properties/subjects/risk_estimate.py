"""The eigenvalue estimate of a kernel regression's test risk, and samples to half error, predicted and measured."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, optimize

from properties.subjects.harmonics import FloatArray, Spectrum

_TINY: Final = 1e-12
"""Of the kernel's trace; a degree with less has no eigenvalue but rounding."""


def risk_estimate(spectrum: Spectrum, power: ArrayLike, samples: float, *, ridge: float = 0.0) -> float:
    """The test risk of kernel regression on so many samples without label noise, as if eigenfunctions were Gaussian.

    With kappa from samples = sum_l N_l L_l + (ridge + remainder) / kappa and L_l = lambda_l / (lambda_l + kappa), it is
    sum_l (1 - L_l)^2 v_l / (1 - sum_l N_l L_l^2 / samples), v_l the target's power in degree l (Jacot, Simsek,
    Spadaro, Hongler and Gabriel 2020, arXiv:2006.09796; Simon, Dickens, Karkada and DeWeese 2021, arXiv:2110.03922;
    both from memory, the equation checked here against regressions).

    Args:
        spectrum: of the kernel, under the inputs' law.
        power: [K], none negative, of the target by degree.
        samples: positive.
        ridge: of kernel_regression, added to the kernel's diagonal.

    Raises:
        ValueError: for shapes that do not fit, or numbers of samples and ridges that are none.
    """
    target = np.asarray(power, dtype=np.float64)
    if target.shape != spectrum.eigenvalues.shape or target.min() < 0 or not target.sum() > 0:
        raise ValueError(
            f"a target has a power, none negative and some positive, for each of {len(spectrum.eigenvalues)} degrees; "
            f"got {power!r}"
        )
    if not (math.isfinite(samples) and samples > 0 and math.isfinite(ridge) and ridge >= 0):
        raise ValueError(f"a risk needs a positive number of samples and no negative ridge; got {samples} and {ridge}")
    learned = _learned(spectrum, samples, ridge)
    missed = float((1 - learned) ** 2 @ target)
    # With all harmonics learned all samples may be spent.
    return missed and missed * samples / (samples - float(spectrum.multiplicities @ learned**2))


def samples_to_half_error(spectrum: Spectrum, power: ArrayLike, *, ridge: float = 0.0) -> float:
    """The number of samples at which `risk_estimate` falls to half of the target's power for good.

    Raises:
        ValueError: if it does not, since the kernel lacks the target's harmonics.
    """
    target = np.asarray(power, dtype=np.float64)
    traces = spectrum.eigenvalues * spectrum.multiplicities
    out_of_reach = traces <= _TINY * (traces.sum() + spectrum.remainder)
    if target[out_of_reach].sum() >= target.sum() / 2:
        raise ValueError("half of the target lies in harmonics that the kernel does not have; no samples teach it them")

    def excess(log_samples: float) -> float:
        return risk_estimate(spectrum, target, math.exp(log_samples), ridge=ridge) - float(target.sum()) / 2

    # Beyond a hundred times the number of harmonics in question all are learned, so the search starts there.
    high = math.log(100 * float(spectrum.multiplicities[target > 0].max()))
    while excess(high) > 0:
        high += 1.0
    low = high
    while excess(low) <= 0:
        low -= 0.25
    return math.exp(float(optimize.brentq(excess, low, low + 0.25)))


def learning_curve(
    train_kernel: ArrayLike, cross_kernel: ArrayLike, targets: ArrayLike, test_targets: ArrayLike
) -> FloatArray:
    """Relative test error of ridgeless regression on the first 1, ..., P samples, over all targets, shape [P].

    The Cholesky factor of a leading block is the leading block of the factor, so one of them gives all predictions:
    with L L^T = K the one on n samples is the sum of the first n terms of (L^-1 k(x))_i (L^-1 y)_i (derived here).

    Args:
        train_kernel: [P, P], positive definite.
        cross_kernel: [Q, P].
        targets: [P, C], of several functions to be learned apart.
        test_targets: [Q, C].

    Raises:
        ValueError: if shapes do not fit, or the kernel is not positive definite.
    """
    train, cross = np.asarray(train_kernel, dtype=np.float64), np.asarray(cross_kernel, dtype=np.float64)
    goals, wanted = np.asarray(targets, dtype=np.float64), np.asarray(test_targets, dtype=np.float64)
    fit = goals.ndim == wanted.ndim == 2 and train.shape == (len(goals),) * 2 and goals.shape[1] == wanted.shape[1]
    if not fit or cross.shape != (len(wanted), len(goals)):
        raise ValueError(
            "shapes must be [P, P], [Q, P], [P, C] and [Q, C]; "
            f"got {train.shape}, {cross.shape}, {goals.shape}, {wanted.shape}"
        )
    try:
        factor = linalg.cholesky(train, lower=True, check_finite=False)
    except linalg.LinAlgError as error:
        raise ValueError("the train kernel must be positive definite; remove repeated inputs") from error
    weights = linalg.solve_triangular(factor, goals, lower=True, check_finite=False)
    smoother = linalg.solve_triangular(factor, cross.T, lower=True, check_finite=False)
    squares = np.zeros(len(goals))
    for weight, test in zip(weights.T, wanted.T, strict=True):
        squares += ((test - np.cumsum(smoother * weight[:, None], axis=0)) ** 2).sum(axis=1)
    return np.asarray(squares / (wanted**2).sum())


def first_below_half(errors: ArrayLike) -> float:
    """The number of samples at which a learning curve [P] falls below one half for good, between two whole numbers.

    Infinite where it ends above.

    Raises:
        ValueError: for a curve without a number at every point.
    """
    curve = np.asarray(errors, dtype=np.float64)
    if not len(curve) or not np.isfinite(curve).all():
        raise ValueError(f"a learning curve has a finite error for one sample and more; got {errors!r}")
    above = np.flatnonzero(curve >= 0.5)
    if len(above) == 0:
        return 1.0
    last = int(above[-1])
    if last == len(curve) - 1:
        return math.inf
    return last + 1 + float((curve[last] - 0.5) / (curve[last] - curve[last + 1]))


def _learned(spectrum: Spectrum, samples: float, ridge: float) -> FloatArray:
    """L_l = lambda_l / (lambda_l + kappa), [K]."""
    values, sizes, rest = spectrum.eigenvalues, spectrum.multiplicities, ridge + spectrum.remainder
    trace = float(values @ sizes) + rest

    def excess(log_kappa: float) -> float:
        kappa = math.exp(log_kappa)
        return float((sizes * values / (values + kappa)).sum()) + rest / kappa - samples

    # At kappa = trace / samples no more than the samples are spent, as lambda / (lambda + kappa) <= lambda / kappa.
    high = math.log(trace / samples) + _TINY
    low = high
    while excess(low) < 0:
        low -= 1.0
        if low < high - 200:
            return np.ones_like(values)
    kappa = math.exp(float(optimize.brentq(excess, low, high, xtol=1e-13)))
    return np.asarray(values / (values + kappa))
