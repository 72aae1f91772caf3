"""The fit agrees with other programs, and its interval and checks move as a power law's must."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from theorychecks.statistics import FiniteSizeClass, Interval, Measurement, fit_power_law
from theorychecks.statistics.estimator import exponent_weights

NO_CORRECTIONS = FiniteSizeClass(constant=1e-6)


def middle(cell, count):
    """Mean of the middle three fifths, by integrating the runs as a step function of their share; shares in thousands."""
    steps = np.repeat(np.sort(cell), 1000)
    return steps[200 * count : 800 * count].mean()


def winsorised(cell):
    """Runs clipped at the shares of a fifth, between neighbouring runs."""
    low, high = np.interp([0.2 * len(cell), 0.8 * len(cell) - 1], np.arange(len(cell)), np.sort(cell))
    return np.clip(cell, low, high)


def moment(values):
    return stats.kstat(values, 3)


def spreads(cell):
    """Variance and third moment of a cell's location, and degrees of freedom."""
    count, kept = len(cell), 0.6 * len(cell)
    if count < 8:
        cost = {3: 1.039, 4: 1.085, 5: 1.138, 6: 1.109, 7: 1.108}[count]
        return cost * cell.var(ddof=1) / count, moment(cell) / count**2, count - 1
    clipped = winsorised(cell)
    variance = clipped.var(ddof=1) * (count - 1) / (kept * (kept - 1))
    return variance, 3 * moment(clipped) * (count / kept) ** 3 / count**2, kept - 1


def smoothed(widths, variances, freedom):
    """Variances of one run by a power of the width: a weighted ridge regression of their logarithms."""
    x, y = np.log(widths), np.log(variances) - special.digamma(freedom / 2) + np.log(freedom / 2)
    weight = 1 / special.polygamma(1, freedom / 2)
    x = x - np.average(x, weights=weight)
    y = y - np.average(y, weights=weight)
    slope = np.linalg.lstsq(
        np.append(np.sqrt(weight) * x, 1.0)[:, None], np.append(np.sqrt(weight) * y, 0.0), rcond=None
    )[0][0]
    shape = np.exp(slope * x)
    return np.average(variances / shape, weights=freedom) * shape


def hall(t, skewness):
    """Hall (1992), equation for his monotone transformation, with skewness over the root of the number of runs."""
    return t + skewness * t**2 / 3 + skewness**2 * t**3 / 27 + skewness / 6


def reach(level, freedom, skewness):
    """Where Hall's transformation is the quantile, found by bisection."""
    wanted = stats.t.isf(level, freedom)
    return optimize.brentq(lambda t: hall(t, skewness) - wanted, -1e3, 1e3)


@pytest.mark.parametrize(
    "counts",
    [(3,) * 7, (4,) * 7, (5, 5, 6, 6, 7, 7, 7), (8,) * 7, (32, 16, 12, 9, 8, 5, 4), (10, 11, 13, 15, 20, 25, 64)],
)
@pytest.mark.parametrize("noise", ["normal", "skewed"])
def test_the_interval_is_that_of_an_independent_computation(counts, noise):
    rng, widths = np.random.default_rng(sum(counts)), 2.0 ** np.arange(6, 13)
    draw = rng.standard_normal if noise == "normal" else lambda n: -rng.gamma(0.5, size=n)
    logs = [-0.5 * np.log(m) + 0.1 * (m / 64) ** 0.25 * draw(n) for m, n in zip(widths, counts, strict=True)]
    fit = fit_power_law(Measurement.of(widths, [np.exp(cell) for cell in logs]))
    seeds, weights = np.array(counts), np.array(fit.weights)
    variances, moments, freedom = (np.array(column) for column in zip(*map(spreads, logs), strict=True))
    smooth = smoothed(widths, variances * seeds, freedom) / seeds
    assert fit.locations == pytest.approx([middle(cell, n) for cell, n in zip(logs, counts, strict=True)], abs=1e-9)
    own = weights**2 * variances
    error = np.sqrt(max(own.sum(), (weights**2 * smooth).sum()))
    assert fit.standard_error == pytest.approx(error, rel=1e-9)
    assert fit.degrees_of_freedom == pytest.approx(own.sum() ** 2 / (own**2 / freedom).sum(), rel=1e-9)
    share = (weights**3 * (smooth * seeds) ** 1.5 / seeds**2).sum() / error**3
    skewness = share * np.average(moments * seeds**2 / (smooth * seeds) ** 1.5, weights=seeds)
    doubt = 0.5 * np.sqrt(6 / seeds.sum()) * np.average(np.where(seeds < 8, 1, 3), weights=seeds) * abs(share)
    low = fit.exponent - fit.shift - fit.bias_bound - error * reach(0.025, fit.degrees_of_freedom, skewness - doubt)
    high = fit.exponent - fit.shift + fit.bias_bound + error * reach(0.025, fit.degrees_of_freedom, -skewness - doubt)
    assert fit.interval == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize("seeds", [5, 16])
def test_without_corrections_the_exponent_is_the_least_squares_slope_through_the_locations(seeds):
    # Runs that scatter alike at every width: their noise law is a constant, and the weights are those of a line.
    widths, runs = 2.0 ** np.arange(6, 13), 0.1 * np.random.default_rng(1).standard_normal(seeds)
    levels = np.random.default_rng(2).normal(0, 0.05, 7)
    measurement = Measurement.of(widths, [np.exp(level + np.roll(runs, k)) for k, level in enumerate(levels)])
    fit = fit_power_law(measurement, finite_size=NO_CORRECTIONS)
    ordinary = sm.OLS(np.array(fit.locations), sm.add_constant(np.log(widths))).fit()
    assert fit.exponent == pytest.approx(ordinary.params[1], abs=1e-9)
    assert fit.bias_bound < 1e-6


def test_with_corrections_the_exponent_is_another_than_the_least_squares_slope(synthetic):
    measurement = synthetic.power_law(np.random.default_rng(1), -0.5, c=3.0, seeds=20, noise=0.03)
    slope = stats.linregress(np.log(np.repeat(measurement.axis_values, 20)), np.concatenate(measurement.log_values()))
    fit = fit_power_law(measurement)
    assert abs(slope.slope + 0.5) > 0.05 > abs(fit.exponent + 0.5)


def test_shared_seeds_give_the_t_interval_of_the_exponents_of_the_draws(synthetic):
    measurement = synthetic.shared_levels(np.random.default_rng(4), -0.5, seeds=6)
    fit = fit_power_law(measurement)
    per_seed = np.array(fit.weights) @ np.array(measurement.log_values())
    expected = stats.ttest_1samp(per_seed, 0.0)
    assert fit.degrees_of_freedom == expected.df == 5
    assert fit.exponent / fit.standard_error == pytest.approx(expected.statistic, rel=1e-9)
    skewness, doubt = moment(per_seed) / per_seed.std(ddof=1) ** 3 / np.sqrt(6), 0.5 * np.sqrt(6) / 6
    below = fit.standard_error * reach(0.025, 5, skewness - doubt)
    assert fit.interval.low == pytest.approx(fit.lower_edge - below, abs=1e-12)


def test_a_level_shared_by_all_widths_costs_no_precision(synthetic):
    measurement = synthetic.shared_levels(np.random.default_rng(4), -0.5, level=3.0)
    as_independent = Measurement.of(measurement.axis_values, measurement.values)
    # The draws' own levels have deviation 3, their noise only 0.1.
    assert fit_power_law(measurement).standard_error < 0.05
    assert fit_power_law(as_independent).standard_error > 0.2


@pytest.mark.parametrize("widths", [(64, 128, 256, 512, 1024), tuple(2**k for k in range(9, 18))])
@pytest.mark.parametrize("finite_size", [FiniteSizeClass(), FiniteSizeClass(constant=2.0, omegas=(1.0,))])
def test_no_member_of_the_class_moves_the_exponent_by_more_than_the_bias_bound(widths, finite_size):
    axis = np.array(widths, dtype=float)
    weights, bias, shift = exponent_weights(axis, np.full(len(axis), 1e-3), finite_size.curves(axis), axis)
    worst = []
    for omega in finite_size.omegas:
        for c in np.linspace(-finite_size.constant, finite_size.constant, 13):
            moved = weights @ (1.7 - 0.5 * np.log(axis) + np.log1p(c * axis**-omega)) - shift + 0.5
            assert abs(moved) <= bias + 1e-10
            worst.append(moved)
    # Both ends are reached, so neither bound could be smaller.
    assert max(worst) == pytest.approx(bias, abs=1e-10)
    assert min(worst) == pytest.approx(-bias, abs=1e-10)


def test_constants_between_the_nodes_of_the_class_exceed_the_bias_bound_by_little():
    # The class is a grid of c and omega; between its nodes and within its range the bound is nearly kept.
    axis = np.array([2.0**k for k in range(6, 13)])
    weights, bias, shift = exponent_weights(axis, np.full(len(axis), 1e-3), FiniteSizeClass().curves(axis), axis)
    for omega in np.linspace(0.5, 1.0, 51):
        for c in np.linspace(-3, 3, 101):
            assert abs(weights @ np.log1p(c * axis**-omega) - shift) <= 1.02 * bias


def test_a_correction_outside_the_class_exceeds_the_bias_bound():
    axis = np.array([2.0**k for k in range(6, 13)])
    weights, bias, shift = exponent_weights(axis, np.full(len(axis), 1e-3), FiniteSizeClass().curves(axis), axis)
    assert abs(weights @ np.log1p(-6 * axis**-0.5) - shift) > 1.5 * bias


def test_the_same_runs_give_the_same_fit(synthetic):
    fits = [fit_power_law(synthetic.power_law(np.random.default_rng(5), -0.5)) for _ in range(2)]
    assert fits[0] == fits[1]
    assert fits[0] != fit_power_law(synthetic.power_law(np.random.default_rng(6), -0.5))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(order=st.permutations(range(8)))
def test_the_order_of_seeds_does_not_matter(synthetic, order):
    measurement = synthetic.power_law(np.random.default_rng(7), -0.5)
    reordered = Measurement.of(measurement.axis_values, [np.array(cell)[list(order)] for cell in measurement.values])
    assert fit_power_law(reordered) == fit_power_law(measurement)


def test_the_order_of_shared_seeds_matters(synthetic):
    measurement = synthetic.shared_levels(np.random.default_rng(7), -0.5, level=3.0)
    shuffle = np.random.default_rng(8).permutation
    mispaired = Measurement.of(
        measurement.axis_values, [shuffle(cell) for cell in measurement.values], shared_seeds=True
    )
    assert fit_power_law(mispaired).standard_error > 2 * fit_power_law(measurement).standard_error


@settings(max_examples=30, deadline=None, derandomize=True)
@given(level=st.floats(-20, 20), tilt=st.floats(-2, 2), shared=st.booleans())
def test_a_factor_moves_nothing_and_a_power_of_the_width_moves_the_exponent(synthetic, level, tilt, shared):
    make = synthetic.shared_levels if shared else synthetic.power_law
    measurement = make(np.random.default_rng(8), -0.5)
    logs = measurement.log_values()
    moved = [cell + level + tilt * math.log(width) for width, cell in zip(measurement.axis_values, logs, strict=True)]
    before = fit_power_law(measurement)
    after = fit_power_law(synthetic.of_logs(measurement.axis_values, moved, shared_seeds=shared))
    assert after.exponent == pytest.approx(before.exponent + tilt, abs=1e-9)
    assert after.interval.low == pytest.approx(before.interval.low + tilt, abs=1e-9)
    assert after.interval.high == pytest.approx(before.interval.high + tilt, abs=1e-9)
    assert after.bias_bound == pytest.approx(before.bias_bound, abs=1e-9)
    assert after.standard_error == pytest.approx(before.standard_error, abs=1e-9)
    for name, check in before.checks.items():
        assert after.checks[name].fired == check.fired
        if name != "lack_of_fit":
            assert after.checks[name].statistic == pytest.approx(check.statistic, abs=1e-9)


def test_exact_values_return_their_own_law():
    widths = (64, 128, 256, 512, 1024)
    fit = fit_power_law(Measurement.of(widths, [[2.5 * m**-1.5] * 3 for m in widths], exact=True))
    assert fit.exponent == pytest.approx(-1.5, abs=1e-9)
    assert fit.prefactor == pytest.approx(2.5, rel=1e-9)
    assert fit.local_exponents == pytest.approx([-1.5] * 4, abs=1e-9)
    # The variance floor of 1e-12 leaves a trace of noise.
    assert fit.noise_half_width < 1e-4 < fit.bias_bound
    assert not any(check.fired for check in fit.checks.values())


def test_no_check_fires_on_a_member_of_the_class_measured_without_noise():
    widths = [2**k for k in range(6, 13)]
    for omega in (0.5, 0.6, 0.75, 1.0):
        for c in (-3, 3):
            values = [[m**-0.5 * (1 + c * m**-omega)] * 8 for m in widths]
            fit = fit_power_law(Measurement.of(widths, values, exact=True))
            assert [name for name, check in fit.checks.items() if check.fired] == []


def test_the_interval_is_wider_at_a_higher_confidence_and_for_a_larger_class(exact_power_law):
    fit = fit_power_law(exact_power_law)
    assert fit_power_law(exact_power_law, confidence=0.99).interval.low < fit.interval.low
    assert fit_power_law(exact_power_law, confidence=0.99).interval.high > fit.interval.high
    # The weights trade bias for noise, so it is the whole half-width that grows with the class.
    half_widths = [
        fit.bias_bound + fit.noise_half_width
        for constant in (1e-6, 1.0, 3.0, 5.0)
        for fit in [fit_power_law(exact_power_law, finite_size=FiniteSizeClass(constant=constant))]
    ]
    assert half_widths == sorted(half_widths)


def test_drift_sees_the_change_of_the_local_exponent():
    # log Q = (log m)^2 / 2 has local exponent log m, which changes by log(64) from 64 to 4096.
    widths = [2**k for k in range(6, 13)]
    fit = fit_power_law(Measurement.of(widths, [[math.exp(math.log(m / 64) ** 2 / 2)] * 3 for m in widths]))
    assert fit.checks["drift"].statistic == pytest.approx(math.log(64), rel=1e-9)
    assert fit.checks["drift"].fired


def test_tail_sees_the_last_points():
    # Constant up to 512, then m^-1: the last three points alone have exponent -1.
    widths = [2**k for k in range(6, 13)]
    fit = fit_power_law(Measurement.of(widths, [[min(1.0, 1024 / m)] * 3 for m in widths]))
    assert fit.checks["tail"].statistic == pytest.approx(-1.0 - fit.exponent, abs=1e-9)
    assert fit.checks["tail"].fired


def test_lack_of_fit_sees_noise_common_to_all_seeds_of_a_width(synthetic):
    rng = np.random.default_rng(9)
    logs = [-0.5 * math.log(m) + rng.normal(0, 0.3) + 0.03 * rng.standard_normal(8) for m in synthetic.DENSE]
    assert fit_power_law(synthetic.of_logs(synthetic.DENSE, logs)).checks["lack_of_fit"].fired
    calm = synthetic.power_law(np.random.default_rng(9), -0.5, c=-3.0, noise=0.03)
    assert not fit_power_law(calm).checks["lack_of_fit"].fired


def test_four_widths_are_too_few(synthetic):
    measurement = synthetic.power_law(np.random.default_rng(10), -0.5, widths=(64, 128, 256, 512))
    with pytest.raises(ValueError, match=r"at least 5 widths, so that curvature shows; got 4\. Add widths between 64"):
        fit_power_law(measurement)
    assert fit_power_law(synthetic.power_law(np.random.default_rng(10), -0.5, widths=(64, 128, 256, 512, 1024)))


def test_a_range_that_starts_where_the_correction_is_no_correction_is_refused(synthetic):
    measurement = synthetic.power_law(np.random.default_rng(10), -0.5, widths=(8, 16, 32, 64, 128))
    with pytest.raises(ValueError, match=r"correction of 3 m\^-0.5 is no small correction at 8; start at 13 or above"):
        fit_power_law(measurement)
    from_13 = synthetic.power_law(np.random.default_rng(10), -0.5, widths=(13, 26, 52, 104, 208))
    assert fit_power_law(from_13).bias_bound > 0.05
    assert fit_power_law(measurement, finite_size=FiniteSizeClass(constant=2.0)).bias_bound > 0.05


def test_more_missing_runs_than_trimming_sets_aside_are_refused(synthetic):
    cells = [np.array(cell) for cell in synthetic.power_law(np.random.default_rng(11), -0.5).values]
    cells[2][0] = np.inf
    assert math.isfinite(fit_power_law(Measurement.of(synthetic.DENSE, cells)).exponent)
    cells[2][1] = np.inf
    with pytest.raises(ValueError, match=r"too many runs without a finite positive number at width \[256.0\]"):
        fit_power_law(Measurement.of(synthetic.DENSE, cells))


@pytest.mark.parametrize("confidence", [95, 1.5, 1.0, 0.0, -1.0, math.nan])
def test_a_confidence_outside_zero_and_one_is_refused(exact_power_law, confidence):
    with pytest.raises(ValueError, match="confidence"):
        fit_power_law(exact_power_law, confidence=confidence)


@pytest.mark.parametrize(
    "options", [{"constant": 0.0}, {"constant": -1.0}, {"constant": math.nan}, {"omegas": ()}, {"omegas": (-0.5,)}]
)
def test_a_class_without_members_is_refused(options):
    with pytest.raises(ValueError, match=r"constant|omega"):
        FiniteSizeClass(**options)


def test_interval_inside_and_disjoint():
    # Closed intervals: common ends are inside, and are no gap.
    assert Interval(0.0, 1.0).inside(Interval(0.0, 1.0))
    assert not Interval(0.0, 1.0).inside(Interval(0.1, 1.0))
    assert Interval(0.0, 1.0).inside(Interval(-math.inf, 1.0))
    assert not Interval(0.0, 1.0).disjoint(Interval(1.0, 2.0))
    assert Interval(0.0, 1.0).disjoint(Interval(1.1, 2.0))
    assert Interval(1.1, 2.0).disjoint(Interval(0.0, 1.0))
