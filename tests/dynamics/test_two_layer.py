"""Two-layer networks and their Jacobians agree with torch's autograd on networks written out plainly."""

import math

import numpy as np
import pytest
import torch

import theorychecks as tc
from theorychecks.dynamics.two_layer import TwoLayer, initial_weights

SEEDS, WIDTH, DIMENSION, SAMPLES = 3, 6, 4, 5


def rngs(seeds=SEEDS):
    return [np.random.default_rng([1, seed]) for seed in range(seeds)]


def plainly(phi, scale, weights, inputs):
    """One network: sum over neurons, as the module's first line has it."""
    a, w = weights[0], weights[1:].T
    total = sum(a[i] * phi(inputs @ w[i] / math.sqrt(DIMENSION)) for i in range(len(a)))
    return scale * total / math.sqrt(len(a))


@pytest.mark.parametrize("activation", [tc.TANH, tc.GELU])
@pytest.mark.parametrize("own_inputs", [False, True])
def test_outputs_and_jacobian_are_those_of_autograd(activation, own_inputs):
    network, weights = TwoLayer(activation, 0.7), initial_weights(rngs(), WIDTH, DIMENSION)
    shape = (SEEDS, SAMPLES, DIMENSION) if own_inputs else (SAMPLES, DIMENSION)
    inputs = torch.from_numpy(np.random.default_rng(2).standard_normal(shape))
    coefficients = torch.from_numpy(np.random.default_rng(3).standard_normal((SEEDS, SAMPLES)))
    change = torch.from_numpy(np.random.default_rng(4).standard_normal(weights.shape))
    found = network.linearised(weights, inputs)
    for seed in range(SEEDS):
        own = inputs[seed] if own_inputs else inputs

        def outputs(theta, own=own):
            return plainly(activation.function, 0.7, theta, own)

        jacobian = torch.autograd.functional.jacobian(outputs, weights[seed]).flatten(1)
        close = {"rtol": 1e-12, "atol": 1e-13}
        torch.testing.assert_close(found.outputs[seed], outputs(weights[seed]), **close)
        torch.testing.assert_close(network.outputs(weights, inputs)[seed], outputs(weights[seed]), **close)
        torch.testing.assert_close(found.kernel()[seed], jacobian @ jacobian.T, **close)
        torch.testing.assert_close(found.pushed(change)[seed], jacobian @ change[seed].flatten(), **close)
        torch.testing.assert_close(found.pulled(coefficients)[seed].flatten(), jacobian.T @ coefficients[seed], **close)


def test_doubled_networks_begin_at_zero_and_others_do_not():
    inputs = torch.from_numpy(np.random.default_rng(2).standard_normal((SAMPLES, DIMENSION)))
    network = TwoLayer(tc.TANH)
    doubled = network.outputs(initial_weights(rngs(), WIDTH, DIMENSION, start="doubled"), inputs)
    assert doubled.abs().max() < 1e-14
    assert network.outputs(initial_weights(rngs(), WIDTH, DIMENSION), inputs).abs().min() > 1e-3


def test_weights_are_standard_normal_and_belong_to_their_generator():
    weights = initial_weights(rngs(4), 2000, DIMENSION)
    assert weights.shape == (4, 1 + DIMENSION, 2000)
    # 40,000 numbers: three standard errors are 0.015 of the mean and 0.011 of the standard deviation.
    assert abs(float(weights.mean())) < 0.015
    assert abs(float(weights.std()) - 1) < 0.011
    torch.testing.assert_close(initial_weights(rngs(2), 2000, DIMENSION), weights[:2])


def test_what_is_no_network_is_refused():
    with pytest.raises(ValueError, match="doubled neurons come in pairs; got 5"):
        initial_weights(rngs(), 5, DIMENSION, start="doubled")
    for scale in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="an output scale is a positive number"):
            TwoLayer(tc.TANH, scale)
