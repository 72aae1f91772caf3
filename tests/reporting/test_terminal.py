"""The terminal shows one line a claim, with its numbers whole, and then what is missing."""

import html
import re

import pytest

from theorychecks.reporting import render_markdown, wording
from theorychecks.reporting.account import account
from theorychecks.reporting.html import render_html
from theorychecks.reporting.terminal import claim_table, closing_lines


def rows(report, **options):
    """The table's lines below its head."""
    return [line.rstrip() for line in claim_table(report, **options).splitlines()[1:]]


@pytest.fixture
def mixed(records):
    broken = records.claim(id="LZ-3", outcome="fail", error="RuntimeError: out of luck\nmore", findings=[])
    return records.report(records.claim(), records.failing_claim(), broken)


def test_one_line_a_claim(mixed):
    passed, failed, broken = rows(mixed, width=200)
    assert passed.split()[:3] == ["pass", "LZ-1/hidden-frobenius", "n^-1"]
    assert passed.endswith("test_hidden_weights_move_by_one_over_width")
    assert failed.split()[:3] == ["fail", "LZ-2/failing", "n^-1"]
    assert failed.endswith("test_failing[tanh 3]")
    assert broken.split()[:3] == ["fail", "LZ-3", "-"]


def test_numbers_are_those_of_the_worst_finding(mixed):
    _, failed, _ = rows(mixed)
    assert "-0.50 [-0.55, -0.45]" in failed
    assert "128..4,096 x 6 dense" in failed
    assert "3 s" in failed


def test_claim_that_broke_says_how_in_one_line(mixed):
    assert "RuntimeError: out of luck" in rows(mixed)[2]
    assert "more" not in rows(mixed)[2]


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("error", {"error": "NameError: name 'x' is not defined"}),
        ("fail", {"error": "AssertionError: one width"}),
        ("skipped", {"reason": "later"}),
        ("not run", {"reason": "the run ended before this claim"}),
    ],
)
def test_a_claim_that_its_findings_do_not_explain_says_why_instead(records, outcome, said):
    report = records.report(records.claim(outcome=outcome, **said))
    (line,) = rows(report, width=200)
    assert line.startswith(outcome)
    assert next(iter(said.values())) in line
    assert "[-1.05, -0.95]" not in line
    for page in (render_markdown(report), render_html(report)):
        assert html.escape(next(iter(said.values())), quote=False) in page.replace("&#39;", "'")


def test_finding_without_a_fit_has_its_line_too(records):
    claim = records.claim(findings=[records.ordering(), records.control()])
    (line,) = rows(records.report(claim))
    assert line.startswith("pass")


@pytest.mark.parametrize("width", [40, 80, 120, 300])
def test_no_width_cuts_a_number(records, width):
    name = "properties/test_lazy.py::test_" + "of_a_very_long_name_" * 8
    report = records.report(records.failing_claim(test=name), records.claim(error="word " * 40, findings=[]))
    failed, broken = rows(report, width=width)
    assert failed.startswith("fail")
    assert broken.startswith("pass")
    for whole in ("LZ-2/failing", "n^-1", "-0.50 [-0.55, -0.45]", "128..4,096 x 6 dense", "3 s"):
        assert whole in failed


def test_only_the_name_is_cut_where_there_is_no_room(records):
    name = "properties/test_lazy.py::test_" + "of_a_very_long_name_" * 8
    (narrow,) = rows((records.report(records.failing_claim(test=name))), width=80)
    (wide,) = rows((records.report(records.failing_claim(test=name))), width=400)
    assert narrow.endswith("…")
    assert wide.endswith(name.rpartition("::")[2])


def test_colour_is_added_only_when_asked_for(mixed):
    escape = re.compile(r"\x1b\[")
    assert not escape.search(claim_table(mixed))
    coloured = claim_table(mixed, colour=True)
    assert escape.search(coloured)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == claim_table(mixed)


def test_markup_in_a_name_is_text(records):
    (line,) = rows(records.report(records.claim(test="test_it.py::test_it[red]")))
    assert line.endswith("test_it[red]")


def test_counts_are_told(mixed):
    line, nightly, *_ = closing_lines(mixed)
    assert line.startswith("1 passed, 2 failed, 0 inconclusive; 4 findings; wrong verdicts expected: at most 0.1")
    assert nightly == (
        "run nightly on fresh seeds: 0.001 false alarms a year expected where the estimates are the truth, at most 0.037 "
        "where every truth is at its edge; 0.28 undecided findings a night"
    )


def test_report_without_claims_has_a_table_without_rows(records):
    assert rows(records.report()) == []


def test_lost_claims_are_named(records):
    document = records.report(records.claim(), collected=2, lost=("test_it.py::test_lost",))
    _, _, incomplete, lost = closing_lines(document)
    assert incomplete == "INCOMPLETE: 2 claims collected, 1 judged, 1 lost"
    assert lost == "lost: test_it.py::test_lost"


def test_claims_that_were_not_judged_are_told_though_none_is_lost(records):
    document = records.report(records.claim(), judged=0)
    assert closing_lines(document)[2] == "INCOMPLETE: 1 claims collected, 0 judged"


def test_what_fails_or_is_undecided_is_named_with_its_role(records):
    supported = records.control(verdict="supported", exponent=-0.98, label="the control")
    open_one = records.finding(verdict="inconclusive", label="noisy", reason="noise-limited")
    report = records.report(
        records.claim(id="A", outcome="fail", findings=[records.finding(), supported]),
        records.claim(id="B", outcome="inconclusive", findings=[open_one, records.control()]),
    )
    told = closing_lines(report)
    assert "failed: A: the control (control): SUPPORTED, n^-0.98 measured, n^-1 predicted" in told
    assert "undecided: B, noisy (prediction): noise-limited" in told


def test_a_row_says_so_where_it_shows_a_control(records):
    supported = records.control(verdict="supported", exponent=-0.98)
    failing = records.claim(outcome="fail", findings=[records.finding(), supported])
    control, prediction = rows(records.report(failing, records.claim()), width=200)
    assert "n^-1 (control)" in control
    assert "(control)" not in prediction


DIAGNOSIS = (
    "decoder: 3 of 9 coordinates scale otherwise than predicted, and on fresh seeds again. The first is `a`.\n"
    "- learning rate of `fc.weight` too large by n^1 (n^0.98 as measured; a has the exponent interval [+0.9, +1.1])"
)
LEFT_OUT = "- not judged: 4 coordinates that are zero or depend on nothing"


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ([DIAGNOSIS + "\n" + LEFT_OUT], "learning rate of `fc.weight` too large by n^1"),
        (
            [LEFT_OUT, "perceptron: 2 of 3 mutations are caught\nmutation  caught\n-  NO"],
            "hidden 2, frobenius (prediction): R",
        ),
        ([], "hidden 2, frobenius (prediction): REFUTED, n^-0.50 measured, n^-1 predicted"),
    ],
)
def test_the_first_line_of_an_account_names_the_first_culprit(records, notes, said):
    claim = records.failing_claim(notes=notes)
    first, *_ = account(claim).splitlines()
    assert first.startswith(f"{claim.id}: {said}")


def test_what_broke_comes_before_what_was_found(records):
    claim = records.failing_claim(error="\nRuntimeError: out of luck\nmore")
    assert account(claim).startswith(f"{claim.id}: RuntimeError: out of luck\n")


@pytest.mark.parametrize(
    ("fraction", "said"),
    [
        (0.95, "95%"), (0.975, "97.5%"), (0.983333, "98.3%"), (0.99, "99%"), (0.99875, "99.88%"), (0.9999, "99.99%"),
        (0.5, "50%"), (0.025, "2.5%"), (0.0001234, "0.012%"), (0.0, "0%"), (1.0, "100%"), (0.1, "10%"),
    ],
)  # fmt: skip
def test_per_cent_has_two_digits_of_what_is_missing(fraction, said):
    assert wording.percent(fraction) == said


def test_a_terminal_obeys_nothing_that_a_claim_says(records):
    sly = "sly\x1b[2J\r\u202e[bold]"
    failing = records.finding(verdict="refuted", exponent=-0.5, label=sly, reason=sly)
    claims = [
        records.claim(id=f"A {sly}", test=f"a.py::{sly}", statement=sly, outcome="fail", findings=[failing]),
        records.claim(id="B", outcome="inconclusive", findings=[records.finding(verdict="inconclusive", label=sly)]),
        records.claim(id="C", outcome="error", error=sly, findings=[]),
    ]
    report = records.report(*claims, lost=(sly,))
    for text in (claim_table(report, width=400), *closing_lines(report), *map(account, claims)):
        assert not set("\x1b\r\u202e") & set(text)
    assert "sly?[2J?[bold]" in claim_table(report, width=400)
