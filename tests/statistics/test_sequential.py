"""A budget is spent in looks that are planned from the noise, and repeated looks err no more often than one."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from theorychecks.statistics import (
    Crossing,
    InteriorOptimum,
    Layout,
    LowerBound,
    Measurement,
    Ordering,
    PowerLaw,
    UpperBound,
    Verdict,
)
from theorychecks.statistics.sequential import MOST_SEEDS, plan, pooled_noise, schedule, smallest_design

FAST = tuple(2**k for k in range(9, 18))
steady = settings(deadline=None, derandomize=True, database=None)
LINEAR = tuple(float(m) for m in FAST)
HALF = PowerLaw(-0.5)


def spent(counts, costs=LINEAR):
    return float(np.dot(counts, costs[: len(counts)]))


def test_looks_spend_a_64th_a_16th_a_quarter_and_all_and_share_the_level():
    found = schedule(HALF, FAST, LINEAR, 16)
    assert [spend / (16 * sum(LINEAR)) for spend in found.spends] == [1 / 64, 1 / 16, 1 / 4, 1]
    assert found.confidence == pytest.approx(1 - 0.05 / 4)


def test_a_first_look_that_buys_no_design_is_replaced_by_the_smallest_design():
    # At equal costs five of nine widths with four runs each cost 20, where a budget of four is 36.
    found = schedule(HALF, FAST, [1.0] * 9, 4)
    assert found.spends == (36.0,)
    assert found.confidence == pytest.approx(0.95)
    # And of sixteen 144: a look at 20, then one at everything, since a quarter, 36, is less than twice as much.
    assert schedule(HALF, FAST, [1.0] * 9, 16).spends == (36.0, 144.0)
    assert schedule(HALF, FAST, [1.0] * 9, 40).spends == (22.5, 90.0, 360.0)


def test_a_budget_that_buys_no_design_is_refused_and_says_what_does():
    with pytest.raises(ValueError, match=r"4 runs at 5 points; give 3 or more"):
        schedule(HALF, FAST, [1.0] * 9, 2)
    # Refuting at one of nine widths at a fourth of the level takes eleven signs: 2^-11 < .00625 / 9 < 2^-10.
    with pytest.raises(ValueError, match=r"11 runs at 9 points; give 11 or more"):
        schedule(Ordering(), FAST, LINEAR, 8)


@pytest.mark.parametrize("noise", [None, 0.01, 0.1, 1.0])
@pytest.mark.parametrize("share", [1 / 64, 1 / 16, 1 / 4, 1])
def test_a_plan_keeps_to_what_may_be_spent_and_buys_an_interval(noise, share):
    spend = share * 16 * sum(LINEAR)
    counts = plan(HALF, FAST, LINEAR, spend, noise=noise, confidence=0.9875)
    assert spent(counts) <= spend
    assert 5 <= len(counts) <= 9
    assert min(counts) >= 4
    assert list(counts) == sorted(counts, reverse=True)


def test_a_plan_goes_on_from_the_runs_that_have_been_made():
    counts = plan(HALF, FAST, LINEAR, 4 * sum(LINEAR), noise=0.1, confidence=0.9875, have=(90, 5, 5, 5, 5, 5))
    assert all(count >= made for count, made in zip(counts, (90, 5, 5, 5, 5, 5), strict=False))
    assert len(counts) >= 6


def test_a_plan_is_sharper_than_equal_numbers_for_the_same_money():
    spend = 4 * sum(LINEAR)
    counts = plan(HALF, FAST, LINEAR, spend, noise=0.3, confidence=0.95)
    planned = HALF.power(FAST[: len(counts)], counts, 0.3, 0.95)
    equal = HALF.power(FAST, (4,) * 9, 0.3, 0.95)
    assert planned.detectable < 0.95 * equal.detectable
    assert planned.support > 0.4 > 0.1 > equal.support


def test_noise_is_pooled_over_cells(synthetic):
    rng = np.random.default_rng(402)
    measurement = synthetic.power_law(rng, -0.5, seeds=200, noise=0.3)
    assert pooled_noise(measurement, "mean of logs") == pytest.approx(0.3, rel=0.1)
    assert pooled_noise(measurement, "log of mean") == pytest.approx(0.3, rel=0.1)
    cells = [np.array(cell) for cell in measurement.values]
    cells[0][:100] = np.inf
    assert pooled_noise(Measurement.of(synthetic.DENSE, cells), "mean of logs") is None


def decided(rng, truth, c, *, naive):
    """SUPPORTED at one of four doubling looks, each at level .0125, or at .05 as if it were the only one."""
    logs = [truth * np.log(m) + np.log1p(c * m**-0.5) + 0.3 * rng.standard_normal(32) for m in FAST]
    for seeds in (4, 8, 16, 32):
        measured = Measurement.of(FAST, [np.exp(cell[:seeds]) for cell in logs])
        finding = LowerBound(-0.5).judge(measured, confidence=0.95 if naive else 0.9875)
        if finding.verdict is not Verdict.INCONCLUSIVE:
            return finding.verdict
    return Verdict.INCONCLUSIVE


@pytest.mark.parametrize("naive, least, most", [(False, 0.0, 0.04), (True, 0.05, 1.0)])
def test_looks_that_share_the_level_err_rarely_and_looks_that_do_not_err_often(naive, least, most):
    # The truth lies at the margin's edge under the worst correction; `tests/calibration` has thousands.
    rng = np.random.default_rng(409)
    wrong = [decided(rng, -0.58, -3.0, naive=naive) is Verdict.SUPPORTED for _ in range(400)]
    assert least <= np.mean(wrong) <= most


DENSE = [
    (64, 96, 128, 192, 256, 384, 512),
    (128, 256, 384, 512, 768, 1024),
    tuple(range(64, 577, 32)),
    (100, 110, 120, 130, 140, 150, 1000),
]


@pytest.mark.parametrize("axis", DENSE)
@pytest.mark.parametrize("prediction", [PowerLaw(0, within=0.24, rival=0.5), LowerBound(-0.5), HALF])
def test_looks_on_dense_axes_span_what_an_exponent_needs(axis, prediction):
    costs = [float(value) ** 1.5 for value in axis]
    timetable = schedule(prediction, axis, costs, 16)
    have = ()
    for spend in timetable.spends:
        have = plan(prediction, axis, costs, spend, noise=0.1, confidence=timetable.confidence, have=have)
        prediction.admit(Layout(axis_values=axis[: len(have)], seeds=have, role="control"))
        assert spent(have, costs) <= spend * 1.0001
    with pytest.raises(ValueError, match="does not buy the smallest design"):
        schedule(prediction, axis, costs, 2)


EXPECTED = [
    PowerLaw(0, within=0.24, rival=0.5),
    PowerLaw(-0.5, within=0.24, rival=0),
    UpperBound(0, within=0.24, rival=0.5),
    UpperBound(-0.5, within=0.24, rival=0),
]
"""What gates predict."""
RATES = PowerLaw(0, within=0.15, rival=-0.5)
OTHERS = [RATES, PowerLaw(-1, within=0.24, rival=-0.5), Crossing(200.0), InteriorOptimum(), Ordering()]


@st.composite
def uneven_widths(draw):
    """Multiples of a head's size, as dense and as uneven as can be, over a factor of 8 or more."""
    head = draw(st.sampled_from((1, 16, 32, 64)))
    first = draw(st.sampled_from((64, 128, 192)))
    last = draw(st.integers(8 * first // head, 16 * first // head)) * head
    inner = draw(st.sets(st.integers(first // head + 1, 7 * first // head), min_size=4, max_size=9))
    return (first, *[head * each for each in sorted(inner)], last)


def admitted(prediction, axis_values, seeds, confidence, role):
    """Whether a design can be judged, if what it is compared with has as many seeds."""
    try:
        prediction.admit(Layout(axis_values=axis_values, seeds=seeds, role=role, against=seeds), confidence=confidence)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("predictions", [EXPECTED, *[[each] for each in OTHERS]], ids=lambda each: str(each[0]))
@given(axis=uneven_widths(), power=st.sampled_from((0.0, 1.0, 2.0)), noise=st.sampled_from((None, 1e-3, 0.3)))
@settings(steady, max_examples=25)
def test_every_look_at_admitted_widths_is_at_widths_that_are_admitted(predictions, axis, power, noise):
    assume(all(admitted(each, axis, (64,) * len(axis), 0.95, "prediction") for each in predictions))
    costs = [float(value) ** power for value in axis]
    have = ()
    timetables = [schedule(each, axis, costs, 64, shares=(0.1, 0.25, 0.5, 1.0)) for each in predictions]
    timetable = max(timetables, key=lambda each: each.spends[0])
    for spend in timetable.spends:
        plans = [
            plan(each, axis, costs, spend, noise=noise, confidence=timetable.confidence, have=have)
            for each in predictions
        ]
        have = tuple(max(each) for each in itertools.zip_longest(*plans, fillvalue=0))
        for each in predictions:
            assert admitted(each, axis[: len(have)], have, timetable.confidence, "control")


@given(axis=uneven_widths())
@settings(steady, max_examples=50)
def test_narrow_widths_on_which_many_seeds_decide_admit_the_smallest_design(axis):
    """A gate that is short of time leaves out the widest widths, and finds out later how many seeds it can have."""
    (constant, *_) = EXPECTED
    for points in range(5, len(axis) + 1):
        if admitted(constant, axis[:points], (MOST_SEEDS,) * points, 0.95, "prediction"):
            seeds = (constant.demands(points, 0.95).seeds,) * points
            assert admitted(constant, axis[:points], seeds, 0.95, "prediction")


def test_fewer_axis_values_than_a_design_needs_take_all():
    assert smallest_design(HALF, (64, 128, 256), 0.95).points == 5
