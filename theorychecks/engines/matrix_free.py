"""The matrix-free engine: networks of any width, exact in law, without a matrix whose both sides are wide.

Hidden matrices are `GaussianMatrix`, known by their products with what training sends through them; the input matrix and the
readout have one narrow side and are stored. Training takes O(n (BT)^2) time and O(n BT) memory for T steps of batch B at
width n, where stored matrices take O(n^2 BT) and O(n^2).

A seed stands for one network of the same law as the dense engine's, not for the same network; and since what is drawn of
it depends on what is asked, two trainings of one seed (at two learning rates, say) are two networks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from theorychecks.engines.conditioning import FreshGaussians, GaussianProducts
from theorychecks.engines.dense import DenseMatrix
from theorychecks.engines.descent import Limits, Task, descend
from theorychecks.engines.gaussian import GaussianMatrix
from theorychecks.engines.matrix import Matrix, Tally
from theorychecks.engines.randomness import fill, generator
from theorychecks.engines.trained import TrainedRun
from theorychecks.networks import Training

NAME = "matrix_free"


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
        raise ValueError(f"the matrix_free engine cannot do this: {reason}. Use engine='dense'.")
    task = Task.of(training, width, seeds, times, limits, device)
    tally = Tally() if tally is None else tally
    tally.trainings += len(seeds)
    factors = None if rate_factors is None else rate_factors.to(task.inputs)
    capacity = queries(training)
    matrices: list[Matrix] = []
    for layer in task.layers:
        own = [generator("matrix_free", root_seed, layer.name, width, seed) for seed in seeds]
        if layer.role == "hidden":
            norms = [generator("matrix_free norms", root_seed, layer.name, width, seed) for seed in seeds]
            shape = (layer.fan_out, layer.fan_in)
            source = FreshGaussians(own)
            products = GaussianProducts(len(seeds), shape, capacity, source, like=task.inputs, tally=tally)
            matrices.append(GaussianMatrix(layer, products, training, factors, norms))
        else:
            weights = torch.empty(len(seeds), layer.fan_out, layer.fan_in, dtype=task.inputs.dtype)
            for matrix, its in zip(weights, own, strict=True):
                fill(matrix, "gaussian", its)
            weights = weights.mul_(layer.init).to(device)
            matrices.append(DenseMatrix(layer, weights, training, factors, tally))
    run = TrainedRun(training, width, tuple(seeds), root_seed, matrices, task.inputs, task.test_inputs)
    descend(run, task, limits)
    return run


def unable(training: Training) -> str | None:
    """Why a training cannot be represented here, or nothing."""
    if training.optimizer.name != "sgd":
        return (
            f"{training.optimizer.name} acts on each entry of a weight, and no sum of few outer products is left of "
            "its updates"
        )
    if training.network.entries != "gaussian":
        return f"initial weights with {training.network.entries} entries have no conditional law in closed form"
    return None


def queries(training: Training) -> tuple[int, int]:
    """How many directions training asks of a hidden matrix, forward and backward, evaluations on test inputs aside."""
    batch = training.batch_size or training.data.samples
    evaluations = 0 if batch == training.data.samples else 2 * training.data.samples
    return batch * (training.steps + 1) + evaluations, batch * training.steps
