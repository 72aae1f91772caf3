"""DeferredRun: a run that an engine carries out once something trained is read, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import FunctionType
from typing import Final, Literal

import torch
from torch import Tensor

from theorychecks.engines.choice import ENGINES, Choice, EngineName
from theorychecks.engines.matrix import Tally
from theorychecks.engines.run import Histories, Limits, Norm, Points, Unanswerable, Weighting
from theorychecks.engines.trained import TrainedRun
from theorychecks.networks import Layer, Training

Times = Literal["ends", "all"]
"""When weights are kept: before the first and after the last update, or at every time."""


def code_of(engine: EngineName) -> tuple[object, ...]:
    """Functions that make the numbers of a run: those of its engine, and what stands between the two."""
    between = [each for name, each in vars(DeferredRun).items() if name != DeferredRun._train.__name__]
    return ENGINES[engine].train, *(each for each in between if isinstance(each, FunctionType | property))


_PLAIN: Final = Choice("dense", 2**62)


@dataclass(frozen=True)
class DeferredRun:
    """A `Run` of an engine.

    Attributes:
        training: what is trained.
        width: of the hidden layers.
        seeds: which networks.
        root_seed: another one gives other networks everywhere.
        choice: the engine, and how many networks it trains together.
        device: a torch device.
        tally: counts the work.
        kept: when weights are kept.
    """

    training: Training
    width: int
    seeds: Sequence[int]
    root_seed: int
    choice: Choice = _PLAIN
    device: str = "cpu"
    tally: Tally = field(default_factory=Tally)
    kept: Times = "ends"

    @property
    def steps(self) -> int:
        """How many updates there are."""
        return self.training.steps

    @property
    def rate(self) -> float:
        """The learning rate at this width."""
        unit = self.training.learning_rate
        return float(unit.base * self.width**unit.width)

    @property
    def together(self) -> int:
        """How many networks are trained together, at most."""
        return self.choice.together

    @property
    def layers(self) -> Sequence[Layer]:
        """The network's matrices, described."""
        data = self.training.data
        return self.training.network.layers(self.width, inputs=data.dimension, outputs=data.outputs)

    def hidden_name(self, layer: int) -> int:
        """The number itself."""
        return layer

    @property
    def times(self) -> Sequence[int]:
        """Recorded times."""
        return range(self.steps + 1) if self.kept == "all" else tuple(sorted({0, self.steps}))

    def histories(self, seeds: Sequence[int], rate_factors: Tensor, limits: Limits) -> Histories:
        """Train any number of networks, chunk by chunk, and keep no weights.

        Raises:
            Unanswerable: with the matrix-free engine, where each rate would have another network.
        """
        if self.choice.engine != "dense":
            raise Unanswerable(
                f"histories at several rates are asked for, and the {self.choice.engine} engine cannot train one "
                "network several times. Make the observable with retrains = True, so that the dense engine is chosen."
            )
        chunks = [slice(start, start + self.together) for start in range(0, len(seeds), self.together)]
        runs = [self._train(seeds[chunk], rate_factors[chunk], times=(), limits=limits) for chunk in chunks]
        return Histories(*(torch.cat([getattr(run, name) for run in runs], dim=1) for name in Histories._fields))

    @property
    def losses(self) -> Tensor:
        """Loss of the batch that step t sees, [t, seed]."""
        return self._trained.losses

    @property
    def peak_activations(self) -> Tensor:
        """Largest root mean square of any hidden layer's preactivations, [t, seed]."""
        return self._trained.peak_activations

    @property
    def peak_outputs(self) -> Tensor:
        """Root mean square of the outputs on the batch that step t sees, [t, seed]."""
        return self._trained.peak_outputs

    def preactivations(self, layer: int, time: int, points: Points = "train") -> Tensor:
        """Inputs of a hidden layer's nonlinearity, [seed, point, width]."""
        return self._trained.preactivations(layer, time, points)

    def features(self, layer: int, time: int, points: Points = "train") -> Tensor:
        """Outputs of a hidden layer's nonlinearity, [seed, point, size]."""
        return self._trained.features(layer, time, points)

    def outputs(self, time: int, points: Points = "train") -> Tensor:
        """The trained function, [seed, point, C]."""
        return self._trained.outputs(time, points)

    def weights(self, matrix: int, time: int) -> Tensor:
        """W at a time, [seed, fan_out, fan_in]."""
        return self._trained.weights(matrix, time)

    def weight_norm(self, matrix: int, norm: Norm, time: int = 0) -> Tensor:
        """Norm of W at a time, [seed]."""
        return self._trained.weight_norm(matrix, norm, time)

    def weight_change_norm(self, matrix: int, norm: Norm, time: int) -> Tensor:
        """Norm of the change of W, [seed]."""
        return self._trained.weight_change_norm(matrix, norm, time)

    def apply_initial(self, matrix: int, vectors: Tensor) -> Tensor:
        """W at time 0 times vectors, [seed, point, fan_out]."""
        return self._trained.apply_initial(matrix, vectors)

    def apply_change(self, matrix: int, vectors: Tensor, time: int) -> Tensor:
        """The change of W times vectors, [seed, point, fan_out]."""
        return self._trained.apply_change(matrix, vectors, time)

    def output_gradients(self, matrix: int, time: int, points: Points = "train") -> Tensor:
        """Derivative of each output in what a matrix produces, [seed, point, C, fan_out]."""
        return self._trained.output_gradients(matrix, time, points)

    def loss_gradients(self, time: int) -> Tensor:
        """Derivative of the loss in the outputs, [seed, point, C]."""
        return self._trained.loss_gradients(time)

    def gradient_size(self, matrix: int, time: int) -> Tensor:
        """Root mean square entry of the loss's derivative in a matrix's trainable weights, [seed]."""
        return self._trained.gradient_size(matrix, time)

    def tangent_kernel(
        self, time: int, *, rows: Points = "train", columns: Points = "train", weighting: Weighting = "rates"
    ) -> Tensor:
        """Inner products of output gradients, [seed, rows * C, columns * C]."""
        return self._trained.tangent_kernel(time, rows=rows, columns=columns, weighting=weighting)

    @cached_property
    def _trained(self) -> TrainedRun:
        return self._train(self.seeds, None, times=self.times)

    def _train(
        self,
        seeds: Sequence[int],
        rate_factors: Tensor | None,
        *,
        times: Sequence[int],
        limits: Limits | None = None,
    ) -> TrainedRun:
        # Without autograd's bookkeeping.
        with torch.no_grad():
            return ENGINES[self.choice.engine].train(
                self.training,
                self.width,
                seeds,
                times=times,
                rate_factors=rate_factors,
                root_seed=self.root_seed,
                device=self.device,
                limits=limits,
                tally=self.tally,
            )
