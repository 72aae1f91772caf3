"""The dense engine: all seeds of a width advance together as batched matrix products.

Gradients are written out, as the layers' are two lines, so that updates go into the weights without a copy.
Numbers do not depend on how seeds are chunked, up to rounding: each seed draws its weights from a generator of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from theorychecks.engines.randomness import generator
from theorychecks.engines.run import Norm, Points
from theorychecks.engines.spectral import spectral_norm
from theorychecks.networks import MLP, Layer, Training

NAME = "dense"


class _Pass(NamedTuple):
    """Preactivations [seed, point, width] of layers 1..depth, features of layers 0..depth, and raw outputs."""

    preactivations: list[Tensor]
    features: list[Tensor]
    outputs: Tensor


def train(
    training: Training,
    width: int,
    seeds: Sequence[int],
    *,
    times: Sequence[int] | None = None,
    rate_factors: Tensor | None = None,
    root_seed: int = 0,
    device: str = "cpu",
) -> DenseRun:
    """Train all seeds of one width.

    Args:
        training: what to train.
        width: of the hidden layers.
        seeds: non-negative integers, one a network.
        times: update counts at which weights are kept; the first and the last by default.
        rate_factors: [seed], a factor on each seed's learning rates.
        root_seed: another one gives other networks everywhere.
        device: a torch device.

    Raises:
        ValueError: for no seeds, negative seeds, or times outside 0..steps.
    """
    _check_seeds(seeds)
    kept = sorted(set((0, training.steps) if times is None else (0, *times)))
    if kept[0] < 0 or kept[-1] > training.steps:
        raise ValueError(f"times lie between 0 and steps={training.steps}; got {kept[0] if kept[0] < 0 else kept[-1]}")
    dtype = getattr(torch, training.dtype)
    inputs, targets, test_inputs = (
        torch.as_tensor(array, dtype=dtype, device=device) for array in training.data.draw()
    )
    layers = training.network.layers(width, inputs=inputs.shape[1], outputs=targets.shape[1])
    weights = initial_weights(layers, seeds, dtype=dtype, root_seed=root_seed, device=device)
    run = DenseRun(training, width, tuple(seeds), root_seed, layers, inputs, test_inputs)
    state = _State(run, weights, targets, rate_factors)
    for step in range(training.steps + 1):
        if step in kept:
            run.keep(step, weights)
        state.advance(step)
    return run


def initial_weights(
    layers: Sequence[Layer], seeds: Sequence[int], *, dtype: torch.dtype, root_seed: int = 0, device: str = "cpu"
) -> list[Tensor]:
    """Trainable matrices at initialisation, [seed, fan_out, fan_in] each.

    A seed's numbers depend on the shapes, the seed and the root seed alone: not on the parametrization, so that two
    parametrizations can be compared on the same draw, nor on the other seeds.
    """
    shapes = [(layer.fan_out, layer.fan_in) for layer in layers]
    weights = [torch.empty(len(seeds), *shape, dtype=dtype) for shape in shapes]
    for position, seed in enumerate(seeds):
        own = generator("weights", root_seed, shapes, seed)
        for matrix in weights:
            torch.randn(matrix.shape[1:], generator=own, dtype=dtype, out=matrix[position])
    return [matrix.mul_(layer.init).to(device) for matrix, layer in zip(weights, layers, strict=True)]


class DenseRun:
    """A `Run` that keeps its matrices."""

    def __init__(
        self,
        training: Training,
        width: int,
        seeds: tuple[int, ...],
        root_seed: int,
        layers: tuple[Layer, ...],
        inputs: Tensor,
        test_inputs: Tensor,
    ) -> None:
        self.training = training
        self.width = width
        self.seeds = seeds
        self.root_seed = root_seed
        self.layers = layers
        self._points = {"train": inputs, "test": test_inputs}
        self._kept: dict[int, list[Tensor]] = {}
        self._passes: dict[tuple[int, Points], _Pass] = {}
        shape = (training.steps + 1, len(seeds))
        self.losses = torch.full(shape, torch.nan, dtype=inputs.dtype)
        self.peak_activations = torch.full(shape, torch.nan, dtype=inputs.dtype)
        self.peak_outputs = torch.full(shape, torch.nan, dtype=inputs.dtype)

    @property
    def times(self) -> Sequence[int]:
        """Recorded times."""
        return tuple(self._kept)

    def keep(self, time: int, weights: list[Tensor]) -> None:
        """Keep a copy of the trainable matrices at a time."""
        last = time == self.training.steps
        self._kept[time] = weights if last else [matrix.clone() for matrix in weights]

    def weights(self, matrix: int, time: int) -> Tensor:
        """W at a recorded time, [seed, fan_out, fan_in].

        Raises:
            ValueError: if that time was not recorded.
        """
        return self._raw(time)[matrix] * self.layers[matrix].multiplier

    def preactivations(self, layer: int, time: int, points: Points = "train") -> Tensor:
        """Inputs of a hidden layer's nonlinearity, [seed, point, width]."""
        return self._pass(time, points).preactivations[layer - 1]

    def features(self, layer: int, time: int, points: Points = "train") -> Tensor:
        """Outputs of a hidden layer's nonlinearity, [seed, point, size]."""
        return self._pass(time, points).features[layer]

    def outputs(self, time: int, points: Points = "train") -> Tensor:
        """The trained function, [seed, point, C]."""
        raw = self._pass(time, points).outputs
        return raw - self._pass(0, points).outputs if self.training.network.centred else raw

    def weight_norm(self, matrix: int, norm: Norm, time: int = 0) -> Tensor:
        """Norm of W at a time, [seed]."""
        return _norm(self._raw(time)[matrix], norm) * self.layers[matrix].multiplier

    def weight_change_norm(self, matrix: int, norm: Norm, time: int) -> Tensor:
        """Norm of the change of W, [seed]."""
        return _norm(self._change(matrix, time), norm)

    def apply_initial(self, matrix: int, vectors: Tensor) -> Tensor:
        """W at time 0 times vectors, [seed, point, fan_out]."""
        return vectors @ self.weights(matrix, 0).mT

    def apply_change(self, matrix: int, vectors: Tensor, time: int) -> Tensor:
        """The change of W times vectors, [seed, point, fan_out]."""
        return vectors @ self._change(matrix, time).mT

    def output_gradients(self, matrix: int, time: int, points: Points = "train") -> Tensor:
        """Derivative of each output in what a matrix produces, [seed, point, C, fan_out]."""
        forward = self._pass(time, points)
        size = self.layers[-1].fan_out
        seeds, samples = forward.outputs.shape[:2]
        gradient = torch.eye(size, dtype=forward.outputs.dtype, device=forward.outputs.device)
        gradient = gradient.expand(seeds, samples, size, size)
        slope = self.training.network.activation.slope
        for k in range(len(self.layers) - 1, matrix, -1):
            below = gradient.reshape(seeds, samples * size, -1) @ self.weights(k, time)
            gradient = (
                below.reshape(seeds, samples, size, -1)
                * slope(forward.preactivations[k - 1], forward.features[k])[:, :, None]
            )
        return gradient

    def _raw(self, time: int) -> list[Tensor]:
        if time not in self._kept:
            raise ValueError(f"weights at time {time} were not recorded; recorded are {sorted(self._kept)}")
        return self._kept[time]

    def _change(self, matrix: int, time: int) -> Tensor:
        return (self._raw(time)[matrix] - self._raw(0)[matrix]) * self.layers[matrix].multiplier

    def _pass(self, time: int, points: Points) -> _Pass:
        if (time, points) not in self._passes:
            self._passes[time, points] = _forward(
                self.training.network, self.layers, self._raw(time), self._points[points]
            )
        return self._passes[time, points]


class _State:
    """The moving parts of a training."""

    def __init__(self, run: DenseRun, weights: list[Tensor], targets: Tensor, rate_factors: Tensor | None) -> None:
        self.run = run
        self.training = run.training
        self.weights = weights
        self.targets = targets
        factors = torch.ones(len(run.seeds), dtype=targets.dtype) if rate_factors is None else rate_factors
        self.factors = factors.to(targets)[:, None, None]
        self.inputs = run._points["train"]
        centred = self.training.network.centred
        self.start = _forward(self.training.network, run.layers, weights, self.inputs).outputs if centred else None
        anchored = self.training.ridge.strength and self.training.ridge.towards == "init"
        self.anchor = [w.clone() for w in weights] if anchored else []
        self.moments = [(torch.zeros_like(w), torch.zeros_like(w)) for w in weights] if self._adam else []

    @property
    def _adam(self) -> bool:
        return self.training.optimizer.name == "adam"

    def advance(self, step: int) -> None:
        """Record the loss before a step, then take it, unless it would be one too many."""
        network, loss, batch = self.training.network, self.training.loss, self.training.batch(step)
        forward = _forward(network, self.run.layers, self.weights, self.inputs[batch])
        outputs = forward.outputs if self.start is None else forward.outputs - self.start[:, batch]
        targets = self.targets[batch]
        self.run.losses[step] = loss.value(outputs, targets).cpu()
        self.run.peak_outputs[step] = _root_mean_square(outputs).cpu()
        sizes = [_root_mean_square(h) for h in forward.preactivations]
        self.run.peak_activations[step] = torch.stack(sizes).amax(dim=0).cpu()
        if step == self.training.steps:
            return
        gradient = loss.gradient(outputs, targets)
        for k in range(len(self.weights) - 1, -1, -1):
            gradient = gradient * self.run.layers[k].multiplier
            upstream = gradient
            if k > 0:
                slope = network.activation.slope(forward.preactivations[k - 1], forward.features[k])
                gradient = torch.bmm(upstream, self.weights[k]).mul_(slope)
            self._update(k, upstream, forward.features[k], step)

    def _update(self, matrix: int, upstream: Tensor, features: Tensor, step: int) -> None:
        rate = self.training.rate(self.run.layers[matrix].role, self.run.width)
        weight = self.weights[matrix]
        if self._adam:
            self._adam_update(matrix, upstream.mT @ features, rate, step)
            return
        if self.training.ridge.strength:
            self._shrink(matrix, rate)
        # upstream is [seed, point, fan_out]: a seed's gradient is its transpose times the features.
        weight.baddbmm_((self.factors * upstream).mT, features, alpha=-rate)

    def _shrink(self, matrix: int, rate: float) -> None:
        """One step of the ridge alone: towards its anchor by a fraction rate * strength."""
        fraction = self.factors * (rate * self.training.ridge.strength)
        if self.anchor:
            self.weights[matrix].lerp_(self.anchor[matrix], fraction)
        else:
            self.weights[matrix].mul_(1 - fraction)

    def _adam_update(self, matrix: int, gradient: Tensor, rate: float, step: int) -> None:
        weight, (first, second) = self.weights[matrix], self.moments[matrix]
        if self.training.ridge.strength:
            apart = weight - self.anchor[matrix] if self.anchor else weight
            gradient = gradient + self.training.ridge.strength * apart
        beta1, beta2 = self.training.optimizer.betas
        first.lerp_(gradient, 1 - beta1)
        second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        # Bias corrections of Kingma and Ba (2015), Algorithm 1.
        size = (second / (1 - beta2 ** (step + 1))).sqrt_().add_(self.training.optimizer.epsilon)
        weight.sub_(self.factors * (rate / (1 - beta1 ** (step + 1))) * first / size)


def _forward(network: MLP, layers: Sequence[Layer], weights: Sequence[Tensor], inputs: Tensor) -> _Pass:
    features = [inputs.expand(weights[0].shape[0], *inputs.shape)]
    preactivations: list[Tensor] = []
    for layer, weight in zip(layers[:-1], weights[:-1], strict=True):
        preactivations.append(torch.bmm(features[-1], weight.mT).mul_(layer.multiplier))
        features.append(network.activation.function(preactivations[-1]))
    outputs = torch.bmm(features[-1], weights[-1].mT).mul_(layers[-1].multiplier)
    return _Pass(preactivations, features, outputs)


def _root_mean_square(values: Tensor) -> Tensor:
    return torch.sqrt(values.square().mean(dim=(-2, -1)))


def _norm(matrices: Tensor, norm: Norm) -> Tensor:
    if norm == "frobenius":
        return torch.sqrt(matrices.square().sum(dim=(-2, -1)))
    if norm != "spectral":
        raise ValueError(f"a norm is 'frobenius' or 'spectral'; got {norm!r}")
    rows, columns = matrices.shape[-2:]
    start = torch.randn(columns, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(matrices)
    return spectral_norm(
        lambda v: torch.bmm(matrices, v[:, :, None])[:, :, 0],
        lambda u: torch.bmm(u[:, None, :], matrices)[:, 0, :],
        start.expand(matrices.shape[0], columns),
        rank=min(rows, columns),
    )


def _check_seeds(seeds: Sequence[int]) -> None:
    if not seeds:
        raise ValueError("training needs at least one seed; got none")
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise ValueError(f"a seed is a whole number, 0 or above; got {seed!r}")
