"""Products of weights descend their own loss, and are stable up to what their curvature says."""

import math

import numpy as np
import pytest
import torch

from properties.subjects import product_of_weights as products


def generators(seeds):
    return [torch.Generator().manual_seed(seed) for seed in range(seeds)]


def problem():
    rng = np.random.default_rng(2)
    return torch.from_numpy(rng.standard_normal((5, 4))), torch.from_numpy(rng.standard_normal(5))


def by_hand(layers, inputs, targets, gamma, multiplier, rate, steps):
    """Relative losses of one network, by automatic differentiation."""
    weights = [layer.clone().requires_grad_() for layer in layers]
    initial, losses = None, []
    for _ in range(steps + 1):
        signal = inputs
        for weight in weights[:-1]:
            signal = signal @ weight.T
            signal = signal.relu() if len(weight) > 1 else signal
        product = (signal @ weights[-1].T)[:, 0]
        initial = product.detach() if initial is None else initial
        loss = ((multiplier * (product - initial) / gamma - targets) ** 2).mean() / 2
        losses.append(2 * loss.item() / targets.square().mean().item())
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.data -= rate * gradient
    return losses


@pytest.mark.parametrize("depth", [2, 3])
@pytest.mark.parametrize("gamma", [0.2, 30.0])
@pytest.mark.parametrize("wide", [False, True])
def test_losses_are_those_of_gradient_descent(depth, gamma, wide):
    inputs, targets = problem()
    start = (
        products.networks(depth, 6, inputs, targets, strength=gamma, generators=generators(2))
        if wide
        else products.weights(depth, strength=gamma, generators=generators(2))
    )
    rate = 0.02 * min(gamma**2, gamma ** (2 / depth))
    losses = torch.stack(list(products._losses(start, torch.full((2,), rate, dtype=torch.float64), 12)))
    for seed in range(2):
        layers = [layer[seed] for layer in start.layers]
        multiplier = 6**-0.5 if wide else 1.0
        expected = by_hand(layers, start.inputs, start.targets, gamma, multiplier, rate, 12)
        np.testing.assert_allclose(losses[:, seed], expected, rtol=1e-9)
    assert (losses[-1] < losses[0]).all()


def test_losses_are_crossed_where_they_fall():
    start = products.weights(2, strength=50.0, generators=generators(3))
    rate = torch.full((3,), 0.05 * products.rich_rate(start), dtype=torch.float64)
    losses = torch.stack(list(products._losses(start, rate, 400))).numpy()
    crossed = products.crossings(start, rate, steps=400, levels=(0.75, 0.1)).numpy()
    for level, times in zip((0.75, 0.1), crossed, strict=True):
        for seed, time in enumerate(times):
            assert np.interp(time, np.arange(401), losses[:, seed]) == pytest.approx(level, abs=1e-6)
    assert torch.isinf(products.crossings(start, rate, steps=2, levels=(0.75,))).all()


@pytest.mark.parametrize("depth", [2, 3])
def test_the_rate_for_weak_learning_is_that_of_a_quadratic(depth):
    # With gamma << 1 the output is linear in the weights: stable below 2 gamma^2 over the squared gradient of the product.
    start = products.weights(depth, strength=1e-5, generators=generators(6))
    weights = torch.stack([layer[:, 0, 0] for layer in start.layers])
    gradients = (weights.prod(dim=0) / weights).square().sum(dim=0)
    found = products.largest_rate(start, 3e-11, steps=200, offsets=np.linspace(0, 0.9, 6))
    # After 200 steps a tenth of the loss is left a little below the threshold.
    assert (torch.log2(found / (2e-10 / gradients)).abs() < 0.15).all()


def test_a_rate_out_of_reach_is_told():
    start = products.weights(2, strength=1e-3, generators=generators(2))
    assert (products.largest_rate(start, 1.0, steps=20, offsets=[0.1, 0.5]) == 0).all()
    assert torch.isinf(products.largest_rate(start, 1e-8, steps=60, offsets=[0.1, 0.5])).all()


def test_the_rich_rate_is_a_root_of_the_strength():
    assert products.rich_rate(products.weights(3, strength=8.0, generators=generators(1))) == pytest.approx(4.0)
    assert products.rich_rate(products.weights(2, strength=8.0, generators=generators(1))) == pytest.approx(8.0)


def test_networks_have_variance_one_over_fan_in_and_average_over_neurons():
    inputs, targets = problem()
    start = products.networks(3, 200, inputs, targets, strength=2.0, generators=generators(2))
    assert [tuple(layer.shape[1:]) for layer in start.layers] == [(200, 4), (200, 200), (1, 200)]
    for layer in start.layers:
        assert float(layer.var() * layer.shape[2]) == pytest.approx(1, rel=0.2)
    assert start.multiplier == pytest.approx(1 / math.sqrt(200))


@pytest.mark.parametrize(
    "depth, strength, wrong", [(1, 1.0, "two factors or more; got depth=1"), (2, 0.0, "positive number; got 0")]
)
def test_one_factor_and_strengths_that_are_not_positive_are_refused(depth, strength, wrong):
    with pytest.raises(ValueError, match=wrong):
        products.weights(depth, strength=strength, generators=generators(1))
