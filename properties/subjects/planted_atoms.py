"""Particles with positive weights on a circle that look for planted atoms, by gradient descent with a penalty.

A particle at angle t and of weight w is the neuron w exp(4 (cos(x - t) - 1)) of an input at angle x. Targets are the
sum of a few such neurons, the atoms, with noise. The penalty is the total weight, which is the total variation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]

ATOMS: Final = 3
INPUTS: Final = 32
SHARPNESS: Final = 4.0
RATE: Final = 0.5
"""Of a unit in which the curvature of one weight is one."""
RELAXATIONS: Final = 18.0
"""Steps times the penalty: what is superfluous loses its weight in about one over the penalty."""
_CIRCLE: Final = 2 * np.pi * np.arange(INPUTS) / INPUTS


@dataclass(frozen=True, eq=False)
class Planted:
    """Independent problems: angles [problem, atom] of the atoms, about evenly spaced, and targets [problem, input]."""

    angles: FloatArray
    targets: FloatArray


def neurons(angles: FloatArray) -> FloatArray:
    """Values [..., input] of neurons of weight one at these angles [...]."""
    return np.asarray(np.exp(SHARPNESS * (np.cos(_CIRCLE - angles[..., None]) - 1)))


def planted(noise: float, rngs: Sequence[np.random.Generator]) -> Planted:
    """A problem a generator, with atoms of weights from 0.7 to 1.3 and normal noise of this standard deviation."""
    turns = np.stack([rng.uniform(0, 2 * np.pi) + rng.uniform(-0.3, 0.3, ATOMS) for rng in rngs])
    angles = turns + 2 * np.pi * np.arange(ATOMS) / ATOMS
    weights = np.stack([rng.uniform(0.7, 1.3, ATOMS) for rng in rngs])
    errors = noise * np.stack([rng.standard_normal(INPUTS) for rng in rngs])
    return Planted(angles, np.einsum("sa,sap->sp", weights, neurons(angles)) + errors)


def recovered(
    problem: Planted, particles: int, penalty: float, rngs: Sequence[np.random.Generator], *, moving: bool = True
) -> tuple[FloatArray, FloatArray]:
    """Angles and weights [problem, particle] after descent on half the mean squared error and the penalty.

    Weights are multiplied by the exponential of minus twice the rate times their gradient, and angles go down a
    quarter of theirs per weight: conic particle gradient descent (Chizat 2019, arXiv:1907.10300; the form of the
    steps from memory). Particles start evenly spaced from a random angle, with equal weights. Unless moving, they stay.
    """
    start = np.stack([rng.uniform(0, 2 * np.pi) for rng in rngs])
    angles = start[:, None] + 2 * np.pi * np.arange(particles) / particles
    weights = np.full(angles.shape, ATOMS / particles)
    rate = RATE / float(np.mean(neurons(np.zeros(1)) ** 2))
    for _ in range(math.ceil(RELAXATIONS / penalty)):
        values = neurons(angles)
        residuals = (np.einsum("sn,snp->sp", weights, values) - problem.targets) / INPUTS
        slopes = np.einsum("snp,sp->sn", values, residuals) + penalty
        if moving:
            sines = np.sin(_CIRCLE - angles[..., None])
            angles = angles - rate * np.einsum("snp,snp,sp->sn", values, sines, residuals)
        weights = weights * np.exp(-2 * rate * slopes)
    return angles, weights


def error_in_atoms(problem: Planted, angles: FloatArray, weights: FloatArray) -> FloatArray:
    """Distance [problem] of particles to the nearest atom, and of atoms to the nearest particle, added.

    Both are root mean squares. The former is weighted by the particles' weights; for the latter particles with a
    hundredth of the weight count.
    """
    apart = angles[:, :, None] - problem.angles[:, None]
    squares = ((apart + np.pi) % (2 * np.pi) - np.pi) ** 2
    shares = weights / weights.sum(axis=1, keepdims=True)
    found = (shares * squares.min(axis=2)).sum(axis=1)
    missed = np.where(shares[:, :, None] > 0.01, squares, np.inf).min(axis=1).mean(axis=1)
    return np.asarray(np.sqrt(found) + np.sqrt(missed))
