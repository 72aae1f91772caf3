"""Kernels drawn without matrices have the law of those that networks with matrices have."""

import numpy as np
import pytest

from properties.subjects.deep_relu import kernels_at_one_input, nngp_between_two_inputs, second_layer_bias
from theorychecks.kernels import analytic_kernels

WIDTH, DEPTH, DRAWS = 16, 3, 6000
FLOOR = 0.05  # where all neurons of a layer are off a kernel is zero, and has no logarithm
RNG = np.random.default_rng


def dense_kernels(inputs, seed):
    """Features' kernels and tangent kernels of networks with matrices, [draw, P, P], by backpropagation."""
    rng, features, masks, weights = RNG(seed), [], [], []
    x = np.broadcast_to(inputs, (DRAWS, *inputs.shape))
    for layer in range(DEPTH):
        weights.append(rng.standard_normal((DRAWS, WIDTH, x.shape[2])) * np.sqrt(2 / x.shape[2]))
        features.append(x)
        z = x @ np.swapaxes(weights[layer], 1, 2)
        masks.append(z > 0)
        x = np.maximum(z, 0)
    nngp = x @ np.swapaxes(x, 1, 2) / WIDTH
    ntk = nngp.copy()
    g = np.broadcast_to(rng.standard_normal((DRAWS, 1, WIDTH)) / np.sqrt(WIDTH), x.shape)
    for layer in reversed(range(DEPTH)):
        g = g * masks[layer]
        before = features[layer]
        ntk = ntk + 2 / before.shape[2] * (before @ np.swapaxes(before, 1, 2)) * (g @ np.swapaxes(g, 1, 2))
        g = g @ weights[layer]
    return nngp, ntk


def alike(one, other):
    """Two samples of logarithms with the same mean and standard deviation, to four standard errors."""
    one, other = np.log(one + FLOOR), np.log(other + FLOOR)
    error = np.sqrt((one.var() + other.var()) / DRAWS)
    return abs(one.mean() - other.mean()) < 4 * error and abs(np.log(one.std() / other.std())) < 4 * 1.2 / DRAWS**0.5


def test_kernels_at_one_input_have_the_law_of_networks():
    nngp, ntk = dense_kernels(np.ones((1, 4)), 0)
    drawn = kernels_at_one_input(WIDTH, DEPTH, DRAWS, RNG(1))
    assert alike(drawn.nngp, nngp[:, 0, 0])
    assert alike(drawn.ntk, ntk[:, 0, 0])
    assert not alike(drawn.ntk, nngp[:, 0, 0] * 4)
    assert not alike(kernels_at_one_input(WIDTH + 2, DEPTH, DRAWS, RNG(1)).ntk, ntk[:, 0, 0])


def test_kernels_between_two_inputs_have_the_law_of_networks():
    inputs = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, -1.0]])
    nngp, _ = dense_kernels(inputs, 2)
    drawn = nngp_between_two_inputs(0.5, WIDTH, DEPTH, DRAWS, RNG(3))
    assert alike(drawn, nngp[:, 0, 1])
    assert not alike(nngp_between_two_inputs(0.0, WIDTH, DEPTH, DRAWS, RNG(3)), nngp[:, 0, 1])


@pytest.mark.parametrize("depth", [1, 2])
def test_wide_kernels_are_the_analytic_ones(depth):
    inputs = np.sqrt(2) * np.array([[1.0, 0.0], [np.cos(1.2), np.sin(1.2)]])
    wide = analytic_kernels(inputs, depth=depth, activation="relu", weight_variance=2.0).nngp / 2
    found = nngp_between_two_inputs(np.cos(1.2), 20000, depth, 20, RNG(4)).mean()
    assert found == pytest.approx(wide[0, 1], rel=0.02)
    one = kernels_at_one_input(20000, depth, 20, RNG(5))
    assert one.nngp.mean() == pytest.approx(1, rel=0.02)
    assert one.ntk.mean() == pytest.approx(depth + 1, rel=0.02)


def test_the_variance_of_a_layer_is_five_over_its_width():
    # The fourth moment of a standard normal variable is three: Var(2 relu(g)^2) = 4 * 3 / 2 - 1 = 5.
    found = kernels_at_one_input(40, 1, 40000, RNG(6)).nngp
    assert found.var() * 40 == pytest.approx(5, rel=0.05)


@pytest.mark.parametrize("cosine", [-1.0, -0.5])
def test_the_second_layers_bias_is_that_of_plain_means(cosine):
    angle = np.arccos(cosine)
    first = (np.sin(angle) + cosine * (np.pi - angle)) / np.pi
    limit = (np.sin(np.arccos(first)) + first * (np.pi - np.arccos(first))) / np.pi
    plain = nngp_between_two_inputs(cosine, 8, 2, 200000, RNG(7)) / limit - 1
    calm = second_layer_bias(cosine, 8, 20000, RNG(8))
    assert calm.mean() == pytest.approx(plain.mean(), abs=4 * plain.std() / 200000**0.5)
    assert calm.std() / 20000**0.5 < 0.02 * abs(calm.mean()) * 4
    if cosine == -1.0:
        # sqrt(a b) with Var a = Var b = 5 / n and Cov(a, b) = -1 / n: -(5 + 5 + 2) / (8 n).
        assert second_layer_bias(cosine, 200, 20000, RNG(9)).mean() * 200 == pytest.approx(-1.5, rel=0.05)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: kernels_at_one_input(0, 1, 1, RNG(0)), "are positive"),
        (lambda: nngp_between_two_inputs(1.5, 4, 1, 1, RNG(0)), "between -1 and 1"),
        (lambda: second_layer_bias(-2.0, 4, 1, RNG(0)), "between -1 and 1"),
    ],
)
def test_what_is_no_network_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
