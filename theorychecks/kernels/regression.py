"""Kernel regression, gradient descent on a kernel, and the first-order effect of a kernel change on the regression.

Shapes: a train kernel is [..., P, P] and a cross kernel [..., Q, P] for P train and Q test inputs.
Targets are [P], or [..., P, C] for C outputs; predictions are [..., Q] or [..., Q, C] accordingly.
Leading dimensions, such as seeds, broadcast against each other.
The initial function is zero, so for a network pass targets minus its initial outputs.

Every function raises ValueError when shapes do not fit, an entry is not finite, or a train kernel is not symmetric.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_solve, get_lapack_funcs

from theorychecks.arguments import is_whole

FloatArray: TypeAlias = NDArray[np.float64]

_ROUNDING = float(np.finfo(np.float64).eps)
_ASYMMETRY = 1e-5  # relative to the largest entry: room for a kernel accumulated in float32
_SMALL_STEP = 0.5  # below it 1 - (1 - x)^t loses digits and expm1 does not


def kernel_regression(
    train_kernel: ArrayLike, cross_kernel: ArrayLike, targets: ArrayLike, *, ridge: float = 0.0
) -> FloatArray:
    """Return the predictions K(x, X) (K(X, X) + ridge I)^-1 y of kernel (ridge) regression.

    ``ridge`` is the lambda of 1/2 sum (f - y)^2 + lambda/2 ||f||^2, a sum and not a mean over the P train inputs
    (Rasmussen & Williams 2006, Eq. 2.25 with lambda for the noise variance).
    Raises ValueError, with the condition number, when K + ridge I is singular to rounding.
    """
    problem = _validated(train_kernel, cross_kernel, targets, ridge)
    return problem.shaped(problem.cross @ _solve(problem.train, problem.targets, ridge))


def gradient_descent_on_kernel(
    train_kernel: ArrayLike,
    cross_kernel: ArrayLike,
    targets: ArrayLike,
    *,
    learning_rate: float,
    steps: int,
    ridge: float = 0.0,
) -> FloatArray:
    """Return the predictions of the linearised model after ``steps`` of full-batch gradient descent from f = 0.

    The loss is 1/2 sum (f - y)^2 + ridge/2 ||theta - theta_0||^2, a sum over the P train inputs.
    With d and V the eigenvalues and eigenvectors of K(X, X) and m = d + ridge, the prediction is
    K(x, X) V (1 - (1 - learning_rate m)^steps) / m V^T y: derived here from
    theta = theta_0 + J^T a, a <- a - learning_rate ((K + ridge I) a - y); Lee et al. 2019 (arXiv:1902.06720, Eq. 9)
    is the limit of small rates without ridge. Repeated inputs are allowed.

    Raises ValueError for a negative eigenvalue beyond rounding, for steps < 0, for a learning rate that is not
    positive, and for descent that overflows, naming the largest stable rate 2 / max m.
    """
    _validate_descent(steps, learning_rate)
    problem = _validated(train_kernel, cross_kernel, targets, ridge)
    eigenvalues, vectors = np.linalg.eigh(problem.train)
    smallest, largest = float(np.min(eigenvalues)), float(np.max(np.abs(eigenvalues)))
    if smallest < -_ASYMMETRY * largest:
        raise ValueError(
            f"a train kernel must be positive semidefinite; got eigenvalue {smallest:.3g} beside {largest:.3g}. "
            "Check that it is a Gram matrix."
        )
    curvature = np.maximum(eigenvalues, 0.0) + ridge
    learned = _learned(curvature, learning_rate, int(steps))
    if not np.all(np.isfinite(learned)):
        raise ValueError(
            f"gradient descent must not diverge; learning_rate {learning_rate:.3g} overflows in {steps} steps. "
            f"Stay below 2 / (largest eigenvalue + ridge) = {2 / float(np.max(curvature)):.3g}."
        )
    modes = np.swapaxes(vectors, -1, -2) @ problem.targets
    return problem.shaped(problem.cross @ (vectors @ (learned[..., None] * modes)))


def first_order_regression(
    train_kernel: ArrayLike,
    cross_kernel: ArrayLike,
    train_change: ArrayLike,
    cross_change: ArrayLike,
    targets: ArrayLike,
    *,
    ridge: float = 0.0,
) -> FloatArray:
    """Return the derivative of the regression's predictions in the direction of a kernel change.

    ``train_change`` and ``cross_change`` have the shapes of the kernels, up to leading dimensions. With
    a = (K + ridge I)^-1 y the derivative is dK(x, X) a - K(x, X) (K + ridge I)^-1 dK a: derived here from
    d(K^-1) = -K^-1 dK K^-1. It is linear in the change, so over an ensemble of unbiased kernels its mean is zero,
    which makes it a control variate for the ensemble's mean prediction.
    Raises ValueError, with the condition number, when K + ridge I is singular to rounding.
    """
    problem = _validated(train_kernel, cross_kernel, targets, ridge)
    d_train, d_cross = _finite("train_change", train_change), _finite("cross_change", cross_change)
    if d_train.shape[-2:] != problem.train.shape[-2:] or d_cross.shape[-2:] != problem.cross.shape[-2:]:
        raise ValueError(
            f"a kernel change must have its kernel's last two dimensions, {problem.train.shape[-2:]} and "
            f"{problem.cross.shape[-2:]}; got {d_train.shape} and {d_cross.shape}. Subtract kernels on the same inputs."
        )
    coefficients = _solve(problem.train, problem.targets, ridge)
    smoother = np.swapaxes(_solve(problem.train, np.swapaxes(problem.cross, -1, -2), ridge), -1, -2)
    return problem.shaped(d_cross @ coefficients - smoother @ (d_train @ coefficients))


class _Problem(NamedTuple):
    train: FloatArray  # [..., P, P], exactly symmetric
    cross: FloatArray  # [..., Q, P]
    targets: FloatArray  # [..., P, C]
    is_vector: bool  # targets came as [P]

    def shaped(self, predictions: FloatArray) -> FloatArray:
        return predictions[..., 0] if self.is_vector else predictions


def _learned(curvature: FloatArray, learning_rate: float, steps: int) -> FloatArray:
    """Return (1 - (1 - learning_rate m)^steps) / m for m = ``curvature``, and its limit learning_rate * steps at 0."""
    rate = learning_rate * curvature
    with np.errstate(over="ignore"):
        fast = 1 - np.power(1 - rate, float(steps))
    slow = -np.expm1(steps * np.log1p(-np.minimum(rate, _SMALL_STEP)))
    fraction = np.where(rate < _SMALL_STEP, slow, fast)
    limit = np.full_like(curvature, learning_rate * steps)
    return np.divide(fraction, curvature, out=limit, where=rate > 0)


def _solve(train: FloatArray, right: FloatArray, ridge: float) -> FloatArray:
    """Return (train + ridge I)^-1 right for every matrix of the broadcast batch."""
    batch = np.broadcast_shapes(train.shape[:-2], right.shape[:-2])
    matrices = np.broadcast_to(train + ridge * np.eye(train.shape[-1]), (*batch, *train.shape[-2:]))
    sides = np.broadcast_to(right, (*batch, *right.shape[-2:]))
    solution = np.empty(sides.shape)
    for index in np.ndindex(*batch):
        solution[index] = _solve_positive_definite(matrices[index], sides[index], ridge)
    return solution


def _solve_positive_definite(matrix: FloatArray, right: FloatArray, ridge: float) -> FloatArray:
    try:
        factor = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise _singular(matrix, ridge) from None
    # LAPACK's estimate from the factor costs O(P^2); a kernel that is singular to rounding can still factor.
    (reciprocal_condition,) = get_lapack_funcs(("pocon",), (matrix,))
    reciprocal, _ = reciprocal_condition(factor.T, np.linalg.norm(matrix, 1))
    if reciprocal < matrix.shape[-1] * _ROUNDING:
        raise _singular(matrix, ridge)
    solution: FloatArray = cho_solve((factor, True), right)
    return solution


def _singular(matrix: FloatArray, ridge: float) -> ValueError:
    eigenvalues = np.linalg.eigvalsh(matrix)
    smallest, largest = float(eigenvalues[0]), float(eigenvalues[-1])
    if smallest < -_ASYMMETRY * largest or largest <= 0:
        problem = f"has eigenvalues from {smallest:.3g} to {largest:.3g}"
    else:
        condition = largest / max(smallest, _ROUNDING * largest)
        problem = f"is singular to rounding, with a condition number of at least {condition:.1e}"
    return ValueError(
        f"the train kernel plus ridge {ridge:.3g} must be positive definite; it {problem}. "
        "Pass a larger ridge, or remove repeated (or, without biases, parallel) inputs."
    )


def _validate_descent(steps: object, learning_rate: float) -> None:
    if not is_whole(steps, 0):
        raise ValueError(f"steps must be a non-negative integer; got {steps!r}. Try steps=100.")
    if not (np.isfinite(learning_rate) and learning_rate > 0):
        raise ValueError(f"learning_rate must be positive and finite; got {learning_rate}. Try 1 / trace(K).")


def _validated(train_kernel: ArrayLike, cross_kernel: ArrayLike, targets: ArrayLike, ridge: float) -> _Problem:
    if not (np.isfinite(ridge) and ridge >= 0):
        raise ValueError(f"ridge must be finite and not negative; got {ridge}. Try 0.0, or 1e-6 times trace(K) / P.")
    train, cross = _finite("train_kernel", train_kernel), _finite("cross_kernel", cross_kernel)
    goals = _finite("targets", targets)
    columns = goals[:, None] if goals.ndim == 1 else goals
    if train.ndim < 2 or cross.ndim < 2 or columns.ndim < 2:
        raise ValueError("a kernel needs two dimensions and targets one; got a scalar or a vector. Reshape it.")
    samples = train.shape[-1]
    if not (train.shape[-2] == samples and cross.shape[-1] == samples and columns.shape[-2] == samples):
        raise ValueError(
            "shapes must be [..., P, P], [..., Q, P] and [P] or [..., P, C]; "
            f"got {train.shape}, {cross.shape} and {goals.shape}. Batched targets need their last dimension C."
        )
    mirrored = np.swapaxes(train, -1, -2)
    asymmetry, largest = float(np.max(np.abs(train - mirrored))), float(np.max(np.abs(train)))
    if asymmetry > _ASYMMETRY * largest:
        raise ValueError(
            f"a train kernel must be symmetric to {_ASYMMETRY:.0e} of its largest entry {largest:.3g}; "
            f"got a difference of {asymmetry:.3g}. Check the order of its inputs."
        )
    return _Problem(train=(train + mirrored) / 2, cross=cross, targets=columns, is_vector=goals.ndim == 1)


def _finite(name: str, values: ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0 or not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be non-empty and finite; got shape {array.shape}. Remove what diverged.")
    return array
