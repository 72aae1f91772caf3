"""Two Gaussian clouds at opposite places, and how much worse than the best classifier another one is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]
_NEAREST: Final = 1e-5
"""How close to the best boundary inputs are drawn, in units of the separation; what is nearer counts by its square."""


@dataclass(frozen=True, kw_only=True)
class SymmetricMixture:
    """x = separation y s + spread z with labels y = +-1, z standard normal, and s the first axis.

    Attributes:
        dimension: of x.
        separation: kappa, half the distance of the clouds' centres.
        spread: sigma, of each cloud in each direction.
    """

    dimension: int = 50
    separation: float = 1.0
    spread: float = 0.5

    def __post_init__(self) -> None:
        if self.dimension < 1 or not self.separation > 0 or not self.spread > 0:
            raise ValueError(f"dimension, separation and spread are positive; got {self}")

    def draw(
        self, samples: int, generators: Sequence[np.random.Generator], *, first: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Inputs [seed, sample, dimension] and labels [seed, sample].

        Args:
            samples: of both classes.
            generators: one a seed.
            first: how many of them have label +1; half unless given.

        Raises:
            ValueError: unless both classes have a sample.
        """
        positive = samples // 2 if first is None else first
        if not 0 < positive < samples:
            raise ValueError(f"both classes have one sample or more; got {positive} of {samples} in the first")
        labels = np.where(np.arange(samples) < positive, 1.0, -1.0)
        inputs = self.spread * np.stack([rng.standard_normal((samples, self.dimension)) for rng in generators])
        inputs[:, :, 0] += self.separation * labels
        return torch.from_numpy(inputs), torch.from_numpy(np.tile(labels, (len(generators), 1)))

    def excess_error(
        self, outputs: Callable[[Tensor], Tensor], samples: int, generators: Sequence[np.random.Generator]
    ) -> Tensor:
        """Error probability of the sign of an output, less that of the best classifier, the sign of s . x, [seed].

        Both err where they agree, so only inputs on which they differ count, each by |p(x | +) - p(x | -)| / 2. Along s
        inputs are drawn evenly in log |s . x|, where that weight is small and most differences are.

        Args:
            outputs: from inputs [seed, sample, dimension] to [seed, sample].
            samples: drawn a seed.
            generators: one a seed.
        """
        furthest = self.separation + 5 * self.spread
        log_range = math.log(furthest / (_NEAREST * self.separation))
        inputs = self.spread * np.stack([rng.standard_normal((samples, self.dimension)) for rng in generators])
        size = furthest * np.exp(-log_range * np.stack([rng.random(samples) for rng in generators]))
        side = np.where(np.arange(samples) % 2, -1.0, 1.0)
        inputs[:, :, 0] = side * size
        weight = (
            size * log_range * np.abs(self._density(size - self.separation) - self._density(size + self.separation))
        )
        differs = outputs(torch.from_numpy(inputs)).numpy() * side <= 0
        # Either side is drawn with probability one half, which cancels the half of the weight.
        return torch.from_numpy((weight * differs).mean(axis=1))

    def _density(self, place: Array) -> Array:
        return np.asarray(np.exp(-0.5 * (place / self.spread) ** 2) / (self.spread * math.sqrt(2 * math.pi)))
