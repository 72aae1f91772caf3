"""The interval covers and the verdicts err as often as they say, on synthetic measurements whose truth is known.

Generators are fixed, so each rate is one number; the bounds lie at least four Monte Carlo standard errors from the
rate measured in larger simulations, and every good rate stands beside one that a textbook method fails.
"""

import numpy as np
import pytest
from scipy import stats

from theorychecks.statistics import FiniteSizeClass, Interval, Verdict, decide, fit_power_law


def covers(fit, truth):
    return fit.interval.low <= truth <= fit.interval.high


def flagged(fit):
    return any(check.fired for check in fit.checks.values())


def verdict_of(fit, exponent, margin=0.08):
    return decide(fit.interval, Interval(exponent - margin, exponent + margin), flagged=flagged(fit))


def share(verdicts, verdict):
    return sum(found is verdict for found in verdicts) / len(verdicts)


def test_interval_covers_the_exponent_of_an_exact_power_law(synthetic):
    rng = np.random.default_rng(101)
    fits = [fit_power_law(synthetic.power_law(rng, -0.5)) for _ in range(400)]
    assert np.mean([covers(fit, -0.5) for fit in fits]) >= 0.97


@pytest.mark.parametrize("c", [-3.0, 3.0])
def test_interval_covers_the_exponent_under_the_largest_correction_and_least_squares_does_not(synthetic, c):
    rng = np.random.default_rng(102)
    measurements = [synthetic.power_law(rng, -0.5, c=c) for _ in range(400)]
    assert np.mean([covers(fit_power_law(m), -0.5) for m in measurements]) >= 0.92
    x = np.log(np.repeat(synthetic.DENSE, 8))
    # 56 runs, so 54 degrees of freedom.
    quantile = stats.t.ppf(0.975, 54)
    lines = [stats.linregress(x, np.concatenate(m.log_values())) for m in measurements]
    assert np.mean([abs(line.slope + 0.5) <= quantile * line.stderr for line in lines]) <= 0.10


def test_interval_without_a_class_of_corrections_misses_the_exponent_under_one(synthetic):
    rng = np.random.default_rng(103)
    nothing = FiniteSizeClass(constant=1e-6)
    fits = [fit_power_law(synthetic.power_law(rng, -0.5, c=-3.0), finite_size=nothing) for _ in range(200)]
    assert np.mean([covers(fit, -0.5) for fit in fits]) <= 0.10


def test_interval_without_a_class_of_corrections_covers_as_often_as_it_says(synthetic):
    # Without a bias bound nothing over-covers: the t quantile alone must give 95% (0.94 to 0.96 measured).
    rng = np.random.default_rng(104)
    nothing = FiniteSizeClass(constant=1e-6)
    fits = [fit_power_law(synthetic.power_law(rng, -0.5, seeds=5), finite_size=nothing) for _ in range(1000)]
    assert 0.92 <= np.mean([covers(fit, -0.5) for fit in fits]) <= 0.98


def test_interval_covers_the_exponent_under_shared_seeds(synthetic):
    rng = np.random.default_rng(105)
    fits = [fit_power_law(synthetic.shared_levels(rng, -0.5, level=0.3)) for _ in range(400)]
    assert np.mean([covers(fit, -0.5) for fit in fits]) >= 0.97


@pytest.mark.parametrize("law", ["student", "skewed"])
def test_interval_covers_the_exponent_under_noise_that_is_not_normal(synthetic, law):
    rng = np.random.default_rng(106)
    fits = [fit_power_law(getattr(synthetic, law)(rng, -0.5)) for _ in range(400)]
    assert np.mean([covers(fit, -0.5) for fit in fits]) >= 0.97


def test_interval_stays_short_when_three_runs_in_a_hundred_are_far_off(synthetic):
    rng = np.random.default_rng(107)
    fits = [fit_power_law(synthetic.outliers(rng, -0.5)) for _ in range(400)]
    assert np.mean([covers(fit, -0.5) for fit in fits]) >= 0.97
    assert np.median([fit.bias_bound + fit.noise_half_width for fit in fits]) <= 0.10


def test_interval_is_long_when_runs_are_far_off_and_seeds_are_too_few_to_trim(synthetic):
    rng = np.random.default_rng(108)
    fits = [fit_power_law(synthetic.outliers(rng, -0.5, seeds=7)) for _ in range(200)]
    assert np.mean([covers(fit, -0.5) for fit in fits]) >= 0.97
    assert np.median([fit.bias_bound + fit.noise_half_width for fit in fits]) > 0.20


def test_an_exponent_at_the_edge_of_the_margin_is_rarely_supported(synthetic):
    # A wrong SUPPORTED needs the interval to miss on one side: 2.5% of the time.
    rng = np.random.default_rng(109)
    verdicts = [
        verdict_of(fit_power_law(synthetic.power_law(rng, -0.58, c=-3.0, widths=synthetic.FAST)), -0.5)
        for _ in range(1000)
    ]
    assert share(verdicts, Verdict.SUPPORTED) <= 0.045


def test_an_exponent_at_the_edge_of_the_margin_is_rarely_refuted(synthetic):
    rng = np.random.default_rng(110)
    verdicts = [
        verdict_of(fit_power_law(synthetic.power_law(rng, -0.58, c=3.0, widths=synthetic.FAST)), -0.5)
        for _ in range(1000)
    ]
    assert share(verdicts, Verdict.REFUTED) <= 0.045


def test_an_exponent_outside_the_margin_is_never_supported(synthetic):
    rng = np.random.default_rng(111)
    verdicts = [
        verdict_of(fit_power_law(synthetic.power_law(rng, -0.6, c=-3.0, widths=synthetic.FAST)), -0.5)
        for _ in range(400)
    ]
    assert share(verdicts, Verdict.SUPPORTED) <= 0.01


@pytest.mark.parametrize(
    "truth, seeds, verdict, least",
    [(-0.5, 8, Verdict.SUPPORTED, 0.95), (-2 / 3, 8, Verdict.REFUTED, 0.98), (-1.0, 4, Verdict.REFUTED, 0.99)],
)
def test_nine_widths_decide(synthetic, truth, seeds, verdict, least):
    rng = np.random.default_rng(112)
    verdicts = [
        verdict_of(
            fit_power_law(synthetic.power_law(rng, truth, c=rng.uniform(-3, 3), widths=synthetic.FAST, seeds=seeds)),
            -0.5,
        )
        for _ in range(400)
    ]
    assert share(verdicts, verdict) >= least


def test_seven_widths_of_eight_noisy_seeds_decide_little(synthetic):
    # 21% SUPPORTED in these: the range is too short for the margin, and the verdict says so.
    rng = np.random.default_rng(113)
    verdicts = [
        verdict_of(fit_power_law(synthetic.power_law(rng, -0.5, c=rng.uniform(-3, 3))), -0.5) for _ in range(400)
    ]
    assert share(verdicts, Verdict.INCONCLUSIVE) >= 0.70
    assert share(verdicts, Verdict.REFUTED) == 0.0


def test_drift_fires_on_a_crossover_in_the_middle_of_the_range(synthetic):
    rng = np.random.default_rng(114)
    fits = [fit_power_law(synthetic.crossover(rng, -0.5, 0.0, widths=synthetic.FAST)) for _ in range(200)]
    assert np.mean([fit.checks["drift"].fired for fit in fits]) >= 0.95


@pytest.mark.parametrize("widths", ["DENSE", "FAST"])
@pytest.mark.parametrize("c, omega", [(-3.0, 0.5), (3.0, 0.5), (-3.0, 1.0)])
@pytest.mark.parametrize("noise", [0.1, 0.01])
def test_checks_rarely_fire_within_the_class(synthetic, widths, c, omega, noise):
    rng = np.random.default_rng(115)
    grid = getattr(synthetic, widths)
    fits = [
        fit_power_law(synthetic.power_law(rng, -0.5, c=c, omega=omega, widths=grid, noise=noise)) for _ in range(200)
    ]
    assert np.mean([flagged(fit) for fit in fits]) <= 0.06


def test_a_logarithm_is_no_plateau(synthetic):
    rng = np.random.default_rng(116)
    verdicts = [
        verdict_of(fit_power_law(synthetic.logarithm(rng, widths=synthetic.FAST)), 0.0, margin=0.05) for _ in range(400)
    ]
    assert share(verdicts, Verdict.REFUTED) >= 0.95
    assert share(verdicts, Verdict.SUPPORTED) == 0.0


def test_a_constant_is_a_plateau(synthetic):
    rng = np.random.default_rng(117)
    verdicts = [
        verdict_of(fit_power_law(synthetic.plateau(rng, widths=synthetic.FAST)), 0.0, margin=0.05) for _ in range(400)
    ]
    assert share(verdicts, Verdict.SUPPORTED) >= 0.75
    assert share(verdicts, Verdict.REFUTED) == 0.0
