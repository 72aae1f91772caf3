"""Gradient descent on a kernel beside a trained network: how far their functions are apart."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from theorychecks.engines import Run
from theorychecks.kernels import gradient_descent_on_kernel


def distance_from_descent_on(run: Run, kernel: NDArray[np.float64]) -> Tensor:
    """Distance at test inputs from full-batch descent on a kernel for as many steps.

    It is relative to the root mean square prediction, over all seeds where each has a kernel of its own.

    Args:
        run: of a training from the initial function zero, on the squared error.
        kernel: of training and then test inputs, with outputs, [..., (P + Q) C, (P + Q) C].

    Returns:
        One ratio a seed.
    """
    training, size = run.training, run.training.data.samples * run.training.data.outputs
    train, cross = (kernel[..., :size, :size], kernel[..., size:, :size])
    predicted = gradient_descent_on_kernel(
        train,
        cross,
        np.broadcast_to(training.data.draw().targets.reshape(-1, 1), (*train.shape[:-2], size, 1)),
        learning_rate=training.learning_rate.base / training.data.samples,
        steps=training.steps,
    )
    trained = run.outputs(training.steps, "test").double().numpy().reshape(len(run.seeds), -1)
    gap = trained - predicted.reshape(*train.shape[:-2], -1)
    return torch.as_tensor(np.sqrt(np.mean(gap**2, axis=1) / np.mean(predicted**2)))
