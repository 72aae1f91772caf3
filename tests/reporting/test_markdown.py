"""The Markdown says what passed in a line and what did not in full, escapes what it quotes, and knows its size."""

import re
from dataclasses import replace

import pytest

from theorychecks.reporting import render_markdown, wording
from theorychecks.reporting.html import render_html
from theorychecks.reporting.terminal import claim_table
from theorychecks.statistics import (
    Collapse,
    Crossing,
    Equal,
    HalfInteger,
    Identity,
    InteriorOptimum,
    LogarithmicGrowth,
    LowerBound,
    Ordering,
    PowerLaw,
    SameLaw,
    UpperBound,
)


def rendered(document):
    return render_markdown(document)


def table_rows(text):
    return [line for line in text.splitlines() if line.startswith("| ")]


def cells(row):
    return row.replace("\\|", "").strip("|").split("|")


def test_the_header_has_counts_budget_and_time(records):
    text = rendered(records.report(records.claim(), records.failing_claim()))
    assert "**1 of 2 claims pass**, 1 fail, 0 inconclusive; 4 findings in 12.5 s (profile quick)" in text
    # 4 findings, one tail of 0.025 each.
    assert "at most 0.1 wrong verdicts are expected" in text


def test_a_claim_has_one_row_with_predicted_and_measured(records):
    (_, _, row) = table_rows(rendered(records.report(records.claim())))
    assert "✓ pass" in row
    assert "n^-1 within 0.15 (rival n^-0.5)" in row
    assert "n^-1.00, 95% interval [-1.05, -0.95]" in row
    assert "width 128..4,096 | 6 | dense | 3 s |" in row


def test_the_row_shows_the_worst_finding(records):
    good = records.finding()
    close = records.finding(exponent=-0.92)
    refuted = records.finding(exponent=-0.4, verdict="refuted")
    (_, _, row) = table_rows(rendered(records.report(records.claim(findings=[good, close, records.control()]))))
    assert "n^-0.92" in row
    (_, _, row) = table_rows(rendered(records.report(records.claim(findings=[good, refuted, close]))))
    assert "n^-0.40" in row


def test_when_all_pass_there_is_nothing_to_explain(records):
    assert "What did not pass" not in rendered(records.report(records.claim()))


def test_a_failure_is_explained_in_full(records):
    flag = {"drift": replace(records.QUIET, fired=True, statistic=0.5)}
    refuted = records.finding(exponent=-0.5, verdict="refuted", checks=flag, reason="outside the margin")
    text = rendered(records.report(records.failing_claim(findings=[refuted, records.control()])))
    for line in (
        "REFUTED  prediction  [hidden 2, frobenius]",
        "predicted   n^-1 within 0.15 (rival n^-0.5)",
        "inside [-1.15, -0.85] and no flag fired",
        "measured    n^-0.50, 95% interval [-0.55, -0.45] on [128, 4,096], extrapolated under the finite-size class",
        # Half-width 0.05 of which 0.03 is bias: the rest is noise.
        "±0.050 = 0.030 bias + 0.020 noise (standard error 0.009, 21 degrees of freedom)",
        "drift: 0.5 against a bound of 0.2 (the local exponent changes)",
        "reason      outside the margin",
        "reproduce   pytest 'properties/test_lazy.py::test_failing[tanh 3]'",
    ):
        assert line in text
    # The control is refuted, as it must be: nothing to explain.
    assert "control, which" not in text


def test_a_control_that_is_supported_is_a_failure(records):
    kept = records.control(verdict="supported", exponent=-1.0)
    text = rendered(records.report(records.failing_claim(findings=[records.finding(), kept])))
    assert "SUPPORTED  control, which must be refuted" in text


@pytest.mark.parametrize(
    ("kind", "words", "rule"),
    [
        (UpperBound, "at most n^-1", "reaches no higher than -0.85"),
        (LowerBound, "at least n^-1", "reaches no lower than -1.15"),
        (PowerLaw, "predicted   n^-1", "lies inside [-1.15, -0.85]"),
    ],
)
def test_each_kind_of_prediction_has_its_rule(records, kind, words, rule):
    prediction = kind(-1.0, within=0.15, rival={UpperBound: 0.0, LowerBound: -2.0}.get(kind, -0.5))
    found = records.finding(verdict="inconclusive")
    judgement = replace(found.judgement, allowed=prediction.allowed)
    open_one = replace(found, judgement=judgement, predicted=prediction.phrase("width"))
    text = rendered(records.report(records.claim(outcome="inconclusive", findings=[open_one])))
    assert words in text
    assert rule in text


@pytest.mark.parametrize(
    ("at_most", "words", "rule"),
    [
        (
            False,
            "predicted   n^-1",
            "no further than 0.24 from the prediction and the interval excludes n^-1.5 and n^-0.5",
        ),
        (
            True,
            "at most n^-1",
            "no further above than 0.24 from the prediction and the interval excludes n^-0.5, refuted",
        ),
    ],
)
def test_a_half_integer_has_its_own_rule(records, at_most, words, rule):
    prediction = HalfInteger(-1.0, at_most=at_most)
    found = records.finding(verdict="inconclusive")
    judgement = replace(found.judgement, allowed=prediction.neighbours)
    open_one = replace(
        found, judgement=judgement, predicted=prediction.phrase("width"), expectation=prediction.expectation
    )
    text = rendered(records.report(records.claim(outcome="inconclusive", findings=[open_one])))
    assert words in text
    assert rule in " ".join(text.split())


def test_an_error_is_shown_with_the_command_that_reproduces_it(records):
    broken = records.failing_claim(findings=[], error="ValueError: ``` in the message\n<b>worker died</b>")
    text = rendered(records.report(broken))
    assert "````text\nValueError: ``` in the message" in text
    assert "reproduce  pytest 'properties/test_lazy.py::test_failing[tanh 3]'" in text


def test_cells_stay_in_their_columns(records):
    hostile = "a | b\nc `d` <script>alert(1)</script> $x$ [y](http://z)"
    finding = records.finding(axis=hostile, engine=hostile)
    text = rendered(records.report(records.claim(id=hostile, statement=hostile, findings=[finding])))
    rows = table_rows(text)
    assert len(rows) == 3
    assert {len(cells(row)) for row in rows} == {9}
    outside_code = rows[2].split("``")[2]
    assert "<script>" not in outside_code
    assert "&lt;script&gt;" in outside_code
    assert not re.search(r"(?<!\\)\]\(", outside_code)


def test_lost_claims_are_an_alarm(records):
    document = records.report(records.claim())
    document = records.report(records.claim(), collected=2, lost=("properties/test_x.py::test_lost",))
    said = "✗ The run is incomplete**: 2 claims collected, 1 judged, 1 lost. Lost: `properties/test_x.py::test_lost`."
    assert said in rendered(document)


def test_findings_beyond_the_cap_are_counted(records):
    many = [records.finding(exponent=-0.5, verdict="refuted") for _ in range(20)]
    text = rendered(records.report(records.failing_claim(findings=many)))
    assert text.count("REFUTED  prediction") == 12
    assert "8 more findings of this claim are left out" in text


def test_a_huge_report_stays_below_the_step_summary_limit_and_says_so(records):
    claims = [
        records.failing_claim(id=f"LZ-{i}", statement="ω" * 3000, error="é" * 9000, findings=[]) for i in range(3000)
    ]
    text = rendered(records.report(*claims))
    assert len(text.encode()) < 1024**2
    assert "more claims are left out of this table" in text
    assert "more claims that did not pass are left out here" in text


def test_a_run_without_claims_says_so(records):
    assert "No claim was run." in rendered(records.report())


def test_exponents_are_never_called_asymptotic(records):
    assert "asymptotic" not in rendered(records.report(records.claim(), records.failing_claim())).lower()


def test_the_same_report_gives_the_same_text(records):
    document = records.report(records.claim(), records.failing_claim())
    assert rendered(document) == rendered(document)


@pytest.mark.parametrize(
    "prediction",
    [
        Ordering(),
        InteriorOptimum(),
        Collapse(),
        Equal(),
        SameLaw(),
        Identity(dtype="float64"),
        LogarithmicGrowth(),
        Crossing(2.0),
    ],
)
def test_predictions_without_an_exponent_are_told_in_words(records, prediction):
    said, expectation = prediction.phrase("width"), prediction.expectation
    finding = records.ordering(verdict="inconclusive", looks=None, predicted=said, expectation=expectation)
    report = records.report(records.claim(findings=[finding], outcome="inconclusive"))
    margin = "" if expectation.margin is None else f" within {expectation.margin:.3g}"
    assert f"{said}{margin}" in render_markdown(report)
    assert said in claim_table(report)
    assert "n^" not in wording.predicted(finding)
    assert "<svg" in render_html(report)


def test_a_finding_tells_its_looks_its_certificate_and_its_seed(records):
    refuted = records.finding(exponent=-0.5, verdict="refuted")
    text = render_markdown(records.report(records.claim(findings=[refuted], outcome="fail", seed=7)))
    assert "2 of 4, on a budget of 16 networks at every width" in text
    assert "refutes a departure of 0.21 nine times in ten, supports an exact power law with probability 0.93" in text
    assert "--theory-seed=7" in text
