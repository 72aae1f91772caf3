"""Best rates of one step are where automatic differentiation and a fine grid find them, and wide networks have the limit."""

import numpy as np
import pytest
import torch

from properties.subjects.best_step import best_rates, limit

RNG = np.random.default_rng(3)
INPUTS, TARGETS = RNG.standard_normal((5, 3)), RNG.standard_normal(5)
WIDTH = 10


def losses_by_hand(depth, maximal, seed, rates):
    """Losses after one step at each rate, of one network with weights as the subject draws them."""
    shapes = [(WIDTH, 3), *[(WIDTH, WIDTH)] * depth, (1, WIDTH)]
    deviations = [3**-0.5, *[WIDTH**-0.5] * depth, 1 / WIDTH if maximal else WIDTH**-0.5]
    own = torch.Generator().manual_seed(seed)
    weights = [
        (std * torch.randn(shape, generator=own).to(torch.float64)).requires_grad_()
        for shape, std in zip(shapes, deviations, strict=True)
    ]

    def loss(matrices):
        signal = torch.from_numpy(INPUTS.T)
        for matrix in matrices:
            signal = matrix @ signal
        return (signal[0] - torch.from_numpy(TARGETS)).square().mean() / 2

    gradients = torch.autograd.grad(loss(weights), weights)
    factors = [WIDTH / 3, *[1.0] * depth, 1 / WIDTH] if maximal else [1 / 3 / WIDTH, *[1 / WIDTH] * (depth + 1)]
    return [
        loss([w - rate * k * g for w, k, g in zip(weights, factors, gradients, strict=True)]).item() for rate in rates
    ]


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("scheme", ["maximal update", "standard"])
def test_the_loss_first_stops_falling_there(depth, scheme):
    for seed in range(4):
        own = torch.Generator().manual_seed(seed)
        (rate,) = best_rates(WIDTH, depth, INPUTS, TARGETS, scheme, own, networks=1)
        rates = np.linspace(0, 1.02 * rate, 103)
        losses = np.array(losses_by_hand(depth, scheme == "maximal update", seed, rates))
        assert (np.diff(losses[:101]) < 0).all()
        assert losses[102] > losses[100]


@pytest.mark.parametrize("depth", [0, 1])
def test_wide_networks_have_the_limit(depth):
    own = torch.Generator().manual_seed(0)
    found = best_rates(2000, depth, INPUTS, TARGETS, "maximal update", own, networks=4)
    assert found == pytest.approx(np.full(4, limit(depth, INPUTS, TARGETS)), rel=0.15)


def test_the_limit_on_one_sample_fits_it_in_one_step():
    # f = rate (depth + 2) k y with k = |x|^2 / d.
    assert limit(1, np.array([[3.0, 4.0]]), np.array([2.0])) == pytest.approx(1 / (3 * 12.5))
