"""Verdicts and error rates in sentences say what the numbers say."""

from dataclasses import replace

import pytest

from theorychecks.reporting import spoken
from theorychecks.statistics import Interval
from theorychecks.statistics.curvature import Check


def test_a_supported_prediction_names_its_interval_its_margin_and_its_control(records):
    said = spoken.verdict_in_words(records.finding(exponent=-0.92), records.control())
    assert said == (
        "The prediction, n^-1 within 0.15 (rival n^-0.5), is supported: on width 128..4,096 the exponent lies in [-0.97, -0.87] with 95% confidence, "
        "inside what is allowed, [-1.15, -0.85]; 87% of the margin is used. Its control (parametrization "
        "MAXIMAL_UPDATE) is refuted: the exponent lies in [-0.05, +0.05]."
    )


def test_a_refuted_prediction_says_what_it_must_be(records):
    said = spoken.verdict_in_words(records.finding(exponent=-0.5, verdict="refuted"), None)
    assert said.startswith("The prediction, n^-1 within 0.15 (rival n^-0.5), is refuted, and it must be supported: ")
    assert "outside what is allowed" in said
    assert "used" not in said


def test_a_bound_names_its_one_end(records):
    found = records.finding()
    found = replace(found, judgement=replace(found.judgement, allowed=Interval(-float("inf"), -0.85)))
    assert "inside what is allowed, at most -0.85" in spoken.verdict_in_words(found, None)


def test_a_flag_is_told(records):
    drift = Check(fired=True, statistic=0.4, bound=0.2, meaning="the local exponent changes")
    found = records.finding(verdict="inconclusive", checks={"drift": drift})
    said = spoken.verdict_in_words(found, None)
    assert "inside what is allowed" in said
    assert "A check of the fit objects: drift: 0.4 against a bound of 0.2 (the local exponent changes)." in said


def test_what_has_no_exponent_gives_its_reason(records):
    found = records.ordering(reason="the ratio is above one at every point")
    said = spoken.verdict_in_words(found, None)
    assert said == "The prediction, an ordering, is supported: the ratio is above one at every point."


def test_a_control_that_is_not_refuted_is_named(records):
    control = records.control(verdict="supported", exponent=-1.0)
    said = spoken.verdict_in_words(records.finding(), control)
    assert "is supported, though it must be refuted" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "None is refuted."),
        ({"failed": 1, "inconclusive": 2}, "1 is refuted; 2 are undecided."),
        (
            {"trends_failed": 1, "skipped": 1},
            "None is refuted; 1 trend fails, which is reported only; 1 was not judged.",
        ),
    ],
)
def test_how_claims_end_that_do_not_pass(records, changes, said):
    assert spoken.besides(replace(records.report().suite, **changes)) == said


def test_the_error_budget_calls_its_bound_the_worst_case(records):
    # One tail of a 95% interval errs once in 40; 200 findings have at most five wrong verdicts.
    suite = records.report(*[records.claim()] * 100).suite
    worst, failing = spoken.how_often_wrong(suite.error_budget)
    assert "at most once in 40" in worst
    assert "Over 200 findings that makes at most 5 wrong verdicts: the worst case, and no estimate" in worst
    assert "less often than 0.5% on the pinned seeds, and again on fresh ones" in failing
