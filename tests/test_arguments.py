"""What a user writes is taken for what is meant, or refused by an error that names it and says what to write."""

import math
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from theorychecks.statistics import (
    Collapse,
    Crossing,
    Equal,
    FiniteSizeClass,
    Identity,
    InteriorOptimum,
    LogarithmicGrowth,
    LowerBound,
    Measurement,
    Ordering,
    Plateau,
    PowerLaw,
    SameLaw,
    UpperBound,
    fit_power_law,
    size_of_mean,
)
from theorychecks.statistics.exponents import ExponentPrediction

RAW = [[1.0, 1.1, 0.9]] * 5
WIDTHS = (64, 128, 256, 512, 1024)
MEASURED = Measurement.of(WIDTHS, RAW)
JUDGED = [
    PowerLaw(-0.5),
    UpperBound(-0.5),
    LowerBound(-0.5),
    Plateau(),
    Collapse(),
    Crossing(200),
    Equal(),
    Identity(dtype="float64"),
    InteriorOptimum(),
    LogarithmicGrowth(),
    Ordering(),
]


@pytest.mark.parametrize("given", [RAW, np.ones((5, 8)), 3.0], ids=["lists", "an array", "a number"])
@pytest.mark.parametrize(
    "use",
    [
        *(pytest.param(prediction.judge, id=type(prediction).__name__) for prediction in JUDGED),
        pytest.param(lambda given: SameLaw().judge(given, MEASURED), id="SameLaw, first"),
        pytest.param(lambda given: SameLaw().judge(MEASURED, given), id="SameLaw, second"),
        pytest.param(fit_power_law, id="fit_power_law"),
        pytest.param(MEASURED.over, id="over"),
    ],
)
def test_raw_numbers_are_refused_with_how_a_measurement_is_made(use, given):
    said = rf"a Measurement is judged; got {type(given).__name__}\. Write Measurement\.of\(axis_values, values\)"
    with pytest.raises(TypeError, match=said):
        use(given)


@pytest.mark.parametrize("given", ["a", None, [0.1], np.array([0.1]), np.array(0.1), 1j, True, Decimal("0.1")])
@pytest.mark.parametrize(
    "make, what",
    [
        (PowerLaw, "PowerLaw: an exponent"),
        (lambda given: Plateau(within=given), "Plateau: within"),
        (Collapse, "Collapse: within"),
        (Equal, "Equal: within"),
        (SameLaw, "SameLaw: within"),
        (Crossing, "Crossing: at"),
        (lambda given: Crossing(2.0, within=given), "Crossing: within"),
        (LogarithmicGrowth, "LogarithmicGrowth: within"),
        (lambda given: LogarithmicGrowth(exponent=given), "LogarithmicGrowth: exponent"),
        (lambda given: Identity(given, dtype="float32"), "Identity: ulps"),
        (lambda given: Identity(dtype="float32", value=given), "Identity: value"),
        (lambda given: Identity(dtype="float32", scale=given), "Identity: scale"),
        (lambda given: FiniteSizeClass(constant=given), "FiniteSizeClass: constant"),
        (lambda given: FiniteSizeClass(unit=given), "FiniteSizeClass: unit"),
        (lambda given: FiniteSizeClass(fewest_units=given), "FiniteSizeClass: fewest_units"),
        (lambda given: FiniteSizeClass(omegas=(given,)), "an order omega"),
        (lambda given: PowerLaw(-0.5).judge(MEASURED, confidence=given), "a confidence"),
        (lambda given: Collapse().judge(MEASURED, confidence=given), "a confidence"),
    ],
)
def test_what_is_no_real_number_is_refused_by_name(make, what, given):
    with pytest.raises(TypeError, match=rf"{what} is a real number, like .*; got {re.escape(repr(given))}"):
        make(given)


def test_rho_is_a_real_number_or_none():
    with pytest.raises(TypeError, match="rho is a real number, like 3/8; got 'a'"):
        FiniteSizeClass(rho="a")
    assert FiniteSizeClass(rho=None).rho is None


def test_what_float_takes_is_told_to_be_converted():
    with pytest.raises(TypeError, match=r"got Decimal\('-0\.5'\)\. Convert it first: float\(\.\.\.\)"):
        PowerLaw(Decimal("-.5"))


@pytest.mark.parametrize("number", [-1, Fraction(-1, 2), np.float32(-0.5), np.int64(-1)])
def test_other_real_numbers_are_the_plain_ones(number):
    prediction = PowerLaw(number, within=np.float32(0.0625))
    assert prediction == PowerLaw(float(number), within=0.0625)
    assert prediction.expectation.exponent == float(number)


@pytest.mark.parametrize("units", [math.nan, math.inf, -1])
def test_a_number_of_units_is_not_negative(units):
    with pytest.raises(ValueError, match=f"fewest_units is how many units the axis begins at, 0 or more; got {units}"):
        FiniteSizeClass(fewest_units=units)


@pytest.mark.parametrize("given", [["x"], np.array(["x", "y"]), {}, None, "x"])
@pytest.mark.parametrize(
    "make, said",
    [
        (lambda given: FiniteSizeClass(sign=given), "the sign of a correction is one of either, positive, negative"),
        (lambda given: FiniteSizeClass(towards=given), "corrections vanish towards 'infinity' or 'zero'"),
        (lambda given: Identity(dtype=given), "numbers are rounded to 'float32' or 'float64'"),
        (lambda given: Ordering(given), "a ratio is 'above' or 'below' one"),
        (lambda given: InteriorOptimum(given), "an optimum is a 'minimum' or a 'maximum'"),
        (lambda given: PowerLaw(-0.5, average=given), "what is averaged over seeds is"),
        (lambda given: fit_power_law(MEASURED, average=given), "what is averaged over seeds is"),
    ],
)
def test_a_word_that_is_none_of_those_known_is_refused(make, said, given):
    with pytest.raises(ValueError, match=rf"{said}.*got .*{re.escape(repr(given))}"):
        make(given)


@pytest.mark.parametrize("given, written", [(3 / 8, "0.375"), ("none", "3/8"), ({}, "3/8")])
@pytest.mark.parametrize("make", [PowerLaw, UpperBound, LowerBound])
def test_corrections_that_are_no_class_are_refused_at_once(make, given, written):
    said = rf"corrections are a FiniteSizeClass; got {given!r}\. Write FiniteSizeClass\(rho={written}, omegas"
    with pytest.raises(TypeError, match=said):
        make(-0.5, corrections=given)
    with pytest.raises(TypeError, match=said):
        fit_power_law(MEASURED, finite_size=given)


def test_how_many_are_judged_together_is_any_positive_integer():
    assert isinstance(PowerLaw(-0.5, among=np.int64(2)), ExponentPrediction)
    for among in (0, True, 1.5, "2"):
        with pytest.raises(
            ValueError, match=f"among, how many fits are judged together, is a positive integer; got {among!r}"
        ):
            PowerLaw(-0.5, among=among)


@pytest.mark.parametrize(
    "given, error, said",
    [
        (3.0, TypeError, r"values has one array of runs for each time; got 3\.0"),
        (None, TypeError, "values has one array of runs for each time; got None"),
        ({1: [1.0] * 3, 8: [1.0] * 3}, TypeError, r"values has one array of runs for each time; got \{1: "),
        ("abc", TypeError, "values has one array of runs for each time; got 'abc'"),
        ([[1, 2, 3], [1, [2, 3], 4]], ValueError, r"rows of unequal lengths or depths; got \[1, \[2, 3\], 4\]\. Give one"),
        ([[1, 2, 3], [1, None, 2]], TypeError, "made of real numbers; got object such as None.*Give nan for a run without"),
        ([[1, 2, 3], [1, "2", 3]], TypeError, "made of real numbers; got .* such as '2'"),
        ([[1, 2, 3], [1, 2j, 3]], TypeError, r"made of real numbers; got complex128 such as 2j.*a modulus"),
        ([[1, 2, 3], [1.0, 2.0, np.ma.masked]], ValueError, "masked entries.*Give NaN"),
        ([[1, 2, 3], np.ma.masked_greater([1.0, 2.0, 3.0], 2)], ValueError, "masked entries.*Give NaN"),
    ],
)  # fmt: skip
def test_values_that_are_no_numbers_are_refused(given, error, said):
    with pytest.raises(error, match=said):
        Measurement.of((1, 8), given, axis="time")


@pytest.mark.parametrize(
    "given, error, said",
    [
        (64, TypeError, r"the time axis is a sequence of numbers, like \(64, .*; got 64"),
        (None, TypeError, "the time axis is a sequence of numbers.*; got None"),
        ([1, [2, 3]], ValueError, r"the time axis has rows of unequal lengths or depths; got \[1, \[2, 3\]\]"),
        (torch.tensor(64), TypeError, r"the time axis is a sequence of numbers.*; got tensor\(64\)"),
        ((value for value in ("a", "b")), TypeError, "the time axis is made of real numbers; got .* such as 'a'"),
        ([True, 8.0], TypeError, r"the time axis is made of positive numbers; got \[True, 8\.0\]"),
        ([False, True], TypeError, r"the time axis is made of positive numbers; got \[False, True\]"),
        (["1", "8"], TypeError, "the time axis is made of real numbers; got .* such as '1'"),
        (np.ones((2, 2)), ValueError, r"the time axis is one sequence of numbers; got an array of shape \(2, 2\)"),
        (
            np.ma.masked_greater([1.0, 8.0], 2),
            ValueError,
            "the time axis has masked entries; name those axis values that were measured",
        ),
    ],
)
def test_an_axis_that_is_no_sequence_of_numbers_is_refused(given, error, said):
    with pytest.raises(error, match=said) as caught:
        Measurement.of(given, [[1.0] * 3] * 2, axis="time")
    assert "cell" not in str(caught.value)
    assert "run" not in str(caught.value)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"shared_seeds": "no"}, "shared_seeds is True or False; got 'no'"),
        ({"shared_seeds": 1}, "shared_seeds is True or False; got 1"),
        ({"axis": 3}, "an axis is a text, like 'width'; got 3"),
        ({"name": 3}, "what was measured is a text, like 'weight change'; got 3"),
        ({"exact": "yes"}, "exact is True or False, for all or for each width; got 'yes'"),
        ({"exact": None}, "exact is True or False, for all or for each width; got None"),
        ({"exact": ["yes", "no"]}, "exact at each width is True or False; got 'yes'"),
    ],
)
def test_options_of_another_type_are_refused(options, said):
    with pytest.raises(TypeError, match=said):
        Measurement.of((1, 8), [[1.0] * 3] * 2, **options)


@pytest.mark.parametrize("exact", [True, np.True_, [True, True], np.array([True, True])])
def test_exact_is_said_by_any_truth_value(exact):
    assert Measurement.of((1, 8), [[1.0] * 3] * 2, exact=exact).exact == (True, True)
    assert Measurement.of((1, 8), [[1.0] * 3] * 2, shared_seeds=np.True_).shared_seeds is True


def test_runs_that_differ_are_not_exact():
    values = [[1.0] * 3, [2.0, 2.0, 2.01]]
    for exact in (True, (False, True)):
        with pytest.raises(ValueError, match=r"the drift at time 8 has runs from 2 to 2\.01\. Drop exact= there"):
            Measurement.of((1, 8), values, axis="time", name="the drift", exact=exact)
    assert Measurement.of((1, 8), values, exact=(True, False)).exact == (True, False)


def test_runs_that_differ_by_rounding_are_exact():
    values = [[1.0] * 3, [2.0, 2.0, 2.0 * (1 + 2e-7)]]
    one = Measurement.of((1, 8), values, exact=True)
    assert one.exact == (True, True)
    assert one.over(Measurement.of((1, 8), [[1.0, 1.0, 1.0 + 1e-7]] * 2, exact=True)).exact == (True, True)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_tensors_are_numbers_whatever_their_graph_and_precision(dtype):
    cell = torch.tensor([1.0, 2.0, 0.5], dtype=dtype, requires_grad=True)
    expected = Measurement.of((1, 8), [[1.0, 2.0, 0.5]] * 2)
    assert Measurement.of((1, 8), [cell, list(cell)]) == expected
    assert Measurement.of(torch.tensor([1, 8]), torch.stack([cell, cell])) == expected


@pytest.mark.parametrize(
    "given, error, said",
    [
        (np.ma.masked_greater(np.ones((2, 2)), 0.5), ValueError, "samples has masked entries"),
        (np.ones((2, 2), dtype=complex), TypeError, "samples is made of real numbers; got complex128"),
        ([["a", "b"]], TypeError, "samples is made of real numbers; got <U1 such as 'a'"),
        ([[1.0, 2.0], [1.0]], ValueError, "samples has rows of unequal lengths"),
    ],
)
def test_samples_that_are_no_numbers_are_refused(given, error, said):
    with pytest.raises(error, match=said):
        size_of_mean(given)


def test_samples_may_be_tensors_with_a_graph():
    assert size_of_mean(torch.ones((1, 2), requires_grad=True)).tolist() == [1.0]
