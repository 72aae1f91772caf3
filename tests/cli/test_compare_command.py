"""`theorychecks compare` as a user types it: what it prints, how it ends, and what it refuses."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.reporting import records
from theorychecks.cli import main as command_line
from theorychecks.finding import Effort
from theorychecks.reporting.summary import render_summary
from theorychecks.store import Store

CALM = records.report(records.claim())
LATER = replace(CALM, suite=replace(CALM.suite, seed=1))
WORSE = records.report(records.failing_claim(id="LZ-1/hidden-frobenius", findings=[records.finding(verdict="refuted")]))
MOVED = records.report(records.claim(findings=[records.finding(exponent=-0.8), records.control()]))
DEARER = records.report(records.claim(findings=[records.finding(effort=Effort(flops=9e9)), records.control()]))
ELSE = records.report(records.claim(id="another"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name, report in (
        ("calm", CALM),
        ("later", LATER),
        ("worse", WORSE),
        ("moved", MOVED),
        ("dearer", DEARER),
        ("else", ELSE),
    ):
        Path(name).mkdir()
        Path(name, "report.json").write_text(report.to_json(), encoding="utf-8")
    Path("short").mkdir()
    Path("short/summary.json").write_text(render_summary(CALM), encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsysbinary):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["theorychecks", "compare", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = (text.decode() for text in capsysbinary.readouterr())
        return ended.value.code or 0, out, " ".join(err.split())

    return run


@pytest.mark.parametrize("new", ["calm", "later", "later/report.json", "short", "short/summary.json"])
@pytest.mark.parametrize("old", ["calm", "short"])
def test_where_nothing_changed_it_says_so(here, run, old, new):
    code, out, err = run(old, new, "--fail-on=verdict,exponent,cost")
    assert (code, err) == (0, "")
    assert out.startswith("nothing changed for the worse\n")
    assert "1 claims, 2 findings" in out


@pytest.mark.parametrize(
    ("new", "alarm", "said"),
    [
        ("worse", "verdict", "Verdicts for the worse"),
        ("moved", "exponent", "n^-1.00 [-1.05, -0.95]  n^-0.80 [-0.85, -0.75]  +0.2"),
        ("dearer", "cost", "2.5 GFLOP  9 GFLOP  3.6 times"),
    ],
)
def test_what_fails_is_what_was_asked(here, run, new, alarm, said):
    code, out, err = run("calm", new)
    assert (code, err) == (0, "")
    assert said in out
    for fail_on, expected in ((alarm, 1), ("verdict,exponent,cost", 1), ("verdict, exponent,cost", 1)):
        code, again, err = run("calm", new, f"--fail-on={fail_on}")
        assert (code, again) == (expected, out)
        assert err == f"theorychecks: --fail-on={fail_on}: {alarm}"
    others = ",".join(sorted({"verdict", "exponent", "cost"} - {alarm}))
    assert run("calm", new, f"--fail-on={others}")[0] == 0
    assert run(new, "calm", "--fail-on=verdict,cost")[0] == 0


def test_markdown_and_html_go_where_they_are_told(here, run):
    code, out, _ = run("calm", "worse", "--markdown")
    assert code == 0
    assert out.startswith("# ✗ Theory checks compared: 1 verdict for the worse")
    assert run("calm", "worse", "--html", "-o", "new/page.html")[:2] == (0, "")
    assert Path("new/page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert run("calm", "worse", "--markdown", "--output=comment.md", "--fail-on=verdict")[:2] == (1, "")
    assert Path("comment.md").read_text(encoding="utf-8") == out


def newer(text):
    return text.replace('"schema": 3', '"schema": 99')


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["calm", "else"], "the two runs share no claim: the first has 'LZ-1/hidden-frobenius', the second 'another'"),
        (["calm", "nowhere"], "there is no report to be compared: No such file or directory (nowhere)"),
        (["nowhere", "calm"], "Run claims with pytest, which leaves one in reports/latest"),
        (["calm", "empty"], "No such file or directory (empty/report.json)"),
        (["store", "calm"], "store is a store of measured cells, of which none is judged"),
        (["calm", "store"], "Judge it first: pytest PATHS --theory-store=store --theory-report=DIRECTORY"),
        (["calm", "newer"], "newer/report.json: the report has schema 99; this version of theorychecks reads schema 3"),
        (["thesis.tex", "calm"], "thesis.tex: the report is not JSON"),
        (["spoilt.json", "calm"], "the summary lacks a setting that 'LZ-1/hidden-frobenius' names"),
        (["calm", "calm", "--fail-on=verdicts"], "'verdicts' is nothing to fail on; name some of verdict, exponent"),
        (["calm", "calm", "--markdown", "--html"], "--markdown and --html are two formats"),
        (["calm", "calm", "-o", "calm"], "calm cannot be written: it is a directory"),
        (["calm", "calm", "-o", "thesis.tex/below"], "Name another file by --output=FILE"),
        (["calm"], "Missing argument 'NEW'"),
    ],
)
def test_what_cannot_be_done_ends_with_2_and_a_line(here, run, words, said):
    Store.open("store")
    Path("empty").mkdir()
    Path("newer").mkdir()
    Path("newer/report.json").write_text(newer(CALM.to_json()), encoding="utf-8")
    Path("thesis.tex").write_text("x", encoding="utf-8")
    spoilt = render_summary(CALM).replace('"setting": 0', '"setting": 7')
    Path("spoilt.json").write_text(spoilt, encoding="utf-8")
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert said.replace(" ", "") in err.replace("│", "").replace(" ", "")


def test_a_terminal_obeys_nothing_that_a_report_says(here, run):
    Path("sly").mkdir()
    sly = records.report(records.failing_claim(id="LZ-1/hidden-frobenius", error="\x1b[31m \u202e <b>", findings=[]))
    Path("sly/report.json").write_text(sly.to_json(), encoding="utf-8")
    _, out, _ = run("calm", "sly")
    assert "\\x1b[31m \\u202e <b>" in out


def test_help_has_examples_what_counts_and_the_exit_codes(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    code, out, _ = run("--help")
    assert code == 0
    assert "Example: theorychecks compare reports/reference reports/latest" in out
    assert all(f"{word}: " in out for word in ("verdict", "exponent", "cost"))
    assert all(f"{code}, " in out for code in (0, 1, 2))


def test_neither_torch_nor_pytest_is_needed(here):
    program = (
        "import sys; from theorychecks.cli.main import main\n"
        "sys.argv = ['theorychecks', 'compare', 'calm', 'worse']\n"
        "try: main()\n"
        "finally: print([name for name in ('torch', 'pytest', 'hypothesis') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("[]\n")
    assert sorted(os.listdir()) == ["calm", "dearer", "else", "later", "moved", "short", "worse"]
