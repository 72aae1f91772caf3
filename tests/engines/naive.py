"""A plain implementation of training: one module, one seed, autograd and torch's own optimizers.

It shares the draw of the initial weights with the dense engine, and nothing else.
"""

import copy
import math
from dataclasses import dataclass, field

import numpy as np
import torch

from theorychecks.engines.dense import initial_weights

FUNCTIONS = {
    "relu": torch.nn.ReLU(),
    "tanh": torch.nn.Tanh(),
    "erf": torch.erf,
    "gelu": torch.nn.GELU(),
    "linear": torch.nn.Identity(),
}


class Network(torch.nn.Module):
    """Bias-free linear layers, each behind a factor, with a nonlinearity between them."""

    def __init__(self, weights, multipliers, activation):
        super().__init__()
        self.linears = torch.nn.ModuleList()
        for weight in weights:
            linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False, dtype=weight.dtype)
            linear.weight.data = weight.clone()
            self.linears.append(linear)
        self.multipliers = multipliers
        self.nonlinearity = FUNCTIONS[activation]

    def forward(self, x):
        return self.trace(x)[-1]

    def trace(self, x):
        """Inputs of every nonlinearity, and the output."""
        seen = []
        for k, linear in enumerate(self.linears):
            x = self.multipliers[k] * linear(x if k == 0 else self.nonlinearity(x))
            seen.append(x)
        return seen


@dataclass
class Naive:
    """One trained network: what the dense engine should have found."""

    losses: list[float] = field(default_factory=list)
    peak_activations: list[float] = field(default_factory=list)
    peak_outputs: list[float] = field(default_factory=list)
    weights: dict[int, list[torch.Tensor]] = field(default_factory=dict)
    preactivations: dict[tuple[int, str], list[torch.Tensor]] = field(default_factory=dict)
    features: dict[tuple[int, str], list[torch.Tensor]] = field(default_factory=dict)
    outputs: dict[tuple[int, str], torch.Tensor] = field(default_factory=dict)


def optimizer_of(described, groups, decay):
    """torch's own, or what a few lines of numpy make of a paper."""
    if described.name == "adam":
        return torch.optim.Adam(groups, betas=described.betas, eps=described.epsilon, weight_decay=decay)
    if described.name == "sgd":
        return torch.optim.SGD(groups, momentum=described.momentum, weight_decay=decay)
    if described.name == "sign descent":
        return Written(groups, decay, Lion, described.beta1, described.beta2)
    assert (described.name, described.orthogonalisation) == ("muon", "svd")
    return Written(groups, decay, Orthogonal, described.momentum)


class Written:
    """An optimizer by its rule: from a gradient to a direction, in numpy, with a state a matrix."""

    def __init__(self, groups, decay, rule, *options):
        self.matrices = [(group["params"][0], group["lr"], rule(*options)) for group in groups]
        self.decay = decay

    def zero_grad(self):
        for weight, _, _ in self.matrices:
            weight.grad = None

    def step(self):
        for weight, rate, rule in self.matrices:
            gradient = (weight.grad + self.decay * weight.detach()).numpy()
            weight.data -= rate * torch.from_numpy(rule.direction(gradient))


class Lion:
    """Chen et al. 2023, arXiv:2302.06675, Algorithm 2, without decay."""

    def __init__(self, beta1, beta2):
        self.beta1, self.beta2, self.mean = beta1, beta2, 0.0

    def direction(self, gradient):
        mixed = self.beta1 * self.mean + (1 - self.beta1) * gradient
        self.mean = self.beta2 * self.mean + (1 - self.beta2) * gradient
        return np.sign(mixed)


class Orthogonal:
    """The sum of singular vectors' outer products; gradients of six samples have rank six at most, and few are zero."""

    def __init__(self, momentum):
        self.momentum, self.sum = momentum, 0.0

    def direction(self, gradient):
        self.sum = self.momentum * self.sum + gradient
        left, sizes, right = np.linalg.svd(self.sum, full_matrices=False)
        rank = (sizes > 1e-12 * sizes[0]).sum()
        return left[:, :rank] @ right[:rank]


def train(training, width, seed, *, times=(), rate_factor=1.0, root_seed=0):
    """Train one network and record everything at `times`, at 0 and after the last step."""
    inputs, targets, test_inputs = (torch.as_tensor(array, dtype=torch.float64) for array in training.data.draw())
    layers = training.network.layers(width, inputs=inputs.shape[1], outputs=targets.shape[1])
    weights = [stack[0] for stack in initial_weights(layers, [seed], dtype=torch.float64, root_seed=root_seed)]
    roles = ["input"] + ["hidden"] * (training.network.depth - 1) + ["output"]
    parametrization = training.network.parametrization
    multipliers = []
    rates = []
    for role in roles:
        scaling = getattr(parametrization, role)
        constant = 1.0
        if parametrization.constants == "multiplier":
            constant = 1 / math.sqrt(inputs.shape[1]) if role == "input" else training.network.activation.gain
        multipliers.append(constant / width**scaling.multiplier)
        exponent = getattr(scaling, {"sign descent": "adam"}.get(training.optimizer.name, training.optimizer.name))
        power = training.learning_rate.width + getattr(training.learning_rate, role) - exponent
        rates.append(rate_factor * training.learning_rate.base * width**power)

    network = Network(weights, multipliers, training.network.activation.name)
    start = copy.deepcopy(network)
    decay = training.ridge.strength if training.ridge.towards == "zero" else 0.0
    groups = [{"params": [linear.weight], "lr": rate} for linear, rate in zip(network.linears, rates, strict=True)]
    optimizer = optimizer_of(training.optimizer, groups, decay)

    def function(x):
        return network(x) - start(x).detach() if training.network.centred else network(x)

    result = Naive()
    samples = len(inputs)
    size = training.batch_size or samples
    for step in range(training.steps + 1):
        if step in (0, *times, training.steps):
            with torch.no_grad():
                result.weights[step] = [
                    m * lin.weight.clone() for m, lin in zip(multipliers, network.linears, strict=True)
                ]
                for points, x in (("train", inputs), ("test", test_inputs)):
                    hidden = network.trace(x)[:-1]
                    result.preactivations[step, points] = hidden
                    result.features[step, points] = [x, *(network.nonlinearity(h) for h in hidden)]
                    result.outputs[step, points] = function(x)
        rows = [(step * size + i) % samples for i in range(size)]
        outputs = function(inputs[rows])
        if training.loss.name == "MSE":
            loss = 0.5 * ((outputs - targets[rows]) ** 2).sum(dim=1).mean()
        else:
            loss = torch.nn.functional.cross_entropy(outputs, targets[rows])
        result.losses.append(loss.item())
        sizes = [h.detach().square().mean().sqrt().item() for h in network.trace(inputs[rows])[:-1]]
        result.peak_activations.append(max(sizes))
        result.peak_outputs.append(outputs.detach().square().mean().sqrt().item())
        if step == training.steps:
            break
        if training.ridge.towards == "init":
            moved = zip(network.linears, start.linears, strict=True)
            distance = sum(((now.weight - then.weight.detach()) ** 2).sum() for now, then in moved)
            loss = loss + training.ridge.strength / 2 * distance
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return result


def assert_same(run, references, *, relative=1e-10):
    """Every number of a dense run is that of one plain network a seed."""
    for position, reference in enumerate(references):
        for name in ("losses", "peak_activations", "peak_outputs"):
            seen, expected = (
                getattr(run, name)[:, position],
                torch.tensor(getattr(reference, name), dtype=torch.float64),
            )
            torch.testing.assert_close(seen, expected, rtol=relative, atol=relative * 1e-2)
        for time, weights in reference.weights.items():
            for matrix, weight in enumerate(weights):
                assert_near(run.weights(matrix, time)[position], weight, relative)
        for (time, points), outputs in reference.outputs.items():
            assert_near(run.outputs(time, points)[position], outputs, relative)
        for (time, points), layers in reference.preactivations.items():
            for layer, values in enumerate(layers, start=1):
                assert_near(run.preactivations(layer, time, points)[position], values, relative)
        for (time, points), layers in reference.features.items():
            for layer, values in enumerate(layers):
                assert_near(run.features(layer, time, points)[position], values, relative)


def assert_near(seen, expected, relative):
    """In the Frobenius norm: single entries may cancel."""
    assert seen.shape == expected.shape
    distance, size = torch.linalg.norm(seen - expected).item(), torch.linalg.norm(expected).item()
    assert distance <= relative * max(size, 1e-3), f"{distance:.3g} away, of size {size:.3g}"
