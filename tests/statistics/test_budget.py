"""The error budget bounds wrong verdicts by the findings, and false alarms by two clear misses."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from theorychecks.finding import Looks
from theorychecks.judging import finding_of
from theorychecks.reporting.error_budget import error_budget, false_alarm
from theorychecks.statistics import HalfInteger, Interval, Measurement, Ordering, Plateau, Power, PowerLaw, UpperBound


def finding(prediction, measurement, *, role="prediction", repeatable=True):
    """A finding with the power that looks add."""
    found = finding_of(prediction.judge(measurement), prediction, "size")
    return replace(found, role=role, repeatable=repeatable, power=Power(detectable=0.2, support=0.9))


def fitted(found, low, high, **changes):
    """The same with another interval, and other numbers of its fit."""
    fit = replace(found.judgement.fit, **changes)
    return replace(found, judgement=replace(found.judgement, fit=fit, interval=Interval(low, high)))


@pytest.mark.parametrize("count", [0, 1, 40])
def test_budgets_grow_with_the_findings(exact_power_law, count):
    # Half of the 5% that a 95% interval misses; .005 twice, 365 nights.
    budget = error_budget([finding(PowerLaw(-0.5), exact_power_law)] * count)
    assert budget.findings == count
    assert budget.expected_wrong_verdicts_at_most == pytest.approx(0.025 * count)
    assert budget.false_alarms_a_year_at_most == pytest.approx(365 * 2.5e-5 * count)
    assert budget.undecided_a_night_expected == pytest.approx(0.1 * count)
    assert budget.false_alarms_a_year_expected <= budget.false_alarms_a_year_at_most


def test_an_estimate_in_the_middle_of_its_margin_alarms_nobody_and_one_at_the_edge_at_its_level(synthetic):
    calm = synthetic.power_law(np.random.default_rng(501), -0.5, widths=synthetic.FAST, noise=0.03)
    inside = finding(PowerLaw(-0.5), calm)
    assert false_alarm(inside) < 1e-12
    edge = fitted(inside, -0.6, -0.56, bias_bound=0.0)
    assert false_alarm(edge) == pytest.approx(0.005**2, rel=1e-6)
    assert false_alarm(replace(edge, looks=Looks(taken=1, planned=4, budget=16))) == pytest.approx(0.005**2, rel=1e-6)


def test_runs_that_are_all_one_alarm_nobody():
    flat = Measurement.of([64.0, 256.0, 1024.0, 4096.0, 16384.0], [np.ones(8)] * 5, shared_seeds=True)
    assert false_alarm(finding(Plateau(), flat)) == pytest.approx(0, abs=1e-12)


def test_a_false_alarm_is_the_chance_of_two_clear_refutations(synthetic):
    # From the definition, by simulation of the estimate: normal, 0.3 standard errors within the edge.
    calm = synthetic.power_law(np.random.default_rng(502), -0.5, widths=synthetic.FAST, noise=0.03)
    found = finding(PowerLaw(-0.5), calm)
    error = found.judgement.fit.standard_error
    truth = -0.58 + 0.3 * error
    found = fitted(found, truth - 0.1, truth + 0.1, bias_bound=0.0, degrees_of_freedom=1e6)
    drawn = truth + error * np.random.default_rng(503).standard_normal(4_000_000)
    once = np.mean(stats.norm.sf((-0.58 - drawn) / error) < 0.005)
    assert false_alarm(found) == pytest.approx(once**2, rel=0.03)


def test_a_bound_is_alarmed_on_its_own_side_only(synthetic):
    calm = synthetic.power_law(np.random.default_rng(504), -0.5, widths=synthetic.FAST, noise=0.03)
    found = finding(UpperBound(-0.5), calm)
    assert false_alarm(fitted(found, -2.0, -1.9)) < 1e-12
    # From beyond its edge an alarm is not false, and counts as from the edge.
    assert false_alarm(fitted(found, -0.35, -0.25, bias_bound=0.0)) == pytest.approx(0.005**2, rel=1e-6)


@pytest.mark.parametrize("at_most", [False, True])
def test_a_half_integer_is_alarmed_where_its_interval_would_refute(synthetic, at_most):
    calm = synthetic.power_law(np.random.default_rng(506), 0.0, widths=synthetic.FAST, noise=0.03)
    found = finding(HalfInteger(0.0, at_most=at_most), calm)
    # Its interval may reach to 0.5, and one beyond 0.24 refutes.
    assert false_alarm(fitted(found, 0.22, 0.26, bias_bound=0.0)) == pytest.approx(0.005**2, rel=1e-6)
    assert false_alarm(fitted(found, -0.05, 0.05)) < 1e-12
    assert (false_alarm(fitted(found, -0.9, -0.8, bias_bound=0.0)) < 1e-12) is at_most


def test_what_has_no_exponent_is_bounded_by_its_level_and_a_control_alarms_nobody(synthetic, exact_power_law):
    ratio = synthetic.plateau(np.random.default_rng(505), seeds=12)
    assert false_alarm(finding(Ordering("above"), ratio)) == 0.005**2
    assert false_alarm(finding(PowerLaw(0), exact_power_law, role="control")) == 0.0


def test_numbers_that_are_given_fail_at_once_and_are_budgeted_so(exact_power_law):
    given = finding(PowerLaw(-0.5), exact_power_law, repeatable=False)
    assert error_budget([given]).false_alarms_a_year_at_most == pytest.approx(365 * 0.005)
