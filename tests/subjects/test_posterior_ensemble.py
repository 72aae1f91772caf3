"""An ensemble's gradients are those of autograd, it ends where the ridge holds it, and the posterior is a conditional law."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

import theorychecks as tc
from properties.subjects.posterior_ensemble import Ensemble
from theorychecks.kernels.analytic import analytic_kernels

DATA = tc.Teacher(dimension=4, samples=4, test_samples=6, largest_cosine=0.5)
ENSEMBLE = Ensemble(data=DATA, activation=tc.GELU, depth=2, noise=0.3)
DEPTHS = pytest.mark.parametrize("depth", [1, 2])


def drawn(depth):
    """An ensemble of three, its weights, a direction, inputs and targets, in double precision."""
    generator = torch.Generator().manual_seed(0)
    ensemble = replace(ENSEMBLE, depth=depth)
    sizes = [4, *[16] * depth, 1]
    shapes = [(3, rows, columns) for rows, columns in pairwise(sizes)]
    weights, direction = (
        [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes] for _ in range(2)
    )
    inputs = torch.randn((5, 4), generator=generator, dtype=torch.float64)
    return ensemble, weights, direction, inputs, torch.randn((3, 5), generator=generator, dtype=torch.float64)


@DEPTHS
def test_the_gradient_is_that_of_autograd(depth):
    ensemble, weights, _, inputs, targets = drawn(depth)
    for matrix in weights:
        matrix.requires_grad_()
    loss = (ensemble.outputs(weights, inputs) - targets).square().sum() / 2
    expected = torch.autograd.grad(loss, weights)
    with torch.no_grad():
        torch.testing.assert_close(ensemble.gradient(weights, inputs, targets), list(expected))


@DEPTHS
def test_the_derivative_is_that_of_a_difference(depth):
    ensemble, weights, direction, inputs, _ = drawn(depth)
    ahead, behind = (
        ensemble.outputs([w + sign * 1e-5 * v for w, v in zip(weights, direction, strict=True)], inputs)
        for sign in (1, -1)
    )
    found = ensemble.derivative(weights, direction, inputs)
    torch.testing.assert_close(found, (ahead - behind) / 2e-5, rtol=1e-6, atol=1e-8)


def test_the_posterior_is_the_conditional_law_of_the_joint_one():
    # Of a normal vector the inverse covariance has the conditional precision as its block.
    drawn = DATA.draw()
    both = np.concatenate([drawn.inputs, drawn.test_inputs])
    joint = analytic_kernels(both, depth=2, activation="gelu", weight_variance=tc.GELU.gain**2).ntk
    posterior = ENSEMBLE.posterior()
    joint[:4, :4] += posterior.noise * np.eye(4)
    precision = np.linalg.inv(joint)
    inside = np.linalg.inv(precision[4:, 4:])
    np.testing.assert_allclose(posterior.variance, np.diag(inside))
    np.testing.assert_allclose(posterior.mean, -inside @ precision[4:, :4] @ drawn.targets[:, 0])


def test_members_end_near_kernel_ridge_regression_with_their_own_kernel():
    # A wide network without prior functions and noise: f_0 + K (K + noise)^-1 (y - f_0), to first order.
    ensemble = replace(ENSEMBLE, depth=1, randomised="nothing")
    mean, spread = (
        reading(ensemble.predictions(2048, 64, torch.Generator().manual_seed(1)), dim=0)
        for reading in (torch.mean, torch.std)
    )
    off = (mean.double().numpy() - ensemble.posterior().mean) / spread.double().numpy() * 8
    assert np.abs(off).max() < 4


def test_members_do_not_depend_on_how_many_are_trained_at_once(monkeypatch):
    from properties.subjects import posterior_ensemble

    whole = ENSEMBLE.predictions(8, 4, torch.Generator().manual_seed(2))
    monkeypatch.setattr(posterior_ensemble, "_NUMBERS_TOGETHER", 64)
    assert ENSEMBLE.predictions(8, 4, torch.Generator().manual_seed(2)).shape == whole.shape == (4, 6)
