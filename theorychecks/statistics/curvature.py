"""Signs that data are curved beyond the finite-size class: drift, tail and lack of fit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from scipy import special

from theorychecks.statistics.cells import Array, Cells

CHECK_LEVEL: Final = 0.01
_ROUGHNESS: Final = 1e-3
"""How far from a smooth curve, relatively, a quantity without any noise may lie: it has no seeds to be held against."""
_FEWEST_POINTS: Final = 5
"""A smooth curve of four terms needs a fifth point to be missed."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """A sign that the data may lie outside the finite-size class.

    Attributes:
        fired: whether the statistic exceeds what the class and the noise allow.
        statistic: what was measured.
        bound: what the class and the noise allow.
        meaning: the check in words.
    """

    fired: bool
    statistic: float
    bound: float
    meaning: str


def curvature_checks(
    axis: Array, sizes: Array, cells: Cells, weights: Array, curves: Array, level: float = CHECK_LEVEL
) -> dict[str, Check]:
    """Hold each check's statistic against what the class's curves and the noise allow.

    Args:
        axis: [K], axis values.
        sizes: [K], the same in the class's units.
        cells: their locations and noise.
        weights: [K], of the exponent.
        curves: [members, K], the finite-size class.
        level: of each check.
    """
    drift, tail = _contrasts(axis.tobytes(), sizes.tobytes())
    checks = {
        "drift": _check_contrast(
            drift,
            cells,
            curves,
            level,
            "change of the local exponent from the first to the last point",
        ),
        "tail": _check_contrast(
            tail - weights,
            cells,
            curves,
            level,
            "exponent of the last points minus the fitted exponent",
        ),
    }
    if len(axis) >= _FEWEST_POINTS and not cells.shared:
        checks["lack_of_fit"] = _check_lack_of_fit(sizes, cells, curves, level)
    return checks


@lru_cache(maxsize=1024)
def _contrasts(axis: bytes, sizes: bytes) -> tuple[Array, Array]:
    """Those of drift and tail, [K] each; not to be written to. Arrays are given by their bytes, as all fits of a design
    have the same ones.
    """
    log_axis = np.log(np.frombuffer(axis))
    return _drift_contrast(log_axis), _tail_contrast(log_axis, np.frombuffer(sizes))


def _drift_contrast(log_axis: Array) -> Array:
    line = np.stack([np.ones_like(log_axis), log_axis], axis=1)
    curve = log_axis**2 / 2
    residual = curve - line @ np.linalg.lstsq(line, curve, rcond=None)[0]
    return np.asarray(residual / (residual @ curve) * (log_axis[-1] - log_axis[0]))


def _tail_contrast(log_axis: Array, sizes: Array) -> Array:
    """The exponent of the points of largest size, where corrections are smallest."""
    tail = np.argsort(sizes)[-max(3, len(log_axis) // 2) :]
    contrast = np.zeros_like(log_axis)
    centred = log_axis[tail] - log_axis[tail].mean()
    contrast[tail] = centred / (centred @ centred)
    return contrast


def _check_contrast(contrast: Array, cells: Cells, curves: Array, level: float, meaning: str) -> Check:
    estimate = cells.combine(contrast, guarded=False)
    reach = estimate.reach_below(level / 2) if estimate.value > 0 else estimate.reach_above(level / 2)
    bound = float(np.abs(curves @ contrast).max()) + reach
    return Check(fired=abs(estimate.value) > bound, statistic=estimate.value, bound=bound, meaning=meaning)


def _check_lack_of_fit(sizes: Array, cells: Cells, curves: Array, level: float) -> Check:
    """Test the locations against 1, log m, m^-1/2 and m^-1, with the seeds' noise as pure error.

    The quadratic form of what is left over is compared with an F distribution that has its first two moments, with
    degrees of freedom after Box (1954, Ann. Math. Statist. 25(2), Theorem 3.1): cells differ in variance and in seeds.
    """
    projector = _off_smooth_curves(sizes.tobytes())
    variances = np.maximum(cells.variances, cells.smooth_variances)
    if cells.exact:
        variances = np.full_like(variances, _ROUGHNESS**2)
    scattered = projector * variances
    scatter = np.trace(scattered)
    statistic = ((projector @ cells.locations) ** 2).sum() / scatter
    numerator = scatter**2 / np.trace(scattered @ scattered)
    denominator = scatter**2 / (np.diag(scattered) ** 2 / cells.degrees_of_freedom).sum()
    # What the design leaves of the class's own curves is no lack of fit; norms add by the triangle inequality.
    in_class = math.sqrt(((curves @ projector) ** 2).sum(axis=1).max() / scatter)
    bound = (in_class + math.sqrt(special.fdtri(numerator, denominator, 1 - level / 2))) ** 2
    return Check(
        fired=bool(statistic > bound),
        statistic=float(statistic),
        bound=bound,
        meaning="scatter of the points about a smooth curve, in units of the seeds' noise",
    )


def roughness(sizes: Array, locations: Array) -> float:
    """How far locations lie from a smooth curve at most; nought on fewer points than show it."""
    if len(sizes) < _FEWEST_POINTS:
        return 0.0
    return float(np.abs(_off_smooth_curves(sizes.tobytes()) @ locations).max())


@lru_cache(maxsize=1024)
def _off_smooth_curves(size: bytes) -> Array:
    """[K, K], the projector onto what 1, log m, m^-1/2 and m^-1 leave over; not to be written to."""
    sizes = np.frombuffer(size)
    design = np.stack([np.ones_like(sizes), np.log(sizes), sizes**-0.5, sizes**-1.0], axis=1)
    return np.asarray(np.eye(len(sizes)) - design @ np.linalg.pinv(design))
