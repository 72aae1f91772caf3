"""Runs that differ in their master seed alone: comparisons of fifty pairs find nothing, and what is planted is found."""

from dataclasses import replace

import pytest

import theorychecks as tc
from tests.reporting import records
from theorychecks.experiment import Resources
from theorychecks.judging import Conditions, findings_of
from theorychecks.reporting.comparison import Side, compare

pytestmark = pytest.mark.slow

PAIRS = 50
LAZY = tc.Training(
    tc.MLP(2, tc.TANH, tc.STANDARD),
    data=tc.GaussianMixture(samples=8, seed=0),
    learning_rate=tc.scaled(0.3, width=-1),
    loss=tc.MSE,
    steps=2,
)
PREDICTED = {
    "input": tc.PowerLaw(-1.5, within=0.2, rival=-1),
    "hidden": tc.PowerLaw(-1, within=0.2, rival=-0.5),
    "output": tc.PowerLaw(-0.5, within=0.2, rival=0),
}


def claim(layer, seed):
    """A claim on a layer's change under lazy training, measured on networks of a master seed."""
    moved = tc.Sweep(tc.WeightChange(layer), LAZY, widths=tc.widths(64, 1024))
    conditions = Conditions(seed=seed, resources=Resources(), confirms=True)
    found = [
        *findings_of(moved, PREDICTED[layer], conditions=conditions),
        *findings_of(moved.under(tc.MAXIMAL_UPDATE), PREDICTED[layer], role="control", conditions=conditions),
    ]
    outcomes = {each.outcome for each in found}
    outcome = next(each for each in ("fail", "inconclusive", "pass") if each in outcomes)
    return records.claim(id=layer, findings=found, outcome=outcome)


@pytest.fixture(scope="module")
def runs():
    """Reports of a hundred runs of three claims."""
    return [records.report(*(claim(layer, seed) for layer in PREDICTED), seed=seed) for seed in range(1, 2 * PAIRS + 1)]


@pytest.fixture(scope="module")
def pairs(runs):
    return list(zip(runs[::2], runs[1::2], strict=True))


def test_other_seeds_change_nothing(pairs, record_property):
    found = [compare(Side.of(old), Side.of(new)) for old, new in pairs]
    record_property(
        "counted",
        {
            "pairs": len(found),
            "pairs in which nothing was found": sum(not each.alarms for each in found),
            "exponents compared": sum(each.moves.compared for each in found),
            "findings whose work was compared": sum(each.costs.compared for each in found),
            "claims that ended otherwise": sum(len(each.verdicts) for each in found),
        },
    )
    assert [each.alarms for each in found] == [()] * PAIRS
    assert {each.moves.compared for each in found} == {6}
    # Chance makes some of them end otherwise, which is shown as what it is.
    assert {change.kind for each in found for change in each.verdicts} <= {"open by chance", "better"}


def planted_exponent(report, sign):
    """The report, its first exponent moved by twice its interval."""
    first, *others = report.claims
    finding, *controls = first.findings
    fit = finding.judgement.fit
    by = sign * 2 * (fit.interval.high - fit.interval.low)
    moved = replace(finding.judgement, fit=replace(fit, exponent=fit.exponent + by))
    return replace(report, claims=(replace(first, findings=(replace(finding, judgement=moved), *controls)), *others))


def planted_verdict(report):
    """The report, its first claim refuted."""
    first, *others = report.claims
    return replace(report, claims=(replace(first, outcome="fail"), *others))


def planted_cost(report):
    """The report of twice the work, everywhere."""
    dearer = [
        replace(
            claim,
            findings=tuple(
                replace(each, effort=replace(each.effort, flops=2 * each.effort.flops)) for each in claim.findings
            ),
        )
        for claim in report.claims
    ]
    return replace(report, claims=tuple(dearer))


def test_what_is_planted_is_found(pairs, record_property):
    found = {"verdict": 0, "exponent": 0, "cost": 0}
    for place, (old, new) in enumerate(pairs):
        before = Side.of(old)
        for alarm, planted in (
            ("verdict", planted_verdict(new)),
            ("exponent", planted_exponent(new, (-1) ** place)),
            ("cost", planted_cost(new)),
        ):
            alarms = compare(before, Side.of(planted)).alarms
            assert set(alarms) <= {alarm}
            found[alarm] += alarm in alarms
    record_property(
        "counted", {f"of {PAIRS} planted changes of {alarm} found": count for alarm, count in found.items()}
    )
    assert found == {"verdict": PAIRS, "exponent": PAIRS, "cost": PAIRS}
