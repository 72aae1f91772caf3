"""A source is compared with a number, or with a function of the axis value, that no draw changes."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest
import torch

import theorychecks as tc
from theorychecks.claims import Recorder, check, check_refuted, recording
from theorychecks.judging import Conditions
from theorychecks.statistics import FiniteSizeClass
from theorychecks.statistics.statuses import Status

PLACES = (1.0, 2.0, 4.0, 8.0, 16.0)
IN_SAMPLES = FiniteSizeClass(rho=0.01, omegas=(1.0,), unit=1.0)
CONFIRMING = Conditions(confirms=True)
NONE_OF_THESE = [
    (0, ValueError, "against= is a positive number, by which runs are divided; got 0"),
    (-1.5, ValueError, "against= is a positive number, by which runs are divided; got -1.5"),
    (math.nan, ValueError, "against= is a positive number, by which runs are divided; got nan"),
    (math.inf, ValueError, "against= is a positive number, by which runs are divided; got inf"),
    (10**400, ValueError, "against= is a positive number, by which runs are divided; got 1000"),
    (True, TypeError, "a positive number or a function of the samples; got against=True"),
    (np.True_, TypeError, "a positive number or a function of the samples; got against=np.True_"),
    ("1", TypeError, "a positive number or a function of the samples; got against='1'"),
    ([1.0], TypeError, "a positive number or a function of the samples; got against=[1.0]"),
    (1j, TypeError, "a positive number or a function of the samples; got against=1j"),
    (lambda value: value - 4, ValueError, "against= at samples 1 is a positive number, by which runs are divided; got -3"),
    (lambda value: 8 - value, ValueError, "against= at samples 8 is a positive number, by which runs are divided; got 0"),
    (lambda value: math.nan, ValueError, "against= at samples 1 is a positive number, by which runs are divided; got nan"),
    (lambda value: None, TypeError, "against= at samples 1 is a real number, like 0.5; got None"),
    (lambda value: "1", TypeError, "against= at samples 1 is a real number, like 0.5; got '1'"),
    (lambda value: value < 3, TypeError, "against= at samples 1 is a real number, like 0.5; got True"),
    (lambda value: torch.tensor(1.0), TypeError, "got tensor(1.). Convert it first: float(...)"),
    (lambda value: 1 / (2 - value), ValueError, "at samples 2 its function raised ZeroDivisionError: float division"),
    (lambda value, draw: 1.0, ValueError, "at samples 1 its function raised TypeError: "),
]  # fmt: skip


def sizes(exponent, *, noise=0.02, seeds=16, factor=1.0):
    """A measurement of a power of the axis value with noise."""
    rng = np.random.default_rng(1)
    cells = [factor * value**exponent * np.exp(noise * rng.standard_normal(seeds)) for value in PLACES]
    return tc.Measurement.of(PLACES, cells, axis="samples", name="the size")


def drawn(exponent, *, asked=None, noise=0.02, cost=0.0, values=PLACES, **options):
    """A quantity that is the same."""

    @tc.quantity(along="samples", name="the size", cost=cost)
    def size(value, draw):
        if asked is not None:
            asked.append((value, draw.place[0], tuple(draw.seeds)))
        return [value**exponent * math.exp(noise * draw.rng(seed).standard_normal()) for seed in draw.seeds]

    return size.over(values, **options)


def exact(function, seeds=3):
    """A formula over the axis."""
    return tc.quantity(along="samples", name="a formula")(lambda value, draw: function(value)).over(PLACES, seeds=seeds)


def inverse(value):
    return 1 / value


@pytest.mark.parametrize("source", [sizes, drawn], ids=["a measurement", "a quantity"])
def test_a_function_is_held_against_as_theory_says_it(source):
    (finding,) = check(source(-1), tc.Equal(), against=inverse)
    assert finding.measurement.axis_values == PLACES
    assert finding.setting["against"] == "1..0.0625"
    for factor in (0.8, 1.25):
        (refuted,) = check_refuted(source(-1), tc.Equal(), against=lambda value, factor=factor: factor / value)
        assert refuted.verdict is tc.Verdict.REFUTED


@pytest.mark.parametrize("source", [sizes, drawn], ids=["a measurement", "a quantity"])
@pytest.mark.parametrize("number", [1, 1.0, Fraction(1), np.float32(1), np.int64(1)])
def test_a_number_is_one_at_every_axis_value(source, number):
    (finding,) = check(source(0), tc.Equal(), against=number)
    assert finding.setting["against"] == "1"
    check_refuted(source(-1), tc.Equal(), against=number)
    check_refuted(source(0), tc.Equal(), against=2 * number)


@pytest.mark.parametrize("source", [sizes, drawn], ids=["a measurement", "a quantity"])
def test_every_prediction_of_a_ratio_may_be_compared_with_a_number(source):
    check(source(0), tc.Ordering("above"), against=0.5)
    check_refuted(source(0), tc.Ordering("above"), against=2.0)
    # The ratio to a formula has an exponent of its own.
    check(source(-2), tc.PowerLaw(-1, corrections=IN_SAMPLES), against=inverse)
    check(source(-1), tc.Plateau(corrections=IN_SAMPLES), against=inverse)
    check_refuted(source(-1), tc.Plateau(corrections=IN_SAMPLES), against=3.0)
    check_refuted(source(-1), tc.Collapse(), against=3.0)
    check(source(-1), tc.Collapse(), against=inverse)


def test_the_ratio_is_that_of_each_run_and_the_number_is_exact():
    source = sizes(-1)
    (finding,) = check(source, tc.Equal(), against=inverse)
    expected = [[run * value for run in cell] for value, cell in zip(PLACES, source.values, strict=True)]
    assert np.allclose(finding.measurement.values, expected, rtol=1e-15)
    assert finding.measurement.exact == (False,) * 5
    (finding,) = check(exact(lambda value: 1.01 / value, seeds=8), tc.Equal(), against=inverse)
    assert finding.measurement.exact == (True,) * 5
    assert finding.interval == pytest.approx((math.log(1.01),) * 2)


def test_an_identity_takes_its_value_from_the_other_side():
    formula, near = exact(lambda value: value**-1), exact(lambda value: 1e-14 + value**-1)
    for prediction, wanted in (
        (tc.Identity(dtype="float64"), check_refuted),
        (tc.Identity(1, dtype="float64", scale=100), check),
    ):
        check(formula, prediction, against=inverse)
        check_refuted(formula, prediction, against=1.0)
        wanted(near, prediction, against=inverse)
    check(exact(lambda value: 1e-15 * (value - 1)), tc.Identity(dtype="float64", value=0, scale=16))
    check_refuted(formula, tc.Identity(dtype="float64", value=0, scale=16))


@pytest.mark.parametrize("given, error, said", NONE_OF_THESE)
def test_what_is_no_positive_number_is_refused_before_anything_is_measured(given, error, said):
    asked = []
    for source in (drawn(0, asked=asked), drawn(0, asked=asked, seeds=8), sizes(0)):
        for judge in (check, check_refuted):
            with pytest.raises(error, match=re.escape(said)):
                judge(source, tc.Equal(), against=given)
    assert asked == []


def test_an_error_of_the_function_keeps_its_cause():
    with pytest.raises(ValueError, match=r"its function raised KeyError: 1\.0") as caught:
        check(sizes(0), tc.Equal(), against={}.__getitem__)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_budget_is_spent_in_looks_with_as_many_runs_on_either_side():
    asked = []
    size = drawn(0, noise=0.1, asked=asked, budget=256)
    (finding,) = check(size, tc.Equal(), against=1.0)
    assert 1 < finding.looks.taken <= finding.looks.planned
    runs = [(value, seed) for value, _, seeds in asked for seed in seeds]
    assert len(runs) == len(set(runs)) == sum(finding.measurement.seeds)
    with pytest.raises(ValueError, match="a budget of 8 runs at each point does not buy the smallest design"):
        check(drawn(0, budget=8), tc.Equal(), against=1.0)
    with pytest.raises(ValueError, match="needs 8 seeds at each"):
        check(drawn(0, seeds=7), tc.Equal(), against=1.0)


def test_an_exponent_that_needs_fewer_axis_values_has_as_many_known_numbers():
    values = tuple(2.0**k for k in range(12))
    (finding,) = check(
        drawn(-2, values=values, budget=64, cost=2.0), tc.PowerLaw(-1, corrections=IN_SAMPLES), against=inverse
    )
    assert len(finding.measurement.axis_values) < 12


def test_a_verdict_against_a_claim_is_drawn_again_on_fresh_seeds():
    asked = []
    with recording(Recorder(conditions=CONFIRMING)) as recorder:
        (finding,) = check(drawn(0, asked=asked), tc.Equal(), against=1.2)
        (given,) = check(sizes(0), tc.Equal(), against=1.2)
    assert recorder.outcome == "fail"
    assert (finding.repeatable, given.repeatable) == (True, False)
    assert finding.confirmation.verdict is tc.Verdict.REFUTED
    assert {block for _, block, _ in asked} == {0, 2**32}
    assert given.confirmation is None


def test_a_function_is_asked_at_the_widths_of_a_wider_run():
    @tc.observable
    def made_up_size(run):
        rng = np.random.default_rng([run.width, *run.seeds])
        return torch.tensor(np.exp(0.01 * rng.standard_normal(len(run.seeds))) / run.width)

    training = tc.Training(
        tc.MLP(2, tc.RELU, tc.STANDARD), learning_rate=tc.scaled(0.1), data=tc.Teacher(), loss=tc.MSE, steps=0
    )
    sweep = tc.Sweep(made_up_size, training, widths=tc.widths(64, 512), seeds=10)
    asked = []

    def formula(width):
        asked.append(width)
        return 1 / width

    with recording(Recorder(conditions=Conditions(octaves=1))):
        (finding,) = check(sweep, tc.Equal(), against=formula)
    assert finding.verdict is tc.Verdict.SUPPORTED
    assert finding.measurement.axis_values[-1] == asked[-1] == 1024


def test_runs_without_a_number_stay_so():
    cells = [[1.0, 1.01, 0.99, 1.02, 0.98, 1.005, 0.995, 1.001, 1.003, last] for last in (0.0, math.inf)]
    measured = tc.Measurement.of((1.0, 2.0), cells)
    (finding,) = check(measured, tc.Equal(), against=1.0)
    assert [row[-1] for row in finding.measurement.statuses] == [Status.ZERO, Status.DIVERGED]


def test_readings_are_each_compared_with_the_number():
    @tc.quantity(along="samples")
    def two_sizes(value, draw):
        noise = [math.exp(0.01 * draw.rng(seed).standard_normal()) for seed in draw.seeds]
        return {"one": noise, "two": [2 * each for each in noise]}

    sizes = two_sizes.over((1.0, 2.0), seeds=12)
    with recording(Recorder()) as recorder:
        check(sizes, tc.Equal(), against=1.0)
    assert [finding.verdict.name for finding in recorder.findings] == ["SUPPORTED", "REFUTED"]
    check(sizes.of(name="two"), tc.Equal(), against=2.0)
