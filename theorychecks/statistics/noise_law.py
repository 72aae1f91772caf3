"""The noise law: how the variance of a run changes along the axis, by a power of it that all cells share."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]

_PRIOR: Final = 1.0
"""Standard deviation of the variance's exponent before anything is measured; towards zero it shrinks."""


def fit_noise_law(axis: Array, variances: Array, degrees_of_freedom: Array) -> Array:
    """Variances of one run by a power law in the axis, fitted to logarithms and shrunk towards a constant.

    A logarithm of s^2 with f degrees of freedom has mean digamma(f / 2) - log(f / 2) and variance trigamma(f / 2) where
    noise is normal (Bartlett and Kendall 1946). The exponent is shrunk by a normal prior, and the level is the one that
    keeps the pooled variance.

    Args:
        axis: [K], positive.
        variances: [..., K], of one run, as estimated at each axis value.
        degrees_of_freedom: [K], of the estimates.

    Returns:
        [..., K].
    """
    half = degrees_of_freedom / 2
    precision = 1 / special.polygamma(1, half)
    logs = np.log(variances) - special.digamma(half) + np.log(half)
    x = np.log(axis)
    centred = x - precision @ x / precision.sum()
    information = precision @ centred**2
    exponent = logs @ (precision * centred) / (information + _PRIOR**-2)
    shape = np.exp(exponent[..., None] * centred)
    level = (variances / shape) @ degrees_of_freedom / degrees_of_freedom.sum()
    return np.asarray(level[..., None] * shape)
