"""Bounds of medians err as rarely as they say under any skew and unequal noise, and see what lies beyond them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from theorychecks.statistics import Measurement, Status
from theorychecks.statistics.medians import (
    Sample,
    chance_above,
    chance_of_range,
    chance_within,
    difference,
    fewest_runs,
    lower_bound,
    lower_difference,
    p_above,
    precision,
    samples,
)

LAWS = {
    "normal": stats.norm(),
    "Student": stats.t(3),
    "gamma": stats.gamma(0.5),
    "lognormal": stats.lognorm(0.8),
    "Pareto": stats.pareto(2.1),
}


def drawn(rng, law, shape, *, sign=1, ratio=1.0):
    """Runs of median zero."""
    frozen = LAWS[law]
    return sign * ratio * (frozen.ppf(rng.random(shape)) - frozen.median()) / frozen.std()


def of(values):
    return Sample(np.asarray(values, dtype=float), np.asarray(values, dtype=float))


def test_order_statistics_are_those_of_scipy():
    # Where the level is reached exactly nothing is interpolated: quantile_test inverts the same binomial test.
    ordered = np.sort(np.random.default_rng(1).standard_normal(20))
    for rank in (3, 5, 6):
        level = float(stats.binom.cdf(rank - 1, 20, 0.5))
        ours = lower_bound(ordered, level)
        interval = stats.quantile_test(ordered, p=0.5, alternative="greater").confidence_interval(1 - level - 1e-9)
        assert ours == ordered[rank - 1]
        assert interval.low in (ordered[rank - 1], ordered[rank - 2])


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("seeds", [6, 7, 8, 10, 16, 32])
def test_a_bound_errs_no_more_often_than_its_level(law, sign, seeds):
    rng, level = np.random.default_rng(2), 0.025
    ordered = np.sort(drawn(rng, law, (2000, seeds), sign=sign), axis=1)
    errors = np.mean([lower_bound(row, level) > 0 for row in ordered])
    # Three Monte Carlo errors; and a bound that never errs would show nothing.
    assert 0.005 <= errors <= level + 3 * math.sqrt(level / 2000)


@pytest.mark.parametrize("ratio", [1, 5, 20])
@pytest.mark.parametrize("law, sign", [(law, sign) for law in LAWS for sign in (1, -1)])
def test_differences_of_unequally_noisy_medians_err_no_more_often_than_their_level(law, sign, ratio):
    # Student's t errs up to 24 times in a hundred here.
    rng, level, runs = np.random.default_rng(3), 0.025, 800
    one, other = drawn(rng, law, (runs, 8), sign=sign), drawn(rng, law, (runs, 12), sign=sign, ratio=ratio)
    intervals = [difference(of(a), of(b), level, paired=False) for a, b in zip(one, other, strict=True)]
    for wrong in (np.mean([low > 0 for low, _ in intervals]), np.mean([high < 0 for _, high in intervals])):
        assert wrong <= level + 3 * math.sqrt(level / runs)


def test_opposite_skews_are_the_worst_case():
    # Measured with R=10,000 before interpolation: 3.5% with six runs, at a nominal 2.5%, and less with more.
    rng, level, runs = np.random.default_rng(4), 0.025, 2000
    one, other = drawn(rng, "gamma", (runs, 8)), drawn(rng, "gamma", (runs, 8), sign=-1)
    lows = [lower_difference(of(a), of(b), level, paired=False) for a, b in zip(one, other, strict=True)]
    assert np.mean([low > 0 for low in lows]) <= 0.045


def test_paired_differences_are_those_of_single_samples():
    rng = np.random.default_rng(5)
    levels, one, other = rng.standard_normal(12), rng.standard_normal(12), rng.standard_normal(12)
    low, high = difference(of(levels + one), of(levels + other), 0.025, paired=True)
    assert low == lower_bound(np.sort(one - other), 0.025) or low == pytest.approx(
        lower_bound(np.sort(one - other), 0.025)
    )
    assert high == pytest.approx(-lower_bound(np.sort(other - one), 0.025))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    one=st.lists(st.floats(-5, 5), min_size=8, max_size=14, unique=True),
    other=st.lists(st.floats(-5, 5), min_size=8, max_size=14, unique=True),
    bound=st.floats(-3, 3),
)
def test_the_p_value_is_the_level_at_which_the_bound_is_passed(one, other, bound):
    p_value = p_above(of(one), of(other), bound, paired=False)
    if p_value < 0.49:
        assert lower_difference(of(one), of(other), 1.011 * p_value, paired=False) > bound
    if p_value > 2.0**-8:
        assert not lower_difference(of(one), of(other), min(0.989 * p_value, 0.499), paired=False) > bound


def test_as_many_runs_as_are_needed_have_a_bound_and_one_less_has_none():
    for level in (0.025, 0.00625, 0.001):
        needed = fewest_runs(level)
        assert math.isfinite(lower_bound(np.arange(float(needed)), level))
        assert lower_bound(np.arange(float(needed - 1)), level) == -math.inf


def test_an_unknown_run_counts_on_either_side_against_what_is_tested():
    cells = [[1.0] * 9 + [math.nan], [2.0] * 10]
    statuses = tuple(tuple(Status.OK if value == value else Status.UNDEFINED for value in cell) for cell in cells)
    measurement = Measurement(axis_values=(1.0, 2.0), values=tuple(map(tuple, cells)), statuses=statuses)
    first, second = samples(measurement)
    assert (first.low[-1], first.high[-1]) == (-math.inf, math.inf)
    # Nine of ten are below, and the tenth may be above: p = P(Binomial(10, 1/2) < 2) at most.
    assert p_above(second, first, 0.0, paired=False) == pytest.approx(11 / 1024, rel=0.02)
    assert p_above(first, second, 0.0, paired=False) == 1.0


def test_diverged_runs_are_larger_than_any_number():
    finite, diverged = of(np.arange(8.0)), of([math.inf] * 8)
    assert p_above(diverged, finite, 100.0, paired=False) == pytest.approx(2.0**-8, rel=0.011)
    assert p_above(diverged, finite, 100.0, paired=True) == pytest.approx(2.0**-8, rel=0.011)
    assert p_above(diverged, diverged, 0.0, paired=False) == 1.0
    assert p_above(diverged, diverged, 0.0, paired=True) == 1.0


def test_runs_that_are_all_equal_need_no_chance():
    ones, twos = of([1.0] * 6), of([2.0] * 6)
    assert p_above(twos, ones, 0.5, paired=False) == 0.0
    assert p_above(ones, twos, 0.5, paired=False) == 1.0


def test_chances_of_ranges_are_those_of_scipy():
    for count, room in ((2, 1.0), (4, 3.0), (8, 4.0)):
        assert chance_of_range(room, count) == pytest.approx(stats.studentized_range.cdf(room, count, np.inf), abs=1e-6)
    # One of n + 1 equal variables is the largest with probability 1 / (n + 1).
    assert chance_above(0.0, 4) == pytest.approx(0.2, abs=1e-6)


@pytest.mark.parametrize("seeds", [6, 16, 64])
def test_an_interval_lies_within_a_room_at_least_as_often_as_is_said_and_not_much_more_often(seeds):
    rng, level, runs, count = np.random.default_rng(6), 0.025, 1500, 2
    part, samples_drawn = precision(seeds, level, paired=True), np.sort(rng.standard_normal((count, runs, seeds)))
    ends = [
        [-lower_bound(row, level) for row in side.reshape(-1, seeds)]
        for side in (samples_drawn, -samples_drawn[..., ::-1])
    ]
    reach = np.max(np.reshape(ends, (2 * count, runs)), axis=0)
    for room in (1.0, 1.5, 2.0):
        said, found = chance_within(room, count), np.mean(reach < part.reach + room * part.error)
        assert said - 0.03 <= found <= said + 0.4 * (1 - said)
    assert chance_within(1.959964, 1) == pytest.approx(0.95)
    assert chance_within(-1.0, 1) == 0.0
