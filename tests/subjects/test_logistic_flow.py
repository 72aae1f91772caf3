"""Logistic flow agrees with plain gradient descent and a solver of differential equations, and margins with a search."""

import numpy as np
import pytest
from scipy import integrate, optimize

from properties.subjects.logistic_flow import (
    largest_margin,
    logistic_flow,
    margins,
    separable_points,
    widest_direction,
)

RNG = np.random.default_rng
POINTS = np.stack([separable_points(10, 3, RNG(seed)) for seed in range(2)])


def test_the_flow_is_that_of_a_general_solver():
    def velocity(time, weights):
        return POINTS[0].T @ (1 / (1 + np.exp(POINTS[0] @ weights)))

    times = [0.5, 5.0, 50.0]
    wanted = integrate.solve_ivp(velocity, (0, 50), np.zeros(3), t_eval=times, rtol=1e-10, atol=1e-12).y.T
    found = logistic_flow(POINTS, times)[:, 0]
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5)
    assert not np.allclose(found[1:], wanted[:-1], rtol=1e-1)


def test_the_loss_falls_like_one_over_time_and_the_margin_is_below_the_largest():
    weights = logistic_flow(POINTS, [1e6, 1e8])
    losses = np.log1p(np.exp(-np.einsum("snd,tsd->tsn", POINTS, weights))).sum(axis=2)
    np.testing.assert_allclose(losses[0] / losses[1], 100, rtol=0.05)
    best = np.array([largest_margin(points) for points in POINTS])
    found = margins(POINTS, weights)
    assert (found < best).all()
    assert (found[1] > found[0]).all()
    np.testing.assert_allclose(found[1], best, rtol=0.2)


def test_the_largest_margin_is_that_of_a_search_over_directions():
    points = RNG(5).standard_normal((6, 2)) * 0.3 + [1.0, 0.4]
    angles = np.linspace(0, 2 * np.pi, 200001)
    wanted = (points @ np.stack([np.cos(angles), np.sin(angles)])).min(axis=0).max()
    assert largest_margin(points) == pytest.approx(wanted, rel=1e-6)


def test_separable_points_are_carried_by_two_or_more():
    for points in POINTS:
        found = optimize.minimize(
            lambda w: w @ w, np.ones(3), constraints={"type": "ineq", "fun": lambda w, z=points: z @ w - 1}, tol=1e-12
        )
        assert 1 / np.linalg.norm(found.x) == pytest.approx(largest_margin(points), rel=1e-5)
        np.testing.assert_allclose(widest_direction(points), found.x / np.linalg.norm(found.x), atol=1e-5)
        assert (points @ found.x < 1 + 1e-5).sum() >= 2


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: largest_margin(np.array([[1.0, 0.0], [-1.0, 0.0]])), "not separable"),
        (lambda: logistic_flow(POINTS, [2.0, 1.0]), "times increase"),
        (lambda: logistic_flow(POINTS[0], [1.0]), "points are"),
        (lambda: separable_points(200, 2, RNG(0)), "take fewer points"),
    ],
)
def test_what_cannot_be_separated_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_small_margins_are_followed_too():
    points = np.array([[[0.1, 1.4], [0.12, -1.3], [0.5, 0.2]]])
    (late,) = margins(points, logistic_flow(points, [1e12]))
    # The distance from the largest margin, 0.110, is 2 per cent of it by then.
    assert late[0] == pytest.approx(largest_margin(points[0]), rel=0.03)


def test_points_on_both_sides_have_no_flow():
    with pytest.raises(ValueError, match="not separable"):
        logistic_flow(np.array([[[1.0, 0.0], [-1.0, 0.0]]]), [1.0])
