"""Tangent kernels by backpropagation are those that automatic differentiation finds, and their limit when wide."""

import pytest
import torch

import theorychecks as tc
from properties.subjects.tangent_kernels import tangent_kernels, two_inputs
from theorychecks.kernels import analytic_kernels


def by_differentiation(inputs, activation, *, width, seed):
    """Of one network with two hidden layers, drawn in the same order: [input, input]."""
    generator = torch.Generator().manual_seed(seed)
    shapes = ((width, 2), (width, width), (width, 1))
    weights = [torch.randn((1, *shape), generator=generator)[0].requires_grad_() for shape in shapes]
    gain, gradients = activation.gain, []
    for x in inputs:
        first = activation.function(weights[0] @ x * gain / 2**0.5)
        second = activation.function(weights[1] @ first * gain / width**0.5)
        output = weights[2][:, 0] @ second * gain / width**0.5
        gradients.append(torch.cat([each.flatten() for each in torch.autograd.grad(output, weights)]))
    stacked = torch.stack(gradients)
    return stacked @ stacked.T


@pytest.mark.parametrize("activation", [tc.RELU, tc.GELU])
def test_entries_are_those_of_gradients(activation):
    inputs = two_inputs(-0.5)
    wanted = by_differentiation(inputs, activation, width=5, seed=3)
    generator = torch.Generator().manual_seed(3)
    found = tangent_kernels(inputs, activation, width=5, depth=2, draws=1, generator=generator)
    torch.testing.assert_close(found.diagonal[0], wanted[0, 0])
    torch.testing.assert_close(found.off_diagonal[0], wanted[0, 1])
    assert abs(wanted[0, 1] - wanted[0, 0]) > 0.1 * wanted[0, 0]


@pytest.mark.parametrize("activation", [tc.RELU, tc.GELU])
def test_wide_kernels_are_the_analytic_ones(activation):
    inputs = two_inputs(0.5)
    limit = analytic_kernels(
        inputs.double().numpy(), depth=2, activation=activation.name, weight_variance=activation.gain**2
    )
    generator = torch.Generator().manual_seed(0)
    found = tangent_kernels(inputs, activation, width=512, depth=2, draws=400, generator=generator)
    for entries, wanted in zip(found, limit.ntk[0], strict=True):
        error = entries.std().item() / len(entries) ** 0.5
        assert abs(entries.mean().item() - wanted) < 4 * error < 0.1 * wanted


def test_a_network_has_neurons():
    with pytest.raises(ValueError, match="positive; got 0, 1 and 1"):
        tangent_kernels(two_inputs(0.5), tc.RELU, width=0, depth=1, draws=1, generator=torch.Generator())
