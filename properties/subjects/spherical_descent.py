"""One neuron that descends on the sphere, a fresh sample a step, towards a target of one direction."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from properties.subjects.harmonics import FloatArray, Profile, power_series_profile

_BLOCK: Final = 1024  # steps whose random numbers are drawn at once


@dataclass(frozen=True)
class NeuronActivation:
    """An activation with its derivative and its coefficients in normalised Hermite polynomials.

    Attributes:
        name: what reports call it.
        slope: its derivative, of an array of preactivations.
        coefficient: by degree.
    """

    name: str
    slope: Callable[[Any], Any]
    coefficient: Callable[[int], float]

    def size_of_slope(self, powers: int = 32) -> float:
        """Mean square of the derivative under the normal law."""
        return math.fsum(j * self.coefficient(j) ** 2 for j in range(powers))

    def tangent_kernel_profile(self, powers: int = 32) -> Profile:
        """The profile of the infinitely wide network's NTK, both layers trained, on a sphere of radius sqrt(d).

        With c_j the coefficients, that of the readout is sum_j c_j^2 t^j by Mehler's formula, and that of the first
        layer t times the same of the derivative, sum_j j c_j^2 t^j (derived here).
        """
        return power_series_profile([(j + 1) * self.coefficient(j) ** 2 for j in range(powers)])


def hermite(values: FloatArray, degree: int) -> FloatArray:
    """The Hermite polynomial of mean square one under the normal law, by its recursion."""
    before, now = np.ones_like(values), values if degree else np.ones_like(values)
    for j in range(1, degree):
        before, now = now, values * now - j * before
    return now / math.sqrt(math.factorial(degree))


def matched(degree: int) -> NeuronActivation:
    """The Hermite polynomial of a degree: the neuron can be the target."""
    return NeuronActivation(
        f"Hermite {degree}",
        lambda values: math.sqrt(degree) * hermite(values, degree - 1),
        lambda j: float(j == degree),
    )


def sine() -> NeuronActivation:
    """sqrt(2) sin(z + pi / 4), with every degree: c_j^2 = 1 / (e j!), from the characteristic function."""
    return NeuronActivation(
        "sine",
        lambda values: math.sqrt(2) * np.cos(values + math.pi / 4),
        lambda j: (-1) ** (j // 2) * math.exp(-0.5) / math.sqrt(math.factorial(j)),
    )


def search_rate(activation: NeuronActivation, rate: float) -> float:
    """By how much log m grows in d samples while the overlap m is small, for a target of degree two.

    The drift 2 |c_2| rate m, less what normalising takes, rate^2 E g^2 / 2 with E g^2 = E sigma'^2 (derived here).
    """
    return 2 * abs(activation.coefficient(2)) * rate - rate**2 * activation.size_of_slope() / 2


def samples_to_overlap(
    dimension: int,
    degree: int,
    activation: NeuronActivation,
    *,
    rate: float,
    rngs: Sequence[np.random.Generator],
    most: int,
    overlap: float = 0.5,
    reuse: bool = False,
) -> FloatArray:
    """Samples until a neuron's direction has this overlap, up to its sign, with the target's; one run a generator.

    The target is y = h_k(u.x) of normal x in d dimensions, the loss -y a sigma(w.x), with a the sign of sigma's
    coefficient of degree k, and a step is w <- w - (rate / d) grad, then w <- w / |w|, with the part of the gradient
    along w left out, as in Ben Arous, Gheissari and Jagannath (2021). Initial directions are uniform, and on the
    target's side where k exceeds one.
    A run is known by its overlap m alone: of a sample only the coordinates along w and along the target's part
    orthogonal to it, both normal, and the squared length of the rest, a chi-square number, enter a step. So runs are
    exact in law at a cost that does not grow with the dimension (derived here; tests/subjects compares).

    Args:
        dimension: three or more.
        degree: k, the information exponent of the loss.
        activation: sigma.
        rate: positive.
        rngs: of the runs.
        most: samples after which a run counts as infinite.
        overlap: between zero and one.
        reuse: whether each sample has a second step, by the gradient after the first; both are made before w is
            normalised.

    Raises:
        ValueError: if the activation has nothing of the degree, which the neuron then never learns.
    """
    if (coefficient := activation.coefficient(degree)) == 0:
        raise ValueError(f"{activation.name} has no part of degree {degree}; choose an activation that has")
    readout, step = math.copysign(1.0, coefficient), rate / dimension
    found, left = np.full(len(rngs), math.inf), np.arange(len(rngs))
    start = np.stack([rng.standard_normal(2) for rng in rngs])
    rest = np.array([rng.chisquare(dimension - 1) for rng in rngs])
    cosines = start[:, 0] / np.sqrt(start[:, 0] ** 2 + rest)
    if degree > 1:
        cosines = np.abs(cosines)
    for done in range(0, most, _BLOCK):
        along, across = np.stack([rngs[k].standard_normal((2, _BLOCK)) for k in left.tolist()], axis=2)
        lengths = across**2 + np.stack([rngs[k].chisquare(dimension - 2, _BLOCK) for k in left.tolist()], axis=1)
        slopes, path = readout * activation.slope(along), np.empty_like(along)
        for t in range(_BLOCK):
            sines = np.sqrt(1 - cosines * cosines)
            target = hermite(cosines * along[t] + sines * across[t], degree)
            pull = step * target * slopes[t]
            if reuse:
                moved = along[t] + pull * (along[t] ** 2 + lengths[t])
                pull = pull + step * target * readout * activation.slope(moved)
            cosines = (cosines + pull * sines * across[t]) / np.sqrt(1 + pull * pull * lengths[t])
            path[t] = cosines
        reached = np.abs(path) >= overlap
        first, arrived = done + 1 + reached.argmax(axis=0), reached.any(axis=0)
        found[left] = np.where(arrived & (first <= most), first, math.inf)
        left, cosines = left[~arrived], cosines[~arrived]
        if not len(left):
            break
    return found
