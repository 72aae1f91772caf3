"""The fit agrees with other programs, and its interval and checks move as a power law's must."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from theorychecks.statistics import FiniteSizeClass, Interval, Measurement, fit_power_law
from theorychecks.statistics.interval import exponent_weights

# Random designs with the answers of the reference implementation, an independent program for the same protocol, with a
# bound for each end of the interval.
# Their logarithms are rounded to six decimals; shared designs were centred seed by seed before the reference saw them,
# because there the weights are chosen from the noise that remains after centring.
REFERENCE = json.loads(Path(__file__).with_name("reference_intervals.json").read_text())
AGREEMENT = 1e-9
NO_CORRECTIONS = FiniteSizeClass(constant=1e-6)


def fit_of(design):
    measurement = Measurement.of(
        design["widths"], [np.exp(cell) for cell in design["logs"]], shared_seeds=design["shared_seeds"]
    )
    finite_size = FiniteSizeClass(constant=design["constant"], omegas=tuple(design["omegas"]))
    return fit_power_law(measurement, confidence=design["confidence"], finite_size=finite_size)


@pytest.mark.parametrize("design", REFERENCE)
def test_fit_agrees_with_the_reference_implementation(design):
    fit, expected = fit_of(design), design["expected"]
    assert fit.exponent == pytest.approx(expected["exponent"], abs=AGREEMENT)
    assert fit.bias_bound == pytest.approx(expected["bias_bound"], abs=AGREEMENT)
    assert fit.standard_error == pytest.approx(expected["standard_error"], abs=AGREEMENT)
    assert fit.degrees_of_freedom == pytest.approx(expected["degrees_of_freedom"], rel=AGREEMENT)
    assert fit.interval.low == pytest.approx(expected["low"], abs=AGREEMENT)
    assert fit.interval.high == pytest.approx(expected["high"], abs=AGREEMENT)
    assert fit.trimmed == expected["trimmed"]


@pytest.mark.parametrize("design", REFERENCE)
def test_checks_agree_with_the_reference_implementation(design):
    checks, expected = fit_of(design).checks, design["expected"]
    for name in ("drift", "tail"):
        assert checks[name].statistic == pytest.approx(expected[name]["statistic"], abs=AGREEMENT)
        assert checks[name].fired == expected[name]["fired"]
    if design["shared_seeds"]:
        # With shared seeds the cells' scatter is no pure error, so there is no lack-of-fit check.
        assert "lack_of_fit" not in checks
    else:
        seeds = np.array([len(cell) for cell in design["logs"]])
        kept = seeds - 2 * (seeds // 5) if expected["trimmed"] else seeds
        p_value = stats.f.sf(checks["lack_of_fit"].statistic, len(seeds) - 4, (kept - 1).sum())
        assert p_value == pytest.approx(expected["lack_of_fit"]["p_value"], abs=AGREEMENT)
        assert checks["lack_of_fit"].fired == (expected["lack_of_fit"]["p_value"] < 0.005)


def test_reference_designs_fire_each_check_somewhere_and_somewhere_not():
    for name in ("drift", "tail", "lack_of_fit"):
        assert {design["expected"][name]["fired"] for design in REFERENCE} == {True, False}


@pytest.mark.parametrize("seeds", [(5, 5, 5, 5, 5, 5, 5), (7, 6, 6, 5, 4, 3, 3)])
def test_without_corrections_the_exponent_is_the_least_squares_slope_through_all_runs(synthetic, seeds):
    # The weights are then those of the best linear unbiased estimator, ordinary least squares on the runs.
    measurement = synthetic.power_law(np.random.default_rng(1), -0.5, seeds=seeds)
    fit = fit_power_law(measurement, finite_size=NO_CORRECTIONS)
    x = np.repeat(np.log(measurement.axis_values), seeds)
    ordinary = sm.OLS(np.concatenate(measurement.log_values()), sm.add_constant(x)).fit()
    assert fit.exponent == pytest.approx(ordinary.params[1], abs=1e-9)
    assert fit.bias_bound < 1e-6


def test_with_corrections_the_exponent_is_another_than_the_least_squares_slope(synthetic):
    measurement = synthetic.power_law(np.random.default_rng(1), -0.5, c=3.0, seeds=20, noise=0.03)
    slope = stats.linregress(np.log(np.repeat(measurement.axis_values, 20)), np.concatenate(measurement.log_values()))
    fit = fit_power_law(measurement)
    assert abs(slope.slope + 0.5) > 0.05 > abs(fit.exponent + 0.5)


def test_cells_of_eight_seeds_are_trimmed_and_winsorised(synthetic):
    measurement = synthetic.student(np.random.default_rng(2), -0.5, seeds=11)
    fit = fit_power_law(measurement)
    logs = measurement.log_values()
    assert fit.trimmed
    assert fit.locations == pytest.approx([stats.trim_mean(cell, 0.2) for cell in logs], abs=1e-12)
    winsorised = [np.asarray(stats.mstats.winsorize(cell, limits=(0.2, 0.2))).var(ddof=1) for cell in logs]
    # Yuen (1974): 11 runs, 2 set aside on each side, 7 kept.
    variance = (np.square(fit.weights) * winsorised).sum() * 10 / (7 * 6)
    assert fit.standard_error == pytest.approx(math.sqrt(variance), rel=1e-9)


def test_cells_of_seven_seeds_are_plain_means(synthetic):
    measurement = synthetic.power_law(np.random.default_rng(2), -0.5, seeds=(7, 11, 11, 11, 11, 11, 11))
    fit = fit_power_law(measurement)
    logs = measurement.log_values()
    assert not fit.trimmed
    assert fit.locations == pytest.approx([cell.mean() for cell in logs], abs=1e-12)
    errors = np.array([stats.sem(cell) for cell in logs])
    assert fit.standard_error == pytest.approx(np.linalg.norm(np.array(fit.weights) * errors), rel=1e-9)


@pytest.mark.parametrize("counts, trim", [((4, 7), 0.0), ((9, 13), 0.2)])
def test_degrees_of_freedom_are_those_of_the_welch_and_yuen_tests(counts, trim):
    # Only two cells vary, so the exponent is a difference of two means, as in SciPy's t tests.
    rng = np.random.default_rng(3)
    first, last = rng.normal(0, 0.1, counts[0]), rng.normal(0, 0.3, counts[1])
    constant = np.zeros(max(counts))
    measurement = Measurement.of(
        (64, 128, 256, 512, 1024), [np.exp(cell) for cell in (first, constant, constant, constant, last)]
    )
    fit = fit_power_law(measurement)
    test = stats.ttest_ind(fit.weights[0] * first, -fit.weights[-1] * last, equal_var=False, trim=trim)
    # The other cells keep the floor of their variance, 1e-12, beside 1e-3.
    assert fit.degrees_of_freedom == pytest.approx(test.df, rel=1e-6)
    assert fit.exponent / fit.standard_error == pytest.approx(test.statistic, rel=1e-6)


def test_shared_seeds_give_the_t_interval_of_the_exponents_of_the_draws(synthetic):
    measurement = synthetic.shared_levels(np.random.default_rng(4), -0.5, seeds=6)
    fit = fit_power_law(measurement)
    per_seed = np.array(fit.weights) @ np.array(measurement.log_values())
    expected = stats.ttest_1samp(per_seed, 0.0)
    assert fit.degrees_of_freedom == expected.df == 5
    low, high = expected.confidence_interval(0.95)
    shift = fit.exponent - fit.centre
    assert fit.interval.low == pytest.approx(low - shift - fit.bias_bound, abs=1e-12)
    assert fit.interval.high == pytest.approx(high - shift + fit.bias_bound, abs=1e-12)


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
    fit = fit_power_law(Measurement.of(widths, [[2.5 * m**-1.5] * 3 for m in widths]))
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
            fit = fit_power_law(Measurement.of(widths, values))
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


def test_the_interval_is_the_bias_bound_and_the_noise_about_the_exponent(exact_power_law):
    fit = fit_power_law(exact_power_law)
    quantile = stats.t.ppf(0.975, fit.degrees_of_freedom)
    assert fit.noise_half_width == pytest.approx(quantile * fit.standard_error, rel=1e-9)
    assert fit.interval.low == pytest.approx(fit.centre - fit.bias_bound - fit.noise_half_width, abs=1e-12)


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
