"""One unit tells for every prediction how near a finding comes to the edge of what is allowed."""

from dataclasses import replace

import pytest

from theorychecks.reporting.margins import in_margins, margin_missed, margin_used
from theorychecks.statistics import Interval


def allowing(finding, allowed, *, exponent=None):
    expected = finding.expectation if exponent is None else replace(finding.expectation, exponent=exponent)
    return replace(finding, judgement=replace(finding.judgement, allowed=allowed), expectation=expected)


def test_the_margin_is_the_unit_and_the_prediction_its_origin(records):
    # Allowed are -1.15 to -0.85, and the interval is -0.97 to -0.87.
    assert in_margins(records.finding(exponent=-0.92)) == pytest.approx((0.03 / 0.15, 0.13 / 0.15))


@pytest.mark.parametrize(("exponent", "used"), [(-1.0, 1 / 3), (-0.92, 13 / 15), (-1.08, 13 / 15), (-0.8, 25 / 15)])
def test_what_is_used_is_the_far_end_on_either_side(records, exponent, used):
    assert margin_used(records.finding(exponent=exponent)) == pytest.approx(used)


def test_of_an_upper_bound_only_what_is_above_counts(records):
    below = allowing(records.finding(exponent=-3.0), Interval(-float("inf"), -0.85), exponent=-1.0)
    above = allowing(records.finding(exponent=-0.9), Interval(-float("inf"), -0.85), exponent=-1.0)
    assert margin_used(below) < 0
    assert margin_used(above) == pytest.approx(1.0)


def test_of_a_lower_bound_only_what_is_below_counts(records):
    above = allowing(records.finding(exponent=2.0), Interval(-1.15, float("inf")), exponent=-1.0)
    below = allowing(records.finding(exponent=-1.1), Interval(-1.15, float("inf")), exponent=-1.0)
    assert margin_used(above) < 0
    assert margin_used(below) == pytest.approx(1.0)
    assert in_margins(below) == pytest.approx((1 / 3, 1.0))


@pytest.mark.parametrize(("exponent", "missed"), [(-0.6, 20 / 15), (-1.4, 20 / 15), (-1.0, -4 / 3)])
def test_what_is_missed_is_the_way_from_the_edge_to_the_interval(records, exponent, missed):
    assert margin_missed(records.control(exponent=exponent)) == pytest.approx(missed)


def test_what_is_decided_by_a_test_has_no_margin(records):
    found = records.ordering()
    assert in_margins(found) is None
    assert margin_used(found) == 0
