"""The index of growth of a curve: one for a logarithm of time, zero for a power of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from theorychecks.statistics.cells import Array

_STARTS: Final = (-3.0, 0.0, 3.0)
_LARGEST: Final = 10.0
_LINEAR: Final = 1e-6
"""Below this product of index and growth a curve is a power to rounding."""
_NEAR: Final = 0.01
"""To the largest index, where a curve has none."""
_STEP: Final = 1e-4
"""Of the parameters, for derivatives by central differences."""


class GrowthIndex(NamedTuple):
    """The most likely index of a curve, and its derivatives by the logarithms; None where the index has no end."""

    value: float
    derivatives: Array | None


def growth_index(times: Array, logs: Array) -> GrowthIndex:
    """The most likely index of one curve, for normal noise on its logarithm.

    The curve runs from log Q to log Q + G, and Q^lambda is linear in log t between them; least squares finds lambda, G
    and the level. Box and Cox's own likelihood has its noise on the transformed scale and is biased by this one.
    """
    share = (times - times[0]) / (times[-1] - times[0])
    with np.errstate(divide="ignore"):
        first, last = np.log1p(-share), np.log(share)

    # It takes a fifth of a second to import, and most runs have no use for it.
    from scipy import optimize

    def misfit(parameters: Array) -> Array:
        index, growth = parameters
        curve = share * growth
        if abs(index * growth) > _LINEAR:
            curve = np.logaddexp(first, last + index * growth) / index
        return np.asarray(curve - curve.mean() - logs + logs.mean())

    slope = float(np.polyfit(share, logs, 1)[0])
    # From both sides and never from one, so that a curve without growth is not taken for a logarithm.
    fits = [
        optimize.least_squares(misfit, (start, slope), bounds=([-_LARGEST, -np.inf], [_LARGEST, np.inf]))
        for start in _STARTS
    ]
    found: Array = min(fits, key=lambda fit: fit.cost).x
    return GrowthIndex(float(found[0]), _derivatives(misfit, found))


def _derivatives(misfit: Callable[[Array], Array], found: Array) -> Array | None:
    """How the index at the least of the squares moves with the logarithms, by the implicit function theorem."""

    def jacobian(parameters: Array) -> Array:
        return np.stack([misfit(parameters + step) - misfit(parameters - step) for step in steps], axis=1) / (2 * _STEP)

    def gradient(parameters: Array) -> Array:
        return np.asarray(jacobian(parameters).T @ misfit(parameters))

    steps = _STEP * np.eye(2)
    hessian = np.stack([gradient(found + step) - gradient(found - step) for step in steps]) / (2 * _STEP)
    hessian = (hessian + hessian.T) / 2
    if abs(found[0]) > _LARGEST - _NEAR or np.linalg.eigvalsh(hessian)[0] <= 0:
        return None
    return np.asarray(np.linalg.solve(hessian, jacobian(found).T)[0])
