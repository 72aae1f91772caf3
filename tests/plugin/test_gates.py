"""A gate is run, told and reported as a claim is, with its diagnosis, and without a control of its own."""

import html
import re

import pytest

import theorychecks as tc


@pytest.fixture(scope="module")
def ran(run_suite):
    return run_suite("gates", "-n", "2")


def test_outcomes_and_exit_code(ran):
    assert ran.code == 1
    assert {claim.id: claim.outcome for claim in ran.report.claims} == {
        "GATE-1": "pass",
        "GATE-2": "fail",
        "GATE-3": "pass",
        "GATE-4": "error",
        "GATE-5": "error",
    }
    assert {claim.gate for claim in ran.report.claims} == {True}


def test_a_failure_says_what_is_wrong_on_the_terminal_and_in_every_report(ran):
    said = "learning rate of `second.weight` too large by n^1"
    assert said in ran.text
    assert said in ran.claim("test_bad").notes[0]
    for page in ("report.md", "index.html"):
        text = (ran.directory / "reports/latest" / page).read_text(encoding="utf-8")
        assert "second.weight" in text
        assert "too large by n^1" in text


def test_what_mends_it_can_be_pasted_from_the_terminal_and_from_every_report(ran):
    diagnosis, code = ran.claim("test_bad").notes
    assert "def mend_rates(model, *optimizers):" in code
    compile(code, "pasted", "exec")
    pages = [
        (ran.directory / "reports/latest" / page).read_text(encoding="utf-8") for page in ("report.md", "index.html")
    ]
    assert f"```\n{code}\n```" in pages[0].replace("```text", "```")
    assert code in html.unescape(pages[1])
    assert f"\n\n{code}\n\n" in ran.text
    assert "mend_rates" not in diagnosis


def test_every_coordinate_is_reported_with_its_interval(ran):
    findings = ran.claim("test_good").findings
    assert {finding.role for finding in findings} == {"prediction"}
    assert "good, second.weight, effective update, step 4" in {finding.label for finding in findings}
    assert all(finding.interval[0] < finding.interval[1] < 0.15 for finding in findings)
    (note,) = ran.claim("test_good").notes
    assert note.startswith("- not judged: ")


def test_the_certificate_is_in_the_report(ran):
    claim = ran.claim("test_certificate")
    assert [finding.role for finding in claim.findings] == ["control", "control"]
    assert "good: 2 of 2 mutations are caught" in claim.notes[0]
    assert "missing multiplier" in (ran.directory / "reports/latest/report.md").read_text(encoding="utf-8")


def test_a_gate_that_judges_nothing_and_a_model_that_is_none_fail(ran):
    assert "nothing was judged" in ran.claim("test_nothing").error
    assert "build ignores its width" in ran.claim("test_broken").error


def test_a_short_time_budget_decides_nothing_and_says_what_would(run_suite):
    ran = run_suite("gates", "-k", "good", "--theory-budget=1ms")
    assert "a time budget is a positive time, like 60s or 2min; got '1ms'" in ran.text
    assert ran.code == 4
    ran = run_suite("gates", "-k", "good", "--theory-budget=0.05s")
    (claim,) = ran.report.claims
    assert claim.outcome == "inconclusive"
    assert "give --theory-budget=" in ran.text


def test_gates_need_a_statement():
    with pytest.raises(tc.ClaimError, match="states itself in its docstring"):

        @tc.gate(id="NONE")
        def test_mute():
            tc.check(1, 2)


def test_the_short_summary_names_the_first_culprit(ran):
    (line,) = [line for line in ran.text.splitlines() if line.startswith("FAILED test_gates.py::test_bad - ")]
    assert "GATE-2: learning rate of `second.weight` too large by n^1".startswith(
        line.partition("Failed: ")[2].rstrip(".")
    )
    assert "GATE-2: learning rate of `second" in line
    assert "failed: GATE-2: learning rate of `second.weight` too large by n^1" in ran.text


AT_ONCE = "from theorychecks.plugin import screen, watching\nscreen._SECONDS_OF_SILENCE = watching._INTERVAL = 0.005\n"
"""The contents of a conftest.py with which pytest's own line may be broken, by what workers tell at once."""


@pytest.mark.parametrize("options", [(), ("-n", "1")])
def test_a_first_answer_comes_before_the_confirmation(run_suite, options):
    ran = run_suite("gates", "-k", "bad or certificate", *options, conftest=AT_ONCE)
    (line,) = ran.lines("theory: GATE-")
    assert re.fullmatch(
        r"theory: GATE-2: red so far: second(\.weight)?, .*, step 4 is n\^\+[01]\.\d+, n\^0 expected "
        r"\(look 1 of \d; being confirmed\)",
        line,
    )


def test_there_is_no_first_answer_where_nobody_wants_to_see_progress(run_suite):
    assert "red so far" not in run_suite("gates", "-k", "bad", "-q").text


def test_it_is_shown_at_which_width_and_look_a_gate_is(run_suite):
    quickly = "from theorychecks.plugin import screen\nscreen.SECONDS_BETWEEN_LINES = 1e-6\n"
    ran = run_suite("gates", "-k", "good or certificate", conftest=quickly)
    assert ran.code == 0
    shown = [line for line in ran.lines("theory: ") if "; GATE-" in line]
    assert any("GATE-1 at width 512, look 1/4 (coordinates of modules); " in line for line in shown)
    assert any("GATE-3 at width 512, look 1/" in line for line in shown)
