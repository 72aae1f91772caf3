"""The recursion is gradient descent on two vectors, its states have the law of networks, its thresholds are 2 and 4."""

import numpy as np
import pytest

from properties.subjects.linear_recursion import (
    State,
    catapult_threshold,
    initial_state,
    max_stable_rate,
    step,
)

WIDTH = 64


def generators(count, place=0):
    return [np.random.default_rng([place, seed]) for seed in range(count)]


@pytest.mark.parametrize("ntk", [False, True])
@pytest.mark.parametrize("rate", [0.5, 2.5, 3.5])
def test_steps_are_gradient_descent_on_both_vectors(ntk, rate):
    rng = np.random.default_rng(0)
    u, v = rng.standard_normal((2, 1, WIDTH))
    if not ntk:
        u /= np.sqrt(WIDTH)
    s = WIDTH**-0.5 if ntk else 1.0

    def now():
        return s * (u * v).sum(axis=1), s**2 * ((u**2).sum(axis=1) + (v**2).sum(axis=1))

    state = State(*now(), s**2)
    eta = rate / state.kernels
    for _ in range(12):
        residual = s * (u * v).sum(axis=1, keepdims=True) - 0.7
        u, v = u - eta * residual * s * v, v - eta * residual * s * u
        state = step(state, eta, 0.7)
        np.testing.assert_allclose(state.outputs, now()[0], rtol=1e-9)
        np.testing.assert_allclose(state.kernels, now()[1], rtol=1e-9)
    assert not np.allclose(step(state, eta, 0.0).outputs, step(state, eta, 0.7).outputs)


@pytest.mark.parametrize("ntk", [False, True])
def test_initial_states_have_the_moments_of_networks(ntk):
    n, runs = 16, 20_000
    f, K, s2 = initial_state(n, generators(runs), ntk=ntk)
    v, u = np.random.default_rng(1).standard_normal((2, runs, n))
    f_drawn = (u * v).sum(axis=1) / np.sqrt(n)
    K_drawn = ((u**2).sum(axis=1) + (v**2).sum(axis=1)) / n if ntk else (u**2).sum(axis=1) / n + (v**2).sum(axis=1)
    assert s2 == (1 / n if ntk else 1.0)
    for found, drawn in ((f**2, f_drawn**2), (K, K_drawn), (K**2, K_drawn**2), (f**2 * K, f_drawn**2 * K_drawn)):
        error = np.hypot(found.std(), drawn.std()) / np.sqrt(runs)
        assert abs(found.mean() - drawn.mean()) < 4 * error


def test_catapults_begin_at_two_and_end_at_four_inverse_kernels():
    for ntk in (False, True):
        state = initial_state(2**16, generators(4), ntk=ntk)
        np.testing.assert_allclose(catapult_threshold(state, "monotone") * state.kernels, 2, rtol=2e-3)
        np.testing.assert_allclose(catapult_threshold(state, "bounded") * state.kernels, 4, rtol=2e-3)


def test_dither_moves_the_grid_of_the_bisection_and_not_the_threshold():
    state = initial_state(2**20, generators(4))
    plain = catapult_threshold(state, "bounded") * state.kernels
    dithered = catapult_threshold(state, "bounded", dither=np.array([1.0, 1.3, 1.6, 1.9])) * state.kernels
    assert len(set(plain.round(12))) == 1
    assert len(set(dithered.round(12))) == 4
    np.testing.assert_allclose(dithered, 4, rtol=2e-3)


def test_a_catapult_shrinks_the_kernel_and_ends_at_the_target():
    state = start = initial_state(4096, generators(4))
    eta = 3 / start.kernels
    for _ in range(300):
        state = step(state, eta, 1.0)
    np.testing.assert_allclose(state.outputs, 1, atol=1e-6)
    assert (eta * state.kernels < 2).all()


def test_a_warm_up_raises_the_largest_stable_rate():
    state = initial_state(1024, generators(4))
    constant, warmed = max_stable_rate(state), max_stable_rate(state, warm_up=0.1)
    np.testing.assert_allclose(constant * state.kernels, 4, rtol=0.05)
    assert (warmed > 2 * constant).all()


def test_options_are_checked():
    state = initial_state(64, generators(1))
    with pytest.raises(ValueError, match="'monotone' or 'bounded'; got 'loss'"):
        catapult_threshold(state, "loss")
    with pytest.raises(ValueError, match=r"fraction of the steps in \[0, 1\); got 1"):
        max_stable_rate(state, warm_up=1)
    with pytest.raises(ValueError, match="2 or more is needed; got 1"):
        initial_state(1, generators(1))
    with pytest.raises(ValueError, match="no threshold between"):
        # From outputs far beyond n every rate diverges that is not tiny.
        catapult_threshold(State(np.array([1e7]), np.array([64.0])), "bounded")
