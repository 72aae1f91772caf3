"""The noise law: how the variance of a run changes along the axis, by a power of it that all cells share."""

from __future__ import annotations

from functools import lru_cache
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
    precision, mean, log_half = _law_of_logs(np.asarray(degrees_of_freedom, dtype=np.float64).tobytes())
    logs = np.log(variances) - mean + log_half
    x = np.log(axis)
    centred = x - precision @ x / precision.sum()
    information = precision @ centred**2
    exponent = logs @ (precision * centred) / (information + _PRIOR**-2)
    shape = np.exp(exponent[..., None] * centred)
    level = (variances / shape) @ degrees_of_freedom / degrees_of_freedom.sum()
    return np.asarray(level[..., None] * shape)


@lru_cache(maxsize=1024)
def _law_of_logs(degrees_of_freedom: bytes) -> tuple[Array, Array, Array]:
    """Precision of log s^2, digamma and logarithm of half the degrees of freedom, [K] each; not to be written to."""
    half = np.frombuffer(degrees_of_freedom) / 2
    return 1 / special.polygamma(1, half), special.digamma(half), np.log(half)
