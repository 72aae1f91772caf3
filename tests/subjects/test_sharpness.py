"""The sharpness of a network in units of its rates, held against the whole Hessian and a closed form."""

import pytest
import torch

import theorychecks as tc
from properties.subjects.sharpness import loss, sharpness_times_rate


def network(seed=0, width=4):
    own = torch.Generator().manual_seed(seed)
    shapes = ((2, width, 3), (2, width, width), (2, 2, width))
    weights = [torch.randn(shape, generator=own, dtype=torch.float64) for shape in shapes]
    inputs = torch.randn((5, 3), generator=own, dtype=torch.float64)
    return weights, inputs, torch.randn((5, 2), generator=own, dtype=torch.float64)


def whole_hessian(weights, rates, activation, inputs, targets):
    """Of one network, in the variables W / rate^1/2, by automatic differentiation of the flattened loss."""
    sizes = [matrix.numel() for matrix in weights]

    def value(flat):
        parts = [
            (part * rate**0.5).reshape(1, *matrix.shape)
            for part, rate, matrix in zip(flat.split(sizes), rates, weights, strict=True)
        ]
        return loss(parts, activation, inputs, targets).sum()

    flat = torch.cat([matrix.flatten() / rate**0.5 for matrix, rate in zip(weights, rates, strict=True)])
    return torch.autograd.functional.hessian(value, flat)


@pytest.mark.parametrize("rates", [(1.0, 1.0, 1.0), (0.3, 2.0, 0.5)])
def test_it_is_the_eigenvalue_of_largest_size_of_the_whole_hessian(rates):
    weights, inputs, targets = network()
    found = sharpness_times_rate(weights, rates, tc.TANH, inputs, targets, iterations=400)
    for seed in range(2):
        eigenvalues = torch.linalg.eigvalsh(whole_hessian([w[seed] for w in weights], rates, tc.TANH, inputs, targets))
        assert found[seed].item() == pytest.approx(eigenvalues[eigenvalues.abs().argmax()].item(), rel=1e-6)


def test_of_a_linear_map_it_is_the_largest_eigenvalue_of_the_inputs_covariance():
    _, inputs, targets = network()
    only = [torch.zeros((1, 2, 3), dtype=torch.float64)]
    found = sharpness_times_rate(only, (0.7,), tc.LINEAR, inputs, targets, iterations=400)
    covariance = inputs.T @ inputs / len(inputs)
    assert found.item() == pytest.approx(0.7 * torch.linalg.eigvalsh(covariance)[-1].item(), rel=1e-9)


def test_it_does_not_depend_on_the_parametrization():
    weights, inputs, targets = network()
    first = sharpness_times_rate(weights, (1.0, 1.0, 1.0), tc.LINEAR, inputs, targets, iterations=400)
    # A linear network is the same with a factor 2 moved between layers, where rates go with the squared factors.
    moved = [2 * weights[0], weights[1], weights[2] / 2]
    second = sharpness_times_rate(moved, (4.0, 1.0, 0.25), tc.LINEAR, inputs, targets, iterations=400)
    torch.testing.assert_close(first, second, rtol=1e-9, atol=0)


def test_the_loss_is_half_the_squared_distance():
    weights = [torch.ones((1, 1, 2), dtype=torch.float64), torch.full((1, 1, 1), 2.0, dtype=torch.float64)]
    inputs, targets = torch.tensor([[1.0, 2.0]]).double(), torch.tensor([[4.0]]).double()
    assert loss(weights, tc.RELU, inputs, targets).item() == pytest.approx(2.0)


@pytest.mark.parametrize("rates", [(1.0, 1.0), (1.0, -1.0, 1.0)])
def test_rates_that_do_not_fit_are_refused(rates):
    weights, inputs, targets = network()
    with pytest.raises(ValueError, match="none negative"):
        sharpness_times_rate(weights, rates, tc.TANH, inputs, targets)
