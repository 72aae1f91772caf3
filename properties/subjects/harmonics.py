"""Rotation-invariant kernels and their eigenvalues, on the sphere and on the hypercube.

A profile is the kernel as a function of the cosine t of two inputs, normalised to one at t = 1.
Its eigenfunctions are the spherical harmonics, or on the hypercube the parities, one eigenvalue a degree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from theorychecks.arguments import is_whole

FloatArray: TypeAlias = NDArray[np.float64]
Profile: TypeAlias = Callable[[Any], Any]
"""From cosines, real or complex inside the unit disc, to kernel values of the same shape."""

_RADIUS: Final = 0.85  # of the circle on which coefficients are found; rounding grows by 0.85^-64 = 3e4
_POWERS: Final = 64  # kept; see sphere_spectrum for what later ones are worth
_CIRCLE: Final = 512  # points on it; what is folded back is 0.85^512 = 1e-36
_FEWEST_DIMENSIONS: Final = 8
_MOST_CANCELLED: Final = 1e13  # times which terms of a finite difference may exceed it
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues of a kernel by degree, and what it has beyond the last of them.

    Attributes:
        eigenvalues: [K], of the degrees 0 to K - 1.
        multiplicities: [K], dimensions of their eigenspaces.
        remainder: the trace of all higher degrees, which acts as a ridge where samples are too few to learn them.
    """

    eigenvalues: FloatArray
    multiplicities: FloatArray
    remainder: float


def tangent_kernel_profile(depth: int) -> Profile:
    """The profile of the NTK of a ReLU network without biases with so many hidden layers.

    By the recursion of Jacot, Gabriel and Hongler (2018, arXiv:1806.07572, Theorem 1) with the arc-cosine kernels of
    Cho and Saul (2009, degrees 0 and 1). With one hidden layer it has no odd harmonics of degree three or above (Bietti
    and Mairal 2019, arXiv:1905.12173, from memory).

    Raises:
        ValueError: unless depth is a positive integer.
    """
    if not is_whole(depth):
        raise ValueError(f"a network has one hidden layer or more; got depth={depth!r}. Try depth=2.")

    def profile(cosines: Any) -> Any:
        nngp = tangent = cosines
        for _ in range(depth):
            angle = np.arccos(np.clip(nngp, -1, 1) if np.isrealobj(nngp) else nngp)
            slope = (np.pi - angle) / np.pi
            nngp = (np.sin(angle) + nngp * (np.pi - angle)) / np.pi
            tangent = nngp + slope * tangent
        return tangent / (depth + 1)

    return profile


def power_series_profile(coefficients: ArrayLike) -> Profile:
    """The profile sum_j c_j t^j / sum_j c_j; it is a kernel in every dimension as no c_j is negative (Schoenberg 1942).

    Raises:
        ValueError: unless coefficients are a vector, none negative and some positive.
    """
    given = np.asarray(coefficients, dtype=np.float64)
    if given.ndim != 1 or not np.all(np.isfinite(given)) or given.min(initial=0) < 0 or given.sum() <= 0:
        raise ValueError(
            f"coefficients of a kernel are a vector, none negative and some positive; got {coefficients!r}"
        )
    scaled = given / given.sum()
    return lambda cosines: np.polynomial.polynomial.polyval(cosines, scaled)


def exponential_profile(scale: float = 1.0) -> Profile:
    """The profile exp(scale (t - 1)), that of a Gaussian kernel on a sphere.

    Raises:
        ValueError: unless the scale is positive.
    """
    if not (np.isfinite(scale) and scale > 0):
        raise ValueError(f"an exponential kernel has a positive scale; got {scale}")
    return lambda cosines: np.exp(scale * (cosines - 1))


def kernel_matrix(profile: Profile, rows: ArrayLike, columns: ArrayLike) -> FloatArray:
    """Kernel values [P, Q] of inputs [P, d] and [Q, d], by their cosines."""
    left, right = (np.asarray(inputs, dtype=np.float64) for inputs in (rows, columns))
    left, right = (inputs / np.linalg.norm(inputs, axis=1, keepdims=True) for inputs in (left, right))
    return np.asarray(profile(np.clip(left @ right.T, -1, 1)))


def power_series(profile: Profile) -> FloatArray:
    """The first 64 coefficients of a profile's power series, by Cauchy's formula on a circle of radius 0.85."""
    circle = _RADIUS * np.exp(2j * np.pi * np.arange(_CIRCLE) / _CIRCLE)
    found = np.fft.fft(np.asarray(profile(circle), dtype=np.complex128))[:_POWERS].real / _CIRCLE
    return np.asarray(found / _RADIUS ** np.arange(_POWERS))


def sphere_spectrum(profile: Profile, dimension: int, degrees: int = 10) -> Spectrum:
    """Eigenvalues on the unit sphere of a dimension, under its uniform law.

    With kappa's l-th derivative and the law of a coordinate in d + 2 l dimensions, Rodrigues' formula gives
    lambda_l = Gamma(d / 2) / (2^l Gamma(d / 2 + l)) E_{d + 2 l} kappa^(l)(t): no term cancels where no power has a
    negative coefficient, so it keeps its digits in thousands of dimensions (derived here). The first 64 powers are
    taken. A profile that is smooth at one has no more of note; of the tangent kernel of two ReLU layers that leaves out
    3e-4 of degree 4 and 2e-2 of degree 9 in 8 dimensions, 1e-5 and 3e-3 in 12.

    Raises:
        ValueError: for fewer than 8 dimensions, no degree, or a profile with a negative eigenvalue.
    """
    _check(dimension, degrees, _POWERS)
    powers = power_series(profile)
    exponents = np.arange(_POWERS, dtype=np.float64)
    found = []
    for degree in range(degrees):
        left = exponents[degree:] - degree
        falling = np.exp(special.gammaln(exponents[degree:] + 1) - special.gammaln(left + 1))
        # E t^m under the uniform law on the sphere of D dimensions is B((m + 1) / 2, (D - 1) / 2) / B(1 / 2, ...).
        wide = (dimension + 2 * degree - 1) / 2
        moments = np.where(left % 2 == 0, np.exp(special.betaln((left + 1) / 2, wide) - special.betaln(0.5, wide)), 0.0)
        factor = special.gammaln(dimension / 2) - special.gammaln(dimension / 2 + degree) - degree * np.log(2)
        found.append(float(np.exp(factor) * (powers[degree:] * falling * moments).sum()))
    return _spectrum(profile, found, [harmonics(dimension, degree) for degree in range(degrees)])


def hypercube_spectrum(profile: Profile, dimension: int, degrees: int = 6) -> Spectrum:
    """Eigenvalues on the corners of a hypercube, under their uniform law: those of the parities by degree.

    A parity's eigenvalue is its correlation with the kernel at the corner of all ones. The sum over the parity's own
    signs is a finite difference, and that over the others an expectation under a binomial law (derived here). The
    difference cancels down to d^-k of its terms.

    Raises:
        ValueError: for fewer than 8 dimensions, no degree, one that would be lost in rounding, or a profile with a
            negative eigenvalue.
    """
    _check(dimension, degrees, dimension)
    if float(dimension) ** (degrees - 1) > _MOST_CANCELLED:
        raise ValueError(
            f"degree {degrees - 1} is lost in rounding in {dimension} dimensions, as d^k exceeds {_MOST_CANCELLED:g}; "
            "ask for fewer degrees"
        )
    found = []
    for degree in range(degrees):
        own, others = np.arange(degree + 1), np.arange(dimension - degree + 1)
        signs = (-1.0) ** own * special.binom(degree, own) / 2.0**degree
        logs = special.gammaln(dimension - degree + 1) - special.gammaln(others + 1)
        logs -= special.gammaln(dimension - degree - others + 1) + (dimension - degree) * np.log(2)
        cosines = 1 - 2 * (own[:, None] + others) / dimension
        found.append(float(signs @ profile(cosines) @ np.exp(logs)))
    return _spectrum(profile, found, [float(special.binom(dimension, degree)) for degree in range(degrees)])


def harmonics(dimension: int, degree: int) -> float:
    """How many independent spherical harmonics of a degree there are: N = (2 l + d - 2) / l binom(l + d - 3, l - 1)."""
    if degree == 0:
        return 1.0
    return float((2 * degree + dimension - 2) / degree * special.binom(degree + dimension - 3, degree - 1))


def _spectrum(profile: Profile, eigenvalues: Sequence[float], multiplicities: Sequence[float]) -> Spectrum:
    sizes = np.array(multiplicities)
    trace = float(np.real(profile(np.ones(1)))[0])
    least = int(np.argmin(np.array(eigenvalues) * sizes))
    if eigenvalues[least] * sizes[least] < -_ROUNDING * trace:
        raise ValueError(
            f"the profile is no kernel in this dimension: its eigenvalue of degree {least} is {eigenvalues[least]:.3g}"
        )
    values = np.maximum(np.array(eigenvalues), 0.0)
    return Spectrum(values, sizes, max(trace - float(values @ sizes), 0.0))


def _check(dimension: int, degrees: int, most: int) -> None:
    if not is_whole(dimension, _FEWEST_DIMENSIONS):
        raise ValueError(
            f"a spectrum is computed from {_FEWEST_DIMENSIONS} dimensions on, where 64 powers of the cosine are "
            f"enough; got {dimension!r}"
        )
    if not is_whole(degrees, 1, most):
        raise ValueError(f"degrees are counted from one up to {most}; got {degrees!r}")
