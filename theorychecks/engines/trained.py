"""TrainedRun: what every engine leaves behind, read through its matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from theorychecks.arguments import is_whole
from theorychecks.engines import derivatives
from theorychecks.engines.matrix import Matrix
from theorychecks.engines.run import Norm, Points, Weighting, check_norm
from theorychecks.networks import MLP, Layer, Training


class Pass(NamedTuple):
    """Preactivations [seed, point, width] of layers 1..depth, features of layers 0..depth, and raw outputs."""

    preactivations: list[Tensor]
    features: list[Tensor]
    outputs: Tensor


class TrainedRun:
    """A finished training that answers by its matrices: a `Run`, except that it cannot be trained again."""

    def __init__(
        self,
        training: Training,
        width: int,
        seeds: tuple[int, ...],
        root_seed: int,
        matrices: Sequence[Matrix],
        inputs: Tensor,
        test_inputs: Tensor,
    ) -> None:
        self.training = training
        self.width = width
        self.seeds = seeds
        self.root_seed = root_seed
        self.matrices = matrices
        self.points = {"train": inputs, "test": test_inputs}
        self.recorded: list[int] = []
        self.passes: dict[tuple[int, Points], Pass] = {}
        shape = (training.steps + 1, len(seeds))
        self.losses = torch.full(shape, torch.nan, dtype=inputs.dtype)
        self.peak_activations = torch.full(shape, torch.nan, dtype=inputs.dtype)
        self.peak_outputs = torch.full(shape, torch.nan, dtype=inputs.dtype)

    @property
    def steps(self) -> int:
        """How many updates there are."""
        return self.training.steps

    @property
    def layers(self) -> Sequence[Layer]:
        """The network's matrices, described."""
        return tuple(matrix.layer for matrix in self.matrices)

    def hidden_name(self, layer: int) -> int:
        """The number itself."""
        return layer

    @property
    def times(self) -> Sequence[int]:
        """Recorded times."""
        return tuple(self.recorded)

    def preactivations(self, layer: int, time: int, points: Points = "train") -> Tensor:
        """Inputs of a hidden layer's nonlinearity, [seed, point, width]."""
        self._check_number("hidden layer", layer, 1)
        return self._pass(time, points).preactivations[layer - 1]

    def features(self, layer: int, time: int, points: Points = "train") -> Tensor:
        """Outputs of a hidden layer's nonlinearity, [seed, point, size]."""
        self._check_number("layer", layer, 0)
        return self._pass(time, points).features[layer]

    def outputs(self, time: int, points: Points = "train") -> Tensor:
        """The trained function, [seed, point, C]."""
        raw = self._pass(time, points).outputs
        return raw - self._pass(0, points).outputs if self.training.network.centred else raw

    def weights(self, matrix: int, time: int) -> Tensor:
        """W at a time, [seed, fan_out, fan_in]."""
        self._check_matrix(matrix)
        self._check_recorded(time)
        return self.matrices[matrix].values(time)

    def weight_norm(self, matrix: int, norm: Norm, time: int = 0) -> Tensor:
        """Norm of W at a time, [seed]."""
        self._check_norm(matrix, norm, time)
        return self.matrices[matrix].norm(norm, time)

    def weight_change_norm(self, matrix: int, norm: Norm, time: int) -> Tensor:
        """Norm of the change of W, [seed]."""
        self._check_norm(matrix, norm, time)
        return self.matrices[matrix].change_norm(norm, time)

    def apply_initial(self, matrix: int, vectors: Tensor) -> Tensor:
        """W at time 0 times vectors, [seed, point, fan_out]."""
        self._check_matrix(matrix)
        self._check_recorded(0)
        return self.matrices[matrix].apply(vectors, 0)

    def apply_change(self, matrix: int, vectors: Tensor, time: int) -> Tensor:
        """The change of W times vectors, [seed, point, fan_out]."""
        self._check_matrix(matrix)
        self._check_recorded(time)
        return self.matrices[matrix].apply_change(vectors, time)

    def output_gradients(self, matrix: int, time: int, points: Points = "train") -> Tensor:
        """Derivative of each output in what a matrix produces, [seed, point, C, fan_out]."""
        self._check_matrix(matrix)
        forward = self._pass(time, points)
        size = self.layers[-1].fan_out
        seeds, samples = forward.outputs.shape[:2]
        gradient = torch.eye(size, dtype=forward.outputs.dtype, device=forward.outputs.device)
        gradient = gradient.expand(seeds, samples, size, size)
        slope = self.training.network.activation.slope
        for k in range(len(self.matrices) - 1, matrix, -1):
            below = self.matrices[k].apply_transpose(gradient.reshape(seeds, samples * size, -1), time)
            gradient = (
                below.reshape(seeds, samples, size, -1)
                * slope(forward.preactivations[k - 1], forward.features[k])[:, :, None]
            )
        return gradient

    def loss_gradients(self, time: int) -> Tensor:
        """Derivative of the loss in the outputs, [seed, point, C]."""
        return derivatives.loss_gradients(self, time)

    def gradient_size(self, matrix: int, time: int) -> Tensor:
        """Root mean square entry of the loss's derivative in a matrix's trainable weights, [seed]."""
        return derivatives.gradient_size(self, matrix, time)

    def tangent_kernel(
        self, time: int, *, rows: Points = "train", columns: Points = "train", weighting: Weighting = "rates"
    ) -> Tensor:
        """Inner products of output gradients, [seed, rows * C, columns * C]."""
        return derivatives.tangent_kernel(self, time, rows=rows, columns=columns, weighting=weighting)

    def _check_recorded(self, time: int) -> None:
        if time not in self.recorded:
            raise ValueError(
                f"weights at time {time} were not recorded; recorded are {self.recorded}. "
                "Read time=0 or time=run.steps."
            )

    def _check_number(self, noun: str, given: int, first: int) -> None:
        depth = len(self.matrices) - 1
        # A negative one would be counted from the end, and read another layer at another depth.
        if not is_whole(given, first, depth):
            raise ValueError(
                f"there is no {noun} {given!r}: in a network of depth {depth} they are numbered from {first} to "
                f"{depth}. run.layers describes its matrices."
            )

    def _check_matrix(self, matrix: int) -> None:
        self._check_number("matrix", matrix, 0)

    def _check_norm(self, matrix: int, norm: Norm, time: int) -> None:
        self._check_matrix(matrix)
        self._check_recorded(time)
        check_norm(norm)

    def _pass(self, time: int, points: Points) -> Pass:
        self._check_recorded(time)
        if points not in self.points:
            raise ValueError(f"points are {' or '.join(map(repr, self.points))}; got {points!r}")
        if (time, points) not in self.passes:
            products = [partial(matrix.apply, time=time) for matrix in self.matrices]
            self.passes[time, points] = forward_pass(
                self.training.network, products, self.points[points], seeds=len(self.seeds)
            )
        return self.passes[time, points]


def forward_pass(network: MLP, products: Sequence[Callable[[Tensor], Tensor]], inputs: Tensor, *, seeds: int) -> Pass:
    """Send inputs [point, d] through layers given as products with their matrices."""
    features = [inputs.expand(seeds, *inputs.shape)]
    preactivations: list[Tensor] = []
    for product in products[:-1]:
        preactivations.append(product(features[-1]))
        features.append(network.activation.function(preactivations[-1]))
    return Pass(preactivations, features, products[-1](features[-1]))
