"""The three-way rule, and findings as plain documents."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theorychecks.statistics import (
    Expectation,
    Finding,
    Interval,
    Measurement,
    Ordering,
    Plateau,
    PowerLaw,
    UpperBound,
    Verdict,
    decide,
)

# A grid of seven ends meets every case: apart, touching, overlapping, nested, equal, degenerate, unbounded.
FINITE = st.integers(-2, 2).map(float)
INTERVALS = st.tuples(FINITE, FINITE).map(lambda ends: Interval(min(ends), max(ends)))
ALLOWED = st.one_of(
    INTERVALS,
    FINITE.map(lambda end: Interval(-math.inf, end)),
    FINITE.map(lambda end: Interval(end, math.inf)),
)
# Every point at which membership can change, and one between each two of them.
POINTS = [k / 2 for k in range(-6, 7)]


@settings(max_examples=500, deadline=None, derandomize=True)
@given(interval=INTERVALS, allowed=ALLOWED, flagged=st.booleans())
def test_decide_is_its_definition(interval, allowed, flagged):
    inside = [allowed.low <= p <= allowed.high for p in POINTS if interval.low <= p <= interval.high]
    if not any(inside):
        expected = Verdict.REFUTED
    elif all(inside) and not flagged:
        expected = Verdict.SUPPORTED
    else:
        expected = Verdict.INCONCLUSIVE
    assert decide(interval, allowed, flagged=flagged) is expected


@settings(max_examples=500, deadline=None, derandomize=True)
@given(interval=INTERVALS, allowed=ALLOWED)
def test_a_flag_never_upgrades_a_verdict(interval, allowed):
    without, flagged = decide(interval, allowed), decide(interval, allowed, flagged=True)
    assert flagged is (Verdict.INCONCLUSIVE if without is Verdict.SUPPORTED else without)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(interval=INTERVALS, allowed=ALLOWED, grow=st.integers(0, 3))
def test_a_wider_interval_never_decides_more(interval, allowed, grow):
    wider = Interval(interval.low - grow, interval.high + grow)
    assert decide(wider, allowed) in (decide(interval, allowed), Verdict.INCONCLUSIVE)


@pytest.mark.parametrize("flagged", [False, True])
def test_an_interval_that_is_no_number_decides_nothing(flagged):
    assert decide(Interval(math.nan, math.nan), Interval(-1, 1), flagged=flagged) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    "verdict, prediction, control",
    [
        (Verdict.SUPPORTED, "pass", "fail"),
        (Verdict.REFUTED, "fail", "pass"),
        (Verdict.INCONCLUSIVE, "inconclusive", "inconclusive"),
    ],
)
def test_a_control_wants_the_opposite_of_a_prediction(exact_power_law, verdict, prediction, control):
    def finding(role):
        return Finding(
            expectation=Expectation(kind="power_law", exponent=-0.5, margin=0.08),
            measurement=exact_power_law,
            verdict=verdict,
            reason="because",
            confidence=0.95,
            role=role,
        )

    assert finding("prediction").outcome == prediction
    assert finding("control").outcome == control
    assert finding("prediction").passed == (prediction == "pass")
    assert finding("control").passed == (control == "pass")
    assert finding("prediction").wanted is Verdict.SUPPORTED
    assert finding("control").wanted is Verdict.REFUTED


def assert_plain(document):
    assert json.loads(json.dumps(document, allow_nan=False)) == document


@pytest.mark.parametrize("prediction", [PowerLaw(-0.5), PowerLaw(0), UpperBound(-0.5), Plateau()])
def test_a_finding_is_plain_json(exact_power_law, prediction):
    document = prediction.judge(exact_power_law).to_document()
    assert_plain(document)
    assert document["interval"][0] < document["exponent"] < document["interval"][1]
    assert document["prediction"]["exponent"] == prediction.expectation.exponent
    assert document["finite_size_class"] == {
        "constant": 3.0,
        "omegas": [0.5, 0.6, 0.75, 1.0],
        "rho": None,
        "unit": 1.0,
        "towards": "infinity",
        "sign": "either",
    }
    assert sorted(document["flags"]) == ["drift", "independence", "lack_of_fit", "rounding", "tail"]


def test_a_document_says_what_the_finding_says(exact_power_law):
    finding = PowerLaw(0).judge(exact_power_law)
    document = finding.to_document()
    assert document["verdict"] == "refuted"
    assert document["reason"] == finding.reason
    assert document["exponent"] == finding.fit.exponent
    assert document["interval"] == list(finding.interval)
    assert document["breakdown_c"] is None
    assert document["values"] == [list(cell) for cell in exact_power_law.values]
    assert document["seeds"] == [8] * 7
    assert document["not_finite"] == [0] * 7


def test_a_finding_with_tolerated_diverged_runs_is_plain_json(exact_power_law):
    cells = [np.array(cell) for cell in exact_power_law.values]
    cells[6][3] = np.nan
    cells[0][1] = 0.0
    document = PowerLaw(-0.5).judge(Measurement.of(exact_power_law.axis_values, cells)).to_document()
    assert_plain(document)
    assert document["values"][6][3] is None
    assert document["values"][0][1] is None
    assert document["not_finite"] == [1, 0, 0, 0, 0, 0, 1]
    assert document["exponent"] is not None


def test_a_finding_without_a_fit_is_plain_json(exact_power_law):
    cells = [np.array(cell) for cell in exact_power_law.values]
    cells[6][:3] = np.inf
    document = PowerLaw(-0.5).judge(Measurement.of(exact_power_law.axis_values, cells)).to_document()
    assert_plain(document)
    assert document["verdict"] == "inconclusive"
    for name in ("exponent", "interval", "bias_bound", "standard_error", "finite_size_class", "breakdown_c"):
        assert document[name] is None
    assert document["flags"] == {}


def test_an_ordering_is_plain_json():
    logs = -1.0 + 0.1 * np.random.default_rng(0).standard_normal((2, 8))
    document = Ordering("below").judge(Measurement.of((64, 512), np.exp(logs))).to_document()
    assert_plain(document)
    assert document["verdict"] == "supported"
    assert document["interval"][1] < 0
    assert document["prediction"] == {
        "kind": "ordering",
        "exponent": None,
        "margin": None,
        "rival": None,
        "average": "mean of logs",
    }
