"""Flows to zero loss agree with short plain steps, with linear regression, and with a general-purpose optimiser."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

import theorychecks as tc
from theorychecks.dynamics.two_layer import TwoLayer, initial_weights
from theorychecks.dynamics.zero_loss import Fitting, anchored_flow, flow_path, gradient_flow, kkt_residual, slide

WIDTH = 16


def problem(activation=tc.TANH, *, width=WIDTH, samples=3, size=1.0, scale=None, seeds=2):
    """A small rich network and its initial weights; `size` is of the targets."""
    drawn = tc.Sphere(dimension=4, samples=samples, largest_cosine=0.5, seed=3).draw()
    network, inputs = TwoLayer(activation, scale or width**-0.5), torch.from_numpy(drawn.inputs)
    weights = initial_weights([np.random.default_rng([5, seed]) for seed in range(seeds)], width, 4)
    return Fitting(
        network, inputs, network.outputs(weights, inputs) + size * torch.from_numpy(drawn.targets[:, 0])
    ), weights


def euler(fitting, weights, velocity, step, steps):
    """Plain short steps along a vector field of the weights, its linearisation and its residual."""
    for _ in range(steps):
        linearised = fitting.at(weights)
        weights = weights + step * velocity(weights, linearised, linearised.outputs - fitting.targets)
    return weights


def apart(first, second):
    return float((first - second).norm() / second.norm())


def test_gradient_flow_is_the_limit_of_short_steps():
    fitting, weights = problem()
    flowed = gradient_flow(fitting, weights, growth=1.05)
    step = 0.04 / float(torch.linalg.eigvalsh(fitting.at(weights).kernel()).max())
    # Plain descent has an error of first order, so extrapolating two steps leaves the second.
    coarse, fine = (
        euler(fitting, weights, lambda _, at, residual: -at.pulled(residual), step / part, 2_000 * part)
        for part in (1, 2)
    )
    travelled = (flowed - weights).norm()
    assert (2 * fine - coarse - flowed).norm() < 2e-3 * travelled
    assert (coarse - flowed).norm() > 5e-3 * travelled
    assert fitting.misfit(flowed) < 1e-12


def test_errors_of_gradient_flow_fall_with_the_square_of_its_steps():
    fitting, weights = problem()
    exact = gradient_flow(fitting, weights, growth=1.0125)
    coarse, fine = (apart(gradient_flow(fitting, weights, growth=growth), exact) for growth in (1.2, 1.1))
    assert 3 < coarse / fine < 5


def test_a_linear_model_ends_at_the_least_squares_solution_nearest_to_its_start():
    # Readout and input weights of a linear activation would multiply; a huge scale keeps them where they are.
    fitting, weights = problem(tc.LINEAR, scale=1e4)
    linearised = fitting.at(weights)
    residual = linearised.outputs - fitting.targets
    nearest = weights - linearised.pulled(torch.linalg.solve(linearised.kernel(), residual))
    assert apart(gradient_flow(fitting, weights) - weights, nearest - weights) < 1e-3
    assert float(kkt_residual(fitting, nearest, weights).max()) < 1e-3


def test_the_kkt_residual_is_the_part_of_the_distance_outside_the_rows():
    fitting, weights = problem(seeds=1)
    flowed = gradient_flow(fitting, weights)
    offset = (flowed - weights).flatten()
    jacobian = torch.autograd.functional.jacobian(
        lambda theta: fitting.network.outputs(theta, fitting.inputs)[0], flowed
    ).flatten(1)
    outside = offset - torch.linalg.pinv(jacobian) @ (jacobian @ offset)
    torch.testing.assert_close(kkt_residual(fitting, flowed, weights)[0], outside.norm() / offset.norm())


def test_a_slide_ends_at_the_nearest_point_of_the_zero_loss_set():
    fitting, weights = problem(width=6, samples=2, seeds=1)
    flowed = gradient_flow(fitting, weights)
    slid = slide(fitting, flowed, weights, duration=40.0, slide_step=0.02, at_rest=1e-4)

    def residual(theta):
        return (
            fitting.network.outputs(torch.from_numpy(theta).reshape(weights.shape), fitting.inputs) - fitting.targets
        )[0]

    start = weights.numpy().ravel()
    nearest = minimize(
        lambda theta: ((theta - start) ** 2).sum(),
        flowed.numpy().ravel(),
        constraints={"type": "eq", "fun": lambda theta: residual(theta).numpy()},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert nearest.success
    assert apart(slid, torch.from_numpy(nearest.x).reshape(weights.shape)) < 1e-3
    assert (flowed - weights).norm() > 1.01 * (slid - weights).norm()


def test_an_anchored_flow_is_the_limit_of_short_steps():
    fitting, weights = problem()
    anchor, ridge, time = 0.5 * weights, 0.01, 60.0
    (found,) = anchored_flow(
        fitting, weights, ridge=ridge, slow_times=(ridge * time,), anchor=anchor, growth=1.02, slide_step=0.01
    )

    def velocity(theta, linearised, residual):
        return -linearised.pulled(residual) - ridge * (theta - anchor)

    coarse, fine = (euler(fitting, weights, velocity, time / steps, steps) for steps in (1000, 2000))
    assert apart(found - weights, 2 * fine - coarse - weights) < 1e-3


def test_a_vanishing_ridge_slides():
    fitting, weights = problem()
    slid = slide(fitting, gradient_flow(fitting, weights), weights, duration=1.0, slide_step=0.005)
    small, smaller = (
        anchored_flow(fitting, weights, ridge=ridge, slow_times=(1.0,), slide_step=0.005)[0] for ridge in (1e-4, 1e-5)
    )
    assert apart(smaller - weights, slid - weights) < 3e-3
    assert apart(smaller - weights, slid - weights) < apart(small - weights, slid - weights)


def test_points_of_a_trajectory_begin_at_the_start_and_end_at_zero_loss():
    fitting, weights = problem()
    points, times = flow_path(fitting, weights)
    assert len(points) == len(times) + 1
    torch.testing.assert_close(points[0], weights)
    torch.testing.assert_close(points[-1], gradient_flow(fitting, weights))
    assert all(bool((after > before).all()) for before, after in pairwise(times))


def test_what_does_not_come_to_rest_is_refused():
    fitting, weights = problem()
    flowed = gradient_flow(fitting, weights)
    with pytest.raises(ArithmeticError, match="the slide is not at rest"):
        slide(fitting, flowed, weights, duration=0.1, at_rest=0.01)
    assert float(kkt_residual(fitting, slide(fitting, flowed, weights, duration=0.1), weights).max()) > 0.01


def test_what_cannot_be_fitted_is_refused():
    fitting, weights = problem()
    twice = Fitting(fitting.network, fitting.inputs[[0, 0]], fitting.targets[:, :2])
    with pytest.raises(ArithmeticError, match="gradient flow has a relative residual of"):
        gradient_flow(twice, weights)


def test_bad_numbers_are_refused():
    fitting, weights = problem()
    for ridge in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="an anchored flow has a positive ridge"):
            anchored_flow(fitting, weights, ridge=ridge, slow_times=(1.0,))
    with pytest.raises(ValueError, match="slow times are positive and increase"):
        anchored_flow(fitting, weights, ridge=0.1, slow_times=(1.0, 1.0))
    with pytest.raises(ValueError, match="steps grow by a factor above one"):
        gradient_flow(fitting, weights, growth=1.0)
