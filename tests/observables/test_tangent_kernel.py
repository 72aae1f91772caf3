"""The empirical tangent kernel is the product of autograd's Jacobians, and its mean the infinite-width NTK."""

import math

import numpy as np
import pytest
import torch

from theorychecks.engines import dense
from theorychecks.engines.deferred import DeferredRun
from theorychecks.kernels import analytic_kernels
from theorychecks.networks import (
    CROSS_ENTROPY,
    ERF,
    GELU,
    MAXIMAL_UPDATE,
    MEAN_FIELD,
    MLP,
    MSE,
    NTK,
    RELU,
    STANDARD,
    TANH,
    GaussianMixture,
    Teacher,
    Training,
    scaled,
)
from theorychecks.observables import TangentKernelDrift

WIDTH, STEPS = 9, 4
FUNCTIONS = {"relu": torch.relu, "tanh": torch.tanh, "gelu": torch.nn.functional.gelu, "erf": torch.erf}


def trained(depth, activation, parametrization=NTK, *, outputs=3, rate=None, centred=False, width=WIDTH, seeds=(0, 1)):
    training = Training(
        MLP(depth, activation, parametrization, centred=centred),
        learning_rate=rate or scaled(0.2),
        data=Teacher(dimension=4, outputs=outputs, samples=5, test_samples=3),
        loss=MSE,
        steps=STEPS,
        dtype="float64",
    )
    return dense.train(training, width, seeds)


def function(weights, multipliers, activation, x):
    for k, (weight, multiplier) in enumerate(zip(weights, multipliers, strict=True)):
        x = multiplier * (x if k == 0 else FUNCTIONS[activation](x)) @ weight.T
    return x


def explicit_kernel(run, time, rows, columns, rates=None):
    """Jacobians in all trainable weights by autograd, each matrix's weighted by its rate."""
    points = {"train": run.training.data.draw().inputs, "test": run.training.data.draw().test_inputs}
    multipliers = [layer.multiplier for layer in run.layers]
    found = []
    for seed in range(len(run.seeds)):
        weights = tuple(run.weights(k, time)[seed] / multipliers[k] for k in range(len(run.layers)))
        total = 0.0
        flat = {}
        for name in {rows, columns}:
            x = torch.as_tensor(points[name])
            jacobians = torch.func.jacrev(
                lambda w, x=x: function(w, multipliers, run.training.network.activation.name, x)
            )(weights)
            flat[name] = [jacobian.reshape(x.shape[0] * jacobian.shape[1], -1) for jacobian in jacobians]
        for k, rate in enumerate(rates or [1.0] * len(weights)):
            total = total + rate * flat[rows][k] @ flat[columns][k].T
        found.append(total)
    return torch.stack(found)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("depth, activation", [(1, TANH), (2, RELU), (3, GELU)])
@pytest.mark.parametrize("time", [0, STEPS])
def test_it_is_the_product_of_jacobians(outputs, depth, activation, time):
    run = trained(depth, activation, outputs=outputs)
    for rows, columns in (("train", "train"), ("test", "train"), ("train", "test"), ("test", "test")):
        found = run.tangent_kernel(time, rows=rows, columns=columns)
        torch.testing.assert_close(found, explicit_kernel(run, time, rows, columns), rtol=1e-10, atol=1e-12)
    # Training moves it.
    assert not torch.allclose(run.tangent_kernel(STEPS - time), run.tangent_kernel(time), rtol=1e-3)


# Rates of input, hidden and output matrices over base * n^(global exponent), worked out by hand at n = 9.
@pytest.mark.parametrize(
    "parametrization, rate, weights",
    [
        (STANDARD, scaled(0.01), (1, 1, 1)),
        (STANDARD, scaled(0.2, width=-1), (1, 1, 1)),
        (STANDARD, scaled(0.2, width=-1, input=1, output=-0.5), (9, 1, 1 / 3)),
        (MEAN_FIELD, scaled(0.02), (9, 9, 9)),
        (MAXIMAL_UPDATE, scaled(0.02), (9, 1, 1 / 9)),
    ],
)
def test_matrices_count_in_proportion_to_their_rates(parametrization, rate, weights):
    run = trained(2, TANH, parametrization, rate=rate)
    expected = explicit_kernel(run, 0, "train", "train", rates=weights)
    torch.testing.assert_close(run.tangent_kernel(0), expected, rtol=1e-10, atol=1e-12)
    if len(set(weights)) > 1:
        assert not torch.allclose(explicit_kernel(run, 0, "train", "train"), expected, rtol=1e-2)


def test_centring_leaves_the_kernel_as_it_is():
    found = trained(2, TANH, centred=True).tangent_kernel(0, rows="test")
    torch.testing.assert_close(found, trained(2, TANH).tangent_kernel(0, rows="test"), rtol=1e-14, atol=0.0)


@pytest.mark.parametrize("loss", [MSE, CROSS_ENTROPY], ids=repr)
@pytest.mark.parametrize("parametrization", [STANDARD, NTK, MEAN_FIELD, MAXIMAL_UPDATE], ids=lambda p: p.name)
def test_a_small_step_moves_the_function_by_rate_times_kernel_times_gradient(loss, parametrization):
    data = GaussianMixture(dimension=4, classes=3, samples=5, test_samples=3)
    rate = scaled(1e-7, width=-0.5, input=0.3)
    training = Training(
        MLP(2, GELU, parametrization), learning_rate=rate, data=data, loss=loss, steps=1, dtype="float64"
    )
    run = dense.train(training, WIDTH, (0, 1))
    targets = torch.as_tensor(data.draw().targets)
    gradient = loss.gradient(run.outputs(0), targets).reshape(2, 15, 1)
    predicted = -1e-7 * WIDTH**-0.5 * run.tangent_kernel(0, rows="test") @ gradient
    moved = (run.outputs(1, "test") - run.outputs(0, "test")).reshape(2, 9, 1)
    torch.testing.assert_close(moved, predicted, rtol=1e-4, atol=1e-4 * predicted.abs().max().item())
    assert not torch.allclose(moved, 1.1 * predicted, rtol=1e-2, atol=1e-3 * predicted.abs().max().item())


def average(run, **points):
    """Mean over seeds, and its standard error."""
    kernels = run.tangent_kernel(0, **points).numpy()
    return kernels.mean(axis=0), kernels.std(axis=0, ddof=1) / math.sqrt(len(kernels))


@pytest.mark.parametrize("parametrization", [NTK, MEAN_FIELD], ids=lambda p: p.name)
@pytest.mark.parametrize("activation, other", [(RELU, ERF), (ERF, RELU), (TANH, GELU), (GELU, TANH)])
def test_its_mean_at_one_hidden_layer_is_the_analytic_kernel(activation, other, parametrization):
    # At one hidden layer the mean is exact at every width. Preactivations have the variance |x|^2 / d, so the inputs of
    # a kernel whose weights all have variance gain^2 are divided by the gain.
    data = Teacher(dimension=4, samples=4, test_samples=3)
    training = Training(
        MLP(1, activation, parametrization), learning_rate=scaled(0.1), data=data, loss=MSE, steps=0, dtype="float64"
    )
    run = dense.train(training, 512, range(400))

    def analytic(given, rows, columns=None):
        gain = given.gain
        columns = None if columns is None else columns / gain
        return analytic_kernels(rows / gain, columns, depth=1, activation=given.name, weight_variance=gain**2).ntk

    draw = data.draw()
    mean, error = average(run)
    assert np.all(np.abs(mean - analytic(activation, draw.inputs)) < 5 * error)
    assert not np.all(np.abs(mean - analytic(other, draw.inputs)) < 5 * error)
    mean, error = average(run, rows="test")
    assert np.all(np.abs(mean - analytic(activation, draw.test_inputs, draw.inputs)) < 5 * error)
    # The errors are small enough to tell: under three per cent of the kernel's size.
    assert error.max() < 0.03 * np.abs(mean).max()


def test_drift_is_the_relative_change_in_the_frobenius_norm():
    run = DeferredRun(trained(2, TANH).training, WIDTH, (0, 1), 0)
    (reading,) = TangentKernelDrift().read(run).values()
    for position in range(2):
        start, end = (explicit_kernel(run, time, "train", "train")[position].numpy() for time in (0, STEPS))
        expected = np.linalg.norm(end - start) / np.linalg.norm(start)
        assert reading.values[position].item() == pytest.approx(expected, rel=1e-9)
        assert expected > 1e-3
