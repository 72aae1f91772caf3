"""A summary says what a report says, a finding a line, and has none of its runs' values."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from theorychecks.reporting import Report, ReportError
from theorychecks.reporting.formats import FORMATS
from theorychecks.reporting.summary import Summary, render_summary

KEPT = Path(__file__).parents[2] / "reports/reference/summary.json"


@pytest.fixture(scope="module")
def report(records):
    broken = records.claim(id="broken", outcome="error", error="ValueError: no\nmore", findings=[])
    return records.report(records.claim(statement="It falls.\n\nFast."), records.failing_claim(), broken)


@pytest.fixture(scope="module")
def summary(report):
    return Summary.from_json(render_summary(report))


def test_a_summary_is_read_back_as_it_was_written(report, summary):
    assert summary == Summary.of(report)
    assert summary.to_json() == render_summary(report)


def test_it_has_the_run_and_every_claim_with_its_findings(report, summary):
    assert (summary.suite, summary.provenance) == (report.suite, report.provenance)
    assert [claim.statement for claim in summary.claims[:1]] == ["It falls."]
    for short, claim in zip(summary.claims, report.claims, strict=True):
        assert (short.id, short.source, short.test) == (claim.id, claim.source, claim.test)
        assert (short.outcome, short.seconds) == (claim.outcome, claim.seconds)
        for line, finding in zip(short.findings, claim.findings, strict=True):
            assert (line.label, line.role, line.verdict) == (finding.label, finding.role, finding.verdict)
            assert (line.exponent, line.interval, line.p_value) == (
                finding.exponent,
                finding.interval,
                finding.p_value,
            )
            assert summary.settings[line.setting] == finding.setting
            predicted = summary.predictions[line.prediction]
            assert predicted.expectation == finding.expectation
            assert predicted.allowed == finding.judgement.allowed
            assert predicted.finite_size == finding.judgement.fit.finite_size
            assert (line.axis_values, line.seeds) == (finding.measurement.axis_values, finding.measurement.seeds)
            assert (line.noise, line.budget) == (finding.judgement.fit.noise, finding.looks.budget)
            assert (line.engine, line.flops) == (finding.engine, finding.effort.flops)


def test_a_reason_is_there_where_something_is_not_as_wanted(summary):
    passing, failing, broken = summary.claims
    assert [finding.reason for finding in passing.findings] == [None, None]
    assert failing.findings[0].reason == "the interval lies outside the margin"
    assert failing.worst == 0
    assert (broken.reason, broken.worst, broken.findings) == ("ValueError: no", None, ())


def test_what_findings_share_is_there_once(records):
    findings = [records.finding(), records.finding(label="another"), records.control(), records.ordering()]
    summary = Summary.of(records.report(records.claim(findings=findings)))
    assert [line.setting for line in summary.claims[0].findings] == [0, 0, 1, 0]
    assert [line.prediction for line in summary.claims[0].findings] == [0, 0, 0, 1]
    assert len(summary.settings) == len(summary.predictions) == 2


def test_a_finding_is_a_line_and_has_no_values(report):
    lines = render_summary(report).splitlines()
    found = [json.loads(line.strip().rstrip(",")) for line in lines if line.strip().startswith('{"label"')]
    assert len(found) == sum(len(claim.findings) for claim in report.claims)
    assert "values" not in set().union(*found) - {"axis_values"}


def test_a_large_report_has_a_small_summary(records):
    findings = [records.finding(label=f"layer {n}", setting={"depth": str(n % 50)}) for n in range(600)]
    report = records.report(*(records.claim(id=f"claim {n}", findings=findings) for n in range(4)))
    assert len(render_summary(report).encode()) < 1_500_000


def test_the_kept_run_is_a_summary_below_its_bound():
    text = KEPT.read_text(encoding="utf-8")
    kept = Summary.from_json(text)
    assert kept.suite.findings == sum(len(claim.findings) for claim in kept.claims) > 2400
    # As the one above: 1.5 MB for 2,400 findings.
    assert len(text.encode()) < 625 * kept.suite.findings
    assert kept.to_json() == text


def test_a_summary_is_no_report_and_a_report_no_summary(report):
    with pytest.raises(ReportError, match=r"this is a summary, without the values of the runs. Read the report\.json"):
        Report.from_json(render_summary(report))
    with pytest.raises(ReportError, match="has no 'runs'"):
        Summary.from_json(report.to_json())


def test_a_summary_of_another_schema_is_refused(report):
    document = json.loads(render_summary(report)) | {"schema": 99}
    with pytest.raises(ReportError, match=r"schema 99; this version of theorychecks reads schema 3"):
        Summary.from_json(json.dumps(document))


def test_every_run_leaves_one(report):
    assert FORMATS["summary.json"](report) == render_summary(report)


def test_a_strange_text_stays_on_its_line(records):
    report = records.report(records.claim(findings=[replace(records.finding(), label='a "quoted"\nname ξ')]))
    assert Summary.from_json(render_summary(report)).claims[0].findings[0].label == 'a "quoted"\nname ξ'
    assert "ξ" in render_summary(report)
