"""The crossing of one half is covered by its interval, for slow transitions and for steep ones."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from theorychecks.statistics import Crossing, Measurement, Prediction, Verdict
from theorychecks.statistics.logistic import LogisticCurve

SCALES = 2.0 ** np.arange(-4, 5)


def indicators(rng, *, crossing=1.0, slope=2.0, runs=10, scales=SCALES):
    """Successes, with log-odds that rise by the slope an octave."""
    odds = slope * np.log2(scales / crossing)
    cells = [(rng.random(runs) < 1 / (1 + np.exp(-value))).astype(float) for value in odds]
    return Measurement.of(scales, cells, axis="scale", name="trained")


def counted(*successes, runs=10, scales=SCALES):
    """So many successes at each scale."""
    cells = [[1.0] * count + [0.0] * (runs - count) for count in successes]
    return Measurement.of(scales[: len(successes)], cells, axis="scale")


def judged(rng, *, at=1.0, within=0.5, **options):
    return Crossing(at, within=within).judge(indicators(rng, **options))


def test_it_is_a_prediction():
    assert isinstance(Crossing(1.0), Prediction)
    assert (Crossing(1.0).expectation.kind, Crossing(1.0, within=0.2).expectation.margin) == ("crossing", 0.2)


@pytest.mark.parametrize("slope", [2.0, -2.0])
@pytest.mark.parametrize("crossing, verdict", [(1.0, "SUPPORTED"), (0.4, "REFUTED"), (2.5, "REFUTED")])
def test_a_crossing_is_supported_and_its_neighbours_are_refuted(crossing, verdict, slope):
    finding = judged(np.random.default_rng(1001), crossing=crossing, slope=slope, runs=60)
    assert finding.verdict.name == verdict
    assert finding.interval.low < crossing < finding.interval.high


# Measured with R=1000 at 10 runs a point: 93.7 to 95.4% for slopes of 1 and 2 an octave, 98.5 to 100% for 4 and more, where
# the interval is mostly the bracket. A profile interval alone covers 89% at slope 4 and 85% at slope 20 (R=200).
@pytest.mark.parametrize(
    "slope, crossing, least",
    [
        (1, 1.0, 0.87),
        (2, 1.0, 0.88),
        (2, 1.41, 0.88),
        (-2, 3.0, 0.88),
        (8, 1.0, 0.96),
        (20, 1.0, 0.97),
        (20, 1.41, 0.97),
    ],
)
def test_the_interval_covers_the_crossing(slope, crossing, least):
    rng = np.random.default_rng(1002)
    intervals = [judged(rng, slope=slope, crossing=crossing).interval for _ in range(100)]
    assert np.mean([low <= crossing <= high for low, high in intervals]) >= least


@pytest.mark.parametrize("crossing", [1.5, 1 / 1.5])
def test_a_crossing_at_the_margin_is_seldom_decided(crossing):
    # Measured with R=1000, 40 runs a point: SUPPORTED 2.4 and 3.8%, REFUTED 2.5 and 1.7%, at a nominal 2.5%.
    rng = np.random.default_rng(1003)
    verdicts = [judged(rng, slope=1.0, crossing=crossing, runs=40).verdict for _ in range(100)]
    for wrong in (Verdict.SUPPORTED, Verdict.REFUTED):
        assert np.mean([verdict is wrong for verdict in verdicts]) <= 0.10


def test_the_estimate_is_that_of_a_binomial_model_in_statsmodels():
    measurement = indicators(np.random.default_rng(1004), crossing=1.3, slope=1.5, runs=20)
    successes = np.array([20 - missing for missing in measurement.not_finite])
    points = np.log(SCALES)
    model = sm.GLM(np.c_[successes, 20 - successes], sm.add_constant(points), family=sm.families.Binomial()).fit()
    curve = LogisticCurve(points, successes.astype(float), np.full(9, 20.0))
    assert curve.crossing == pytest.approx(-model.params[0] / model.params[1], abs=1e-6)

    # The deviance of a crossing is that of a model through it, without an intercept.
    for point in (-0.5, 0.1, 0.9):
        through = sm.GLM(np.c_[successes, 20 - successes], points - point, family=sm.families.Binomial()).fit()
        assert curve.deviance(point) == pytest.approx(through.deviance - model.deviance, abs=1e-6)

    finding = Crossing(1.3, within=0.5).judge(measurement)
    limit = stats.chi2.isf(0.05, 1)
    assert [curve.deviance(math.log(end)) for end in finding.interval] == pytest.approx([limit, limit], abs=1e-6)


@pytest.mark.parametrize(
    "successes, bracket",
    [
        ((0, 0, 0, 10, 10, 10), (0.25, 0.5)),
        ((10, 10, 10, 0, 0, 0), (0.25, 0.5)),
        ((0, 0, 4, 10, 10, 10), (0.125, 0.5)),
        ((10, 10, 9, 0, 0, 0), (0.125, 0.5)),
    ],
)
def test_a_steep_transition_is_bracketed(successes, bracket):
    inside = Crossing(0.3, within=2.0).judge(counted(*successes))
    assert tuple(inside.interval) == pytest.approx(bracket)
    assert inside.verdict is Verdict.SUPPORTED
    assert "between points where all runs agree" in inside.reason
    assert inside.p_value == 2**-10
    assert Crossing(1.5, within=0.1).judge(counted(*successes)).verdict is Verdict.REFUTED
    partly = Crossing(0.3, within=0.1).judge(counted(*successes))
    assert (partly.verdict, partly.remedy.limited_by) == (Verdict.INCONCLUSIVE, "boundary")
    assert "points between its ends, which no seeds replace" in partly.reason


def test_two_mixed_points_or_one_out_of_place_are_no_bracket():
    points, runs = np.arange(6.0), np.full(6, 10.0)
    for successes in ([0, 0, 1, 9, 10, 10], [0, 1, 0, 10, 10, 10], [0, 10, 0, 10, 0, 10], [0] * 6, [0, 0, 0, 0, 0, 5]):
        assert LogisticCurve(points, np.array(successes, dtype=float), runs).bracket is None


@pytest.mark.parametrize(
    "successes", [(5, 5, 5, 5, 5, 5), (10, 10, 10, 10, 10, 10), (5, 6, 4, 6, 4, 5), (0, 0, 0, 0, 0, 1)]
)
def test_success_that_does_not_change_has_no_crossing(successes):
    finding = Crossing(0.5).judge(counted(*successes))
    assert (finding.verdict, finding.interval) == (Verdict.INCONCLUSIVE, None)
    assert "success does not clearly depend on the scale" in finding.remedy.text


def test_few_runs_leave_it_open_and_the_remedy_says_how_many_would_do():
    finding = judged(np.random.default_rng(1005), slope=1.0, within=0.3)
    assert (finding.verdict, finding.remedy.limited_by) == (Verdict.INCONCLUSIVE, "noise")
    needed = math.ceil(10 * finding.remedy.effort)
    assert f"about {needed} runs a point instead of 10" in finding.reason
    assert judged(np.random.default_rng(1006), slope=1.0, within=0.3, runs=needed).verdict is Verdict.SUPPORTED


def test_the_p_value_is_that_of_the_signed_root():
    finding = judged(np.random.default_rng(1007), crossing=2.5, runs=40)
    curve = LogisticCurve(
        np.log(SCALES), np.array([40.0 - n for n in finding.measurement.not_finite]), np.full(9, 40.0)
    )
    assert finding.p_value == pytest.approx(stats.norm.sf(math.sqrt(curve.deviance(math.log(1.5)))))
    assert finding.p_value < 0.005


@pytest.mark.parametrize("at, support", [(math.sqrt(2), 1.0), (1.0, 0.0)])
def test_power_is_that_of_a_grid_with_a_steep_transition(at, support):
    power = Crossing(at, within=0.5).power(SCALES, (10,) * 9, 0.1)
    assert power.support == support
    assert power.detectable == pytest.approx(math.log(1.5) + math.log(2))
    assert Crossing(at, within=1.001 * power.resolution).power(SCALES, (10,) * 9, 0.1).support == 1.0


@settings(max_examples=20, deadline=None, derandomize=True)
@given(order=st.permutations(range(12)), unit=st.floats(-5, 5), swapped=st.booleans())
def test_the_verdict_sees_neither_the_order_of_runs_nor_the_unit_nor_what_is_called_success(order, unit, swapped):
    measurement = indicators(np.random.default_rng(1008), runs=12)
    cells = np.nan_to_num(np.array(measurement.values))[:, list(order)]
    factor = math.exp(unit)
    changed = Measurement.of(factor * SCALES, 1 - cells if swapped else cells, axis="scale")
    one, other = Crossing(1.0).judge(measurement), Crossing(factor).judge(changed)
    assert one.verdict is other.verdict
    assert [factor * end for end in one.interval] == pytest.approx(list(other.interval), rel=1e-5)


def test_a_value_that_is_no_indicator_is_named():
    cells = [[1.0] * 10, [0.0] * 9 + [0.5], [0.0] * 10]
    with pytest.raises(ValueError, match=r"succeeds \(1\) or fails \(0\); accuracy is 0\.5 at scale 2, seed 9"):
        Crossing(2.0).judge(Measurement.of((1, 2, 4), cells, axis="scale", name="accuracy"))


def test_a_run_that_neither_succeeds_nor_fails_leaves_it_open():
    cells = [[1.0] * 10, [0.0] * 9 + [math.nan], [0.0] * 10]
    finding = Crossing(2.0).judge(Measurement.of((1, 2, 4), cells))
    assert (finding.verdict, finding.remedy.limited_by) == (Verdict.INCONCLUSIVE, "missing runs")


def test_designs_that_cannot_decide_are_refused():
    with pytest.raises(ValueError, match="a probability is estimated from 10 runs a point or more"):
        Crossing(1.0).judge(indicators(np.random.default_rng(1009), runs=9))
    with pytest.raises(ValueError, match=r"a crossing at 20 is seen from both sides; got points 0\.0625\.\.16"):
        Crossing(20.0).judge(indicators(np.random.default_rng(1010)))
    shared = Measurement.of((1, 4), [[1.0] * 10, [0.0] * 10], shared_seeds=True)
    with pytest.raises(ValueError, match="needs independent runs at every point; got shared seeds"):
        Crossing(2.0).judge(shared)
    assert Crossing(1.0).demands(5, 0.95) == (5, 10)


@pytest.mark.parametrize("at, within", [(0.0, 0.1), (-1.0, 0.1), (math.nan, 0.1), (1.0, 0.0), (1.0, math.inf)])
def test_options_are_checked(at, within):
    with pytest.raises(ValueError, match="a positive axis value and a positive margin"):
        Crossing(at, within=within)


def test_a_curve_that_is_not_logistic_is_flagged():
    # Success with probability 1 - 2^-(x^2) crosses one half at 1, and its log-odds are bent.
    rng = np.random.default_rng(812)
    points = np.geomspace(0.25, 4, 9)
    bent = Measurement.of(points, [(rng.random(400) < 1 - 0.5 ** (x**2)).astype(float) for x in points], axis="rate")
    finding = Crossing(1.1, within=0.1).judge(bent)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.remedy.limited_by == "flags"
    assert "log-odds are not linear in log rate" in finding.reason


def test_a_logistic_curve_is_rarely_flagged():
    # Six in a thousand, where five are nominal.
    rng = np.random.default_rng(813)
    points = np.geomspace(0.25, 4, 9)
    flagged = []
    for _ in range(300):
        shares = 1 / (1 + points**-1.5)
        drawn = Measurement.of(points, [(rng.random(40) < p).astype(float) for p in shares], axis="rate")
        flagged.append("lack of fit" in Crossing(1.0, within=0.5).judge(drawn).reason)
    assert np.mean(flagged) <= 0.03
