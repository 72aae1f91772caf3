"""The linearised model is the one that Taylor's first order makes of a network, trained by the same steps."""

import math

import numpy as np
import pytest
import torch

from theorychecks.engines import dense
from theorychecks.engines.deferred import DeferredRun
from theorychecks.kernels import gradient_descent_on_kernel
from theorychecks.networks import (
    CROSS_ENTROPY,
    MAXIMAL_UPDATE,
    MLP,
    MSE,
    NTK,
    SGD,
    TANH,
    Adam,
    GaussianMixture,
    Ridge,
    Teacher,
    Training,
    scaled,
)
from theorychecks.observables import LinearisationError, ResidualModeError

DATA = Teacher(dimension=4, outputs=2, samples=4, test_samples=3)
CLASSES = GaussianMixture(dimension=4, classes=2, samples=4, test_samples=3)
SEEDS = (0, 1, 2)


def training(depth=2, parametrization=NTK, *, loss=MSE, **options):
    network = MLP(depth, TANH, parametrization, centred=options.pop("centred", False))
    options = {"learning_rate": scaled(0.2), "data": DATA, "steps": 6, "dtype": "float64"} | options
    return Training(network, loss=loss, **options)


def value(observable, described, width=16):
    (reading,) = observable.read(DeferredRun(described, width, SEEDS, 0)).values()
    return reading.values.numpy()


def rms(values):
    return math.sqrt(np.mean(np.square(values)))


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("points", ["train", "test"])
def test_on_the_squared_error_it_is_gradient_descent_on_the_initial_kernel(centred, points):
    described = training(centred=centred)
    run, draw = dense.train(described, 16, SEEDS), DATA.draw()
    found = value(LinearisationError(points), described)
    train, cross = (run.tangent_kernel(0, rows=rows).numpy() for rows in ("train", points))
    for seed in range(3):
        residual = (draw.targets - run.outputs(0)[seed].numpy()).reshape(-1)
        moved = gradient_descent_on_kernel(train[seed], cross[seed], residual, learning_rate=0.2 / 4, steps=6)
        change = (run.outputs(6, points) - run.outputs(0, points))[seed].numpy().reshape(-1)
        assert found[seed] == pytest.approx(rms(change - moved), rel=1e-9)


@pytest.mark.parametrize("batch_size", [None, 2])
def test_on_cross_entropy_and_batches_it_is_the_model_linear_in_its_weights(batch_size):
    rates = {"learning_rate": scaled(0.2, width=-0.5, input=0.25), "batch_size": batch_size}
    described = training(loss=CROSS_ENTROPY, data=CLASSES, **rates)
    run, draw = dense.train(described, 16, SEEDS), CLASSES.draw()
    inputs, test_inputs, targets = map(torch.as_tensor, (draw.inputs, draw.test_inputs, draw.targets))
    multipliers = [layer.multiplier for layer in run.layers]
    own = [described.rate(layer.role, 16) for layer in run.layers]
    found = value(LinearisationError(), described)
    for seed in range(3):
        start = tuple(run.weights(k, 0)[seed] / multipliers[k] for k in range(3))

        def function(weights, x):
            for k, weight in enumerate(weights):
                x = multipliers[k] * (x if k == 0 else torch.tanh(x)) @ weight.T
            return x

        def linear(shift, x, start=start):
            jacobians = torch.func.jacrev(function)(start, x)
            moved = [torch.tensordot(j, s, dims=2) for j, s in zip(jacobians, shift, strict=True)]
            return function(start, x) + sum(moved)

        shift = tuple(torch.zeros_like(weight) for weight in start)
        for step in range(6):
            rows = [(step * (batch_size or 4) + i) % 4 for i in range(batch_size or 4)]

            def loss(shift, rows=rows):
                return torch.nn.functional.cross_entropy(linear(shift, inputs[rows]), targets[rows])

            gradient = torch.func.grad(loss)(shift)
            shift = tuple(s - rate * g for s, g, rate in zip(shift, gradient, own, strict=True))
        difference = run.outputs(6, "test")[seed] - linear(shift, test_inputs)
        assert found[seed] == pytest.approx(rms(difference.numpy()), rel=1e-8)


def modes_by_hand(described, left):
    run, draw = dense.train(described, 16, SEEDS), DATA.draw()
    kernel, found = run.tangent_kernel(0).numpy(), []
    for seed in range(3):
        start, end = ((run.outputs(time)[seed].numpy() - draw.targets).reshape(-1) for time in (0, 6))
        found.append(rms(end - left(kernel[seed]) @ start) / rms(start))
    return found


def test_modes_are_held_against_powers_and_exponentials_of_the_kernel():
    from scipy.linalg import expm

    described = training(1, learning_rate=scaled(0.3))
    powers = modes_by_hand(described, lambda kernel: np.linalg.matrix_power(np.eye(8) - 0.3 / 4 * kernel, 6))
    flows = modes_by_hand(described, lambda kernel: expm(-6 * 0.3 / 4 * kernel))
    np.testing.assert_allclose(value(ResidualModeError(), described), powers, rtol=1e-9)
    np.testing.assert_allclose(value(ResidualModeError("exponential"), described), flows, rtol=1e-9)
    assert not np.isclose(flows, powers, rtol=0.1).any()


@pytest.mark.parametrize("observable", [LinearisationError(), ResidualModeError()])
def test_a_network_whose_readout_alone_is_trained_is_its_linearisation(observable):
    readout_only = training(1, learning_rate=scaled(0.2, input=-20))
    assert (value(observable, readout_only) < 1e-12).all()
    assert (value(observable, training(1)) > 1e-4).all()


def test_the_unit_of_the_rate_is_that_of_the_kernel():
    # Maximal update trains layers at rates of their own; the readout alone, again, has no error.
    readout_only = training(1, MAXIMAL_UPDATE, learning_rate=scaled(3.0, width=0.5, input=-20))
    assert (value(LinearisationError(), readout_only) < 1e-12).all()


@pytest.mark.parametrize(
    "options",
    [{"optimizer": Adam()}, {"optimizer": SGD(momentum=0.5)}, {"ridge": Ridge(strength=0.1)}],
)
@pytest.mark.parametrize("observable", [LinearisationError(), ResidualModeError()])
def test_what_does_not_train_it_is_refused(observable, options):
    with pytest.raises(
        ValueError, match=r"trained by plain gradient descent; got .* and Ridge.*Use SGD\(\), and no ridge"
    ):
        value(observable, training(**options))


@pytest.mark.parametrize("options", [{"loss": CROSS_ENTROPY, "data": CLASSES}, {"batch_size": 2}])
def test_modes_that_do_not_decay_by_themselves_are_refused(options):
    with pytest.raises(ValueError, match="Use MSE and batch_size=None"):
        value(ResidualModeError(), training(**options))


def test_unknown_points_and_decays_are_refused():
    with pytest.raises(ValueError, match="points are 'train' or 'test'; got 'all'"):
        LinearisationError("all")
    with pytest.raises(ValueError, match="'geometric' or 'exponential'; got 'linear'"):
        ResidualModeError("linear")
