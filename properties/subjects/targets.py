"""Targets on the sphere with a known power in each degree: of one direction, or of many."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from properties.subjects.harmonics import FloatArray, harmonics
from theorychecks.networks.data import Draw


def zonal_harmonic(cosines: ArrayLike, degree: int, dimension: int) -> FloatArray:
    """The harmonic of a degree that depends on one direction, of mean square one on the sphere.

    It is the square root of the number of harmonics times Gegenbauer's polynomial, scaled to be one at cosine one.

    Raises:
        ValueError: for a degree below zero, or fewer than three dimensions.
    """
    if degree < 0 or dimension < 3:
        raise ValueError(f"a harmonic has degree 0 or more, in 3 dimensions or more; got {degree} in {dimension}")
    order = dimension / 2 - 1
    values = special.eval_gegenbauer(degree, order, np.asarray(cosines, dtype=np.float64))
    return np.asarray(values / special.eval_gegenbauer(degree, order, 1.0) * math.sqrt(harmonics(dimension, degree)))


def on_sphere(count: int, dimension: int, rng: np.random.Generator) -> FloatArray:
    """Uniform points [count, dimension] of squared norm `dimension`."""
    points = rng.standard_normal((count, dimension))
    return np.asarray(points * math.sqrt(dimension) / np.linalg.norm(points, axis=1, keepdims=True))


@dataclass(frozen=True, kw_only=True)
class HarmonicTarget:
    """Inputs uniform on the sphere; the target has equal power in some degrees.

    Its mean square over inputs is one: exactly for one direction, in the mean over draws for several.

    Attributes:
        dimension, samples, test_samples: sizes.
        degrees: of the harmonics that the target is made of.
        directions: that it depends on. A target of one direction has a structure that features can find; with several
            times as many as dimensions it is a random harmonic of its degrees, and has none.
        seed: of the draw.
    """

    dimension: int
    samples: int
    test_samples: int = 500
    degrees: tuple[int, ...] = (2, 4)
    directions: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        sizes = (self.samples, self.test_samples, self.directions)
        repeated = len(set(self.degrees)) < len(self.degrees)
        if self.dimension < 3 or min(sizes) < 1 or not self.degrees or min(self.degrees) < 0 or repeated:
            raise ValueError(
                f"sizes are positive, degrees not negative and each named once, dimensions three or more; got {self}"
            )

    @property
    def outputs(self) -> int:
        """One output."""
        return 1

    @property
    def classes_are_targets(self) -> bool:
        """Targets are real numbers."""
        return False

    def draw(self) -> Draw:
        """Draw inputs and directions; the targets at test inputs are `test_targets`."""
        inputs, targets = self._all()
        return Draw(inputs[: self.samples], targets[: self.samples], inputs[self.samples :])

    def test_targets(self) -> FloatArray:
        """The target at test inputs, [Q, 1]."""
        return self._all()[1][self.samples :]

    def _all(self) -> tuple[FloatArray, FloatArray]:
        rng = np.random.default_rng([self.seed, 11])
        inputs = on_sphere(self.samples + self.test_samples, self.dimension, rng)
        directions = on_sphere(self.directions, self.dimension, rng)
        signs = rng.choice([-1.0, 1.0], size=self.directions)
        cosines = np.clip(inputs @ directions.T / self.dimension, -1, 1)
        parts = [zonal_harmonic(cosines, degree, self.dimension) @ signs for degree in self.degrees]
        total = sum(part / math.sqrt(self.directions * len(self.degrees)) for part in parts)
        return inputs, np.asarray(total)[:, None]
