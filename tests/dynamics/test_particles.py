"""Particles descend the loss of a two-layer network, with noise of the right size, and approach their limit."""

import math

import numpy as np
import pytest
import torch

import theorychecks as tc
from theorychecks.dynamics.particles import (
    Field,
    Particles,
    batches,
    coupled_distances,
    gaussian_noise,
    own_noise,
    quasi_random_field,
    same_noise,
    trajectory,
    wide_field,
)

TEACHER = tc.Teacher(dimension=3, samples=5, test_samples=4)


def dynamics(**options):
    return Particles(**({"activation": tc.TANH, "data": TEACHER, "rate": 0.4, "dtype": torch.float64} | options))


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def silence(shape):
    return lambda: torch.zeros(shape, dtype=torch.float64)


def outputs(state, inputs, power):
    """The function of one system, written down with numpy: state [1 + d, N], inputs [Q, d]."""
    inputs = inputs / math.sqrt(inputs.shape[1])
    return np.array([sum(a * np.tanh(w @ x) for a, *w in state.T) for x in inputs]) / state.shape[1] ** power


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_a_step_is_gradient_descent_with_rate_times_particles_by_finite_differences(power):
    particles = dynamics(power=power, confinement=0.2, temperature=0.1)
    state = particles.initial(4, generators(0, 1))
    noise = torch.randn(state.shape, generator=generators(2)[0], dtype=torch.float64)
    moved = particles.step(state, noise)[1].numpy()
    data, before, gradient = TEACHER.draw(), state[1].numpy(), np.zeros((4, 4))

    def loss(at):
        return np.sum((outputs(at, data.inputs, power) - data.targets[:, 0]) ** 2) / (2 * 5)

    for place in np.ndindex(4, 4):
        shift = np.zeros((4, 4))
        shift[place] = 1e-5
        gradient[place] = (loss(before + shift) - loss(before - shift)) / 2e-5
    expected = before - 0.4 * 4 ** (2 * power - 1) * gradient - 0.4 * 0.2 * before
    expected += math.sqrt(2 * 0.4 * 0.1) * noise[1].numpy()
    np.testing.assert_allclose(moved, expected, rtol=1e-7, atol=1e-8)
    assert particles.losses(state)[1].item() == pytest.approx(loss(before), rel=1e-12)
    found = particles.outputs(state, particles.points.test_inputs)[1]
    np.testing.assert_allclose(found.numpy(), outputs(before, data.test_inputs, power), rtol=1e-12)


@pytest.mark.parametrize("activation", [tc.RELU, tc.ERF, tc.GELU])
def test_gradients_are_those_of_automatic_differentiation(activation):
    particles = dynamics(activation=activation)
    state = particles.initial(7, generators(0, 1)).requires_grad_()
    (expected,) = torch.autograd.grad(particles.losses(state).sum(), state)
    torch.testing.assert_close(particles.gradient(state.detach()), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_sharpness_is_that_of_the_jacobian(power):
    particles = dynamics(power=power)
    state = particles.initial(6, generators(3))
    jacobian = torch.autograd.functional.jacobian(lambda s: particles.outputs(s, particles.points.inputs)[0], state)
    largest = torch.linalg.matrix_norm(jacobian.reshape(5, -1), 2) ** 2 / 5
    assert particles.sharpness(state).item() == pytest.approx(largest.item() * 6 ** (2 * power - 1), rel=1e-10)


def test_without_interaction_the_stationary_variance_is_that_of_a_discrete_ornstein_uhlenbeck_process():
    # v = (1 - r c)^2 v + 2 r T, with rate r, confinement c, temperature T.
    particles = dynamics(confinement=0.5, temperature=0.3)
    state = particles.initial(4000, generators(0))
    noise, still = gaussian_noise(generators(1), 4000, 4), torch.zeros(5, dtype=torch.float64)
    for _ in range(60):
        state = particles.step_in_field(state, still, noise())
    expected = 0.3 / (0.5 * (1 - 0.4 * 0.5 / 2))
    # 16,000 numbers give a variance to 1.1 %.
    assert state.var().item() == pytest.approx(expected, rel=0.045)


def test_in_its_own_field_a_system_moves_as_by_itself():
    particles = dynamics(confinement=0.1)
    state = particles.initial(9, generators(5))
    residuals = particles.outputs(state, particles.points.inputs)[0] - particles.points.targets
    torch.testing.assert_close(particles.step_in_field(state, residuals), particles.step(state), rtol=1e-12, atol=1e-14)
    other = particles.step_in_field(state, residuals + 0.1)
    assert (other - particles.step(state)).abs().max() > 1e-3


def test_systems_do_not_depend_on_those_beside_them():
    particles = dynamics(temperature=0.1, confinement=0.1)

    def run(*seeds):
        state = particles.initial(5, generators(*seeds))
        noise = gaussian_noise(generators(*(100 + seed for seed in seeds)), 5, particles.parameters)
        return trajectory(particles, state, [300], noise)[300]

    torch.testing.assert_close(run(0, 1, 2)[2], run(2)[0], rtol=1e-9, atol=1e-9)


def test_noise_is_new_at_every_step_and_standard_normal():
    noise = gaussian_noise(generators(0, 1), 100, 4)
    drawn = torch.stack([noise() for _ in range(50)])
    assert drawn.shape == (50, 2, 4, 100)
    assert len(drawn.unique()) > 0.999 * drawn.numel()
    assert drawn.mean().item() == pytest.approx(0, abs=0.02)
    assert drawn.var().item() == pytest.approx(1, abs=0.03)


def test_trajectories_keep_the_times_asked_for():
    particles = dynamics()
    state = particles.initial(5, generators(0))
    kept = trajectory(particles, state, [0, 2])
    assert list(kept) == [0, 2]
    torch.testing.assert_close(kept[0], state)
    torch.testing.assert_close(kept[2], particles.step(particles.step(state)))


def test_fields_of_wide_systems_agree_and_start_at_minus_the_targets():
    particles = dynamics()
    smooth, drawn = quasi_random_field(particles, 2**14, 20), wide_field(particles, 2**14, 20, generators(0)[0])
    assert smooth.residuals.shape == (21, 5)
    assert smooth.outputs.shape == (21, 4)
    # f is zero in the limit at first; Sobol points come closer than 2^-7, the error of independent ones.
    torch.testing.assert_close(smooth.residuals[0], -particles.points.targets, rtol=0, atol=2e-3)
    torch.testing.assert_close(smooth.outputs, drawn.outputs, rtol=0, atol=5 * 2**-7)
    assert (smooth.outputs[-1] - smooth.outputs[0]).abs().max() > 0.1
    end = trajectory(particles, particles.initial(2**14, generators(0)), [20])[20]
    torch.testing.assert_close(drawn.losses[-1:], particles.losses(end))


def test_copies_in_the_field_of_the_system_itself_stay_with_it_and_others_do_not():
    particles = dynamics(temperature=0.1, confinement=0.1)
    state, shape = particles.initial(6, generators(7)), (1, 4, 6)
    steps = [torch.randn(shape, generator=generators(8)[0], dtype=torch.float64) for _ in range(3)]
    residuals, then = [], state
    for noise in [*steps, None]:
        residuals.append(particles.outputs(then, particles.points.inputs)[0] - particles.points.targets)
        then = then if noise is None else particles.step(then, noise)
    own = Field(torch.stack(residuals), torch.zeros(4, 4), 6)
    other = Field(own.residuals + 0.1, own.outputs, 6)

    def distance(field, coupling):
        noises = coupling(iter(steps).__next__, silence(shape))
        return coupled_distances(particles, field, state, [0, 3], noises)

    assert distance(own, same_noise)[3].item() < 1e-12
    assert distance(other, same_noise)[0].item() == 0
    assert distance(other, same_noise)[3].item() > 1e-2
    assert distance(own, own_noise)[3].item() > 0.1


def test_after_one_step_with_noise_of_its_own_each_particle_is_as_far_as_two_noises_differ():
    # Two independent noises of variance 2 r T in each of 4 parameters; the drift is the same.
    particles = dynamics(temperature=0.1)
    state = particles.initial(5000, generators(0))
    residuals = particles.outputs(state, particles.points.inputs)[0] - particles.points.targets
    field = Field(residuals.expand(2, -1), torch.zeros(2, 4), 5000)
    noises = own_noise(gaussian_noise(generators(1), 5000, 4), gaussian_noise(generators(2), 5000, 4))
    found = coupled_distances(particles, field, state, [1], noises)[1].item()
    assert found == pytest.approx(math.sqrt(4 * 2 * (2 * 0.4 * 0.1)), rel=0.03)


def test_batches_hold_all_seeds_in_order_and_one_at_least():
    assert [len(part) for part in batches(range(5), 2**20, 8)] == [1] * 5
    assert [seed for part in batches(range(3, 1000), 64, 8) for seed in part] == list(range(3, 1000))
    assert len(batches(range(100), 64, 8)) == 1


@pytest.mark.parametrize(
    "options, words",
    [
        ({"data": tc.Teacher(outputs=2)}, "particles have one output; the data have 2"),
        ({"rate": 0.0}, "a learning rate is positive"),
        ({"rate": math.nan}, "a learning rate is positive"),
        ({"confinement": -0.1}, "confinement is zero or above"),
        ({"temperature": math.inf}, "temperature is zero or above"),
        ({"power": math.nan}, "the power of N is a finite number"),
    ],
)
def test_what_are_no_dynamics_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        dynamics(**options)


def test_what_has_no_limit_or_lacks_its_noise_is_refused():
    hot = dynamics(temperature=0.1)
    state = hot.initial(4, generators(0))
    with pytest.raises(ValueError, match=r"at temperature 0.1 a step needs noise"):
        hot.step(state)
    with pytest.raises(ValueError, match="quasi-random particles know no noise"):
        quasi_random_field(hot, 64, 1)
    with pytest.raises(ValueError, match="only the mean-field scaling, power=1, has a limit"):
        quasi_random_field(dynamics(power=0.5), 64, 1)
    with pytest.raises(ValueError, match="the field ends at step 2; got times up to 3"):
        coupled_distances(hot, wide_field(hot, 8, 2, generators(0)[0]), state, [3], iter(()))
