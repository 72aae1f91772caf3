"""Random features: what regression on so many of them does, drawn and in closed form.

Features are scaled so that their products are a kernel: K = F F^T for features F [P, features].
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from theorychecks.kernels.analytic import analytic_kernels
from theorychecks.networks import Activation

FloatArray: TypeAlias = NDArray[np.float64]

_SEMIDEFINITE: Final = 1e-9  # of the largest eigenvalue: how negative the smallest may be by rounding


def neural_features(
    inputs: ArrayLike, features: int, draws: int, activation: Activation, rng: np.random.Generator
) -> FloatArray:
    """Features of random networks with one hidden layer, gain phi(w x / sqrt d) / sqrt(features), [draw, P, features].

    Their kernel's mean is `readout_kernel`, whatever their number.

    Raises:
        ValueError: for inputs that are no matrix, or no features or draws.
    """
    points = _inputs(inputs)
    _check_counts(features, draws)
    scaled = torch.as_tensor(points / math.sqrt(points.shape[1]))
    weights = torch.as_tensor(rng.standard_normal((draws, points.shape[1], features)))
    values = activation.function(scaled @ weights) * (activation.gain / math.sqrt(features))
    return np.asarray(values.numpy())


def readout_kernel(inputs: ArrayLike, activation: Activation, *, depth: int = 1) -> FloatArray:
    """The kernel of infinitely many features of the last hidden layer, [P, P]: the NNGP of this package's networks.

    Preactivations of the first layer have the inputs' variance, and those of later ones the gain.

    Raises:
        ValueError: for inputs that are no matrix, or an activation without analytic kernels.
    """
    gain = activation.gain
    return analytic_kernels(
        _inputs(inputs) / gain, depth=depth, activation=activation.name, weight_variance=gain**2
    ).nngp


def first_layer_kernel(inputs: ArrayLike, activation: Activation) -> FloatArray:
    """gain^2 E[phi'(w . x / sqrt d) phi'(w . x' / sqrt d)] x . x' / d, [P, P]: the tangent kernel with a fixed readout.

    With one hidden layer the whole tangent kernel is the sum of this and `readout_kernel`.

    Raises:
        ValueError: for inputs that are no matrix, or an activation without analytic kernels.
    """
    gain = activation.gain
    found = analytic_kernels(_inputs(inputs) / gain, depth=1, activation=activation.name, weight_variance=gain**2)
    return np.asarray(found.ntk - found.nngp)


def gaussian_features(kernel: ArrayLike, features: int, draws: int, rng: np.random.Generator) -> FloatArray:
    """Features that are independent Gaussian processes with this kernel, over sqrt(features), [draw, P, features].

    Raises:
        ValueError: for a kernel that is not positive semidefinite, or no features or draws.
    """
    _check_counts(features, draws)
    values, vectors = np.linalg.eigh(np.asarray(kernel, dtype=np.float64))
    if values[0] < -_SEMIDEFINITE * values[-1]:
        raise ValueError(
            f"a covariance is positive semidefinite; got eigenvalues from {values[0]:.3g}. Check the kernel."
        )
    root = vectors * np.sqrt(np.maximum(values, 0.0) / features)
    return np.asarray(root @ rng.standard_normal((draws, len(values), features)))


def regression_on_features(train: ArrayLike, test: ArrayLike, targets: ArrayLike, *, ridge: float = 0.0) -> FloatArray:
    """Predictions [..., Q] of (ridge) regression on features [..., P, F] and [..., Q, F], for targets [P].

    The penalty is ridge ||theta||^2 against the sum of squares; without one this is the interpolating solution of least
    norm, for which there have to be as many features as samples.

    Raises:
        ValueError: for fewer features than samples without a ridge, or shapes that do not fit.
    """
    rows, columns, goals = (np.asarray(array, dtype=np.float64) for array in (train, test, targets))
    if rows.shape[-2] != len(goals) or rows.shape[-1] != columns.shape[-1] or goals.ndim != 1:
        raise ValueError(
            f"shapes must be [..., P, F], [..., Q, F] and [P]; got {rows.shape}, {columns.shape} and {goals.shape}"
        )
    if not (math.isfinite(ridge) and ridge >= 0) or (ridge == 0 and rows.shape[-1] < len(goals)):
        raise ValueError(
            f"{rows.shape[-1]} features interpolate at most as many of the {len(goals)} samples, and a ridge is not "
            f"negative; got ridge={ridge}. Take more features, or a ridge above zero."
        )
    gram = rows @ np.swapaxes(rows, -1, -2) + ridge * np.eye(len(goals))
    # kernel_regression takes one kernel at a time; here are thousands.
    try:
        weights = np.linalg.solve(gram, np.broadcast_to(goals[:, None], (*gram.shape[:-1], 1)))
    except np.linalg.LinAlgError as error:
        raise ValueError("a sample is repeated, and nothing interpolates it; remove it, or take a ridge") from error
    return np.asarray((columns @ (np.swapaxes(rows, -1, -2) @ weights))[..., 0])


def effective_ridge(train_kernel: ArrayLike, features: int, ridge: float) -> float:
    """The ridge of the kernel regression that the mean over random features is near: larger than their own.

    It solves lt = ridge + lt / features sum_i d_i / (lt + d_i), with d_i the eigenvalues of the train kernel (Jacot,
    Simsek, Spadaro, Hongler and Gabriel 2020, arXiv:2002.08404; the equation from memory, checked here).

    Raises:
        ValueError: unless ridge and features are positive.
    """
    _check_counts(features, 1)
    if not (math.isfinite(ridge) and ridge > 0):
        raise ValueError(f"an effective ridge belongs to a positive one; got {ridge}")
    values = np.maximum(np.linalg.eigvalsh(np.asarray(train_kernel, dtype=np.float64)), 0.0)

    def excess(guess: float) -> float:
        return guess - ridge - guess / features * float((values / (guess + values)).sum())

    # lt sum d / (lt + d) is at most the trace.
    return float(optimize.brentq(excess, ridge, ridge + float(values.sum()) / features + ridge, xtol=1e-15, rtol=1e-13))


def ridgeless_variance(kernel: ArrayLike, samples: int, targets: ArrayLike, features: float) -> FloatArray:
    """Variance of ridgeless regression on Gaussian features at test inputs, [Q].

    The posterior variance times y^T K^-1 y / (features - samples - 1): given the train features the test features are
    Gaussian about their regression on them, and the mean of an inverse Wishart matrix does the rest (derived here).

    Args:
        kernel: [P + Q, P + Q], of train and then test inputs.
        samples: P.
        targets: [P].
        features: more than P + 1.

    Raises:
        ValueError: for too few features, where the variance is infinite.
    """
    if not features > samples + 1:
        raise ValueError(f"the variance is finite from {samples + 2} features on; got {features}")
    whole, goals = np.asarray(kernel, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    train, cross = whole[:samples, :samples], whole[samples:, :samples]
    posterior = np.diag(whole)[samples:] - np.einsum("qp,pq->q", cross, np.linalg.solve(train, cross.T))
    return np.asarray(posterior * float(goals @ np.linalg.solve(train, goals)) / (features - samples - 1))


def _inputs(inputs: ArrayLike) -> FloatArray:
    points = np.asarray(inputs, dtype=np.float64)
    if points.ndim != 2 or 0 in points.shape:
        raise ValueError(f"inputs are a non-empty matrix [P, d]; got shape {points.shape}")
    return points


def _check_counts(features: int, draws: int) -> None:
    if features < 1 or draws < 1:
        raise ValueError(f"features and draws are counted from one; got {features} and {draws}")
