"""A comparison finds what was planted, and nothing where runs differ by their seeds alone."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import theorychecks as tc
from tests.reporting import records
from theorychecks.finding import Confirmation, Effort, Looks
from theorychecks.judging import findings_of
from theorychecks.reporting import ReportError
from theorychecks.reporting.comparison import Side, compare
from theorychecks.reporting.comparison.moves import LEVEL, allowed_difference
from theorychecks.reporting.comparison.sides import Uncertainty
from theorychecks.reporting.comparison.told import conclusion, facts, tables
from theorychecks.reporting.summary import Summary
from theorychecks.statistics import Verdict

WIDTHS = tc.widths(64, 4096)


def side(*claims, summary=False, **suite):
    report = records.report(*claims, **suite)
    return Side.of(Summary.of(report) if summary else report)


def measured(exponent, *, seed, label="size", runs=6):
    """A finding of numbers with this exponent, held against 1/n, as a run makes it."""
    rng = np.random.default_rng(seed)
    numbers = [n**exponent * np.exp(0.05 * rng.standard_normal(runs)) for n in WIDTHS]
    (found,) = findings_of(tc.Measurement.of(WIDTHS, numbers), tc.PowerLaw(-1), label=label)
    return replace(found, engine="dense", effort=Effort(seconds=1.0, flops=1e9, trainings=runs * len(WIDTHS)))


def run_of(seed, exponents):
    """A run on a master seed, with a finding for each exponent in one claim."""
    found = [
        measured(exponent, seed=1000 * seed + place, label=f"size {place}") for place, exponent in enumerate(exponents)
    ]
    return side(records.claim(findings=found), seed=seed)


# Exponents.


def test_two_runs_on_other_seeds_have_no_exponent_that_moved():
    for seed in range(20):
        found = compare(run_of(2 * seed, [-1.0] * 10), run_of(2 * seed + 1, [-1.0] * 10))
        assert (found.moves.compared, found.moves.equal, found.moves.moved) == (10, 0, ())
        assert found.alarms == ()
        assert conclusion(found) == "nothing changed for the worse"


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("summary", [False, True])
def test_an_exponent_that_moved_by_twice_its_interval_is_found_among_many(sign, summary):
    width = max(ends.high - ends.low for ends in (measured(-1.0, seed=s).interval for s in range(10)))
    truths = [-1.0] * 9 + [-1.0 + sign * 2 * width]
    for seed in range(10):
        old, new = [
            side(
                records.claim(
                    findings=[measured(e, seed=1000 * run + k, label=f"size {k}") for k, e in enumerate(exponents)]
                ),
                summary=summary,
                seed=run,
            )
            for run, exponents in ((2 * seed, [-1.0] * 10), (2 * seed + 1, truths))
        ]
        (move,) = compare(old, new).moves.moved
        assert move.new.label == "size 9"
        assert math.copysign(1, move.difference) == sign
        assert compare(old, new).alarms == ("exponent",)


@pytest.mark.parametrize(("runs", "looks"), [(4, 1), (4, None), (12, 2)])
def test_the_level_is_that_of_the_whole_comparison(runs, looks):
    # Student's law, drawn: means of normal numbers with their own standard errors, of which no bias is known.
    rng, comparisons, among = np.random.default_rng(0), 2000, 30
    drawn = rng.standard_normal((2, comparisons, among, runs))
    means, errors = drawn.mean(-1), drawn.std(-1, ddof=1) / math.sqrt(runs)

    def uncertainty(error):
        return Uncertainty(bias=0.0, standard_error=error, degrees_of_freedom=runs - 1, seeds=(runs,), looks=looks)

    moved = [
        any(
            abs(m - n) > allowed_difference(uncertainty(e), uncertainty(f), among)
            for m, n, e, f in zip(*each, strict=True)
        )
        for each in zip(means[0], means[1], errors[0], errors[1], strict=True)
    ]
    share = 1.0 if looks is None else (0.75 * 0.25 ** (looks - 1)) ** 2
    expected = LEVEL * share
    assert np.mean(moved) <= expected + 4 * math.sqrt(expected / comparisons)
    if looks is None:
        # Neither is the level wasted.
        assert np.mean(moved) >= expected - 4 * math.sqrt(expected / comparisons)


def test_bias_is_allowed_for_and_looks_share_the_level():
    def allowed(**changes):
        about = {"bias": 0.0, "standard_error": 0.01, "degrees_of_freedom": 20.0, "seeds": (6,), "looks": None}
        each = Uncertainty(**(about | changes))
        return allowed_difference(each, each, 100)

    assert allowed(bias=0.03) == pytest.approx(allowed() + 0.06)
    assert allowed() < allowed(looks=1) < allowed(looks=2) < allowed(looks=3)
    assert allowed(standard_error=math.inf) == math.inf
    # Nothing that is drawn: what is left is a difference of the biases.
    assert allowed(standard_error=0.0, bias=0.02) == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("seeds", "freedom"),
    [
        # As many runs: equal variances, and the degrees of freedom add up.
        ((4, 4), 3 + 3),
        # Welch's: (a + b)^2 / (a^2 / 3 + b^2 / 3) with variances a = 9, b = 1.
        ((4, 8), 100 / (81 / 3 + 1 / 3)),
    ],
)
def test_noise_is_students(seeds, freedom):
    old, new = (
        Uncertainty(bias=0.0, standard_error=error, degrees_of_freedom=3.0, seeds=(runs,) * 5, looks=None)
        for error, runs in zip((0.03, 0.01), seeds, strict=True)
    )
    expected = stats.t.isf(LEVEL / 2 / 40, freedom) * math.sqrt(0.03**2 + 0.01**2)
    assert allowed_difference(old, new, 40) == pytest.approx(expected)


def test_a_difference_that_rounding_makes_is_none():
    exact = records.finding(exponent=-1.0)
    fit = replace(exact.judgement.fit, standard_error=0.0, bias_bound=0.0)
    for difference, moved in ((1e-6, 0), (1e-2, 1)):
        shifted = replace(fit, exponent=-1.0 + difference)
        old, new = (replace(exact, judgement=replace(exact.judgement, fit=each)) for each in (fit, shifted))
        found = compare(side(records.claim(findings=[old])), side(records.claim(findings=[new])))
        assert len(found.moves.moved) == moved


def test_findings_are_known_by_their_settings_and_predictions():
    first, second = records.finding(setting={"depth": "2"}), records.finding(setting={"depth": "3"}, exponent=-0.5)
    old = side(records.claim(findings=[first, second]))
    new = side(records.claim(findings=[second, first]))
    assert compare(old, new).moves.equal == 2
    elsewhere = side(records.claim(findings=[records.finding(setting={"depth": "4"}), second]))
    found = compare(old, elsewhere)
    assert (found.findings_shared, found.findings_apart, found.moves.compared) == (1, 2, 1)
    assert "in one run only, by settings that are drawn or other predictions: 2" in dict(facts(found))["compared"]


def test_findings_that_are_alike_are_compared_in_their_order():
    old = side(records.claim(findings=[records.finding(exponent=-1.0), records.finding(exponent=-0.5)]))
    assert compare(old, old).moves.equal == 2


def test_a_summary_is_compared_as_its_report_is_and_says_that_it_sees_less():
    claims = [records.claim(findings=[measured(-1, seed=1)])], [records.claim(findings=[measured(-1, seed=2)])]
    for old, new, said in ((True, False, "old: a summary"), (True, True, "old and new: a summary")):
        found = compare(side(*claims[0], summary=old), side(*claims[1], summary=new))
        assert found.moves.compared == 1
        assert found.alarms == ()
        assert any(text.startswith(said) for name, text in facts(found) if name == "note")
    assert not any(" summary" in text for _, text in facts(compare(side(*claims[0]), side(*claims[1]))))


# Verdicts.


def ended(outcome, **changes):
    verdict = {"pass": "supported", "fail": "refuted", "inconclusive": "inconclusive"}.get(outcome)
    findings = [] if verdict is None else [records.finding(verdict=verdict), records.control()]
    about = {"error": {"error": "ValueError: broken"}, "skipped": {"reason": "not here"}}.get(outcome, {})
    return records.claim(outcome=outcome, findings=findings, **(about | changes))


@pytest.mark.parametrize(
    ("old", "new", "seeds", "kind", "alarms"),
    [
        ("pass", "fail", (0, 1), "worse", True),
        ("pass", "error", (0, 1), "worse", True),
        ("inconclusive", "fail", (0, 0), "worse", True),
        ("skipped", "fail", (0, 0), "worse", True),
        ("pass", "inconclusive", (0, 0), "open", True),
        ("pass", "inconclusive", (0, 1), "open by chance", False),
        ("fail", "inconclusive", (0, 0), "other", False),
        ("fail", "error", (0, 0), "other", False),
        ("inconclusive", "pass", (0, 1), "better", False),
        ("fail", "pass", (0, 0), "better", False),
        ("pass", "skipped", (0, 0), "unjudged", False),
        ("pass", "not run", (0, 0), "unjudged", False),
        ("not run", "skipped", (0, 0), "other", False),
    ],
)
@pytest.mark.parametrize("summary", [False, True])
def test_a_claim_that_ended_otherwise_is_told_as_what_it_is(old, new, seeds, kind, alarms, summary):
    before, after = (
        side(ended(outcome), seed=seed, summary=summary) for outcome, seed in zip((old, new), seeds, strict=True)
    )
    found = compare(before, after)
    (change,) = found.verdicts
    assert change.kind == kind
    assert ("verdict" in found.alarms) == alarms
    (table,) = [each for each in tables(found) if each.columns[0] == "change"]
    assert table.alarming == alarms
    assert compare(before, before).verdicts == ()


def test_other_engines_draw_other_networks():
    open_one = records.claim(outcome="inconclusive", findings=[records.finding(verdict="inconclusive", engine="other")])
    found = compare(side(records.claim(findings=[records.finding()])), side(open_one))
    assert found.verdicts[0].kind == "open by chance"


def test_the_finding_behind_a_verdict_is_named():
    refuted = records.finding(exponent=-0.5, verdict="refuted")
    found = compare(side(records.claim()), side(records.claim(outcome="fail", findings=[refuted, records.control()])))
    (row,) = tables(found)[0].rows
    assert row[:2] == ("✓ pass → ✗ fail", "LZ-1/hidden-frobenius")
    assert row[2] == (
        "hidden 2, frobenius (activation=tanh, depth=3, parametrization=STANDARD): supported → refuted, "
        "n^-1.00 [-1.05, -0.95] → n^-0.50 [-0.55, -0.45]"
    )
    (row,) = tables(compare(side(records.claim()), side(ended("error"))))[0].rows
    assert row[2] == "ValueError: broken"


def test_verdicts_of_findings_are_counted_where_their_claim_ended_as_before():
    def one(verdict):
        findings = [records.finding(verdict="inconclusive"), records.finding(label="b", verdict=verdict)]
        return side(records.claim(outcome="inconclusive", findings=findings))

    found = compare(one("supported"), one("inconclusive"))
    assert (found.verdicts, found.findings_changed) == ((), 1)
    assert "1 have other verdicts" in dict(facts(found))["findings"]


def test_claims_that_appear_and_vanish_are_said():
    kept, gone, added = (records.claim(id=name) for name in ("kept", "gone", "added"))
    found = compare(side(kept, gone), side(kept, added))
    assert [claim.name for claim in found.vanished] == ["gone"]
    assert [claim.name for claim in found.appeared] == ["added"]
    assert found.alarms == ()
    titles = {table.title: [row[1] for row in table.rows] for table in tables(found)}
    assert titles == {"Claims that vanished": ["gone"], "Claims that appeared": ["added"]}
    assert conclusion(found) == "nothing changed for the worse; 1 claim vanished, 1 claim appeared"


def test_claims_that_do_not_pass_as_before_are_said():
    run = side(records.claim(), records.failing_claim(), ended("skipped", id="skipped"))
    found = compare(run, run)
    assert found.alarms == ()
    assert {table.title: [row[1] for row in table.rows] for table in tables(found)} == {
        "Claims that do not pass, as before": ["LZ-2/failing"]
    }


def test_parameters_tell_claims_of_one_id_apart():
    first, second = (records.claim(id="A", test=f"t.py::test_a[{name}]") for name in ("tanh", "relu"))
    failing = replace(second, outcome="fail", findings=(records.finding(verdict="refuted"),))
    (change,) = compare(side(first, second), side(failing, first)).verdicts
    assert change.new.name == "A[relu]"


def test_runs_that_share_no_claim_are_refused():
    with pytest.raises(ReportError, match=r"share no claim: the first has 'a', the second 'b'\. Compare two runs of"):
        compare(side(records.claim(id="a")), side(records.claim(id="b")))
    with pytest.raises(ReportError, match="the second none"):
        compare(side(records.claim(id="a")), side())


# Work.


def took(**changes):
    """A claim whose only finding took so much."""
    effort = {name: changes.pop(name) for name in ("flops", "trainings", "seconds") if name in changes}
    found = records.finding(engine="dense", **({"confirmation": None} | changes))
    return side(records.claim(findings=[replace(found, effort=replace(found.effort, **effort))]))


@pytest.mark.parametrize(
    ("old", "new", "dearer"),
    [
        ({"flops": 1e9}, {"flops": 2e9}, "operations"),
        ({"flops": 1e9}, {"flops": 1.3e9}, None),
        ({"flops": 2e9}, {"flops": 1e9}, None),
        ({"flops": 0.0, "trainings": 24}, {"flops": 0.0, "trainings": 48}, "trainings"),
        ({"flops": 0.0, "trainings": 24}, {"flops": 1e9, "trainings": 24}, None),
        # A machine under load, or another machine.
        ({"seconds": 1.0}, {"seconds": 1000.0}, None),
        ({"flops": 0.0, "trainings": 0, "seconds": 5.0}, {"flops": 0.0, "trainings": 0, "seconds": 60.0}, None),
        # What is no comparison.
        ({"flops": 1e9}, {"flops": 9e9, "engine": "matrix_free"}, None),
        ({"flops": 1e9}, {"flops": 9e9, "verdict": "inconclusive"}, None),
        ({"flops": 1e9}, {"flops": 9e9, "confirmation": Confirmation(verdict=Verdict.REFUTED, p_value=0.1)}, None),
    ],
)
def test_more_work_is_found_and_load_is_not(old, new, dearer):
    engine = new.pop("engine", "dense")
    after = took(**new)
    if engine != "dense":
        after = side(records.claim(findings=[records.finding(engine=engine, effort=Effort(flops=9e9))]))
    found = compare(took(**old), after)
    assert [cost.unit for cost in found.costs.dearer] == ([dearer] if dearer else [])
    assert ("cost" in found.alarms) == bool(dearer)


@pytest.mark.parametrize(("before", "after", "told"), [(5, 60, True), (5, 40, False), (0.1, 9, False), (60, 5, False)])
def test_seconds_are_told_where_nothing_else_is_counted_and_alarm_nobody(before, after, told):
    def lasting(seconds, trainings=0):
        return took(flops=0.0, trainings=trainings, seconds=float(seconds))

    found = compare(lasting(before), lasting(after))
    assert found.alarms == ()
    assert [table.title for table in tables(found)] == (["What took longer by the clock"] if told else [])
    assert compare(lasting(before, 24), lasting(after, 24)).costs.slower == ()


def test_more_runs_are_no_more_work():
    def with_runs(runs, flops):
        return took(runs=runs, flops=flops)

    assert compare(with_runs(4, 1e9), with_runs(16, 4e9)).costs.dearer == ()
    (cost,) = compare(with_runs(4, 1e9), with_runs(16, 8e9)).costs.dearer
    assert cost.ratio == pytest.approx(2.0)
    (cost,) = compare(with_runs(16, 8e9), with_runs(4, 1e9)).costs.cheaper
    assert cost.ratio == pytest.approx(0.5)


def test_runs_at_other_widths_are_no_more_work():
    def spread(first, last):
        # Of a hundred seconds at the largest width for one at the smallest, as n^1.33 has it.
        runs = [first] * 3 + [last] * 3
        values = [[2.0 / n] * count for n, count in zip(records.WIDTHS, runs, strict=True)]
        flops = sum(count * (n / 128) ** 1.33 for n, count in zip(records.WIDTHS, runs, strict=True))
        return took(values=values, flops=flops)

    assert compare(spread(40, 4), spread(4, 8)).costs.dearer == ()
    assert compare(spread(4, 8), spread(40, 4)).costs.dearer == ()


def test_the_dearest_finding_of_a_claim_stands_for_it():
    def two(first, second):
        found = [
            records.finding(label=name, effort=Effort(flops=flops)) for name, flops in (("a", first), ("b", second))
        ]
        return side(records.claim(findings=found))

    (cost,) = compare(two(1e9, 1e9), two(2e9, 4e9)).costs.dearer
    assert (cost.new.label, cost.ratio) == ("b", pytest.approx(4.0))


def test_all_that_was_planted_is_found_at_once():
    looks = Looks(taken=1, planned=2, budget=8)
    old = side(
        records.claim(id="moves", findings=[records.finding(exponent=-1.0, looks=looks)]),
        records.claim(id="fails"),
        records.claim(id="costs", findings=[records.finding(effort=Effort(flops=1e9))]),
    )
    new = side(
        records.claim(id="moves", findings=[records.finding(exponent=-0.8, looks=looks)]),
        records.failing_claim(id="fails", findings=[records.finding(verdict="refuted")]),
        records.claim(id="costs", findings=[records.finding(effort=Effort(flops=3e9))]),
        seed=1,
    )
    found = compare(old, new)
    assert found.alarms == ("verdict", "exponent", "cost")
    assert conclusion(found) == "1 verdict for the worse, 1 exponent moved, 1 claim takes more work"
    assert compare(new, old).alarms == ("exponent",)
