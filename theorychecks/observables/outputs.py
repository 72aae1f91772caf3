"""What a network says: its outputs, the probabilities that a softmax makes of them, and the loss's gradient there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor

from theorychecks.engines import Points, Run
from theorychecks.observables.observable import Observable, Readings, check_option, readings, root_mean_square
from theorychecks.statistics.parts import Parts


@dataclass(frozen=True)
class OutputSizeByStep(Observable):
    """Size of the outputs, RMS(f_t), for t = 1 to the last step, on the batch that step t would see.

    Where the network is centred this is the change since initialisation.
    """

    title = "outputs"
    parts = ("step",)

    def read(self, run: Run) -> Readings:
        """A size by step."""
        return readings(run, {Parts(step=t): run.peak_outputs[t] for t in range(1, run.steps + 1)})


@dataclass(frozen=True)
class OutputSize(Observable):
    """Size of the outputs after the last step, RMS(f_T).

    Attributes:
        points: "train" or "test".
    """

    points: Points = "train"
    parts = ()

    def __post_init__(self) -> None:
        _check_points(self.points)

    @property
    def title(self) -> str:
        """At which inputs."""
        return f"outputs at {self.points} inputs"

    def read(self, run: Run) -> Readings:
        """One size."""
        return readings(run, root_mean_square(run.outputs(run.steps, self.points)))


@dataclass(frozen=True)
class OutputGradientSize(Observable):
    """Size of a sample's derivative of the loss in the outputs, RMS(dL/df), largest over time, on training inputs.

    Of the loss of a sample, not of the batch's mean: softmax(f) - y under cross-entropy, f - y under MSE.
    """

    title = "largest loss gradient in the outputs"
    times = "all"
    parts = ()

    def read(self, run: Run) -> Readings:
        """One size."""
        samples = run.outputs(0).shape[1]
        sizes = [root_mean_square(run.loss_gradients(t)) * samples for t in range(run.steps + 1)]
        return readings(run, torch.stack(sizes).amax(dim=0))


@dataclass(frozen=True)
class LargestProbability(Observable):
    """The largest entry of softmax(f_T), averaged over inputs.

    Attributes:
        points: "train" or "test".
    """

    points: Points = "train"
    title = "largest probability"
    parts = ()

    def __post_init__(self) -> None:
        _check_points(self.points)

    def read(self, run: Run) -> Readings:
        """One probability."""
        return readings(run, torch.softmax(_classes(run, self.points), dim=-1).amax(dim=-1).mean(dim=-1))


@dataclass(frozen=True)
class Confidence(Observable):
    """How surely the network decides, -log(1 - p) with p the largest entry of softmax(f_T), averaged over inputs.

    It is the margin of the largest output over the log-sum-exp of the others, up to log(1 + exp(-margin)), and does
    not saturate as p does.

    Attributes:
        points: "train" or "test".
    """

    points: Points = "train"
    title = "-log(1 - largest probability)"
    parts = ()

    def __post_init__(self) -> None:
        _check_points(self.points)

    def read(self, run: Run) -> Readings:
        """One number, in natural units."""
        logs = torch.log_softmax(_classes(run, self.points), dim=-1)
        others = logs.sort(dim=-1).values[..., :-1]
        return readings(run, -torch.logsumexp(others, dim=-1).mean(dim=-1))


@dataclass(frozen=True)
class ClassProbabilities(Observable):
    """softmax(f_T) at each input, a reading for each entry in the order of inputs, then of classes.

    Attributes:
        points: "train" or "test".
    """

    points: Points = "test"
    title = "class probabilities"
    parts = ("input", "class")

    def __post_init__(self) -> None:
        _check_points(self.points)

    def read(self, run: Run) -> Readings:
        """A probability by input and class, both numbered from 0."""
        probabilities = torch.softmax(_classes(run, self.points), dim=-1)
        _, inputs, classes = probabilities.shape
        by_entry = {
            Parts({"input": q, "class": c}): probabilities[:, q, c] for q in range(inputs) for c in range(classes)
        }
        return readings(run, by_entry)


def _check_points(points: str) -> None:
    check_option(points, get_args(Points), "points are")


def _classes(run: Run, points: Points) -> Tensor:
    """Outputs after the last step, [seed, P, C] with two classes or more."""
    outputs = run.outputs(run.steps, points)
    if outputs.shape[-1] < 2:
        raise ValueError("a softmax is between two outputs or more; got one. Take data with more classes.")
    return outputs
