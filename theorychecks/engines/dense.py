"""The dense engine: all seeds of a width advance together as batched matrix products.

Numbers do not depend on how seeds are chunked, up to rounding: each seed draws its weights from a generator of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from theorychecks.engines.cost import Cost, activation_numbers, batch_size, itemsize
from theorychecks.engines.descent import Task, descend
from theorychecks.engines.matrix import Tally
from theorychecks.engines.narrow import NarrowMatrix
from theorychecks.engines.run import Limits, Norm
from theorychecks.engines.spectral import norm_of
from theorychecks.engines.trained import TrainedRun
from theorychecks.networks import Entries, Layer, LayerRole, Training
from theorychecks.networks.randomness import fill, generator

_COPIES = 4
"""Of the weights: now, at the start, and what norms of their change need."""


def train(
    training: Training,
    width: int,
    seeds: Sequence[int],
    *,
    times: Sequence[int] | None = None,
    rate_factors: Tensor | None = None,
    root_seed: int = 0,
    device: str = "cpu",
    limits: Limits | None = None,
    tally: Tally | None = None,
) -> TrainedRun:
    """Train all seeds of one width.

    Args:
        training: what to train.
        width: of the hidden layers.
        seeds: non-negative integers, one a network.
        times: update counts at which weights are kept, 0 in any case; the first and the last by default; with `()`
            no weights are kept at all, and the histories alone can be read.
        rate_factors: [seed], a factor on each seed's learning rates.
        root_seed: another one gives other networks everywhere.
        device: a torch device.
        limits: sizes beyond which a seed is trained no further; needs `times=()`.
        tally: counts the work.

    Raises:
        ValueError: for no seeds, negative seeds, times outside 0..steps, or limits and times at once.
    """
    task = Task.of(training, width, seeds, times, limits, device)
    tally = Tally() if tally is None else tally
    tally.trainings += len(seeds)
    weights = initial_weights(
        task.layers,
        seeds,
        dtype=task.inputs.dtype,
        entries=training.network.entries,
        doubled=training.network.doubled,
        root_seed=root_seed,
        device=device,
    )
    factors = None if rate_factors is None else rate_factors.to(task.inputs)
    # A narrow matrix costs nothing to keep apart from its change, which may be far below its rounding.
    apart = training.optimizer.heavy_ball is not None
    matrices = [
        (NarrowMatrix if apart and layer.role != "hidden" else DenseMatrix)(layer, weight, training, factors, tally)
        for layer, weight in zip(task.layers, weights, strict=True)
    ]
    run = TrainedRun(training, width, tuple(seeds), root_seed, matrices, task.inputs, task.test_inputs)
    descend(run, task, limits)
    return run


def unable(training: Training) -> str | None:
    """Why a training cannot be represented here: never."""
    return None


def cost(training: Training, width: int) -> Cost:
    """What one network costs."""
    data, batch, optimizer = training.data, batch_size(training), training.optimizer
    layers = training.network.layers(width, inputs=data.dimension, outputs=data.outputs)
    sizes = [layer.fan_in * layer.fan_out for layer in layers]
    narrow = sizes[0] + sizes[-1] if optimizer.heavy_ball is not None else 0
    forward, below = 2.0 * batch * (sum(sizes) + narrow), 2.0 * batch * (sum(sizes[1:]) + (sizes[-1] if narrow else 0))
    # Plain gradients go into the weights without a copy.
    copies = _COPIES + optimizer.copies + (optimizer.heavy_ball != 0)
    copies += bool(training.ridge.strength and training.ridge.towards == "init")
    return Cost(
        flops=(training.steps + 1) * forward + training.steps * (2.0 * batch * sum(sizes) + below),
        normals=float(sum(sizes)),
        bytes=(copies * sum(sizes) + activation_numbers(training, width)) * itemsize(training),
    )


def initial_weights(
    layers: Sequence[Layer],
    seeds: Sequence[int],
    *,
    dtype: torch.dtype,
    entries: Entries = "gaussian",
    doubled: bool = False,
    root_seed: int = 0,
    device: str = "cpu",
) -> list[Tensor]:
    """Trainable matrices at initialisation, [seed, fan_out, fan_in] each.

    A seed's numbers depend on the shapes, the seed and the root seed alone: not on the parametrization, so that two
    parametrizations can be compared on the same draw, nor on the other seeds. A doubled network's are those of one of
    half the width, twice.
    """
    shapes = [(layer.fan_out, layer.fan_in) for layer in layers]
    if doubled:
        halves = {"input": (2, 1), "hidden": (2, 2), "output": (1, 2)}
        shapes = [(layer.fan_out // halves[layer.role][0], layer.fan_in // halves[layer.role][1]) for layer in layers]
    weights = [torch.empty(len(seeds), *shape, dtype=dtype) for shape in shapes]
    for position, seed in enumerate(seeds):
        own = generator("weights", root_seed, shapes, seed)
        for matrix in weights:
            fill(matrix[position], entries, own)
    if doubled:
        weights = [_twice(matrix, layer.role) for matrix, layer in zip(weights, layers, strict=True)]
    return [matrix.mul_(layer.init).to(device) for matrix, layer in zip(weights, layers, strict=True)]


def _twice(half: Tensor, role: LayerRole) -> Tensor:
    """A role's matrices of two equal copies of a network beside each other, with opposite readouts."""
    if role == "input":
        return torch.cat([half, half], dim=1)
    if role == "output":
        return torch.cat([half, -half], dim=2)
    # A copy sees its own half alone, so that half as many terms make up the same variance.
    nought = torch.zeros_like(half)
    blocks = torch.cat([torch.cat([half, nought], dim=2), torch.cat([nought, half], dim=2)], dim=1)
    return blocks.mul_(math.sqrt(2))


class DenseMatrix:
    """A `Matrix` that is stored, [seed, fan_out, fan_in]."""

    def __init__(self, layer: Layer, weights: Tensor, training: Training, factors: Tensor | None, tally: Tally) -> None:
        self.layer = layer
        self.weights = weights
        self.optimizer = training.optimizer
        self.decay = training.ridge.strength
        self.factors = None if factors is None else factors[:, None, None]
        self.tally = tally
        self._kept: dict[int, Tensor] = {}
        self._nought = weights.new_zeros(1, 1, 1)
        self._anchor = weights.clone() if self.decay and training.ridge.towards == "init" else None
        self._state = [torch.zeros_like(weights) for _ in range(self.optimizer.copies)]
        self._steps = 0

    def forward(self, features: Tensor) -> Tensor:
        """W times features, now."""
        return self._product(features, self.weights.mT)

    def backward(self, gradients: Tensor) -> Tensor:
        """W transposed times gradients, now."""
        return self._product(gradients, self.weights)

    def descend(self, gradients: Tensor, features: Tensor, rate: float) -> None:
        """One step of the optimizer."""
        self._steps += 1
        self.tally.flops += 2.0 * gradients.numel() * self.layer.fan_in
        scale = self.layer.multiplier
        if self.optimizer.heavy_ball != 0:
            # gradients are [seed, point, fan_out]: a seed's gradient is their transpose times the features.
            gradient = torch.bmm(gradients.mT, features).mul_(scale)
            if self.decay:
                apart = self.weights if self._anchor is None else self.weights - self._anchor
                gradient.add_(apart, alpha=self.decay)
            self._step(gradient, rate)
            return
        # A step along the gradient itself: the rate rides on the product.
        if self.decay:
            self._shrink(rate)
        if self.factors is not None:
            gradients = self.factors * gradients
        self.weights.baddbmm_(gradients.mT, features, alpha=-rate * scale)

    def keep(self, time: int, *, last: bool) -> None:
        """Record the matrix as it is now."""
        self._kept[time] = self.weights if last else self.weights.clone()

    def select(self, seeds: Tensor) -> None:
        """Go on with some of the seeds."""
        self.weights = self.weights[seeds]
        self.factors = None if self.factors is None else self.factors[seeds]
        self._anchor = None if self._anchor is None else self._anchor[seeds]
        self._state = [kept[seeds] for kept in self._state]

    def values(self, time: int) -> Tensor:
        """W at a recorded time."""
        return self._kept[time] * self.layer.multiplier

    def apply(self, vectors: Tensor, time: int) -> Tensor:
        """W at a recorded time times vectors."""
        return self._product(vectors, self._kept[time].mT)

    def apply_change(self, vectors: Tensor, time: int) -> Tensor:
        """The change of W since time 0 times vectors."""
        return self._product(vectors, (self._kept[time] - self._kept[0]).mT)

    def apply_transpose(self, vectors: Tensor, time: int) -> Tensor:
        """W at a recorded time, transposed, times vectors."""
        return self._product(vectors, self._kept[time])

    def norm(self, norm: Norm, time: int) -> Tensor:
        """Norm of W at a recorded time, [seed]."""
        return norm_of(self._kept[time], norm, self.tally) * self.layer.multiplier

    def change_norm(self, norm: Norm, time: int) -> Tensor:
        """Norm of the change of W since time 0, [seed]."""
        return norm_of(self._kept[time] - self._kept[0], norm, self.tally) * self.layer.multiplier

    def _product(self, left: Tensor, right: Tensor) -> Tensor:
        if self.layer.multiplier == 1:
            return self.tally.bmm(left, right)
        self.tally.flops += 2.0 * left.numel() * right.shape[-1]
        # The multiplier rides on the product; what it is added to is not even read.
        return torch.baddbmm(self._nought, left, right, beta=0, alpha=self.layer.multiplier)

    def _shrink(self, rate: float) -> None:
        """One step of the ridge alone: towards its anchor by a fraction rate * strength."""
        fraction = rate * self.decay
        if self._anchor is None:
            self.weights.mul_(1 - (fraction if self.factors is None else self.factors * fraction))
        else:
            self.weights.lerp_(self._anchor, fraction if self.factors is None else self.factors * fraction)

    def _step(self, gradient: Tensor, rate: float) -> None:
        made = self.optimizer.step(gradient, self._state, self._steps)
        # A tensor of two seeds would unpack just as well.
        if not isinstance(made, tuple):
            raise TypeError(
                f"{type(self.optimizer).__name__}.step returns a direction and a divisor of the rate; got a "
                f"{type(made).__name__}. Write `return direction, 1.0`."
            )
        direction, divisor = made
        rate /= divisor
        if self.factors is None:
            self.weights.add_(direction, alpha=-rate)
        else:
            self.weights.sub_(self.factors * rate * direction)
