"""The squared Wasserstein distance is that of the best assignment, and falls with N as theory says."""

import itertools

import numpy as np
import pytest

from properties.subjects.wasserstein import squared_wasserstein


def test_the_best_of_all_assignments_is_found():
    rng = np.random.default_rng(0)
    for _ in range(5):
        first, second = rng.standard_normal((2, 6, 3))
        tried = [
            np.mean(np.sum((first - second[list(order)]) ** 2, axis=1)) for order in itertools.permutations(range(6))
        ]
        assert squared_wasserstein(first, second) == pytest.approx(min(tried), rel=1e-12)


def test_on_a_line_the_sorted_points_are_matched():
    first, second = np.random.default_rng(1).standard_normal((2, 50, 1))
    expected = np.mean((np.sort(first[:, 0]) - np.sort(second[:, 0])) ** 2)
    assert squared_wasserstein(first, second) == pytest.approx(expected, rel=1e-12)


def test_an_order_costs_nothing_and_a_translation_its_squared_length():
    points = np.random.default_rng(2).standard_normal((40, 4))
    assert squared_wasserstein(points, points[::-1]) == 0
    shifted = points[::-1] + np.array([0.0, 3.0, 0.0, 4.0])
    assert squared_wasserstein(points, shifted) == pytest.approx(25, rel=1e-12)


def test_on_a_torus_the_short_way_round_is_taken():
    near_zero, near_one = np.array([[0.05, 0.5]]), np.array([[0.95, 0.5]])
    assert squared_wasserstein(near_zero, near_one, period=1.0) == pytest.approx(0.01)
    assert squared_wasserstein(near_zero, near_one) == pytest.approx(0.81)
    assert squared_wasserstein(2 * near_zero, 2 * near_one, period=2.0) == pytest.approx(0.04)


def test_on_a_circle_the_mean_falls_as_one_over_n_and_not_faster():
    # In one dimension the rate is 1/N (Bobkov and Ledoux 2019; from memory), far from the N^(-2/5) of five.
    rng = np.random.default_rng(3)

    def mean(count):
        return np.mean([squared_wasserstein(*rng.random((2, count, 1)), period=1.0) for _ in range(200)])

    slope = np.log(mean(128) / mean(16)) / np.log(8)
    assert -1.15 < slope < -0.85


@pytest.mark.parametrize(
    "first, second, options, words",
    [
        (np.zeros((3, 2)), np.zeros((4, 2)), {}, "two samples of one shape"),
        (np.zeros(3), np.zeros(3), {}, "two samples of one shape"),
        (np.zeros((0, 2)), np.zeros((0, 2)), {}, "two samples of one shape"),
        (np.zeros((3, 2)), np.full((3, 2), np.nan), {}, "samples are finite numbers"),
        (np.zeros((3, 2)), np.zeros((3, 2)), {"period": 0.0}, "a period is positive"),
        (np.zeros((3, 2)), np.zeros((3, 2)), {"period": np.nan}, "a period is positive"),
    ],
)
def test_what_are_no_two_samples_is_refused(first, second, options, words):
    with pytest.raises(ValueError, match=words):
        squared_wasserstein(first, second, **options)
