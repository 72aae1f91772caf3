"""`theorychecks report` and `theorychecks badge` as a user types them."""

import csv
import io
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.reporting import records
from theorychecks.cli import main as command_line
from theorychecks.reporting.csv_table import render_csv
from theorychecks.reporting.html import render_html
from theorychecks.reporting.latex import render_latex
from theorychecks.reporting.markdown import render_comment
from theorychecks.reporting.summary import render_summary
from theorychecks.store import Store

REPORT = records.report(records.claim(), records.failing_claim())
FORMATS = {"--markdown": render_comment, "--latex": render_latex, "--csv": render_csv, "--html": render_html}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    Path("reports/latest").mkdir(parents=True)
    Path("reports/latest/report.json").write_text(REPORT.to_json(), encoding="utf-8")
    Path("short").mkdir()
    Path("short/summary.json").write_text(render_summary(REPORT), encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsysbinary):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["theorychecks", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = (text.decode() for text in capsysbinary.readouterr())
        return ended.value.code or 0, out, " ".join(err.replace("│", "").split())

    return run


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("place", [(), ("reports/latest",), ("reports/latest/report.json",)])
def test_a_report_is_written_in_each_form(here, run, name, place):
    expected = FORMATS[name](REPORT)
    assert run("report", *place, name) == (0, expected, "")
    assert run("report", *place, name, "-o", "deep/down/file") == (0, "", "")
    assert Path("deep/down/file").read_bytes().decode() == expected


def test_half_a_character_is_written_out(here, run):
    sly = REPORT.to_json().replace("hidden 2, frobenius", "\\ud800 half")
    Path("sly.json").write_text(sly, encoding="utf-8")
    code, out, _ = run("report", "sly.json", "--csv")
    assert code == 0
    assert next(csv.DictReader(io.StringIO(out)))["label"] == "\\ud800 half"


def test_a_badge_says_how_the_run_ended(here, run):
    code, out, err = run("badge")
    assert (code, err) == (0, "")
    assert "theory: 1 of 2 claims pass, 1 refuted" in out
    assert run("badge", "short", "--label=<b>claims</b>", "-o", "badge.svg")[0] == 0
    picture = ElementTree.parse("badge.svg").getroot()
    assert picture.get("aria-label") == "<b>claims</b>: 1 of 2 claims pass, 1 refuted"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["report"], "name one format of --markdown, --latex, --csv, --html; got none"),
        (["report", "--csv", "--latex"], "got --latex and --csv. Run the command for each"),
        (["report", "nowhere", "--csv"], "there is no report to be written in another form: No such file or directory"),
        (["report", "short", "--csv"], "without the values of its runs nothing can be written in another form"),
        (["report", "short/summary.json", "--csv"], "this is a summary, without the values of the runs"),
        (["report", "store", "--csv"], "store is a store of measured cells"),
        (["badge", "store"], "so it cannot be drawn. Judge it first: pytest PATHS --theory-store=store"),
        (["badge", "nowhere"], "Run claims with pytest, which leaves one in reports/latest"),
        (["badge", "-o", "short"], "short cannot be written: it is a directory"),
    ],
)
def test_what_cannot_be_done_ends_with_2_and_a_line(here, run, words, said):
    Store.open("store")
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize("command", ["report", "badge"])
def test_help_has_an_example_and_the_exit_codes(run, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "400")
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"Example: theorychecks {command} " in out
    assert "Exit codes: 0; 2, " in out
