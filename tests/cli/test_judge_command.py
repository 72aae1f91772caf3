"""`theorychecks judge` as a user types it: what it prints and writes, and how it ends."""

import gc
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import theorychecks as tc
from tests.reporting import records
from theorychecks.cli import main as command_line
from theorychecks.judging import findings_of
from theorychecks.reporting import Report
from theorychecks.reporting.summary import render_summary

WIDTHS = tc.widths(64, 4096)
FILES = ["index.html", "report.json", "report.md", "summary.json"]


def findings(exponent, label="the size"):
    """Of numbers with this exponent, held against 1/n; and of a control."""
    rng = np.random.default_rng(0)
    found = []
    for power, role in ((exponent, "prediction"), (0, "control")):
        measured = tc.Measurement.of(WIDTHS, [n**power * np.exp(0.05 * rng.standard_normal(9)) for n in WIDTHS])
        found += findings_of(measured, tc.PowerLaw(-1), role=role, label=label)
    return found


@pytest.fixture(scope="module")
def passing():
    return records.claim(id="falls", findings=findings(-1))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["theorychecks", "judge", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = capsys.readouterr()
        return ended.value.code, out, " ".join(err.split())

    return run


def left(*claims, place="reports/latest", **suite):
    """Leave a report, as a run does."""
    Path(place).mkdir(parents=True)
    Path(place, "report.json").write_text(records.report(*claims, **suite).to_json(), encoding="utf-8")


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_left_as_it_was(here, run, passing, enabled):
    left(passing)
    frozen, was = gc.get_freeze_count(), gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        run()
        assert (gc.isenabled(), gc.get_freeze_count()) == (enabled, frozen)
    finally:
        (gc.enable if was else gc.disable)()


def test_the_last_report_is_judged_and_its_files_are_made_anew(here, run, passing):
    left(passing)
    code, out, err = run()
    assert (code, err) == (0, "")
    table, *closing = out.splitlines()[1:]
    assert table.startswith("pass     falls  n^-1       ")
    assert closing[0].startswith("1 passed, 0 failed, 0 inconclusive; 2 findings; ")
    assert closing[-3:] == [
        "judged anew: 2 findings",
        "no verdict differs from what was recorded",
        "report: reports/latest/index.html",
    ]
    assert sorted(os.listdir("reports/latest")) == FILES
    report = Report.from_json(Path("reports/latest/report.json").read_text(encoding="utf-8"))
    assert report.claims == (passing,)
    assert "by theorychecks " in report.provenance.judged_anew
    assert Path("reports/latest/summary.json").read_text(encoding="utf-8") == render_summary(report)
    assert f"- judged anew: {report.provenance.judged_anew}" in Path("reports/latest/report.md").read_text()


@pytest.mark.parametrize("named", ["elsewhere", "elsewhere/report.json"])
def test_a_report_is_named_by_its_directory_or_its_file_and_left_as_it_is_with_into(here, run, passing, named):
    left(passing, place="elsewhere")
    before = Path("elsewhere/report.json").read_text(encoding="utf-8")
    code, out, _ = run(named, "--into=new/place")
    assert code == 0
    assert "report: new/place/index.html" in out
    assert sorted(os.listdir("new/place")) == FILES
    assert os.listdir("elsewhere") == ["report.json"]
    assert Path("elsewhere/report.json").read_text(encoding="utf-8") == before


def test_a_changed_value_changes_the_verdict_and_is_told(here, run, passing):
    left(passing)
    path = Path("reports/latest/report.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    measured = document["claims"][0]["findings"][0]["judgement"]["measurement"]
    measured["values"] = [[value * n for value in row] for row, n in zip(measured["values"], WIDTHS, strict=True)]
    path.write_text(json.dumps(document), encoding="utf-8")
    code, out, _ = run()
    assert code == 1
    assert "differs: falls, the size: refuted, recorded was supported (the interval [" in out
    assert "differs: falls: fail, recorded was pass\n" in out
    assert "0 passed, 1 failed" in out
    again, out, _ = run()
    assert again == 1
    assert "no verdict differs from what was recorded" in out


def test_what_is_kept_is_counted(here, run):
    left(records.claim(id="kept", findings=[records.finding(), records.control()]))
    code, out, _ = run()
    assert code == 0
    assert "judged anew: 0 findings; kept as recorded: 2 that gates have derived from others" in out


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ([{}], 0),
        ([{}, {"outcome": "skipped", "reason": "not here", "findings": ()}], 0),
        ([{}, {"outcome": "inconclusive", "findings": findings(-0.93)}], 0),
        ([{"outcome": "inconclusive", "findings": findings(-0.93)}], 7),
        ([{}, {"outcome": "error", "error": "it broke"}], 8),
        ([{"outcome": "fail", "findings": findings(-0.5)}, {"outcome": "error", "error": "it broke"}], 1),
        ([{"outcome": "fail", "error": "AssertionError: no"}, {}], 1),
    ],
)
def test_the_exit_code_is_that_of_a_run(here, run, passing, claims, code):
    left(*(replace(passing, id=f"claim {place}", **about) for place, about in enumerate(claims)))
    assert run()[0] == code


def test_a_terminal_obeys_nothing_that_a_report_says(here, run):
    left(records.claim(id="sly\x1b[2J", findings=findings(-1, label="the\x1b[31m size")))
    _, out, _ = run()
    assert "sly" in out
    assert "\x1b" not in out


# What cannot be done.


def _newer(document):
    document["schema"] = 99


def _no_premises(document):
    del document["claims"][0]["findings"][0]["premises"]


def _no_margin(document):
    del document["claims"][0]["findings"][0]["premises"]["values"]["within"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_newer, "report.json: the report has schema 99; this version of theorychecks reads schema 3"),
        (_no_premises, "report.json: claims[0].findings[0] has no 'premises'; every field of Finding must be there"),
        (_no_margin, "falls, the size: this version cannot judge it (values has no 'within'"),
    ],
)
def test_a_report_that_cannot_be_judged_is_left_as_it_is(here, run, passing, spoil, said):
    left(passing)
    path = Path("reports/latest/report.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    spoil(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    before = path.read_text(encoding="utf-8")
    code, out, err = run()
    assert (code, out) == (2, "")
    assert said in err
    assert err.startswith("theorychecks: ")
    assert path.read_text(encoding="utf-8") == before
    assert os.listdir("reports/latest") == ["report.json"]


def test_a_summary_cannot_be_judged(here, run, passing):
    Path("kept").mkdir()
    Path("kept/summary.json").write_text(render_summary(records.report(passing)), encoding="utf-8")
    for named in ("kept", "kept/summary.json"):
        code, _, err = run(named)
        assert code == 2
        assert "without the values of" in err
        assert "run the claims again" in err
    assert os.listdir("kept") == ["summary.json"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "there is no report to be judged: No such file or directory (reports/latest). Run claims with pytest"),
        (["thesis.tex"], "thesis.tex: the report is not JSON"),
        (["picture.png"], "picture.png: "),
        (["deep.json"], "deep.json: "),
        (["long.json"], "long.json: "),
        (["empty"], "there is no report to be judged: No such file or directory (empty/report.json)"),
        (["good", "--into=thesis.tex"], "no report can be written to thesis.tex: it is a file, and no directory"),
        (["good", "--into=thesis.tex/below"], "Name a directory that can be written by --into=DIRECTORY"),
        (["good", "more"], "unexpected extra argument"),
    ],
)
def test_what_cannot_be_done_ends_with_2_and_a_line(here, run, passing, words, said):
    left(passing, place="good")
    Path("empty").mkdir()
    Path("thesis.tex").write_text("x", encoding="utf-8")
    Path("picture.png").write_bytes(b"\x89PNG")
    Path("deep.json").write_text("[" * 100_000, encoding="utf-8")
    Path("long.json").write_text("9" * 5_000, encoding="utf-8")
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert sorted(os.listdir()) == ["deep.json", "empty", "good", "long.json", "picture.png", "thesis.tex"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="nobody may make files there, not even the superuser")
def test_a_directory_that_cannot_be_written_is_told_before_anything_is_judged(here, run, passing):
    left(passing)
    code, out, err = run("--into=/proc/self/report")
    assert (code, out) == (2, "")
    assert "no report can be written to /proc/self/report: " in err


def test_help_has_an_example_and_the_exit_codes(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    code, out, _ = run("--help")
    assert code == 0
    assert "Example: theorychecks judge" in out
    assert all(f"{code}, " in out for code in (0, 1, 2, 7, 8))


def test_neither_torch_nor_pytest_is_needed(here, passing):
    left(passing)
    program = (
        "import sys; from theorychecks.cli.main import main\n"
        "sys.argv = ['theorychecks', 'judge']\n"
        "try: main()\n"
        "finally: print([name for name in ('torch', 'pytest', 'hypothesis') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("[]\n")
