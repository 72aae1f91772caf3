"""The three-way rule."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theorychecks.statistics import Interval, Verdict, decide

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
