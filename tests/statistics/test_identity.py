"""An identity holds in every run up to rounding, or it does not hold."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from theorychecks.statistics import Identity, Measurement, Verdict
from theorychecks.statistics.prediction import Layout, check_prediction

WIDTHS = (64, 128)
EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52}


def ratios(*values, seeds=3):
    """A measurement of ones but for these values."""
    cells = np.ones((2, max(seeds, len(values))))
    cells[1, : len(values)] = values
    return Measurement.of(WIDTHS, cells, name="a / b")


def test_it_is_a_prediction():
    check_prediction(Identity(dtype="float64"))
    expectation = Identity(8, dtype="float32").expectation
    assert (expectation.kind, expectation.margin) == ("identity", 8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "ulps, verdict", [(0, "SUPPORTED"), (16, "SUPPORTED"), (-16, "SUPPORTED"), (17, "REFUTED"), (-17, "REFUTED")]
)
def test_a_ratio_is_one_up_to_sixteen_ulps(dtype, ulps, verdict):
    finding = Identity(dtype=dtype).judge(ratios(1 + ulps * EPSILON[dtype]))
    assert finding.verdict.name == verdict
    assert f"is {abs(ulps)} ulps of {dtype}" in finding.reason
    assert (finding.p_value, finding.interval) == (None, None)
    assert finding.clear


def test_the_largest_deviation_is_named_with_its_place():
    finding = Identity(dtype="float64").judge(ratios(1.0, 1 + 3 * EPSILON["float64"], 1 - 2 * EPSILON["float64"]))
    assert finding.reason == "the largest deviation from 1 is 3 ulps of float64, at width 128, seed 1; 16 are allowed"


def test_what_is_rounding_in_single_precision_is_none_in_double():
    measurement = ratios(1 + 4 * EPSILON["float32"])
    assert Identity(dtype="float32").judge(measurement).verdict is Verdict.SUPPORTED
    assert Identity(dtype="float64").judge(measurement).verdict is Verdict.REFUTED


def test_sums_in_another_order_are_identical_and_other_sums_are_not():
    rng = np.random.default_rng(701)
    terms = rng.random((2, 4, 100)).astype(np.float32)
    forwards, backwards = terms.cumsum(axis=2)[..., -1], terms[..., ::-1].cumsum(axis=2)[..., -1]
    others = (terms * np.float32(1.0001)).cumsum(axis=2)[..., -1]
    one = Measurement.of(WIDTHS, forwards)
    assert Identity(dtype="float32").judge(one.over(Measurement.of(WIDTHS, backwards))).verdict is Verdict.SUPPORTED
    assert Identity(dtype="float32").judge(one.over(Measurement.of(WIDTHS, others))).verdict is Verdict.REFUTED


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    value=st.one_of(st.floats(1e-30, 1e30), st.floats(1e-43, 1e-37), st.floats(1e-320, 1e-300)),
    ulps=st.integers(1, 100),
    above=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_ulps_are_those_of_numpy(value, ulps, above, dtype):
    exact = dtype(value)
    # A hundred of its units are less than the number itself.
    assume(exact > 200 * np.finfo(dtype).smallest_subnormal)
    unit = float(np.spacing(exact))
    measured = float(exact) + (ulps if above else -ulps) * unit
    prediction = Identity(ulps, dtype=dtype.__name__, value=float(exact))
    assert prediction.unit == unit
    cells = [[measured] * 3, [float(exact)] * 3]
    assert prediction.judge(Measurement.of(WIDTHS, cells)).verdict is Verdict.SUPPORTED
    stricter = Identity(ulps - 0.5, dtype=dtype.__name__, value=float(exact))
    assert stricter.judge(Measurement.of(WIDTHS, cells)).verdict is Verdict.REFUTED


def test_a_missing_run_leaves_it_open_and_a_deviating_one_decides_all_the_same():
    prediction = Identity(dtype="float64")
    missing = prediction.judge(ratios(math.nan, 1.0, 1.0))
    assert (missing.verdict, missing.remedy.limited_by) == (Verdict.INCONCLUSIVE, "missing runs")
    assert missing.reason == "runs without a finite positive number: 1 of 3 at width 128; every run needs a number"
    assert prediction.judge(ratios(math.nan, 1.5, 1.0)).verdict is Verdict.REFUTED
    assert prediction.judge(Measurement.of((64,), [[math.inf] * 3])).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [1e-310, 1.0])
def test_a_run_of_exactly_zero_is_no_identity(value, dtype):
    prediction = Identity(dtype=dtype, value=value)
    assert prediction.judge(Measurement.of((64,), [[value] * 3])).verdict is Verdict.SUPPORTED
    zero = prediction.judge(Measurement.of((64,), [[value, value, 0.0]]))
    # In single precision 1e-310 is zero itself.
    tiny = (dtype, value) == ("float32", 1e-310)
    assert zero.verdict is (Verdict.INCONCLUSIVE if tiny else Verdict.REFUTED)
    assert tiny or "seed 2" in zero.reason


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sum_that_vanishes_is_rounded_as_its_terms_are(dtype):
    # Terms of up to a thousand: their last place is the one of 512 to 1024.
    prediction = Identity(8, dtype=dtype, value=0.0, scale=1000.0)
    assert prediction.unit == 512 * EPSILON[dtype] == np.spacing(np.dtype(dtype).type(1000.0))
    rounded, other = 7 * prediction.unit, 9 * prediction.unit
    assert prediction.judge(Measurement.of((64,), [[rounded, 0.0, 1e-30]])).verdict is Verdict.SUPPORTED
    assert prediction.judge(Measurement.of((64,), [[0.0] * 3])).verdict is Verdict.SUPPORTED
    refuted = prediction.judge(Measurement.of((64,), [[rounded, other, 0.0]]))
    assert refuted.verdict is Verdict.REFUTED
    assert f"the largest deviation from 0 is 9 ulps of {dtype}, at width 64, seed 1; 8 are" in refuted.reason
    assert prediction.power((64,), (3,), 0.1).detectable == math.inf


def test_a_scale_below_the_value_changes_nothing_and_one_above_it_counts():
    measured = Measurement.of((64,), [[1.0, 1.0, 1 + 40 * EPSILON["float64"]]])
    for scale, verdict in ((0.0, "REFUTED"), (0.5, "REFUTED"), (1.0, "REFUTED"), (4.0, "SUPPORTED")):
        assert Identity(dtype="float64", scale=scale).judge(measured).verdict.name == verdict


def test_cancelling_sums_are_identical_at_the_scale_of_their_terms_and_not_at_their_own():
    # The same terms in two orders: each sum is small against a thousand of them.
    rng = np.random.default_rng(702)
    terms = rng.standard_normal((2, 4, 1000)).astype(np.float32)
    terms[..., -1] -= terms.sum(axis=2, dtype=np.float64) - 1e-2
    one, other = (
        Measurement.of(WIDTHS, np.abs(order.cumsum(axis=2)[..., -1])) for order in (terms, terms[..., ::-1].copy())
    )
    scaled = Identity(64, dtype="float32", scale=float(np.abs(terms).max()))
    assert Identity(64, dtype="float32").judge(one, other).verdict is Verdict.REFUTED
    assert scaled.judge(one, other).verdict is Verdict.SUPPORTED
    larger = Measurement.of(WIDTHS, 1.1 * np.array(one.values))
    assert scaled.judge(larger, other).verdict is Verdict.REFUTED


def test_against_another_quantity_the_value_is_in_its_units():
    ones, twos = (Measurement.of(WIDTHS, [[value] * 3] * 2) for value in (1.0, 2.0))
    for scale in (0.0, 0.1):
        assert Identity(dtype="float64", value=2.0, scale=scale).judge(twos, ones).verdict is Verdict.SUPPORTED
        assert Identity(dtype="float64", value=2.0, scale=scale).judge(ones, ones).verdict is Verdict.REFUTED
        assert Identity(dtype="float64", scale=scale).judge(twos, ones).verdict is Verdict.REFUTED
    # With a scale it is the quantity that is judged, and not the ratio.
    assert Identity(dtype="float64", scale=0.1).judge(twos, twos).measurement == twos
    assert Identity(dtype="float64").judge(twos, twos).measurement.values[0] == (1.0,) * 3


def test_zero_against_zero_says_nothing_without_a_scale():
    zeros = Measurement.of((64,), [[0.0] * 3])
    assert Identity(dtype="float64").judge(zeros, zeros).verdict is Verdict.INCONCLUSIVE
    assert Identity(dtype="float64", scale=1.0).judge(zeros, zeros).verdict is Verdict.SUPPORTED
    ones = Measurement.of((64,), [[1.0] * 3])
    assert Identity(dtype="float64", scale=1.0).judge(ones, zeros).verdict is Verdict.REFUTED


def test_a_missing_run_on_either_side_leaves_it_open_beside_a_scale_too():
    prediction, zeros = Identity(dtype="float64", scale=1.0), Measurement.of((64,), [[0.0] * 3])
    for lost in (math.nan, math.inf):
        missing = Measurement.of((64,), [[0.0, 0.0, lost]])
        for sides in ((missing, zeros), (zeros, missing)):
            finding = prediction.judge(*sides)
            assert (finding.verdict, finding.remedy.limited_by) == (Verdict.INCONCLUSIVE, "missing runs")
    with pytest.raises(ValueError, match="the same axis values and seeds on both sides"):
        prediction.judge(zeros, Measurement.of((64,), [[0.0] * 4]))


def test_power_is_that_of_a_single_run():
    power = Identity(dtype="float32").power(WIDTHS, (3, 3), 0.1)
    assert power.support == 1.0
    beyond, within = math.exp(1.01 * power.detectable), math.exp(0.99 * power.detectable)
    assert Identity(dtype="float32").judge(ratios(beyond)).verdict is Verdict.REFUTED
    assert Identity(dtype="float32").judge(ratios(within)).verdict is Verdict.SUPPORTED


def test_every_design_is_admitted():
    prediction = Identity(dtype="float64")
    assert prediction.demands(2, 0.95) == (2, 3)
    prediction.admit(Layout(axis_values=(64,), seeds=(3,)))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"dtype": "float16"}, "'float32' or 'float64'; got 'float16'"),
        ({"dtype": "float64", "ulps": 0}, "a positive number of units in the last place; got 0"),
        ({"dtype": "float64", "ulps": math.nan}, "a positive number of units in the last place; got nan"),
        (
            {"dtype": "float64", "value": 0.0},
            "of a positive quantity is positive; got 0.*give the size of what cancels",
        ),
        ({"dtype": "float64", "value": -1.0, "scale": 1.0}, "of a positive quantity is positive; got -1"),
        ({"dtype": "float64", "scale": -1.0}, "a scale is the positive size of what is rounded; got -1"),
        ({"dtype": "float64", "scale": math.inf}, "a scale is the positive size of what is rounded; got inf"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        Identity(**options)
