"""Test errors of networks along training, and of kernel regression by ridge, each seed on data of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from theorychecks.kernels import analytic_kernels

FloatArray = NDArray[np.float64]


class Problem(NamedTuple):
    """Inputs [seed, P, d] and targets [seed, P], and those to be tested on, [seed, Q, d] and [seed, Q]."""

    inputs: Tensor
    targets: Tensor
    test_inputs: Tensor
    test_targets: Tensor


def network_errors(
    problem: Problem,
    *,
    width: int,
    rate: float,
    steps: int,
    batch: int,
    marks: Sequence[int],
    generators: Sequence[torch.Generator],
) -> Tensor:
    """Relative test errors of ReLU networks with two hidden layers at some steps of gradient descent, [mark, seed].

    They are trained on half the mean squared error under maximal update: weights of variance 1/d, 2/n and 2/n^2, and
    rates n, 1 and 1/n times the given one (Yang and Hu 2021, arXiv:2011.14522, second-hand).

    Args:
        problem: what is learned.
        width: n.
        rate: before its powers of n.
        steps: how many.
        batch: samples of each, in the order of the data, again and again.
        marks: steps after which errors are read, increasing.
        generators: of initial weights, one a seed.
    """
    dimension, gain = problem.inputs.shape[2], math.sqrt(2)
    shapes = ((width, dimension), (width, width), (1, width))
    sizes = (1 / math.sqrt(dimension), gain / math.sqrt(width), gain / width)
    weights = [
        size * torch.stack([torch.randn(shape, generator=own) for own in generators])
        for shape, size in zip(shapes, sizes, strict=True)
    ]
    rates = (rate * width, rate, rate / width)
    inputs, targets = problem.inputs.float(), problem.targets.float()
    found = []
    for step in range(steps):
        start = step * batch % (inputs.shape[1] - batch + 1)
        rows = slice(start, start + batch)
        for matrix, own, gradient in zip(
            weights, rates, _gradients(weights, inputs[:, rows], targets[:, rows]), strict=True
        ):
            matrix -= own * gradient
        if step + 1 in marks:
            outputs = _forward(weights, problem.test_inputs.float())[-1][..., 0]
            found.append(_relative(outputs.double(), problem.test_targets))
    return torch.stack(found)


def tangent_kernel_errors(problem: Problem, ridges: Sequence[float]) -> FloatArray:
    """Relative test errors of regression with the infinitely wide network's tangent kernel at initialisation.

    Args:
        problem: what is learned.
        ridges: added to the kernel's diagonal.

    Returns:
        [ridge, seed].
    """
    found = []
    for inputs, targets, test_inputs, wanted in zip(*problem, strict=True):
        # The package's input layer has unit gain, and the kernel's the gain of ReLU.
        rows = torch.cat([inputs, test_inputs]).double().numpy() / math.sqrt(2)
        samples = len(inputs)
        kernel = analytic_kernels(rows, rows[:samples], depth=2, activation="relu", weight_variance=2).ntk
        values, vectors = np.linalg.eigh(kernel[:samples])
        modes, cross = vectors.T @ targets.double().numpy(), kernel[samples:] @ vectors
        predicted = np.stack([cross @ (modes / (values + ridge)) for ridge in ridges])
        found.append(_relative(torch.from_numpy(predicted), wanted.double()).numpy())
    return np.stack(found, axis=1)


def _forward(weights: Sequence[Tensor], inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    first = torch.relu(inputs @ weights[0].mT)
    second = torch.relu(first @ weights[1].mT)
    return first, second, second @ weights[2].mT


def _gradients(weights: Sequence[Tensor], inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    first, second, outputs = _forward(weights, inputs)
    error = (outputs - targets[..., None]) / targets.shape[1]
    at_second = (error @ weights[2]) * (second > 0)
    at_first = (at_second @ weights[1]) * (first > 0)
    return at_first.mT @ inputs, at_second.mT @ first, error.mT @ second


def _relative(predicted: Tensor, wanted: Tensor) -> Tensor:
    return (predicted - wanted).square().mean(dim=-1) / wanted.square().mean(dim=-1)
