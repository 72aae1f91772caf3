"""A skip is no failure, a typo refutes nothing, and a run that is stopped says what it has not reached."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from theorychecks import garbage
from theorychecks.claims import Paper
from theorychecks.plugin import runner
from theorychecks.plugin.outcomes import Ending, ended
from theorychecks.reporting import ClaimRecord, Report
from theorychecks.reporting.counting import ExitCode
from theorychecks.reporting.papers import paper_sections

ENDINGS = {
    "pass": ("pass", None),
    "import": ("skipped", "could not import 'no_such_package'"),
    "marked": ("skipped", "later"),
    "condition": ("skipped", "not on this machine"),
    "unittest": ("skipped", "some other day"),
    "fixture": ("skipped", "nothing to measure with"),
    "xfail": ("skipped", "expected to fail, as it does: the theory is young"),
    "xfail-typo": ("skipped", "expected to fail, as it does: unfinished (NameError: name 'unwritten' is not defined"),
    "xfail-not-run": ("skipped", "expected to fail, as it does: [NOTRUN] takes the machine down"),
    "xpass": ("pass", None),
    "xpass-strict": ("error", "[XPASS(strict)] the theory is young"),
    "xpass-teardown": ("error", "OSError: the drawer is stuck"),
    "xfail-teardown": ("skipped", "expected to fail, as it does: the theory is young"),
    "refuted": ("fail", None),
    "refuted-skip": ("fail", "the claim was refuted before it skipped itself (never mind)"),
    "refuted-typo": ("fail", "the claim was refuted before it raised NameError: name 'unwritten' is not defined"),
    "refuted-teardown": ("fail", "the claim failed before it broke: OSError: the drawer is stuck"),
    "assertion": ("fail", "AssertionError: one width"),
    "typo": ("error", "AttributeError: module 'theorychecks' has no attribute 'chekc'"),
    "input": (
        "error",
        "TypeError: a Sweep, a quantity .over(...) its axis, or a Measurement is checked; got 'nonsense'",
    ),
    "teardown": ("error", "OSError: the drawer is stuck"),
}


@pytest.fixture(scope="module")
def alone(run_suite):
    return run_suite("endings", "-rA")


@pytest.fixture(scope="module")
def spread(run_suite):
    return run_suite("endings", "-rA", "-n", "2")


@pytest.fixture(params=["alone", "spread"])
def ran(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("id", ENDINGS)
def test_every_ending_has_its_outcome_and_says_why(ran, id):
    outcome, said = ENDINGS[id]
    (claim,) = [claim for claim in ran.report.claims if claim.id == id]
    assert claim.outcome == outcome
    told = claim.reason if outcome == "skipped" else claim.error
    assert told is None if said is None else told.startswith(said)
    assert claim.reason is None or outcome == "skipped"
    assert claim.error is None or outcome in ("fail", "error", "skipped")


def test_counts_add_up_and_say_each_outcome(ran):
    suite = ran.report.suite
    assert (suite.passed, suite.failed, suite.inconclusive) == (2, 5, 0)
    assert (suite.errors, suite.skipped, suite.not_run) == (5, 9, 0)
    assert suite.claims == suite.collected == suite.reported == len(ENDINGS) == 21
    assert suite.lost == ()
    assert suite.stopped is None
    assert "2 passed, 5 failed, 0 inconclusive, 5 errors, 9 skipped; " in ran.text


def test_every_page_tells_a_refutation_from_a_typo_and_both_from_a_skip(ran):
    rows = ran.text[ran.text.index("= theory =") :].splitlines()
    outcome_of = {row.split()[1]: row.split()[0] for row in rows if len(row.split()) > 1}
    assert {id: outcome_of[id] for id in ENDINGS} == {id: outcome for id, (outcome, _) in ENDINGS.items()}
    markdown = (ran.directory / "reports/latest/report.md").read_text(encoding="utf-8")
    page = (ran.directory / "reports/latest/index.html").read_text(encoding="utf-8")
    for id, mark in (("refuted", "✗ fail"), ("typo", "! error"), ("marked", "↷ skipped"), ("pass", "✓ pass")):
        assert f"| {mark} | `{id}` |" in markdown
        assert f'>{mark}</span> <a href="#{id}">{id}</a></h3>' in page
    assert "- ↷ skipped: `marked`. later" in markdown
    explained = markdown[markdown.index("## What did not pass") : markdown.index("## What was not judged")]
    assert "↷ skipped" not in explained


def test_a_skip_is_a_skip_to_pytest_too(ran):
    (counted,) = [line for line in ran.lines(" passed") if " failed" in line and "inconclusive" not in line]
    # Passed: two claims, a plain test, and the one that cannot clean up; failed: five, a typo, nonsense, a stale mark.
    assert "8 failed, 3 passed, 5 skipped, 6 xfailed, 2 xpassed, 2 errors" in counted


def test_a_refutation_decides_the_exit_code(ran):
    assert ran.code == ExitCode.FAILED == 1


@pytest.fixture
def inner(inner, pytester):
    """Some of the claims in a pytest inside this one."""
    source = Path(__file__).with_name("suites") / "endings.py"

    def run(*options, conftest="", replaced=()):
        pytester.makeconftest(conftest)
        text = source.read_text(encoding="utf-8")
        pytester.makepyfile(test_endings=text.replace(*replaced) if replaced else text)
        return inner(*options, no_reraise_ctrlc=True)

    return run


@pytest.mark.parametrize(
    ("chosen", "code"),
    [
        ("lacks or marked or skipped_here or plain", 0),
        ("passes", 0),
        ("typo or passes", 8),
        ("clean_up", 8),
        ("refuted_and_untidy", 1),
        ("misspelt", 1),
        ("must_not_pass", 8),
        ("typo or refuted", 1),
    ],
)
def test_exit_codes_tell_a_typo_from_a_refutation(inner, chosen, code):
    assert inner("-k", f"({chosen}) and not unexpectedly").ret == code


def test_a_plain_test_that_fails_is_no_claim_that_broke(inner):
    broken = "def pytest_runtest_call(item):\n    assert item.name != 'test_plain'"
    assert inner("-k", "typo or plain", conftest=broken).ret == 1


@pytest.mark.parametrize(
    ("outcome", "afterwards"), [("fail", "fail"), ("pass", "error"), ("inconclusive", "error"), ("skipped", "error")]
)
def test_a_worker_that_dies_after_the_verdict_undoes_no_failure(outcome, afterwards):
    died = Ending("error", error="worker 'gw0' crashed")
    record = ClaimRecord(
        id="A", statement="It is so.", source="made up", test="test_it.py::test_it", outcome=outcome, seed=0
    )
    after = ended(record, died)
    assert after.outcome == afterwards
    assert after.error.endswith("worker 'gw0' crashed")


UNDECIDED = """

@tc.claim(id="undecided", source="made up")
def test_undecided():
    '''The size falls like one over the width, if one could see it.'''
    tc.check(sizes(-1, noise=3.0), INVERSE)
    tc.check_refuted(sizes(0), INVERSE)
"""


def test_a_file_that_cannot_be_collected_is_a_failure_besides_the_claims(inner, pytester):
    pytester.makepyfile(test_broken="import no_such_package")
    only = ("-k", "undecided", "--continue-on-collection-errors")
    undecided = ("def test_plain():\n    pass\n", UNDECIDED)
    assert inner(*only, "--ignore=test_broken.py", replaced=undecided).ret == 7
    assert inner(*only, replaced=undecided).ret == 1


def test_what_stopping_at_the_first_failure_leaves_is_not_run(inner, pytester):
    ran = inner("-x", "-k", "(is_refuted or asserts or typo) and not misspelt and not untidy")
    latest = pytester.path / "reports" / "latest"
    report = Report.from_json((latest / "report.json").read_text(encoding="utf-8"))
    assert [claim.outcome for claim in report.claims] == ["fail", "not run", "not run", "not run"]
    assert {claim.reason for claim in report.claims[1:]} == {
        "the run ended before this claim: stopping after 1 failures"
    }
    suite = report.suite
    assert (suite.not_run, suite.failed, suite.lost, suite.stopped) == (
        3,
        1,
        (),
        "stopping after 1 failures",
    )
    assert "INCOMPLETE: 4 claims collected, 1 judged, 3 not run; the run ended early: stopping after 1 failures" in (
        ran.stdout.str()
    )
    markdown = (latest / "report.md").read_text(encoding="utf-8")
    assert "- ○ not run: `typo`. the run ended before this claim: stopping after 1 failures" in markdown
    assert ran.ret == 1


WAITS = '''
import pathlib, time
import numpy as np
import theorychecks as tc

WIDTHS = tc.widths(64, 4096)

def sizes(exponent):
    rng = np.random.default_rng(0)
    return tc.Measurement.of(WIDTHS, [n**exponent * np.exp(0.05 * rng.standard_normal(8)) for n in WIDTHS])

@tc.claim(id="first", source="made up")
def test_first():
    """The size falls like one over the width."""
    tc.check(sizes(-1), tc.PowerLaw(-1))
    tc.check_refuted(sizes(0), tc.PowerLaw(-1))

@tc.claim(id="second", source="made up")
def test_second():
    """The size falls like one over the width, after a long while."""
    pathlib.Path("waiting").touch()
    time.sleep(300)
    tc.check_refuted(sizes(0), tc.PowerLaw(-1))

@tc.claim(id="third", source="made up")
def test_third():
    """The size falls like one over the width."""
    tc.check_refuted(sizes(0), tc.PowerLaw(-1))
'''


def interrupted(directory, *options):
    """Run three claims, and press Ctrl-C while the second one waits."""
    (directory / "test_waits.py").write_text(WAITS, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--assert=plain", *options],
        cwd=directory,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell that runs these tests in the background has them ignore an interrupt, and so what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        start_new_session=True,
    )
    until = time.monotonic() + 120
    while not (directory / "waiting").exists() and time.monotonic() < until and process.poll() is None:
        time.sleep(0.05)
    # As a terminal does it: every process of the run is told.
    os.killpg(process.pid, signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    return process.returncode, text


@pytest.mark.skipif(sys.platform == "win32", reason="a process group is interrupted as POSIX has it")
@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_run_that_is_interrupted_keeps_what_it_has_and_says_what_it_has_not(tmp_path, workers):
    code, text = interrupted(tmp_path, "-n", workers)
    assert code == pytest.ExitCode.INTERRUPTED
    report = Report.from_json((tmp_path / "reports/latest/report.json").read_text(encoding="utf-8"))
    assert [(claim.id, claim.outcome) for claim in report.claims] == [
        ("first", "pass"),
        ("second", "not run"),
        ("third", "not run"),
    ]
    assert report.suite.stopped is not None
    assert report.suite.lost == ()
    assert "1 passed, 0 failed, 0 inconclusive, 2 not run" in text
    assert "INTERNALERROR" not in text


@pytest.mark.parametrize("stops", ["raise KeyboardInterrupt", "pytest.exit('enough')"])
def test_a_refutation_outlives_the_end_of_the_run(inner, pytester, stops):
    ran = inner("-k", "refuted_and_skips or asserts", replaced=('pytest.skip("never mind")', stops))
    report = Report.from_json((pytester.path / "reports/latest/report.json").read_text(encoding="utf-8"))
    assert [claim.outcome for claim in report.claims] == ["fail", "not run"]
    assert report.claims[0].error == "the claim was refuted before the run was interrupted"
    assert [finding.verdict.value for finding in report.claims[0].findings] == ["refuted", "refuted"]
    assert "REFUTED  the size (prediction, wanted supported)" in ran.stdout.str()
    assert ran.ret == pytest.ExitCode.INTERRUPTED


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.parametrize("way, enabled", [("enable", True), ("disable", False)])
def test_plugins_that_come_last_find_the_garbage_collector_as_it_was(make_suite, run_in, workers, way, enabled):
    """Hypothesis, first imported there, asks it what refers to the generators that it registers."""
    hook = (
        f"import gc\n\ngc.{way}()\n\n"
        "def pytest_terminal_summary():\n    print('frozen', gc.isenabled(), gc.get_freeze_count())\n"
    )
    assert f"frozen {enabled} 0" in run_in(make_suite("quiet", conftest=hook), *workers, fresh=True).text


def test_what_becomes_garbage_while_claims_run_is_found(inner, pytester, monkeypatch):
    monkeypatch.setattr(runner, "_BETWEEN_SEARCHES_OF_ALL", 0.0)
    pytester.makepyfile(
        """
        import weakref
        import pytest
        import theorychecks as tc

        class Large:
            def __init__(self):
                self.own = self

        kept = [Large()]
        seen = weakref.ref(kept[0])

        @tc.claim(id="X", source="made up")
        @pytest.mark.parametrize("number", range(3))
        def test_claim(number):
            \"\"\"Something holds.\"\"\"
            if number:
                kept.clear()

        def test_it_is_gone():
            assert seen() is None
        """
    )
    assert "1 passed" in inner("-k", "is_gone or claim").stdout.str().splitlines()[-1]


def test_an_interrupt_while_a_run_searches_for_garbage_ends_it(inner, pytester, monkeypatch):
    monkeypatch.setattr(runner, "_BETWEEN_SEARCHES_OF_ALL", 0.0)
    pytester.makepyfile(
        """
        import gc
        import signal
        import pytest
        import theorychecks as tc

        def interrupt(phase, info):
            gc.callbacks.remove(interrupt)
            signal.raise_signal(signal.SIGINT)

        @tc.claim(id="X", source="made up")
        @pytest.mark.parametrize("number", range(2))
        def test_claim(number):
            \"\"\"Something holds.\"\"\"
            if not number:
                gc.callbacks.append(interrupt)
        """
    )
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with garbage.none_looked_for():
            assert inner("-k", "test_claim").ret == pytest.ExitCode.INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, handler)


def test_papers_hold_nothing_against_a_claim_that_was_not_judged(ran):
    paper = Paper(title="A paper", arxiv="1", seen="abstract")
    (section,) = paper_sections([replace(claim, paper=paper) for claim in ran.report.claims])
    outcomes = [{claim.outcome for claim in claims} for _, claims in section.headed]
    assert outcomes == [{"pass"}, {"fail", "error"}, {"skipped"}]
