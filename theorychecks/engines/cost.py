"""What a training costs by an engine, and how long that takes on a machine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from theorychecks.networks import Training


class Cost(NamedTuple):
    """One network's training, observables aside.

    Attributes:
        flops: floating-point operations of matrix products, those inside an optimizer's step aside.
        normals: random numbers drawn.
        bytes: memory at the peak, with what observables of weights, features and outputs at the first and the last time
            take; tangent kernels of many inputs take more.
    """

    flops: float
    normals: float
    bytes: int


@dataclass(frozen=True)
class Rates:
    """What an engine does on a machine.

    Attributes:
        normals: random numbers drawn in a second.
        flops: (width, batch, floating-point operations in a second), of trainings of that size.
    """

    normals: float
    flops: tuple[tuple[int, int, float], ...]

    def seconds(self, cost: Cost, width: int, batch: int) -> float:
        """How long a training takes, its rate taken from trainings of similar size."""
        return cost.flops / self._rate(width, batch) + cost.normals / self.normals

    def _rate(self, width: int, batch: int) -> float:
        """Geometric mean of known rates, weighted by inverse squared distance in log size."""
        total = weights = 0.0
        for known_width, known_batch, rate in self.flops:
            distance = math.log(width / known_width) ** 2 + math.log(batch / known_batch) ** 2
            weight = 1 / (distance + 1e-9)
            total, weights = total + weight * math.log(rate), weights + weight
        return math.exp(total / weights)


def itemsize(training: Training) -> int:
    """Bytes of a number."""
    return {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}[training.dtype]


def batch_size(training: Training) -> int:
    """Samples a step."""
    return training.batch_size or training.data.samples


def activation_numbers(training: Training, width: int) -> int:
    """Numbers that one network's preactivations and features hold, at both ends of the training and in a step."""
    data = training.data
    points = 2 * data.samples + 2 * data.test_samples + 2 * batch_size(training)
    return 2 * training.network.depth * width * points
