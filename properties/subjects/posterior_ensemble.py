"""Ensembles of wide networks that model noise, and the posterior of the Gaussian process that they sample.

He, Lakshminarayanan and Teh (2020, arXiv:2007.05864) add to a network f(x, theta) a function that is not trained,
delta(x) = df(x, theta_0) v, with v independent standard normal for all layers but the readout and zero for it. At the
start f + delta has the tangent kernel as its covariance. Targets get noise of variance s, and

    1/2 sum_x (f(x) + delta(x) - y(x) - s^(1/2) xi(x))^2 + s/2 |theta - theta_0|^2

is descended: in the limit of infinite width each member is one sample of the posterior of a Gaussian process with that
kernel and that noise. Networks are in the NTK parametrization: standard normal weights, every layer times the
activation's gain and over fan_in^1/2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from theorychecks.kernels.analytic import analytic_kernels
from theorychecks.networks import Activation, Teacher

Randomised = Literal["targets and prior", "targets", "nothing"]
"""What members differ in, besides their initial weights."""
_NUMBERS_TOGETHER = 2**18
"""Of the largest matrix of all members that are trained at once: they stay in the cache."""
_TIME = 8.0
"""Of descent, in units of the slowest mode's: what is left of it is a three-thousandth."""


@dataclass(frozen=True)
class Posterior:
    """Of a Gaussian process at test inputs.

    Attributes:
        mean: [Q].
        variance: of the function, without the noise of a new observation, [Q].
        noise: variance of an observation.
        largest, smallest: eigenvalues of the kernel on the training inputs, plus the variance of the noise.
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    noise: float
    largest: float
    smallest: float


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """Networks that are trained on the same data, each for itself.

    Attributes:
        data: with one output.
        activation: of the hidden layers.
        depth: how many of them.
        noise: variance of the targets' noise, and strength of the ridge towards the initial weights, in units of the
            process's variance at the training inputs.
        randomised: what members differ in.
    """

    data: Teacher
    activation: Activation
    depth: int
    noise: float
    randomised: Randomised = "targets and prior"

    def posterior(self) -> Posterior:
        """With the tangent kernel of infinite width (Rasmussen and Williams 2006, Eqs. 2.23 and 2.24)."""
        drawn = self.data.draw()
        both = np.concatenate([drawn.inputs, drawn.test_inputs])
        kernel = analytic_kernels(
            both, depth=self.depth, activation=self.activation.name, weight_variance=self.activation.gain**2
        ).ntk
        seen = self.data.samples
        noise = self.noise * float(np.diag(kernel)[:seen].mean())
        train = kernel[:seen, :seen] + noise * np.eye(seen)
        smoother = np.linalg.solve(train, kernel[:seen, seen:]).T
        eigenvalues = np.linalg.eigvalsh(train)
        return Posterior(
            mean=smoother @ drawn.targets[:, 0],
            variance=np.diag(kernel[seen:, seen:] - smoother @ kernel[:seen, seen:]).copy(),
            noise=noise,
            largest=float(eigenvalues[-1]),
            smallest=float(eigenvalues[0]),
        )

    def predictions(self, width: int, members: int, generator: torch.Generator) -> Tensor:
        """Of trained members at the test inputs, [member, Q]."""
        largest = width * (width if self.depth > 1 else self.data.dimension)
        limit = self.posterior()
        together = max(_NUMBERS_TOGETHER // largest, 1)
        batches = [min(together, members - start) for start in range(0, members, together)]
        return torch.cat([self._batch(limit, width, count, generator) for count in batches])

    def _batch(self, limit: Posterior, width: int, members: int, generator: torch.Generator) -> Tensor:
        drawn, seen = self.data.draw(), self.data.samples
        both = torch.from_numpy(np.concatenate([drawn.inputs, drawn.test_inputs])).float()
        initial = self._normal(width, members, generator)
        added = self._prior(initial, both, generator)
        noise = torch.randn((members, seen), generator=generator) * math.sqrt(limit.noise)
        targets = torch.from_numpy(drawn.targets[:, 0]).float() - added[:, :seen]
        if self.randomised != "nothing":
            targets = targets + noise
        trained = self._descended(limit, initial, both[:seen], targets)
        return self.outputs(trained, both[seen:]) + added[:, seen:]

    def outputs(self, weights: list[Tensor], inputs: Tensor) -> Tensor:
        """Of networks at inputs [P, d], [member, P]."""
        values = inputs
        for matrix in weights[:-1]:
            values = self.activation.function(values @ matrix * self._multiplier(matrix))
        return (values @ weights[-1]).squeeze(-1) * self._multiplier(weights[-1])

    def derivative(self, weights: list[Tensor], direction: list[Tensor], inputs: Tensor) -> Tensor:
        """Of the outputs at inputs [P, d] along a direction in the weights, [member, P]."""
        values, change = inputs, torch.zeros_like(inputs)
        for matrix, moved in zip(weights[:-1], direction[:-1], strict=True):
            multiplier = self._multiplier(matrix)
            before, changed = values @ matrix * multiplier, (change @ matrix + values @ moved) * multiplier
            values, change = self.activation.function(before), self.activation.derivative(before) * changed
        return (change @ weights[-1] + values @ direction[-1]).squeeze(-1) * self._multiplier(weights[-1])

    def gradient(self, weights: list[Tensor], inputs: Tensor, targets: Tensor) -> list[Tensor]:
        """Of half the sum of squared residuals at inputs [P, d] and targets [member, P]."""
        befores, values = [], [inputs.expand(len(targets), *inputs.shape)]
        for matrix in weights[:-1]:
            befores.append(values[-1] @ matrix * self._multiplier(matrix))
            values.append(self.activation.function(befores[-1]))
        outputs = (values[-1] @ weights[-1]).squeeze(-1) * self._multiplier(weights[-1])
        pull, slopes = (outputs - targets)[:, :, None], list[Tensor]()
        for matrix, value, before in zip(reversed(weights), reversed(values), [*reversed(befores), None], strict=True):
            pull = pull * self._multiplier(matrix)
            slopes.insert(0, value.mT @ pull)
            if before is not None:
                pull = pull @ matrix.mT * self.activation.derivative(before)
        return slopes

    def _multiplier(self, matrix: Tensor) -> float:
        return self.activation.gain / math.sqrt(matrix.shape[1])

    def _normal(self, width: int, members: int, generator: torch.Generator) -> list[Tensor]:
        """Matrices of all layers, [member, fan in, fan out]."""
        sizes = [self.data.dimension, *[width] * self.depth, 1]
        return [torch.randn((members, rows, columns), generator=generator) for rows, columns in pairwise(sizes)]

    def _prior(self, initial: list[Tensor], inputs: Tensor, generator: torch.Generator) -> Tensor:
        """delta, at inputs [P, d], [member, P]; zero where there is none."""
        direction = self._normal(initial[-1].shape[1], len(initial[0]), generator)
        direction[-1] = torch.zeros_like(direction[-1])
        if self.randomised != "targets and prior":
            direction = [torch.zeros_like(matrix) for matrix in direction]
        return self.derivative(initial, direction, inputs)

    def _descended(self, limit: Posterior, initial: list[Tensor], inputs: Tensor, targets: Tensor) -> list[Tensor]:
        """Weights after gradient descent with the ridge; the step is one over the largest curvature."""
        weights, rate = [matrix.clone() for matrix in initial], 1 / limit.largest
        for _ in range(math.ceil(_TIME * limit.largest / limit.smallest)):
            slopes = self.gradient(weights, inputs, targets)
            for matrix, slope, start in zip(weights, slopes, initial, strict=True):
                matrix.lerp_(start, rate * limit.noise).sub_(slope, alpha=rate)
        return weights
