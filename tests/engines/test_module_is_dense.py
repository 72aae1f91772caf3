"""The module engine gives a perceptron of torch's modules the numbers that the dense engine gives it."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import theorychecks as tc
from theorychecks.engines import Limits, dense
from theorychecks.engines.module import ModuleRun, Trainer
from theorychecks.networks import (
    CROSS_ENTROPY,
    MLP,
    MSE,
    NTK,
    SGD,
    STANDARD,
    TANH,
    Adam,
    GaussianMixture,
    Training,
    scaled,
)
from theorychecks.networks.randomness import integer

WIDTH, STEPS, SEEDS = 24, 4, (0, 5)
DATA = GaussianMixture(dimension=5, classes=3, samples=6, test_samples=4)
RATES = {"sgd": 0.02, "adam": 0.003}


def described(parametrization, optimizer, loss):
    return Training(
        MLP(2, TANH, parametrization),
        learning_rate=scaled(RATES[optimizer.name], width=-0.5, hidden=-0.25),
        data=DATA,
        loss=loss,
        steps=STEPS,
        optimizer=optimizer,
        dtype="float64",
    )


class Multiplied(nn.Linear):
    """A matrix behind a multiplier of its own, without a bias."""

    def __init__(self, layer):
        super().__init__(layer.fan_in, layer.fan_out, bias=False, dtype=torch.float64)
        self.multiplier = layer.multiplier

    def forward(self, x):
        return self.multiplier * F.linear(x, self.weight)


class Perceptron(nn.Module):
    """The package's own network, with the weights that it draws for a seed where torch's seed says which."""

    def __init__(self, training, width, seeds):
        super().__init__()
        self.training_described = training
        layers = training.network.layers(width, inputs=DATA.dimension, outputs=DATA.outputs)
        self.layers = nn.ModuleList(Multiplied(layer) for layer in layers)
        seed = seeds.get(torch.initial_seed())
        if seed is not None:
            weights = dense.initial_weights(layers, [seed], dtype=torch.float64)
            for layer, weight in zip(self.layers, weights, strict=True):
                layer.weight.data = weight[0].clone()

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.tanh(layer(x))
        return self.layers[-1](x)


def as_model(training):
    inputs, targets, _ = (torch.as_tensor(array, dtype=torch.float64) for array in training.data.draw())
    seeds = {integer(0, "width", float(WIDTH), "model", WIDTH, seed) % 2**63: seed for seed in SEEDS}

    def optimizer(module):
        width = module.layers[0].weight.shape[0]
        roles = ["input", "hidden", "output"]
        groups = [
            {"params": [layer.weight], "lr": training.rate(role, width)}
            for layer, role in zip(module.layers, roles, strict=True)
        ]
        if training.optimizer.name == "adam":
            return torch.optim.Adam(groups, betas=training.optimizer.betas, eps=training.optimizer.epsilon)
        return torch.optim.SGD(groups)

    def loss(outputs, targets):
        if training.loss.name == "MSE":
            return 0.5 * ((outputs - targets) ** 2).sum(dim=1).mean()
        return F.cross_entropy(outputs, targets)

    return tc.Model(
        lambda width: Perceptron(training, width, seeds), optimizer, [(inputs, targets)] * STEPS, loss=loss, name="mlp"
    )


def both(training, **options):
    trainer = Trainer(as_model(training), (WIDTH, 2 * WIDTH), steps=STEPS)
    module = ModuleRun(trainer, WIDTH, SEEDS, **options)
    assert module.together > 1
    return module, dense.train(training, WIDTH, SEEDS, **options)


def near(seen, expected, relative=1e-11):
    """In the Frobenius norm: single entries may cancel."""
    assert seen.shape == expected.shape
    distance, size = torch.linalg.vector_norm(seen - expected).item(), torch.linalg.vector_norm(expected).item()
    assert distance <= relative * size, f"{distance:.3g} away, of size {size:.3g}"


@pytest.mark.parametrize("optimizer", [SGD(), Adam()], ids=lambda o: o.name)
@pytest.mark.parametrize("loss", [MSE, CROSS_ENTROPY], ids=lambda loss: loss.name)
@pytest.mark.parametrize("parametrization", [STANDARD, NTK], ids=lambda p: p.name)
def test_every_number_of_a_run_is_that_of_the_dense_engine(parametrization, loss, optimizer):
    training = described(parametrization, optimizer, loss)
    module, reference = both(training, times=(0, 2, STEPS))
    assert module.times == reference.times
    for name in ("role", "fan_in", "fan_out", "multiplier"):
        assert [getattr(one, name) for one in module.layers] == pytest.approx(
            [getattr(one, name) for one in reference.layers]
        )
    for name in ("losses", "peak_activations", "peak_outputs"):
        near(getattr(module, name), getattr(reference, name))
    draw = torch.Generator().manual_seed(1)
    for time in module.times:
        near(module.outputs(time), reference.outputs(time))
        for k, layer in enumerate(module.layers):
            vectors = torch.randn(2, 7, layer.fan_in, generator=draw, dtype=torch.float64)
            near(module.features(k, time), reference.features(k, time))
            near(module.weights(k, time), reference.weights(k, time))
            near(module.apply_initial(k, vectors), reference.apply_initial(k, vectors))
            near(module.apply_change(k, vectors, time), reference.apply_change(k, vectors, time), 1e-9)
            near(module.output_gradients(k, time), reference.output_gradients(k, time))
            for norm in ("frobenius", "spectral"):
                near(module.weight_norm(k, norm, time), reference.weight_norm(k, norm, time))
                change = module.weight_change_norm(k, norm, time)
                near(change, reference.weight_change_norm(k, norm, time), 1e-9)
            if k > 0:
                near(module.preactivations(k, time), reference.preactivations(k, time))
    near(module.preactivations(3, STEPS), reference.outputs(STEPS))


@pytest.mark.parametrize("parametrization", [STANDARD, NTK], ids=lambda p: p.name)
def test_kernels_and_gradients_are_those_of_the_dense_engine(parametrization):
    training = described(parametrization, SGD(), CROSS_ENTROPY)
    module, reference = both(training)
    targets = torch.as_tensor(training.data.draw().targets, dtype=torch.float64)
    unit = training.learning_rate.base * WIDTH**training.learning_rate.width
    for time in (0, STEPS):
        gradient = training.loss.gradient(reference.outputs(time), targets)
        near(module.loss_gradients(time), gradient)
        near(module.tangent_kernel(time), unit * reference.tangent_kernel(time))
        near(module.tangent_kernel(time, weighting="none"), reference.tangent_kernel(time, weighting="none"))
        for k, layer in enumerate(reference.layers):
            produced = (gradient[..., None] * reference.output_gradients(k, time)).sum(dim=2)
            by_weights = layer.multiplier * produced.mT @ reference.features(k, time)
            near(module.gradient_size(k, time), by_weights.flatten(1).square().mean(dim=1).sqrt())


@pytest.mark.parametrize("optimizer", [SGD(), Adam()], ids=lambda o: o.name)
def test_trainings_at_several_rates_are_those_of_the_dense_engine(optimizer):
    training = described(NTK, optimizer, MSE)
    module, _ = both(training)
    seeds, factors = (0, 5, 0, 5), torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64)
    found = module.histories(seeds, factors, Limits())
    reference = dense.train(training, WIDTH, seeds, times=(), rate_factors=factors)
    for name in ("losses", "peak_activations", "peak_outputs"):
        near(getattr(found, name), getattr(reference, name), 1e-9)
    assert module.rate == 1.0


def test_another_rate_is_another_training():
    # The neighbour of what was accepted above.
    training = described(NTK, SGD(), MSE)
    module, reference = both(training)
    other = module.histories(SEEDS, torch.full((2,), 1.01, dtype=torch.float64), Limits())
    assert math.isclose(float(other.losses[0, 0]), float(reference.losses[0, 0]), rel_tol=1e-12)
    assert not torch.allclose(other.losses[-1], reference.losses[-1], rtol=1e-5)
