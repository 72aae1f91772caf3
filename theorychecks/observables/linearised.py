"""How far a trained network is from its linearisation at initialisation, which gradient descent trains along with it.

The linearised model f_0 + J_0 (theta - theta_0) takes the same steps, on the same batches and the same loss. Its
outputs move by -rate K_0 dL/df, so that it is trained in function space, by the initial tangent kernel alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from theorychecks.engines import Points, Run
from theorychecks.networks import Training
from theorychecks.observables.observable import Observable, Readings, check_option, readings, root_mean_square

Decay = Literal["geometric", "exponential"]


@dataclass(frozen=True)
class LinearisationError(Observable):
    """Distance of the trained function from the linearised model's after the same steps, RMS over outputs and inputs.

    Attributes:
        points: "train" or "test".
    """

    points: Points = "test"
    title = "linearisation error"
    parts = ()

    def __post_init__(self) -> None:
        check_option(self.points, get_args(Points), "points are")

    def read(self, run: Run) -> Readings:
        """One distance."""
        train, test = _linearised(run)
        linear = train if self.points == "train" else test
        return readings(run, root_mean_square(_double(run.outputs(run.steps, self.points)) - linear))


@dataclass(frozen=True)
class ResidualModeError(Observable):
    """Distance of the residual's modes from their decay law, RMS over modes, relative to the initial residual.

    With eigenvectors u_k and eigenvalues lambda_k of the initial tangent kernel over P training inputs, gradient
    descent on the linearised model takes u_k . (f_t - y) to (1 - eta lambda_k / P)^t times its start, and gradient flow
    to exp(-eta lambda_k t / P) times it (Jacot, Gabriel, Hongler 2018, arXiv:1806.07572, Section 5, for the flow). The
    training must be full-batch gradient descent on the squared error.

    Attributes:
        decay: "geometric" for descent, "exponential" for flow.
    """

    decay: Decay = "geometric"
    parts = ()

    def __post_init__(self) -> None:
        check_option(self.decay, get_args(Decay), "a decay is")

    @property
    def title(self) -> str:
        """Which decay."""
        return f"deviation of residual modes from {self.decay} decay"

    def read(self, run: Run) -> Readings:
        """One ratio."""
        values, start, end = residual_modes(run)
        shrunk = _unit(run.training, run.width) / run.training.data.samples * values
        left = (1 - shrunk) ** run.steps if self.decay == "geometric" else torch.exp(-run.steps * shrunk)
        return readings(run, root_mean_square(end - left * start) / root_mean_square(start))


def residual_modes(run: Run) -> tuple[Tensor, Tensor, Tensor]:
    """Eigenvalues of the initial tangent kernel, and the residual along its eigenvectors, first and last.

    Returns:
        Three tensors [seed, P C], in double precision.

    Raises:
        ValueError: unless the training is full-batch gradient descent on the squared error.
    """
    training = run.training
    check_linearisable(training)
    if training.loss.name != "MSE" or training.batch_size not in (None, training.data.samples):
        raise ValueError(
            f"a residual has modes that decay by themselves under full batches and the squared error; got "
            f"{training.loss.name} with batch_size={training.batch_size}. Use MSE and batch_size=None."
        )
    values, vectors = torch.linalg.eigh(_double(run.tangent_kernel(0)))
    targets = torch.as_tensor(training.data.draw().targets, dtype=torch.float64, device=vectors.device)
    start, end = (
        (vectors.mT @ (_double(run.outputs(time)) - targets).flatten(1)[..., None])[..., 0]
        for time in (0, training.steps)
    )
    return values, start, end


def check_linearisable(training: Training) -> None:
    """Refuse what the linearised model is not trained by here.

    Raises:
        ValueError: unless it is gradient descent, without momentum or ridge.
    """
    if training.optimizer.heavy_ball != 0 or training.ridge.strength:
        raise ValueError(
            "the linearised model is trained by plain gradient descent; got "
            f"{training.optimizer!r} and {training.ridge!r}. Use SGD(), and no ridge."
        )


def _linearised(run: Run) -> tuple[Tensor, Tensor]:
    """Outputs of the linearised model after the last step, at training and test inputs, in double precision."""
    training = run.training
    check_linearisable(training)
    train, cross = (_double(run.tangent_kernel(0, rows=rows)) for rows in ("train", "test"))
    outputs, test_outputs = _double(run.outputs(0)), _double(run.outputs(0, "test"))
    targets = torch.as_tensor(training.data.draw().targets, dtype=torch.float64, device=outputs.device)
    size, rate = targets.shape[1], _unit(training, run.width)
    for step in range(training.steps):
        batch = training.batch(step)
        gradient = training.loss.gradient(outputs[:, batch], targets[batch]).flatten(1)[..., None]
        columns = slice(batch.start * size, batch.stop * size)
        outputs = outputs - rate * (train[..., columns] @ gradient).reshape(outputs.shape)
        test_outputs = test_outputs - rate * (cross[..., columns] @ gradient).reshape(test_outputs.shape)
    return outputs, test_outputs


def _unit(training: Training, width: int) -> float:
    """The learning rate in whose units the tangent kernel counts each layer's."""
    return float(training.learning_rate.base * width**training.learning_rate.width)


def _double(values: Tensor) -> Tensor:
    return values.to(torch.float64)
