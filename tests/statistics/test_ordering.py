"""An ordering is supported one way and refuted the other, by mean and by sign together."""

import numpy as np
import pytest

from theorychecks.statistics import Measurement, Ordering, Verdict


def ratio(rng, *, mean, seeds=12, noise=0.1, widths=(64, 128, 256, 512)):
    return Measurement.of(widths, [np.exp(mean + noise * rng.standard_normal(seeds)) for _ in widths])


@pytest.mark.parametrize("mean, above, below", [(0.3, "SUPPORTED", "REFUTED"), (-0.3, "REFUTED", "SUPPORTED")])
def test_an_ordering_is_supported_one_way_and_refuted_the_other(mean, above, below):
    measurement = ratio(np.random.default_rng(209), mean=mean)
    assert Ordering("above").judge(measurement).verdict.name == above
    assert Ordering("below").judge(measurement).verdict.name == below


def test_an_ordering_of_equals_is_inconclusive():
    measurement = ratio(np.random.default_rng(210), mean=0.0)
    for direction in ("above", "below"):
        finding = Ordering(direction).judge(measurement)
        assert finding.verdict is Verdict.INCONCLUSIVE
        assert "more seeds" in finding.reason


def test_ordering_needs_every_width_to_show_it_and_one_to_refute_it():
    rng = np.random.default_rng(211)
    means = (0.3, 0.3, 0.0, 0.3)
    unclear = Measurement.of((64, 128, 256, 512), [np.exp(mean + 0.1 * rng.standard_normal(12)) for mean in means])
    means = (0.3, 0.3, -0.3, 0.3)
    opposite = Measurement.of((64, 128, 256, 512), [np.exp(mean + 0.1 * rng.standard_normal(12)) for mean in means])
    assert Ordering("above").judge(unclear).verdict is Verdict.INCONCLUSIVE
    assert Ordering("above").judge(opposite).verdict is Verdict.REFUTED


def test_the_interval_of_an_ordering_is_that_of_its_worst_width():
    rng = np.random.default_rng(212)
    means = (0.9, 0.6, 0.3, 0.8)
    measurement = Measurement.of((64, 128, 256, 512), [np.exp(mean + 0.1 * rng.standard_normal(12)) for mean in means])
    low, high = Ordering("above").judge(measurement).interval
    assert low < 0.3 < high < 0.5
    low, high = Ordering("below").judge(measurement).interval
    assert 0.7 < low < 0.9 < high


def test_a_mean_above_one_without_a_majority_is_not_enough():
    # Nine of twelve runs are above by 0.3 and three below by 0.05: t = 5.4, yet nine of twelve signs have p = 0.073.
    cell = np.exp(np.r_[np.linspace(0.25, 0.35, 9), [-0.04, -0.05, -0.06]])
    finding = Ordering("above").judge(Measurement.of((64, 512), [cell, cell]))
    assert finding.verdict is Verdict.INCONCLUSIVE
    all_above = np.exp(np.r_[np.linspace(0.25, 0.35, 9), [0.04, 0.05, 0.06]])
    assert Ordering("above").judge(Measurement.of((64, 512), [all_above, all_above])).verdict is Verdict.SUPPORTED


def test_a_majority_above_one_without_a_mean_is_not_enough():
    # All but one of twenty runs are slightly above and one is far below: p = 2e-5 by sign, and the mean is below zero.
    cell = np.exp(np.r_[np.linspace(0.01, 0.02, 19), [-2.0]])
    finding = Ordering("above").judge(Measurement.of((64, 512), [cell, cell]))
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_ordering_errs_rarely_when_the_median_is_one_and_the_mean_is_above():
    # Right-skewed log-ratios with median 0: the mean (t) alone supports an order that half of the runs contradict.
    rng = np.random.default_rng(213)
    verdicts, by_mean = [], []
    for _ in range(300):
        unclear = np.exp(rng.standard_normal(16)) - 1.0
        clear = 1.0 + 0.1 * rng.standard_normal(16)
        finding = Ordering("above").judge(Measurement.of((64, 512), [np.exp(unclear), np.exp(clear)]))
        verdicts.append(finding.verdict is Verdict.SUPPORTED)
        by_mean.append(finding.interval.low > 0)
    assert np.mean(verdicts) <= 0.05
    assert np.mean(by_mean) >= 0.10


def test_ordering_needs_as_many_seeds_as_its_sign_test():
    # Refuting divides 0.025 among 4 widths: 2^-8 < 0.025 / 4 < 2^-7; and 0.005 among 4: 2^-10 < 0.005 / 4 < 2^-9.
    rng = np.random.default_rng(214)
    with pytest.raises(ValueError, match=r"over 4 axis values at confidence 0\.95 needs 8 seeds .* got \(7, 7, 7, 7\)"):
        Ordering("above").judge(ratio(rng, mean=1.0, seeds=7))
    assert Ordering("above").judge(ratio(rng, mean=1.0, seeds=8)).verdict is Verdict.SUPPORTED
    assert Ordering("above").judge(ratio(rng, mean=-1.0, seeds=8)).verdict is Verdict.REFUTED
    with pytest.raises(ValueError, match=r"confidence 0\.99 needs 10 seeds"):
        Ordering("above").judge(ratio(rng, mean=1.0, seeds=9), confidence=0.99)


def test_refuting_an_ordering_takes_more_seeds_at_more_widths():
    # Seven widths divide 0.025 to 0.0036, which eight equal signs (p = 0.0039) do not reach and nine do.
    rng = np.random.default_rng(215)
    widths = tuple(2**k for k in range(6, 13))
    with pytest.raises(ValueError, match=r"over 7 axis values .* needs 9 seeds"):
        Ordering("above").judge(ratio(rng, mean=-1.0, seeds=8, widths=widths))
    assert Ordering("above").judge(ratio(rng, mean=-1.0, seeds=9, widths=widths)).verdict is Verdict.REFUTED


def test_ties_decide_no_order():
    measurement = Measurement.of((64, 512), [np.ones(12), np.ones(12)])
    assert Ordering("above").judge(measurement).verdict is Verdict.INCONCLUSIVE


def tied(rng, *, ties, step, seeds=64):
    """Ratios that are exactly one but for a share of them, which are all on one side."""
    return Measurement.of((64, 512), [np.where(rng.random(seeds) < ties, 1.0, np.exp(step)) for _ in range(2)])


@pytest.mark.parametrize("direction, step", [("above", 0.1), ("below", -0.1)])
def test_an_order_holds_where_the_median_is_on_its_side_whatever_the_ties(direction, step):
    # The median is what is claimed: it is one where four in five are ties, and beyond one where one in five is.
    rng = np.random.default_rng(218)
    opposite = {"above": "below", "below": "above"}[direction]
    for _ in range(20):
        for claimed in (direction, opposite):
            assert Ordering(claimed).judge(tied(rng, ties=0.8, step=step)).verdict is Verdict.INCONCLUSIVE
    assert Ordering(direction).judge(tied(rng, ties=0.2, step=step)).verdict is Verdict.SUPPORTED
    assert Ordering(opposite).judge(tied(rng, ties=0.2, step=step)).verdict is Verdict.REFUTED


def test_half_of_ties_and_half_above_are_seldom_an_order():
    # The median is at its edge. Measured with R=2000: SUPPORTED 1.8% at one width, at a nominal 2.5%, and less at two.
    rng = np.random.default_rng(219)
    judged = [Ordering("above").judge(tied(rng, ties=0.5, step=0.1)).verdict for _ in range(200)]
    assert np.mean([verdict is Verdict.SUPPORTED for verdict in judged]) <= 0.02


@pytest.mark.parametrize("seeds", [8, 12, 32])
def test_the_detectable_log_ratio_is_refuted_nine_times_in_ten(seeds):
    # Measured with R=2000: 90% of the time each.
    rng, widths = np.random.default_rng(220), (64, 128, 256)
    power = Ordering("above").power(widths, (seeds,) * 3, 0.1)
    refuted = []
    for _ in range(200):
        logs = 0.1 * rng.standard_normal((3, seeds)) + np.array([[2.0], [2.0], [-power.detectable]])
        refuted.append(Ordering("above").judge(Measurement.of(widths, np.exp(logs))).verdict is Verdict.REFUTED)
    assert np.mean(refuted) == pytest.approx(0.9, abs=0.07)
    assert power.support == 0.0


def test_too_few_signs_detect_nothing():
    assert Ordering("above").power((64, 128), (5, 5), 0.1).detectable == np.inf


def test_a_missing_run_never_helps_an_ordering():
    # Seven of eight signs have p = 0.035, which is not enough; the eighth numerator is zero, so its ratio is not above.
    rng = np.random.default_rng(216)
    numerator = [np.exp(1.0 + 0.1 * rng.standard_normal(8)) for _ in range(2)]
    numerator[0][0] = 0.0
    ones = Measurement.of((64, 512), [np.ones(8), np.ones(8)])
    finding = Ordering("above").judge(Measurement.of((64, 512), numerator).over(ones))
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_more_missing_runs_than_tolerated_leave_an_ordering_inconclusive():
    rng = np.random.default_rng(217)
    numerator = [np.exp(1.0 + 0.1 * rng.standard_normal(8)) for _ in range(2)]
    numerator[0][:2] = np.inf
    finding = Ordering("above").judge(Measurement.of((64, 512), numerator))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.interval is None
    assert "2 of 8 at width 64" in finding.reason


def test_a_direction_is_above_or_below():
    with pytest.raises(ValueError, match="a ratio is 'above' or 'below' one; got 'greater'"):
        Ordering("greater")
