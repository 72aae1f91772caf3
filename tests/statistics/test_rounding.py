"""A grid that hides the noise decides nothing, whatever is predicted; exact values and fine grids do no harm."""

import numpy as np
import pytest

from theorychecks.statistics import (
    Collapse,
    InteriorOptimum,
    LogarithmicGrowth,
    Measurement,
    Ordering,
    Plateau,
    PowerLaw,
    SameLaw,
    UpperBound,
    Verdict,
)

WIDTHS = (64, 128, 256, 512, 1024)
TIMES = (1.0, 1e2, 1e4, 1e6, 1e8)


def on_a_grid(logs, step, phase=0.0):
    return np.exp(step * np.round((logs + phase) / step) - phase)


def power_law(rng, exponent, noise, step, seeds=8, phase=0.0):
    logs = [exponent * np.log(m) + noise * rng.standard_normal(seeds) for m in WIDTHS]
    return Measurement.of(WIDTHS, [on_a_grid(cell, step, phase) for cell in logs])


@pytest.mark.parametrize("prediction", [PowerLaw(-0.5), UpperBound(-0.5), PowerLaw(0.0), Plateau()], ids=str)
@pytest.mark.parametrize("phase", [0.0, 0.1, 0.2, 0.3])
def test_rounded_values_neither_support_nor_refute_an_exponent(prediction, phase):
    finding = prediction.judge(power_law(np.random.default_rng(1), -0.5, 0.03, np.log(1.5), phase=phase))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "dither" in finding.reason
    assert finding.remedy.limited_by == "flags"


@pytest.mark.parametrize("jitter", [1e-15, 1e-7])
def test_a_jitter_on_a_grid_is_no_noise(jitter):
    rng, decided = np.random.default_rng(11), 0
    for _ in range(100):
        rounded = power_law(rng, -0.5, 0.03, np.log(1.5))
        cells = [np.array(cell) * (1 + jitter * rng.standard_normal(8)) for cell in rounded.values]
        decided += PowerLaw(-0.5).judge(Measurement.of(WIDTHS, cells)).verdict is not Verdict.INCONCLUSIVE
    # What is left: no cell scatters, and all fall by one step, as a law without any noise does.
    assert decided <= 10


def test_a_unit_hides_no_grid():
    rng = np.random.default_rng(11)
    for _ in range(40):
        rounded = power_law(rng, -0.5, 0.03, np.log(1.5))
        measurement = Measurement.of(WIDTHS, [np.array(cell) / 1.7 * 1.7 for cell in rounded.values])
        assert PowerLaw(-0.5).judge(measurement).verdict is Verdict.INCONCLUSIVE


def test_runs_that_have_all_come_to_the_same_smooth_law_are_judged():
    rng = np.random.default_rng(15)
    cells = [m**-0.5 * (1 + 1e-8 * rng.standard_normal(8)) for m in WIDTHS]
    assert PowerLaw(-0.5).judge(Measurement.of(WIDTHS, cells)).verdict is Verdict.SUPPORTED


def decimals(rng):
    # Steps of .01 beside values from 1 down to .06, so that they hide the noise at large widths only.
    widths = 2.0 ** np.arange(6, 15)
    logs = -0.5 * np.log(widths / 64)[:, None] + 0.03 * rng.standard_normal((9, 32))
    return Measurement.of(widths, np.round(np.exp(logs), 2)), PowerLaw(-0.5)


def counts(rng, first, exponent):
    # Whole numbers, which hide the noise at small widths only.
    logs = np.log(first) + exponent * np.log(np.array(WIDTHS) / 64)[:, None] + 0.02 * rng.standard_normal((5, 8))
    return Measurement.of(WIDTHS, np.round(np.exp(logs))), PowerLaw(exponent)


@pytest.mark.parametrize(
    "draw",
    [decimals, lambda rng: counts(rng, 1.45, 1.5), lambda rng: counts(rng, 2.45, 2)],
    ids=["decimals", "3/2", "2"],
)
def test_a_grid_that_is_coarse_at_some_widths_only_is_seen(draw):
    rng = np.random.default_rng(12)
    for _ in range(20):
        measurement, prediction = draw(rng)
        assert "dither" in prediction.judge(measurement).reason


def test_noise_that_vanishes_at_once_is_on_no_grid():
    # As of a depth at which all networks have come to one fixed point.
    rng = np.random.default_rng(16)
    scales = np.array([0.3, 0.05, 1e-6, 1e-16, 0.0])
    measurement = Measurement.of(WIDTHS, np.exp(scales[:, None] * rng.standard_normal((5, 8))))
    assert not PowerLaw(-0.5).judge(measurement).fit.checks["rounding"].fired


@pytest.mark.parametrize("seeds", [3, 4, 8, 64, 400])
@pytest.mark.parametrize("growth", [-1.5, 0.0, 1.0])
def test_runs_that_do_not_repeat_are_on_no_grid(seeds, growth):
    rng = np.random.default_rng(13)
    for _ in range(40):
        noise = 0.02 * (np.array(WIDTHS) / 256)[:, None] ** growth
        logs = -0.5 * np.log(WIDTHS)[:, None] + noise * rng.standard_normal((5, seeds))
        assert not PowerLaw(-0.5).judge(Measurement.of(WIDTHS, np.exp(logs))).fit.checks["rounding"].fired


@pytest.mark.parametrize("phase", [0.1, 0.15, 0.2])
def test_a_grid_on_which_one_does_not_lie_shows_no_order(phase):
    # The ratio is below one, and many are rounded to the same value above it.
    rng = np.random.default_rng(14)
    cells = [on_a_grid(np.log(0.95) + 0.03 * rng.standard_normal(16), np.log(1.5), phase) for _ in WIDTHS]
    # A single run that is one says nothing of the other widths.
    cells[0][0] = 1.0
    for direction in ("above", "below"):
        finding = Ordering(direction).judge(Measurement.of(WIDTHS, cells))
        assert finding.verdict is Verdict.INCONCLUSIVE
        assert "dither" in finding.reason


@pytest.mark.parametrize("noise, step", [(0.2, 0.4), (0.2, 0.5), (0.05, 0.2)])
def test_cells_that_scatter_over_few_values_are_seen(noise, step):
    check = (
        PowerLaw(-0.5).judge(power_law(np.random.default_rng(2), -0.5, noise, step, seeds=32)).fit.checks["rounding"]
    )
    assert check.fired
    assert check.statistic > check.bound


@pytest.mark.parametrize("noise, step", [(0.2, 0.2), (0.2, 0.02), (0.0001, 0.0005)])
def test_a_grid_finer_than_the_noise_or_than_any_margin_does_no_harm(noise, step):
    measurement = power_law(np.random.default_rng(3), -0.5, noise, step, seeds=32)
    assert not PowerLaw(-0.5).judge(measurement).fit.checks["rounding"].fired


def test_runs_without_any_scatter_are_judged_where_nothing_is_drawn():
    values = [[m**-0.5] * 4 for m in WIDTHS]
    assert PowerLaw(-0.5).judge(Measurement.of(WIDTHS, values)).verdict is Verdict.INCONCLUSIVE
    assert PowerLaw(-0.5).judge(Measurement.of(WIDTHS, values, exact=True)).verdict is Verdict.SUPPORTED
    assert PowerLaw(-1).judge(Measurement.of(WIDTHS, values, exact=True)).verdict is Verdict.REFUTED


@pytest.mark.parametrize("apart", [0.04, 0.24])
def test_a_collapse_of_rounded_curves_stays_open(apart):
    rng = np.random.default_rng(4)
    cells = [on_a_grid(level + 0.005 * rng.standard_normal(8), 0.2, 0.02) for level in (-apart / 2, apart / 2)]
    finding = Collapse(0.1).judge(Measurement.of((64, 128), cells))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "dither" in finding.reason


def test_an_optimum_and_growth_and_a_law_of_rounded_runs_stay_open():
    rng = np.random.default_rng(5)
    valley = [on_a_grid(abs(k - 3) + 0.01 * rng.standard_normal(12), 0.5) for k in range(7)]
    growth = [on_a_grid(np.log(1 + np.log(t)) + 0.01 * rng.standard_normal(32), 0.5) for t in TIMES]
    ensembles = [Measurement.of((64,), [on_a_grid(0.1 * rng.standard_normal(200), 1.0, 0.3)]) for _ in range(2)]
    findings = [
        InteriorOptimum().judge(Measurement.of(range(1, 8), valley, axis="rate")),
        LogarithmicGrowth().judge(Measurement.of(TIMES, growth, axis="time")),
        SameLaw().judge(*ensembles),
    ]
    assert [finding.verdict for finding in findings] == [Verdict.INCONCLUSIVE] * 3
    assert all("dither" in finding.reason for finding in findings)


def test_the_same_runs_on_both_sides_have_a_ratio_that_is_exact():
    one = Measurement.of(WIDTHS, [[1.0, 2.0, 3.0]] * 5)
    twice = Measurement.of(WIDTHS, [[2.0, 4.0, 6.0]] * 5)
    other = Measurement.of(WIDTHS, [[2.0, 4.0, 5.0]] * 5)
    rounded = Measurement.of(WIDTHS, [[2.0, 2.0, 2.0]] * 5)
    assert one.over(one).exact == one.over(twice).exact == (True,) * 5
    assert one.over(other).exact == rounded.over(rounded).exact == (False,) * 5
