"""A claim ends in one of a few ways, and a run says which, alone and under xdist."""

import json
import re
from dataclasses import replace

import pytest

from theorychecks.reporting import Report

THREE_THREADS = """
import torch
torch.set_num_threads(3)
"""


@pytest.fixture(scope="module")
def alone(run_suite):
    return run_suite("outcomes", "--theory-inconclusive=fail", conftest=THREE_THREADS)


@pytest.fixture(scope="module")
def spread(run_suite):
    return run_suite("outcomes", "-n", "2", "--theory-inconclusive=fail", conftest=THREE_THREADS)


@pytest.fixture(params=["alone", "spread"])
def ran(request):
    return request.getfixturevalue(request.param)


def numbers(report: Report) -> dict[str, object]:
    """What must not depend on how the claims were run: all but times and tracebacks."""
    return {
        claim.test: {
            "id": claim.id,
            "outcome": claim.outcome,
            "findings": [replace(finding, effort=replace(finding.effort, seconds=0.0)) for finding in claim.findings],
        }
        for claim in report.claims
    }


def test_workers_change_no_number(alone, spread):
    assert numbers(alone.report) == numbers(spread.report)
    assert len(alone.claim("test_trained").findings) == 2


def test_counts_do_not_depend_on_workers(alone, spread):
    first, second = (
        replace(suite, wall_seconds=0.0, lost=tuple(sorted(suite.lost)))
        for suite in (alone.report.suite, spread.report.suite)
    )
    assert first == second


def test_failing_claims_fail_the_run(ran):
    assert ran.code == 1


@pytest.mark.parametrize(
    ("test", "outcome", "said"),
    [
        ("test_supported", "pass", None),
        ("test_refuted", "fail", None),
        ("test_inconclusive", "inconclusive", None),
        ("test_supported_control", "fail", None),
        ("test_inconclusive_control", "inconclusive", None),
        ("test_skips_itself", "skipped", "not today"),
        ("test_breaks_in_the_middle", "error", "RuntimeError: broken in the middle"),
        ("test_breaks_before_it_starts", "error", "RuntimeError: broken before the claim"),
        ("test_is_marked_to_be_skipped", "skipped", "marked"),
        ("test_has_no_control", "error", "no control was judged: add check_refuted(...) of a set-up"),
        ("test_method[1]", "pass", None),
        ("test_method[2]", "pass", None),
    ],
)
def test_claim_ends_as_it_should(ran, test, outcome, said):
    claim = ran.claim(f"::{test}")
    assert claim.outcome == outcome
    assert (claim.error is not None) == (outcome == "error")
    assert (claim.reason is not None) == (outcome == "skipped")
    if said is not None:
        assert (claim.error or claim.reason).startswith(said)


def test_findings_outlive_an_exception(ran):
    (finding,) = ran.claim("test_breaks_in_the_middle").findings
    assert finding.verdict.value == "supported"
    assert ran.claim("test_breaks_before_it_starts").findings == ()


def test_findings_outlive_a_skip(ran):
    (finding,) = ran.claim("test_skips_itself").findings
    assert finding.verdict.value == "supported"


def test_numpy_numbers_reach_the_report(ran):
    claims = [claim for claim in ran.report.claims if claim.id == "OUT-6"]
    assert [claim.outcome for claim in claims] == ["pass"] * 4
    given = [claim.findings[0].setting["given"] for claim in claims]
    assert sorted(given) == ["array([0, 1, 2])", "here", "np.float32(1.0)", "np.float64(2.0)"]


def test_claims_are_collected_judged_and_reported_or_missed(ran):
    suite = ran.report.suite
    assert suite.collected == suite.claims == 17
    assert suite.reported == 17
    assert suite.lost == ()
    # A skip and a mark; an exception, a fixture that breaks, no control.
    assert (suite.skipped, suite.errors, suite.not_run) == (2, 3, 0)
    assert suite.judged == suite.passed + suite.failed + suite.inconclusive == 12
    assert "INCOMPLETE: 17 claims collected, 12 judged, 3 errors, 2 skipped" in ran.text


def test_plain_tests_are_left_alone_and_torch_gets_its_threads_back(ran):
    # Both plain tests assert that torch has the three threads of their conftest; OUT-1 asserts the claim's share.
    (counted,) = ran.lines(" passed, ")[-1:]
    # Four claims of numpy, two methods, a supported one, a trained one where it passes, and two plain tests.
    trained = ran.claim("test_trained").outcome == "pass"
    assert f"{9 + trained} passed" in counted
    assert not [claim for claim in ran.report.claims if "plain" in claim.test]


def test_claims_run_on_one_thread_whatever_the_number_of_workers(alone, spread):
    # OUT-1 asserts that it does; more threads would add numbers up in another order.
    assert alone.report.provenance.threads == 1
    assert spread.report.provenance.threads == 1


def test_four_files_are_written(ran):
    written = sorted(path.name for path in (ran.directory / "reports/latest").iterdir())
    assert written == ["index.html", "report.json", "report.md", "summary.json"]
    raw = json.loads((ran.directory / "reports/latest/report.json").read_text(encoding="utf-8"))
    assert raw["schema"] == 3
    assert "The size falls like one over the width" in (ran.directory / "reports/latest/report.md").read_text("utf-8")
    assert "</html>" in (ran.directory / "reports/latest/index.html").read_text("utf-8")
    assert "report: reports/latest/index.html" in ran.text.replace("\\", "/")


def test_terminal_has_one_line_a_claim(ran):
    section = ran.text[ran.text.index("= theory =") :]
    outcomes = ("pass", "fail", "inconclusive", "error", "skipped")
    rows = [line for line in section.splitlines() if line.split()[:1] and line.split()[0] in outcomes]
    assert len(rows) == 17
    (row,) = [row for row in rows if row.rstrip().endswith("test_refuted")]
    assert row.split()[:3] == ["fail", "OUT-2", "n^-1"]
    assert "64..4,096 x 8 given" in row


def test_what_did_not_pass_is_explained(ran):
    failures = ran.text[ran.text.index("= FAILURES =") : ran.text.index("= theory =")]
    assert "REFUTED  the refuted size (prediction, wanted supported)" in failures
    assert "INCONCLUSIVE  the noisy size (prediction, wanted supported)" in failures
    assert "SUPPORTED  a control that holds (control, wanted refuted)" in failures
    for row in ("  predicted  n^-1 within 0.15 (rival n^-0.5)", "  rule       supported when", "  reason     "):
        assert row in failures
    assert "-limited: " in failures
    assert "  reproduce  pytest test_outcomes.py::test_refuted" in failures


def test_what_passed_is_not_explained(ran):
    failures = ran.text[ran.text.index("= FAILURES =") : ran.text.index("= theory =")]
    assert "reproduce  pytest test_outcomes.py::test_supported\n" not in failures
    assert "test_numpy" not in failures


def test_the_short_summary_names_tests_and_not_the_harness(run_suite):
    ran = run_suite("outcomes", "-k", "test_inconclusive", "-rs")
    summary = ran.text[ran.text.index("= short test summary info =") :]
    found = re.findall(r"^SKIPPED \[1\] (\S+):(\d+): (OUT-\d): (.*)$", summary, flags=re.MULTILINE)
    assert [(path, claim) for path, _, claim, _ in found] == [
        ("test_outcomes.py", "OUT-3"),
        ("test_outcomes.py", "OUT-5"),
    ]
    assert found[0][3].startswith("the noisy size (prediction): INCONCLUSIVE, n^-0.82 measured, n^-1 predicted")
    lines = (ran.directory / "test_outcomes.py").read_text(encoding="utf-8").splitlines()
    assert all(lines[int(line) - 1].startswith("@tc.claim") for _, line, _, _ in found)
