"""Measurements: what they keep, what they tolerate, what they refuse and how they say so."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theorychecks.reporting.codec import decode, encode
from theorychecks.statistics import Measurement, PowerLaw, Status, Verdict, fit_power_law

WIDTHS = (64, 128, 256, 512, 1024)


def cells(seeds=8, rng=None):
    rng = rng or np.random.default_rng(0)
    return [m**-0.5 * np.exp(0.01 * rng.standard_normal(seeds)) for m in WIDTHS]


def with_runs(bad, *, count, seeds=8, at=2):
    values = cells(seeds)
    values[at][:count] = bad
    return Measurement.of(WIDTHS, values)


positive = st.floats(min_value=1e-300, max_value=1e300)
raw = st.one_of(positive, st.sampled_from([0.0, math.inf, math.nan]))


@st.composite
def measurements(draw):
    count = draw(st.integers(2, 6))
    start = draw(st.floats(1e-3, 1e3))
    axis_values = [start * 8**k for k in range(count)]
    shared = draw(st.booleans())
    size = draw(st.integers(3, 10))
    values = []
    for _ in range(count):
        seeds = size if shared else draw(st.integers(3, 10))
        # One good run a cell: a measurement of nothing is refused, which has its own tests.
        values.append([draw(positive), *draw(st.lists(raw, min_size=seeds - 1, max_size=seeds - 1))])
    name = draw(st.text(max_size=20))
    return Measurement.of(
        axis_values, values, axis=draw(st.sampled_from(["width", "t"])), shared_seeds=shared, name=name
    )


@settings(max_examples=100, deadline=None, derandomize=True)
@given(measurement=measurements())
def test_json_reads_back_what_was_written(measurement):
    assert decode(Measurement, json.loads(json.dumps(encode(measurement), allow_nan=False))) == measurement


def test_json_reads_back_bounds():
    measurement = Measurement(
        axis_values=(1.0, 8.0),
        values=((1.0, 2.0, 3.0), (1.0, 2.0, math.nan)),
        statuses=((Status.OK, Status.BELOW, Status.ABOVE), (Status.OK, Status.OK, Status.DIVERGED)),
    )
    assert decode(Measurement, json.loads(json.dumps(encode(measurement), allow_nan=False))) == measurement


def test_an_infinite_value_beside_a_status_is_refused():
    with pytest.raises(ValueError, match=r"recorded as NaN; got inf at width 8, seed 2"):
        Measurement(
            axis_values=(1.0, 8.0),
            values=((1.0, 2.0, 3.0), (1.0, 2.0, math.inf)),
            statuses=((Status.OK,) * 3, (Status.OK, Status.OK, Status.DIVERGED)),
        )


@pytest.mark.parametrize(
    "value, status",
    [
        (1.0, Status.OK),
        (1e-300, Status.OK),
        (0.0, Status.ZERO),
        (-0.0, Status.ZERO),
        (math.inf, Status.DIVERGED),
        (math.nan, Status.UNDEFINED),
    ],
)
def test_statuses_are_read_off_the_numbers(value, status):
    measurement = Measurement.of((1, 8), [[1.0, 1.0, value], [1.0, 1.0, 1.0]])
    assert measurement.statuses[0] == (Status.OK, Status.OK, status)
    assert math.isnan(measurement.values[0][2]) == (status is not Status.OK)


def test_logarithms_put_missing_runs_at_the_ends():
    measurement = Measurement(
        axis_values=(1.0, 8.0),
        values=((math.e, 2.0, 3.0), (1.0, math.nan, math.nan)),
        statuses=((Status.OK, Status.BELOW, Status.ABOVE), (Status.OK, Status.ZERO, Status.DIVERGED)),
    )
    first, second = measurement.log_values()
    assert first.tolist() == [1.0, -math.inf, math.inf]
    assert second.tolist() == [0.0, -math.inf, math.inf]


def test_seeds_and_missing_runs_are_counted():
    measurement = Measurement.of((1, 8), [[1.0, 0.0, math.nan, 1.0], [1.0, 1.0, 1.0]])
    assert measurement.seeds == (4, 3)
    assert measurement.not_finite == (2, 0)


@pytest.mark.parametrize("bad", [math.inf, math.nan, 0.0])
def test_one_missing_run_of_eight_is_tolerated(bad):
    measurement = with_runs(bad, count=1)
    assert measurement.beyond_tolerance() == []
    finding = PowerLaw(-0.5, within=0.07).judge(measurement)
    assert finding.verdict is Verdict.SUPPORTED


@pytest.mark.parametrize("bad", [math.inf, math.nan, 0.0])
def test_two_missing_runs_of_eight_are_too_many_and_are_counted(bad):
    measurement = with_runs(bad, count=2)
    assert measurement.beyond_tolerance() == [256.0]
    finding = PowerLaw(-0.5, within=0.07).judge(measurement)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason == "runs without a finite positive number: 2 of 8 at width 256"


def test_one_missing_run_on_each_side_is_tolerated():
    values = cells(10)
    values[2][:2], values[2][2:4] = math.inf, 0.0
    assert Measurement.of(WIDTHS, values).beyond_tolerance() == []
    values[2][4] = 0.0
    assert Measurement.of(WIDTHS, values).beyond_tolerance() == [256.0]


@pytest.mark.parametrize("bad", [math.inf, 0.0])
def test_no_missing_run_is_tolerated_in_a_cell_that_is_not_trimmed(bad):
    measurement = with_runs(bad, count=1, seeds=7)
    assert measurement.beyond_tolerance() == [256.0]
    finding = PowerLaw(-0.5).judge(measurement)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "1 of 7 at width 256; with 8 or more independent seeds, one in five is tolerated" in finding.reason


def test_no_missing_run_is_tolerated_under_shared_seeds():
    values = cells(8)
    values[2][0] = math.inf
    assert Measurement.of(WIDTHS, values, shared_seeds=True).beyond_tolerance() == [256.0]
    assert Measurement.of(WIDTHS, values).beyond_tolerance() == []


def test_a_cell_of_eight_spares_a_run_and_one_of_seven_none():
    values = cells(8)
    values[2][0] = math.inf
    values[4] = values[4][:7]
    assert Measurement.of(WIDTHS, values).beyond_tolerance() == []
    values[4][0] = math.inf
    assert Measurement.of(WIDTHS, values).beyond_tolerance() == [1024.0]


def test_a_negative_number_is_refused():
    values = cells()
    values[2][3] = -0.25
    with pytest.raises(
        ValueError, match=r"the drift must be positive .* is -0\.25 at width 256, seed 3\. Measure its size"
    ):
        Measurement.of(WIDTHS, values, name="the drift")


@pytest.mark.parametrize(
    "value, way_out",
    [
        (0.0, "where all are zero, check that the observable reads something that the training changes"),
        (math.inf, "where all diverged, lower the learning rate or take fewer steps"),
        (math.nan, "where all are undefined, check what is divided by zero"),
    ],
)
def test_a_measurement_without_a_single_number_is_not_judged(value, way_out):
    nothing = Measurement.of(WIDTHS, [np.full(8, value)] * 5, name="the drift")
    with pytest.raises(ValueError, match=f"the drift has no number in any run, .*: 8 of 8 at width 64, .*{way_out}"):
        PowerLaw(-0.5).judge(nothing)


def test_all_zero_at_one_width_is_counted():
    finding = PowerLaw(-0.5).judge(with_runs(0.0, count=8))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "8 of 8 at width 256" in finding.reason


@pytest.mark.parametrize("count", [7, 8])
def test_a_width_where_runs_diverged_has_no_exponent(count):
    finding = PowerLaw(-0.5).judge(with_runs(math.inf, count=count))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.remedy.limited_by == "missing runs"
    assert f"{count} of 8 at width 256" in finding.reason
    assert ("lower the learning rate" in finding.reason) == (count == 8)
    with pytest.raises(ValueError, match=r"too many runs without a finite positive number at width \[256"):
        fit_power_law(with_runs(math.inf, count=count))


def test_a_width_where_all_runs_diverged_is_measured_and_counted():
    assert with_runs(math.nan, count=8).not_finite == (0, 0, 8, 0, 0)


def test_one_width_has_no_exponent():
    measurement = Measurement.of((64,), [[1.0, 1.0, 1.0]])
    assert measurement.seeds == (3,)
    with pytest.raises(ValueError, match=r"an exponent needs several widths; got \[64\.0\]\. Try widths\(64, 2048\)"):
        fit_power_law(measurement)


def test_a_measurement_of_nothing_is_refused():
    with pytest.raises(ValueError, match="a measurement is made at one width or more; got none"):
        Measurement.of((), [])


def test_a_span_below_eight_has_no_exponent():
    measurement = Measurement.of((64, 448), [[1.0] * 3] * 2)
    assert measurement.seeds == (3, 3)
    with pytest.raises(ValueError, match=r"at least a factor of 8 to fit an exponent; got 64\.\.448\. Try 64\.\.2048"):
        fit_power_law(measurement)


def test_two_seeds_are_refused():
    with pytest.raises(ValueError, match=r"at least 3 of them; got 2 at width 512\. Ask for 8 or more"):
        Measurement.of((64, 512), [[1.0] * 3, [1.0] * 2])


@pytest.mark.parametrize("axis_values", [(64, 1024, 512), (64, 64, 512), (512, 64)])
def test_an_axis_that_does_not_increase_is_refused(axis_values):
    with pytest.raises(ValueError, match="times must increase, each named once; got"):
        Measurement.of(axis_values, [[1.0] * 3] * len(axis_values), axis="time")


@pytest.mark.parametrize("bad", [0, -64, math.inf, math.nan])
def test_an_axis_value_that_is_no_positive_number_is_refused(bad):
    with pytest.raises(ValueError, match="every time must be a positive number; got"):
        Measurement.of((bad, 64, 512), [[1.0] * 3] * 3, axis="time")


def test_shared_seeds_with_unequal_counts_are_refused():
    values = [[1.0] * 3, [1.0] * 4]
    with pytest.raises(ValueError, match=r"same number of seeds at every width; got \[3, 4\]"):
        Measurement.of((64, 512), values, shared_seeds=True)
    assert Measurement.of((64, 512), values).seeds == (3, 4)


def test_as_many_cells_as_widths_are_needed():
    with pytest.raises(ValueError, match="got 1 and 1 for 2 width values"):
        Measurement.of((64, 512), [[1.0] * 3])


def test_as_many_statuses_as_values_are_needed():
    with pytest.raises(ValueError, match="3 values but 2 statuses at width 512"):
        Measurement(axis_values=(64, 512), values=((1.0,) * 3,) * 2, statuses=((Status.OK,) * 3, (Status.OK,) * 2))


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_a_status_of_ok_beside_no_positive_number_is_refused(value):
    with pytest.raises(ValueError, match=r"at width 512, seed 2 is not a positive number, yet its status says ok"):
        Measurement(axis_values=(64, 512), values=((1.0,) * 3, (1.0, 1.0, value)), statuses=((Status.OK,) * 3,) * 2)


def test_a_cell_of_vectors_is_refused():
    with pytest.raises(ValueError, match="one number a seed"):
        Measurement.of((64, 512), [np.ones((3, 4)), np.ones((3, 4))])


def test_a_ratio_is_taken_seed_by_seed():
    numerator = Measurement.of((1, 8), [[2.0, 4.0, 6.0], [8.0, 10.0, 12.0]], name="a", shared_seeds=True)
    denominator = Measurement.of((1, 8), [[1.0, 2.0, 4.0], [2.0, 5.0, 3.0]], name="b", shared_seeds=True)
    ratio = numerator.over(denominator)
    assert ratio.values == ((2.0, 2.0, 1.5), (4.0, 2.0, 4.0))
    assert ratio.name == "a / b"
    assert ratio.shared_seeds


def test_a_ratio_of_a_missing_run_is_missing():
    numerator = Measurement.of((1, 8), [[2.0, math.inf, 6.0], [8.0, 10.0, 12.0]])
    denominator = Measurement.of((1, 8), [[1.0, 2.0, 4.0], [2.0, 5.0, math.inf]])
    assert numerator.over(denominator).not_finite == (1, 1)


def test_a_ratio_over_shared_seeds_has_shared_seeds():
    values = [[1.0, 2.0, 3.0], [2.0, 5.0, 4.0]]
    ratio = Measurement.of((1, 8), values).over(Measurement.of((1, 8), values, shared_seeds=True))
    assert ratio.shared_seeds


@pytest.mark.parametrize("axis_values, seeds", [((1, 16), (3, 3)), ((1, 8), (3, 4)), ((1, 2, 8), (3, 3, 3))])
def test_a_ratio_of_unlike_designs_is_refused(axis_values, seeds):
    one = Measurement.of((1, 8), [[1.0] * 3] * 2)
    other = Measurement.of(axis_values, [[1.0] * count for count in seeds])
    with pytest.raises(ValueError, match="a paired comparison needs the same axis values and seeds on both sides; got"):
        one.over(other)


def test_a_ratio_lies_on_the_side_where_its_parts_put_it():
    one, zero, diverged = 1.0, 0.0, np.inf
    numerators = [one, zero, diverged, one, one, zero, diverged, zero]
    denominators = [2.0, one, one, zero, diverged, diverged, zero, zero]
    filler = [1.0] * 8
    ratio = Measurement.of((64, 512), [numerators, filler]).over(Measurement.of((64, 512), [denominators, filler]))
    ok, low, high, unknown = Status.OK, Status.ZERO, Status.DIVERGED, Status.UNDEFINED
    assert ratio.statuses[0] == (ok, low, high, high, low, low, high, unknown)
    assert ratio.values[0][0] == 0.5
