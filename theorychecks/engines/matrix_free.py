"""The matrix-free engine: networks of any width, exact in law, without a matrix whose both sides are wide.

Hidden matrices are `GaussianMatrix`, known by their products with what training sends through them; the input matrix
and the readout have one narrow side and are stored. Training takes O(n (BT)^2) time and O(n BT) memory for T steps of
batch B at width n, where stored matrices take O(n^2 BT) and O(n^2).

A seed stands for one network of the same law as the dense engine's, not for the same network; and since what is drawn
of it depends on what is asked, two trainings of one seed (at two learning rates, say) are two networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from theorychecks.engines.conditioning import FreshGaussians, GaussianProducts, Source
from theorychecks.engines.cost import Cost, activation_numbers, batch_size, itemsize
from theorychecks.engines.descent import Task, descend
from theorychecks.engines.gaussian import GaussianMatrix
from theorychecks.engines.matrix import Matrix, Tally
from theorychecks.engines.narrow import NarrowMatrix
from theorychecks.engines.run import Limits
from theorychecks.engines.trained import TrainedRun
from theorychecks.networks import Layer, Training
from theorychecks.networks.randomness import fill, generator


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
    """Train all seeds of one width; arguments as for `dense.train`.

    Raises:
        ValueError: as `dense.train` does, and for what this engine cannot represent: see `unable`.
    """
    reason = unable(training)
    if reason is not None:
        raise ValueError(f"the matrix_free engine cannot do this: {reason}. Use the dense engine.")
    task = Task.of(training, width, seeds, times, limits, device)
    start = FreshNetworks(seeds, width, root_seed, like=task.inputs)
    return train_from(start, training, task, width, seeds, rate_factors, root_seed, limits, tally)


class Start(Protocol):
    """Where initial networks come from."""

    def stored(self, layer: Layer) -> Tensor:
        """A matrix with a narrow side, entries of variance one, [seed, fan_out, fan_in]."""
        ...

    def source(self, layer: Layer) -> Source:
        """Products of a hidden matrix with entries of variance one."""
        ...


class FreshNetworks:
    """A `Start` that draws each seed's network by generators of its own."""

    def __init__(self, seeds: Sequence[int], width: int, root_seed: int, *, like: Tensor) -> None:
        self.place = ("matrix_free", root_seed, width)
        self.seeds = seeds
        self.like = like

    def stored(self, layer: Layer) -> Tensor:
        """A drawn matrix."""
        weights = torch.empty(len(self.seeds), layer.fan_out, layer.fan_in, dtype=self.like.dtype)
        for matrix, own in zip(weights, self._generators(layer), strict=True):
            fill(matrix, "gaussian", own)
        return weights.to(self.like.device)

    def source(self, layer: Layer) -> Source:
        """Products that are drawn when they are asked for."""
        return FreshGaussians(self._generators(layer))

    def _generators(self, layer: Layer) -> list[torch.Generator]:
        return [generator(*self.place, layer.name, seed) for seed in self.seeds]


def train_from(
    start: Start,
    training: Training,
    task: Task,
    width: int,
    seeds: Sequence[int],
    rate_factors: Tensor | None = None,
    root_seed: int = 0,
    limits: Limits | None = None,
    tally: Tally | None = None,
) -> TrainedRun:
    """Train networks that start from elsewhere; see `train`."""
    tally = Tally() if tally is None else tally
    tally.trainings += len(seeds)
    factors = None if rate_factors is None else rate_factors.to(task.inputs)
    matrices: list[Matrix] = []
    for layer in task.layers:
        if layer.role == "hidden":
            shape = (layer.fan_out, layer.fan_in)
            products = GaussianProducts(
                len(seeds), shape, directions(training), start.source(layer), like=task.inputs, tally=tally
            )
            norms = [generator("matrix_free norms", root_seed, width, layer.name, seed) for seed in seeds]
            matrices.append(GaussianMatrix(layer, products, training, factors, norms))
        else:
            matrices.append(NarrowMatrix(layer, start.stored(layer).mul_(layer.init), training, factors, tally))
    run = TrainedRun(training, width, tuple(seeds), root_seed, matrices, task.inputs, task.test_inputs)
    descend(run, task, limits)
    return run


def unable(training: Training) -> str | None:
    """Why a training cannot be represented here, or nothing."""
    if training.optimizer.heavy_ball is None:
        return (
            f"updates by {training.optimizer.name} are no sums of gradients, which are the few outer products that "
            "hidden weights are known by here"
        )
    if training.network.entries != "gaussian":
        return f"initial weights with {training.network.entries} entries have no conditional law in closed form"
    if training.dtype in ("float16", "bfloat16"):
        return f"{training.dtype} rounds every weight, and hidden weights are known here as sums of outer products"
    if training.network.doubled:
        return "a doubled network's hidden matrices hold one Gaussian matrix twice, and are known here by one alone"
    return None


def queries(training: Training) -> int:
    """How wide a network must be for this engine to make sense: as wide as what it asks of a hidden matrix."""
    return max(directions(training))


def directions(training: Training) -> tuple[int, int]:
    """How many directions training asks of a hidden matrix, forward and backward; test inputs aside."""
    batch = batch_size(training)
    evaluations = 0 if batch == training.data.samples else 2 * training.data.samples
    return batch * (training.steps + 1) + evaluations, batch * training.steps


def cost(training: Training, width: int) -> Cost:
    """What one network costs."""
    data, batch, (right, left) = training.data, batch_size(training), directions(training)
    hidden, narrow = training.network.depth - 1, width * (data.dimension + data.outputs)
    # A block of B directions is projected off q known ones twice, drawn given p of the other side, and multiplied out.
    asked = 10.0 * right * (right + batch) / 2 + 8.0 * left * right + 10.0 * left * (left + batch) / 2
    forward = 2.0 * batch * narrow * (3 * training.steps + 1)
    rows = 2 * (right + left) + 2 * data.test_samples + 8 * batch
    numbers = width * (hidden * rows + 4 * (data.dimension + data.outputs)) + activation_numbers(training, width)
    return Cost(
        flops=2.0 * width * hidden * (asked + 4.0 * batch * (right + left)) + forward,
        normals=float(width * hidden * (right + left) + narrow),
        bytes=numbers * itemsize(training),
    )
