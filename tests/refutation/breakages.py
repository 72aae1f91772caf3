"""Breakages: realistic mistakes in networks, in gradient descent and in what is read off them, made by hand.

Each is made where both engines meet it: in a description (parametrization, activation, layers), between the gradients
and the matrices that take them, or in what is read off a run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

import theorychecks as tc
from theorychecks.engines import dense, derivatives, matrix_free
from theorychecks.engines.descent import Limits, Task, descend
from theorychecks.engines.matrix import Matrix
from theorychecks.engines.trained import TrainedRun
from theorychecks.networks import MLP, Activation, Layer, LayerRole
from theorychecks.observables import alignment, weights

Break = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, kw_only=True)
class Breakage:
    """A mistake.

    Attributes:
        name: what the table calls it.
        words: what is wrong.
        apply: makes it, until the monkeypatch is undone; comes before the claim's module is loaded.
        unseen: why claims that pass do not see it.
    """

    name: str
    words: str
    apply: Break = field(repr=False)
    unseen: str = ""


def exponent(role: LayerRole, *, multiplier: float = 0.0, init: float = 0.0, sgd: float = 0.0) -> Break:
    """An exponent of a role is off in both lazy parametrizations; the rich ones, of most controls, stay."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        for name in ("STANDARD", "NTK"):
            wrong = getattr(tc, name).altered(role, multiplier=multiplier, init=init, sgd=sgd)
            patch.setattr(tc, name, wrong, raising=False)

    return apply


def readout_under_maximal_update_too_small(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tc, "MAXIMAL_UPDATE", tc.MAXIMAL_UPDATE.altered("output", init=0.5), raising=False)


def slope(wrong: Callable[[Activation, Tensor, Tensor], Tensor]) -> Break:
    """The derivative is something else, of preactivations and values, in training and in tangent kernels alike."""
    return lambda patch: patch.setattr(Activation, "slope", wrong)


def slope_of_another(own: Activation, preactivations: Tensor, values: Tensor) -> Tensor:
    other = tc.TANH if own.name == "relu" else tc.RELU
    return other.derivative(preactivations)


def slope_at_values(own: Activation, preactivations: Tensor, values: Tensor) -> Tensor:
    return own.derivative(values)


def twice_the_slope(own: Activation, preactivations: Tensor, values: Tensor) -> Tensor:
    return 2 * own.derivative(preactivations)


def slope_of_one(own: Activation, preactivations: Tensor, values: Tensor) -> Tensor:
    return torch.ones_like(values)


def layers_without_gain(patch: pytest.MonkeyPatch) -> None:
    right = MLP.layers

    def layers(network: MLP, width: int, *, inputs: int, outputs: int) -> tuple[Layer, ...]:
        place = "init" if network.parametrization.constants == "init" else "multiplier"
        first, *others = right(network, width, inputs=inputs, outputs=outputs)
        gain = network.activation.gain
        return (first, *(layer._replace(**{place: getattr(layer, place) / gain}) for layer in others))

    patch.setattr(MLP, "layers", layers)


def activations_without_gain(patch: pytest.MonkeyPatch) -> None:
    for name in ("RELU", "TANH"):
        patch.setattr(tc, name, replace(getattr(tc, name), gain=1.0), raising=False)


class Update(NamedTuple):
    """A matrix about to descend: what `Matrix.descend` gets."""

    matrix: Matrix
    gradients: Tensor
    features: Tensor
    rate: float


Step = Sequence[Update]
"""The updates of one step, from the input matrix to the readout."""
Alteration = Callable[[TrainedRun, Sequence[Step]], Step]
"""From all steps so far, as they should have been, to what is made of the last one."""


def updates(alter: Alteration) -> Break:
    """Updates are altered before they reach the matrices."""

    def broken_descend(run: TrainedRun, task: Task, limits: Limits | None) -> None:
        true, steps = run.matrices, _Steps(run, alter)
        run.matrices = [_HandedOn(matrix, steps) for matrix in true]
        try:
            descend(run, task, limits)
        finally:
            run.matrices = true

    def apply(patch: pytest.MonkeyPatch) -> None:
        for engine in (dense, matrix_free):
            patch.setattr(engine, "descend", broken_descend)

    return apply


class _Steps:
    """Collects a step's updates, and makes them once the input matrix, the last of a backward pass, has its own."""

    def __init__(self, run: TrainedRun, alter: Alteration) -> None:
        self.run = run
        self.alter = alter
        self.last = run.matrices[0]
        self.done: list[Step] = []
        self.now: list[Update] = []

    def add(self, update: Update) -> None:
        self.now.insert(0, update)
        if update.matrix is not self.last:
            return
        self.done.append(self.now)
        self.now = []
        for matrix, gradients, features, rate in self.alter(self.run, self.done):
            if matrix.layer.role == "hidden":
                # A matrix that is not stored moves along what it was last asked for.
                matrix.forward(features)
                matrix.backward(gradients)
            matrix.descend(gradients, features, rate)

    def select(self, seeds: Tensor) -> None:
        self.done = [
            [update._replace(gradients=update.gradients[seeds], features=update.features[seeds]) for update in step]
            for step in self.done
        ]


class _HandedOn:
    """A `Matrix` that hands its updates on instead of making them."""

    def __init__(self, matrix: Matrix, steps: _Steps) -> None:
        self.matrix = matrix
        self.steps = steps

    def __getattr__(self, name: str) -> Any:
        return getattr(self.matrix, name)

    def descend(self, gradients: Tensor, features: Tensor, rate: float) -> None:
        self.steps.add(Update(self.matrix, gradients, features, rate))

    def select(self, seeds: Tensor) -> None:
        self.matrix.select(seeds)
        if self.matrix is self.steps.last:
            self.steps.select(seeds)


def untouched(run: TrainedRun, steps: Sequence[Step]) -> Step:
    """No mistake at all: what handing updates on does by itself."""
    return steps[-1]


def loss_times(factor: Callable[[TrainedRun], float]) -> Break:
    """The loss has a wrong factor, and so do all gradients; a ridge has not."""

    def alter(run: TrainedRun, steps: Sequence[Step]) -> Step:
        return [update._replace(gradients=update.gradients * factor(run)) for update in steps[-1]]

    return updates(alter)


def one_step_late(run: TrainedRun, steps: Sequence[Step]) -> Step:
    return steps[max(len(steps) - 2, 0)]


def of_the_initial_weights(run: TrainedRun, steps: Sequence[Step]) -> Step:
    return steps[0]


def all_but_the_last(run: TrainedRun, steps: Sequence[Step]) -> Step:
    return steps[-1] if len(steps) < run.training.steps else []


def hidden_exchanged(run: TrainedRun, steps: Sequence[Step]) -> Step:
    first, *hidden, readout = steps[-1]
    exchanged = [other._replace(matrix=own.matrix) for own, other in zip(hidden, reversed(hidden), strict=True)]
    return [first, *exchanged, readout]


def hidden_transposed(run: TrainedRun, steps: Sequence[Step]) -> Step:
    first, *hidden, readout = steps[-1]
    transposed = [update._replace(gradients=update.features, features=update.gradients) for update in hidden]
    return [first, *transposed, readout]


def norms(*, of_weights: str | None = None, of_changes: str | None = None) -> Break:
    """Norms of weights, or of their changes, are always this one."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        norm, change_norm = TrainedRun.weight_norm, TrainedRun.weight_change_norm
        if of_weights:
            patch.setattr(TrainedRun, "weight_norm", lambda run, k, _, time=0: norm(run, k, of_weights, time))
        if of_changes:
            wrong = lambda run, k, _, time: change_norm(run, k, of_changes, time)  # noqa: E731 - it would not fit
            patch.setattr(TrainedRun, "weight_change_norm", wrong)

    return apply


def readout_read_as_hidden(patch: pytest.MonkeyPatch) -> None:
    right = weights.matrices

    def matrices(run: tc.Run, role: str) -> list[tuple[int, Layer]]:
        last = len(run.layers) - 1
        return [(last if layer.role == "hidden" else k, layer) for k, layer in right(run, role)]

    for module in (weights, alignment):
        patch.setattr(module, "matrices", matrices)


def read_at_time_zero(patch: pytest.MonkeyPatch) -> None:
    features, outputs = TrainedRun.features, TrainedRun.outputs
    change, norm = TrainedRun.apply_change, TrainedRun.weight_change_norm
    patch.setattr(TrainedRun, "features", lambda run, k, time, points="train": features(run, k, 0, points))
    patch.setattr(TrainedRun, "outputs", lambda run, time, points="train": outputs(run, 0, points))
    patch.setattr(TrainedRun, "apply_change", lambda run, k, vectors, time: change(run, k, vectors, 0))
    patch.setattr(TrainedRun, "weight_change_norm", lambda run, k, which, time: norm(run, k, which, 0))


def tangent_kernel_with_features_of_the_layer_above(patch: pytest.MonkeyPatch) -> None:
    right = derivatives._matrix_term
    patch.setattr(derivatives, "_matrix_term", lambda run, k, *rest: right(_OneLayerUp(run), k, *rest))


class _OneLayerUp:
    """A run whose features are those of the layer above, where there is one."""

    def __init__(self, run: TrainedRun) -> None:
        self.run = run

    def __getattr__(self, name: str) -> Any:
        return getattr(self.run, name)

    def features(self, layer: int, time: int, points: str = "train") -> Tensor:
        return self.run.features(min(layer + 1, self.run.training.network.depth), time, points)


A_RATIO = "A ratio of sizes divides the size of the update out"
A_CONSTANT = "A constant factor has no exponent"
ONE_SIDED = "A bound holds all the more for what moves less"
NO_HIDDEN = "One hidden layer has no hidden matrix"

ROWS = (
    Breakage(
        name="input learning rate too large",
        words="its exponent is 1/2 too large, under standard and NTK parametrization",
        apply=exponent("input", sgd=-0.5),
        unseen=f"{A_RATIO} (A).",
    ),
    Breakage(
        name="input learning rate too small",
        words="its exponent is 1/2 too small",
        apply=exponent("input", sgd=0.5),
        unseen=f"{A_RATIO} (A). Under MSE the readout alone sets the stable rate (H1). {ONE_SIDED} (LZ-1/bound).",
    ),
    Breakage(
        name="hidden learning rate too large",
        words="its exponent is 1/2 too large",
        apply=exponent("hidden", sgd=-0.5),
        unseen=f"{NO_HIDDEN} (H1).",
    ),
    Breakage(
        name="hidden learning rate too small",
        words="its exponent is 1/2 too small",
        apply=exponent("hidden", sgd=0.5),
        unseen=f"{A_RATIO} (A). {NO_HIDDEN} (H1). A kernel that lacks its hidden part, a third of it, has nearly "
        "the same regression: the two differ by 0.009, and networks of width 2,048 by 0.02 (KR-1/deep). A prediction "
        "for the distance of the kernels themselves would see it.",
    ),
    Breakage(
        name="readout learning rate too large",
        words="its exponent is 1/2 too large",
        apply=exponent("output", sgd=-0.5),
    ),
    Breakage(
        name="readout learning rate too small",
        words="its exponent is 1/2 too small",
        apply=exponent("output", sgd=0.5),
        unseen=f"{A_RATIO} (A).",
    ),
    Breakage(
        name="input init too small",
        words="initial weights are n^-1/2 of what they should be, as if fan-out were fan-in",
        apply=exponent("input", init=0.5),
        unseen=f"{A_RATIO} (A).",
    ),
    Breakage(
        name="hidden init too small",
        words="initial weights are n^-1/2 of what they should be",
        apply=exponent("hidden", init=0.5),
        unseen=f"{A_RATIO} (A). {NO_HIDDEN} (H1).",
    ),
    Breakage(
        name="readout init too small",
        words="initial weights are n^-1/2 of what they should be",
        apply=exponent("output", init=0.5),
        unseen=f"{A_RATIO} (A). The readout's kernel has no readout weights, and it sets the stable rate (H1).",
    ),
    Breakage(
        name="readout init too large",
        words="initial weights are n^1/2 of what they should be, as if the fan-in had been forgotten",
        apply=exponent("output", init=-0.5),
    ),
    Breakage(
        name="readout under maximal update too small",
        words="initial weights are n^-1/2 of what they should be, under maximal update",
        apply=readout_under_maximal_update_too_small,
        unseen="Under standard parametrization it plays no part.",
    ),
    Breakage(
        name="input multiplier too small",
        words="the factor in front of the weights is n^-1/2 of what it should be",
        apply=exponent("input", multiplier=0.5),
        unseen=f"{A_RATIO} (A).",
    ),
    Breakage(
        name="hidden multiplier too small",
        words="the factor in front of the weights is n^-1/2 of what it should be",
        apply=exponent("hidden", multiplier=0.5),
        unseen=f"{A_RATIO} (A). {NO_HIDDEN} (H1).",
    ),
    Breakage(
        name="readout multiplier too small",
        words="the factor in front of the weights is n^-1/2 of what it should be",
        apply=exponent("output", multiplier=0.5),
        unseen=f"{A_RATIO} (A). {ONE_SIDED} (LZ-1/bound).",
    ),
    Breakage(
        name="readout multiplier too large",
        words="the factor in front of the weights is n^1/2 of what it should be",
        apply=exponent("output", multiplier=-0.5),
    ),
    Breakage(
        name="another activation's derivative",
        words="relu's derivative for tanh, and tanh's for relu",
        apply=slope(slope_of_another),
        unseen=f"{A_CONSTANT}, and any bounded derivative gives gradients of the same order.",
    ),
    Breakage(
        name="derivative at the wrong place",
        words="phi'(phi(h)) for phi'(h)",
        apply=slope(slope_at_values),
        unseen="For relu it is the same (A, H); for tanh it changes a constant, which has no exponent (LZ-1).",
    ),
    Breakage(
        name="derivative with a factor 2",
        words="2 phi'(h) for phi'(h)",
        apply=slope(twice_the_slope),
        unseen=f"{A_CONSTANT}.",
    ),
    Breakage(
        name="derivative missing",
        words="the backward pass is that of a linear network",
        apply=slope(slope_of_one),
        unseen=f"{A_CONSTANT}, and so have gradients without their derivatives.",
    ),
    Breakage(
        name="gain missing in the layers",
        words="weights lack the factor gain, 2^1/2 for relu",
        apply=layers_without_gain,
        unseen=f"{A_CONSTANT}.",
    ),
    Breakage(
        name="gain missing in the activation",
        words="relu and tanh say that their gain is one, and networks and analytic kernels believe it",
        apply=activations_without_gain,
        unseen="Any gain makes a network, and its kernels are its own (KR-2). KR-1 sees that 200 steps no longer suffice, "
        "since the kernel is smaller.",
    ),
    Breakage(
        name="loss summed over the width",
        words="gradients are n times what they should be",
        apply=loss_times(lambda run: float(run.width)),
    ),
    Breakage(
        name="loss summed over the root of the width",
        words="gradients are n^1/2 times what they should be",
        apply=loss_times(lambda run: run.width**0.5),
    ),
    Breakage(
        name="loss averaged over the root of the width",
        words="gradients are n^-1/2 times what they should be",
        apply=loss_times(lambda run: run.width**-0.5),
        unseen=f"{A_RATIO} (A). {ONE_SIDED}, and only its control notices (LZ-1/bound).",
    ),
    Breakage(
        name="loss without its factor 1/2",
        words="gradients are twice what they should be",
        apply=loss_times(lambda run: 2.0),
        unseen=f"{A_CONSTANT}, and interpolation does not depend on rates (KR-1): beside a ridge alone it does not "
        "cancel.",
    ),
    Breakage(
        name="loss averaged over the outputs",
        words="gradients are divided by the number of outputs",
        apply=loss_times(lambda run: 1 / run.training.data.outputs),
        unseen=f"{A_CONSTANT}.",
    ),
    Breakage(
        name="gradients one step late",
        words="each step takes the gradient at the weights of the step before",
        apply=updates(one_step_late),
        unseen="Sizes and alignments keep their exponents, the stable rate changes by a constant, and a stable delay "
        "ends in the same interpolation. A prediction for the function after a given number of steps would see "
        "it: gradient descent on the network's own kernel, to 1/n.",
    ),
    Breakage(
        name="gradients of the initial weights",
        words="every step takes the first gradient",
        apply=updates(of_the_initial_weights),
        unseen="In a lazy network a few steps are of one order, whatever the residual (A, LZ-1).",
    ),
    Breakage(
        name="one step too few",
        words="the last update is never made",
        apply=updates(all_but_the_last),
        unseen="A step more or less has no exponent, and the end of a training that has converged does not feel it. "
        "A prediction for the function after a given number of steps would see it.",
    ),
    Breakage(
        name="gradients of hidden layers exchanged",
        words="hidden matrices take each other's updates",
        apply=updates(hidden_exchanged),
        unseen="With one hidden matrix there is nothing to exchange (A1), and both updates have the same size (LZ-1).",
    ),
    Breakage(
        name="gradients of hidden layers transposed",
        words="x g^T for g x^T",
        apply=updates(hidden_transposed),
        unseen="A transposed update has the same norms (LZ-1).",
    ),
    Breakage(
        name="Frobenius for spectral norms",
        words="all norms are Frobenius norms",
        apply=norms(of_weights="frobenius", of_changes="frobenius"),
        unseen="Alignments have Frobenius norms alone (A).",
    ),
    Breakage(
        name="Frobenius norms of changes",
        words="changes of weights have Frobenius norms, weights the right ones",
        apply=norms(of_changes="frobenius"),
        unseen="A few steps change a matrix by a few outer products, whose two norms differ by a constant (LZ-1), and alignments "
        "have Frobenius norms in any case (A). A prediction for the ratio of both norms, exponent aside, would see it.",
    ),
    Breakage(
        name="spectral for Frobenius norms",
        words="all norms of weights are spectral norms",
        apply=norms(of_weights="spectral"),
        unseen="Effective updates ask for norms of changes alone, and those are right (A1).",
    ),
    Breakage(
        name="readout read as hidden",
        words="what is reported of hidden matrices is the readout's",
        apply=readout_read_as_hidden,
        unseen="Effective updates of both are aligned alike (A1), and the bound is the same for all layers (LZ-1/bound).",
    ),
    Breakage(
        name="tangent kernel one layer off",
        words="gradients in a matrix are paired with the features above it",
        apply=tangent_kernel_with_features_of_the_layer_above,
        unseen="No tangent kernel is read (A, H).",
    ),
    Breakage(
        name="time 0 for the last time",
        words="features, outputs and changes are read before training",
        apply=read_at_time_zero,
        unseen="Stability is read off the losses as they come (H).",
    ),
)
BREAKAGES = {row.name: row for row in ROWS}
