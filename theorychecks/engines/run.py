"""Run: what every engine offers to observables; one interface for all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol, get_args

from torch import Tensor

from theorychecks.networks import LayerRole, Training

Norm = Literal["frobenius", "spectral"]
Points = Literal["train", "test"]
"""Which of the data's inputs are meant: P training inputs or Q test inputs."""


Weighting = Literal["rates", "none"]
"""Whether gradients count in proportion to their learning rates, as gradient descent has it, or all alike."""


class Described(Protocol):
    """What is known of a matrix, whichever engine trains it."""

    @property
    def name(self) -> str:
        """What reports call it: "hidden 2", or a module's path."""
        ...

    @property
    def role(self) -> LayerRole:
        """By which of its sides grow with the width."""
        ...

    @property
    def fan_in(self) -> int:
        """Numbers behind each that it produces."""
        ...

    @property
    def fan_out(self) -> int:
        """Numbers that it produces."""
        ...

    @property
    def multiplier(self) -> float:
        """The factor before its trainable weights."""
        ...


class Unanswerable(ValueError):  # noqa: N818 - it is what a run cannot answer, which the message names with the way out
    """A run cannot say what an observable has asked of it: what it does not store, say, or cannot train again."""


def check_norm(norm: str) -> None:
    """Refuse a norm that runs do not have."""
    if norm not in get_args(Norm):
        raise ValueError(f"a norm is {' or '.join(map(repr, get_args(Norm)))}; got {norm!r}")


class Limits(NamedTuple):
    """Sizes beyond which a seed is known to diverge, and is trained no further.

    Its histories are NaN from the next step on. A loss that is not finite is always beyond.
    """

    activations: float = math.inf
    outputs: float = math.inf


class Histories(NamedTuple):
    """What became of networks whose weights were not kept; see `Run` for each."""

    losses: Tensor
    peak_activations: Tensor
    peak_outputs: Tensor


class Retrainable(Protocol):
    """Networks of one width that can be trained several times, at several learning rates."""

    @property
    def width(self) -> int:
        """At which width."""
        ...

    @property
    def seeds(self) -> Sequence[int]:
        """Which seeds, in the order of every leading axis."""
        ...

    @property
    def root_seed(self) -> int:
        """Which family of networks the seeds belong to."""
        ...

    @property
    def rate(self) -> float:
        """The learning rate that factors multiply."""
        ...

    @property
    def together(self) -> int:
        """How many networks there is room for to be trained together."""
        ...

    def histories(self, seeds: Sequence[int], rate_factors: Tensor, limits: Limits) -> Histories:
        """Train any number of networks, each seed as often as it is named, and no further than the limits.

        Raises:
            Unanswerable: where one network cannot be trained several times.
        """
        ...


class Run(Retrainable, Protocol):
    """All seeds of one training at one width, readable at recorded times.

    Matrices are numbered from 0 (input) to L (output), hidden layers from 1 to L; matrix k maps layer k to layer k + 1,
    and layer 0 is the inputs. Weights W include their multipliers. Time t counts updates, 0 to steps.
    A seed whose training has diverged yields infinities or NaN, never an exception; what a run cannot answer at all is
    `Unanswerable`.
    """

    @property
    def training(self) -> Training:
        """What was trained."""
        ...

    @property
    def steps(self) -> int:
        """How many updates there are; the last time."""
        ...

    @property
    def layers(self) -> Sequence[Described]:
        """The network's matrices."""
        ...

    def hidden_name(self, layer: int) -> int | str:
        """What reports call a hidden layer, 1 for the first: its number, or the path of the module that makes it."""
        ...

    @property
    def times(self) -> Sequence[int]:
        """Recorded times."""
        ...

    @property
    def losses(self) -> Tensor:
        """Loss of the batch that step t sees, [t, seed], t = 0..steps."""
        ...

    @property
    def peak_activations(self) -> Tensor:
        """Largest root mean square of any hidden layer's preactivations at each time, [t, seed], t = 0..steps."""
        ...

    @property
    def peak_outputs(self) -> Tensor:
        """Root mean square of the outputs on the batch that step t sees, [t, seed], t = 0..steps."""
        ...

    def preactivations(self, layer: int, time: int, points: Points = "train") -> Tensor:
        """Inputs of a hidden layer's nonlinearity, layer 1..L, [seed, point, width]."""
        ...

    def features(self, layer: int, time: int, points: Points = "train") -> Tensor:
        """Outputs of a hidden layer's nonlinearity, layer 0 (the data) to L, [seed, point, size]."""
        ...

    def outputs(self, time: int, points: Points = "train") -> Tensor:
        """The trained function, [seed, point, C]; f_t - f_0 where the network is centred."""
        ...

    def weights(self, matrix: int, time: int) -> Tensor:
        """W at a time, [seed, fan_out, fan_in].

        Raises:
            Unanswerable: where the matrix is not stored.
        """
        ...

    def weight_norm(self, matrix: int, norm: Norm, time: int = 0) -> Tensor:
        """Norm of W at a time, [seed]."""
        ...

    def weight_change_norm(self, matrix: int, norm: Norm, time: int) -> Tensor:
        """Norm of W at a time minus W at time 0, [seed]."""
        ...

    def apply_initial(self, matrix: int, vectors: Tensor) -> Tensor:
        """W at time 0 times vectors [seed, point, fan_in], [seed, point, fan_out]."""
        ...

    def apply_change(self, matrix: int, vectors: Tensor, time: int) -> Tensor:
        """(W at a time minus W at time 0) times vectors [seed, point, fan_in], [seed, point, fan_out]."""
        ...

    def output_gradients(self, matrix: int, time: int, points: Points = "train") -> Tensor:
        """Derivative of each output in what a matrix produces, [seed, point, C, fan_out]."""
        ...

    def loss_gradients(self, time: int) -> Tensor:
        """Derivative of the loss over all training inputs in the outputs, [seed, ...their own shape]."""
        ...

    def gradient_size(self, matrix: int, time: int) -> Tensor:
        """Root mean square entry of the loss's derivative in a matrix's trainable weights, [seed]."""
        ...

    def tangent_kernel(
        self,
        time: int,
        *,
        rows: Points = "train",
        columns: Points = "train",
        weighting: Weighting = "rates",
    ) -> Tensor:
        """Inner products of output gradients in all trained weights, [seed, row, column].

        Rows are inputs and, for each of them, outputs; of a model of one's own, some of them, chosen at random.
        """
        ...
