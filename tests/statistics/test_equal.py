"""A quantity equals a number when every axis value's median agrees with it within the margin, and not when one does not."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from theorychecks.statistics import Collapse, Equal, Measurement, Verdict
from theorychecks.statistics.medians import fewest_runs
from theorychecks.statistics.prediction import Layout, check_prediction

WIDTHS = (64, 128, 256, 512)
MARGIN = math.log(1.05)
GAMMA_MEDIAN = float(stats.gamma.ppf(0.5, 0.5))
NOISE = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "lognormal": lambda rng, shape: np.expm1(0.8 * rng.standard_normal(shape)) / 1.3,
    "falling gamma": lambda rng, shape: (GAMMA_MEDIAN - rng.gamma(0.5, size=shape)) / math.sqrt(0.5),
    "falling Pareto": lambda rng, shape: (2 ** (1 / 2.1) - 1 - rng.pareto(2.1, shape)) / 4.2,
}
"""Of median zero and about unit deviation."""


def readings(rng, logs, *, seeds=32, noise=0.03, shared=False, law="normal", exact=False):
    """Runs whose medians are known, by their logarithms, one for each of the first widths."""
    runs = np.array(logs)[:, None] + noise * NOISE[law](rng, (len(logs), seeds))
    return Measurement.of(WIDTHS[: len(logs)], np.exp(runs), shared_seeds=shared, exact=exact)


def known(values, seeds=32):
    """A number at each of the first widths."""
    return Measurement.of(WIDTHS[: len(values)], [[value] * seeds for value in values], exact=True)


def shares(rng, logs, *, runs, within=0.05, **options):
    """Of SUPPORTED and REFUTED."""
    found = [Equal(within).judge(readings(rng, logs, **options)).verdict for _ in range(runs)]
    return [np.mean([verdict is wanted for verdict in found]) for wanted in (Verdict.SUPPORTED, Verdict.REFUTED)]


def test_it_is_a_prediction():
    check_prediction(Equal())
    assert (Equal().expectation.kind, Equal(0.2).expectation.margin) == ("equal", 0.2)
    assert Equal() == Equal(within=0.05)


@pytest.mark.parametrize("law", NOISE)
def test_the_number_is_supported_and_both_its_neighbours_are_refuted(law):
    rng = np.random.default_rng(901)
    formula = np.array([3.0, 2.0, 1.0, 0.5])
    measured = readings(rng, np.log(formula), law=law)
    assert Equal().judge(measured, known(formula)).verdict is Verdict.SUPPORTED
    for factor in (0.8, 1.25):
        assert Equal().judge(measured, known(factor * formula)).verdict is Verdict.REFUTED
    # The numbers themselves are no ratio of one.
    assert Equal().judge(measured).verdict is Verdict.REFUTED


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("sign", [1, -1])
def test_one_axis_value_that_differs_refutes_it(sign, place):
    logs = np.zeros(4)
    logs[place] = 3 * sign * MARGIN
    finding = Equal().judge(readings(np.random.default_rng(902), logs))
    assert finding.verdict is Verdict.REFUTED
    assert f"the median log-ratio at width {WIDTHS[place]}, the worst of 4, [" in finding.reason
    assert sign * finding.interval.low > 0


def test_a_difference_inside_the_margin_is_supported_with_the_interval_of_the_worst_axis_value():
    finding = Equal().judge(readings(np.random.default_rng(903), [0, 0, 0.5 * MARGIN, 0], seeds=60, noise=0.02))
    assert finding.verdict is Verdict.SUPPORTED
    assert 0 < finding.interval.low < 0.5 * MARGIN < finding.interval.high < MARGIN
    assert finding.allowed == pytest.approx((-MARGIN, MARGIN))
    assert finding.p_value < 0.025


def test_a_single_axis_value_is_enough():
    finding = Equal().judge(readings(np.random.default_rng(904), [0.0]))
    assert finding.verdict is Verdict.SUPPORTED
    assert finding.reason.startswith("the median log-ratio at width 64, [")


def test_the_interval_is_that_of_the_median_by_order_statistics():
    # From the 6th to the 15th of 20 runs with confidence 95.86% (sign test: each end misses if 5 of 20 coins at most fall
    # on its side).
    runs = np.exp(0.1 * np.random.default_rng(905).standard_normal(20))
    confidence = 1 - 2 * float(stats.binom.cdf(5, 20, 0.5))
    assert round(confidence, 4) == 0.9586
    found = Equal().judge(Measurement.of((64,), [runs]), confidence=confidence).interval
    ordered = np.sort(np.log(runs))
    assert (found.low, found.high) == pytest.approx((ordered[5], ordered[14]))


def test_a_pair_of_curves_of_which_one_is_known_collapses_as_the_other_equals_it():
    # Two implementations of one question: Collapse subtracts medians, Equal divides run by run.
    rng = np.random.default_rng(906)
    for shift in (0.0, 0.04, 0.1):
        runs = np.exp(shift + 0.05 * NOISE["lognormal"](rng, 24))
        both = Measurement.of((1.0, 2.0), [runs, np.full(24, 1.0)], exact=(False, True))
        one, other = Equal(0.05).judge(Measurement.of((64,), [runs])), Collapse(0.05).judge(both)
        assert one.verdict is other.verdict
        assert one.interval == pytest.approx((-other.interval.high, -other.interval.low))
        assert one.p_value == other.p_value


def test_another_ensemble_is_compared_run_by_run():
    # What both sides share, far above the margin, cancels.
    rng = np.random.default_rng(907)
    levels = np.exp(rng.standard_normal((2, 32)))
    one, two = (levels * np.exp(0.02 * rng.standard_normal((2, 32))) for _ in range(2))
    sides = [Measurement.of(WIDTHS[:2], side) for side in (one, two)]
    assert Equal().judge(*sides).verdict is Verdict.SUPPORTED
    for factor in (0.8, 1.25):
        assert Equal().judge(Measurement.of(WIDTHS[:2], factor * one), sides[1]).verdict is Verdict.REFUTED
    with pytest.raises(ValueError, match="the same axis values and seeds on both sides"):
        Equal().judge(sides[0], known([1.0, 1.0], seeds=20))


@pytest.mark.parametrize("law", NOISE)
@pytest.mark.parametrize("seeds", [8, 16])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_truth_at_the_margin_is_seldom_decided_whatever_the_noise(law, seeds, sign):
    # One axis value alone is the worst case for support. Three Monte Carlo errors of 2.5%; reports/calibration.md has more.
    rng, runs = np.random.default_rng(908), 400
    found = shares(rng, [sign * MARGIN], runs=runs, seeds=seeds, law=law)
    assert max(found) <= 0.025 + 3 * math.sqrt(0.025 / runs)


def test_several_axis_values_at_the_margin_share_one_level():
    runs = 300
    supported, refuted = shares(np.random.default_rng(909), [MARGIN] * 4, runs=runs, seeds=12, noise=0.02)
    assert supported == 0.0
    assert refuted <= 0.025 + 3 * math.sqrt(0.025 / runs)


@pytest.mark.parametrize("seeds, noise", [(12, 0.02), (32, 0.05), (100, 0.1)])
def test_power_says_what_is_refuted_and_how_often_equals_are_supported(seeds, noise):
    rng, runs = np.random.default_rng(910), 200
    power = Equal().power(WIDTHS, (seeds,) * 4, noise)
    options = {"runs": runs, "seeds": seeds, "noise": noise}
    assert shares(rng, [0, 0, 0, power.detectable], **options)[1] == pytest.approx(0.9, abs=0.07)
    # A share of SUPPORTED that is promised is kept.
    assert -0.05 <= shares(rng, [0] * 4, **options)[0] - power.support <= 0.12
    wider = Equal(power.resolution).power(WIDTHS, (seeds,) * 4, noise)
    assert wider.support == pytest.approx(0.9, abs=0.01)
    assert shares(rng, [0] * 4, within=power.resolution, **options)[0] == pytest.approx(0.92, abs=0.06)


def test_too_few_seeds_leave_it_open_and_the_remedy_says_how_many_would_do():
    rng = np.random.default_rng(911)
    finding = Equal().judge(readings(rng, [0] * 4, seeds=10, noise=0.1))
    assert (finding.verdict, finding.remedy.limited_by) == (Verdict.INCONCLUSIVE, "noise")
    assert finding.remedy.effort > 2
    needed = math.ceil(10 * finding.remedy.effort)
    assert f"about {needed} seeds a width instead of 10" in finding.reason
    assert Equal().judge(readings(rng, [0] * 4, seeds=needed, noise=0.1)).verdict is Verdict.SUPPORTED


def test_missing_runs_leave_it_open_unless_they_are_few():
    measurement = readings(np.random.default_rng(912), [0, 0, 0, 0])
    cells = [list(cell) for cell in measurement.values]
    for lost in (math.inf, math.nan, 0.0):
        cells[1][:8] = [lost] * 8
        finding = Equal().judge(Measurement.of(WIDTHS, cells))
        assert (finding.verdict, finding.remedy.limited_by) == (Verdict.INCONCLUSIVE, "missing runs")
        assert "8 of 32 at width 128" in finding.reason
        cells[1][:8] = [lost] + [1.0] * 7
        assert Equal().judge(Measurement.of(WIDTHS, cells)).verdict is Verdict.SUPPORTED


@pytest.mark.parametrize("shared", [False, True])
def test_numbers_that_do_not_depend_on_the_seed_are_compared_as_they_are(shared):
    def judge(value):
        measured = Measurement.of((64, 65), [[1.0] * 7, [value] * 7], shared_seeds=shared, exact=True)
        return Equal().judge(measured)

    assert [judge(value).verdict.name for value in (1.0, 1.049, 1.051, 0.951)] == [
        "SUPPORTED",
        "SUPPORTED",
        "REFUTED",
        "REFUTED",
    ]
    assert judge(1.051).p_value == 0.0


def test_drawn_runs_that_a_grid_rounds_decide_nothing():
    measured = Measurement.of((64, 128), [[1.0] * 12, [1.0] * 6 + [1.02] * 6])
    finding = Equal().judge(measured)
    assert (finding.verdict, finding.remedy.limited_by) == (Verdict.INCONCLUSIVE, "flags")
    assert "values repeat" in finding.reason


@settings(max_examples=25, deadline=None, derandomize=True)
@given(order=st.permutations(range(4)), seeds=st.permutations(range(32)), unit=st.floats(1e-6, 1e6))
def test_the_verdict_sees_neither_the_order_of_axis_values_or_seeds_nor_the_unit(order, seeds, unit):
    formula = np.array([1.0, 2.0, 3.0, 4.0])
    measured = readings(np.random.default_rng(913), np.log(formula) + np.array([0, 0, 0.01, 0.02]))
    cells = [unit * np.array(measured.values[k])[list(seeds)] for k in order]
    one = Equal().judge(measured, known(formula))
    other = Equal().judge(Measurement.of(WIDTHS, cells), known(unit * formula[list(order)]))
    assert one.verdict is other.verdict
    assert one.interval == pytest.approx(other.interval, abs=1e-9)


def test_fewer_seeds_than_medians_need_are_refused():
    # Four axis values divide 0.025 to 0.00625, which 2^-7 does not reach and 2^-8 does; one alone needs six.
    assert Equal().demands(4, 0.95) == (4, 8)
    assert Equal().demands(1, 0.95) == (1, fewest_runs(0.025)) == (1, 6)
    rng = np.random.default_rng(914)
    with pytest.raises(ValueError, match=r"at 4 axis values .* needs 8 seeds at each, .*got \(7, 7, 7, 7\)"):
        Equal().judge(readings(rng, [0] * 4, seeds=7))
    with pytest.raises(ValueError, match=r"needs 8 seeds at each"):
        Equal().admit(Layout(axis_values=WIDTHS, seeds=(9, 9, 9, 5)))
    with pytest.raises(ValueError, match="the same seeds on both sides"):
        Equal().admit(Layout(axis_values=WIDTHS, seeds=(9,) * 4, against=(8,) * 4))
    assert Equal().judge(readings(rng, [0, 0, 0, 1.0], seeds=8)).verdict is Verdict.REFUTED
    assert Equal().judge(readings(rng, [0] * 4, seeds=8, noise=0.005)).verdict is Verdict.SUPPORTED


@pytest.mark.parametrize("within", [0.0, -0.1, math.nan, math.inf])
def test_a_margin_is_positive_and_finite(within):
    with pytest.raises(ValueError, match=r"a positive relative difference, 0\.05 say; got"):
        Equal(within=within)
