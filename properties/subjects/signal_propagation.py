"""Signal propagation at infinite width: what a layer does to a variance and a correlation, critical or not.

Without biases and in the limit of wide layers both follow deterministic recursions (Poole et al. 2016,
arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232; both from memory).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theorychecks.kernels.analytic import dual_activation

Array: TypeAlias = NDArray[np.float64]

_SMALL_ANGLE: Final = 0.3
_TERMS: Final = 8  # of the series below that angle; the next one is 0.3^16 / 17! of the first


def relu_correlation_defects(start: ArrayLike, depths: Sequence[int], *, slope: float = 0.0) -> Array:
    """One minus the correlation of two inputs after so many (leaky) ReLU layers, [depth, ...].

    It does not depend on the weights' variance. The recursion is that of the defect itself, in its angle, so that it
    keeps its digits where the correlation has none left: with cos theta = c a layer's defect is
    (1 - cos theta) - (sin theta - theta cos theta) / pi (Cho and Saul 2009, degree 1). A leaky ReLU is (1 - slope)
    times a ReLU and slope times its argument: a layer takes off (1 - slope)^2 / (1 + slope^2) of that (derived here).

    Args:
        start: defects of the inputs, between 0 and 2.
        depths: increasing numbers of layers, 0 or more.
        slope: of the activation below zero; zero for a ReLU.

    Raises:
        ValueError: for a defect of no two inputs, or depths that do not increase.
    """
    defect, share = np.asarray(start, dtype=np.float64), (1 - slope) ** 2 / (1 + slope**2)
    if not np.all((defect > 0) & (defect <= 2)):
        raise ValueError(f"one minus a correlation lies between 0 and 2; got {start!r}")
    found = []
    for steps in _steps(depths):
        for _ in range(steps):
            angle = 2 * np.arcsin(np.sqrt(defect / 2))
            defect = defect - share * _sine_less_cosine(angle) / np.pi
        found.append(defect)
    return np.array(found)


def tanh_variances(start: ArrayLike, depths: Sequence[int], *, weight_variance: float = 1.0) -> Array:
    """The variance of preactivations after so many tanh layers, [depth, ...]: q <- weight_variance E tanh(sqrt(q) z)^2.

    Args:
        start: variances of the inputs' preactivations, positive.
        depths: increasing numbers of layers, 0 or more.
        weight_variance: one at criticality.

    Raises:
        ValueError: for variances that are not positive, or depths that do not increase.
    """
    variance = np.asarray(start, dtype=np.float64)
    if not (np.all(variance > 0) and weight_variance > 0):
        raise ValueError(f"variances are positive; got {start!r} and weight_variance={weight_variance}")
    tanh = dual_activation("tanh")
    found = []
    for steps in _steps(depths):
        for _ in range(steps):
            variance = weight_variance * tanh.second_moment(variance.ravel()).reshape(variance.shape)
        found.append(variance)
    return np.array(found)


def _sine_less_cosine(angle: Array) -> Array:
    """The difference sin x - x cos x, by its series sum_k (-1)^(k + 1) 2 k x^(2 k + 1) / (2 k + 1)! at small angles."""
    term, series = angle / 1.0, np.zeros_like(angle)
    for k in range(1, _TERMS + 1):
        term = term * angle**2 / (2 * k * (2 * k + 1))
        series = series - (-1) ** k * 2 * k * term
    return np.where(angle < _SMALL_ANGLE, series, np.sin(angle) - angle * np.cos(angle))


def _steps(depths: Sequence[int]) -> list[int]:
    steps = np.diff([0, *depths]).tolist()
    if not depths or depths[0] < 0 or min(steps[1:], default=1) < 1:
        raise ValueError(f"depths are whole numbers that increase, from 0 on; got {list(depths)}")
    return [int(step) for step in steps]
