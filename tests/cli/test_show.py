"""`theorychecks show` as a user types it: what it says of a claim, from the last report or from its file."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.commands import theorychecks
from tests.reporting import records
from theorychecks.cli import main as command_line
from theorychecks.cli.show_command import nearest
from theorychecks.reporting.summary import render_summary

CLAIMS = '''
import theorychecks as tc

@tc.claim(id="NEW-1", source="made up")
def test_new():
    """The size falls."""
    raise AssertionError("nothing is run")
'''


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["theorychecks", "show", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = capsys.readouterr()
        return ended.value.code, out, " ".join(err.split())

    return run


def left(*claims, place="reports/latest"):
    Path(place).mkdir(parents=True)
    Path(place, "report.json").write_text(records.report(*claims).to_json(), encoding="utf-8")


def test_a_claim_is_shown_with_its_worst_finding_and_a_figure(here, run):
    left(records.claim(), records.failing_claim())
    code, out, err = run("LZ-2/failing")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "LZ-2/failing: fail"
    assert "source      Lee et al. 2019, arXiv:1902.06720, Fig. 1" in lines
    assert "first       hidden 2, frobenius (prediction): REFUTED, n^-0.50 measured, n^-1 predicted" in lines
    assert "the worst finding: hidden 2, frobenius (prediction), REFUTED" in lines
    assert any(line.startswith("setting     activation=tanh, depth=3") for line in lines)
    assert "1 prediction and 1 control, 1 as wanted" in " ".join(out.split())
    assert any(0x2800 < ord(letter) < 0x2900 for letter in out)
    assert lines[-1] == "reproduce   pytest 'properties/test_lazy.py::test_failing[tanh 3]'"
    code, out, _ = run("lz-1/HIDDEN-frobenius")
    assert code == 0
    assert "the finding that comes closest to its margin: " in out
    assert "first  " not in out


def test_a_parametrized_claim_is_shown_test_by_test(here, run):
    left(records.claim(test="a.py::test_it[1]"), records.claim(test="a.py::test_it[2]", seed=3))
    _, out, _ = run("LZ-1/hidden-frobenius")
    reproduced = [line.split(maxsplit=1)[1] for line in out.splitlines() if line.startswith("reproduce")]
    assert reproduced == ["pytest 'a.py::test_it[1]'", "pytest 'a.py::test_it[2]' --theory-seed=3"]


def test_the_last_report_is_found_from_below_the_root_directory(here, run, monkeypatch):
    left(records.claim(id="A"))
    Path("properties/deep").mkdir(parents=True)
    monkeypatch.chdir(here / "properties" / "deep")
    code, out, _ = run("A")
    assert code == 0
    assert "(../../reports/latest/report.json)" in out


def test_a_claim_without_findings_says_why(here, run):
    left(
        records.claim(id="A", outcome="error", error="NameError: x\nmore", findings=()),
        records.claim(id="B", outcome="skipped", reason="not today", findings=()),
    )
    assert "first       NameError: x\n" in run("A")[1]
    assert "reason      not today\n" in run("B")[1]


def test_a_diagnosis_is_shown(here, run):
    left(records.claim(id="G", notes=["decoder: 2 of 9 coordinates are off\n- init of `head` too large"]))
    assert "decoder: 2 of 9 coordinates are off\n- init of `head` too large\n" in run("G")[1]


def test_no_text_is_obeyed_by_the_terminal_or_wider_than_it(here, run):
    sly = "sly\x1b[2J \u202e[red] " + "W" * 300
    left(
        records.claim(id="A", statement=sly, source=sly, notes=[sly], findings=[records.finding(label=sly, reason=sly)])
    )
    code, out, _ = run("A")
    assert code == 0
    assert "[red]" in out
    assert "\x1b" not in out
    assert "\u202e" not in out
    rows = [line for line in out.splitlines() if not line.startswith(("the finding", "reproduce"))]
    assert max(map(len, rows)) <= 100


def test_a_claim_that_was_never_run_is_shown_from_its_file(here):
    Path("test_it.py").write_text(CLAIMS, encoding="utf-8")
    done = theorychecks("show", "NEW-1", "test_it.py", at=here)
    assert done.code == 0
    assert done.out.splitlines()[:2] == ["NEW-1: not in reports/latest", "The size falls."]
    assert "run it      pytest test_it.py::test_new" in done.out
    left(records.claim())
    done = theorychecks("show", "NEW-2", "test_it.py", at=here)
    assert done.code == 2
    assert "there is no claim 'NEW-2' in reports/latest/report.json and test_it.py. The nearest are NEW-1" in done.said


def test_an_unknown_claim_is_told_with_the_nearest_names(here, run):
    left(records.claim(id="LZ-1"), records.claim(id="LZ-12"), records.claim(id="MF/noise"))
    code, out, err = run("lz1")
    assert (code, out) == (2, "")
    assert "there is no claim 'lz1' in reports/latest/report.json. The nearest are LZ-1, LZ-12. " in err
    assert "`theorychecks list PATHS` names all" in err
    assert "nearest" not in run("completely-different")[2]


def test_names_are_near_by_letters_and_by_what_they_hold():
    names = ["LZ-10", "LZ-1", "H1/models", "MF/noise"]
    assert nearest("LZ1", names)[0] == "LZ-1"
    assert nearest("noise", names) == ["MF/noise"]
    assert nearest("models", names) == ["H1/models"]
    assert nearest("zzz", names) == nearest("", names) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["A", "--report=missing"], "there is no report to read: No such file or directory (missing)"),
        (["A", "--report=kept"], "kept/summary.json has no values of runs. Run claims with pytest"),
        (["A", "--report=kept/summary.json"], "is a summary, without the values of the runs"),
        (
            ["A", "--report=newer"],
            "newer/report.json: the report has schema 99; this version of theorychecks reads schema",
        ),
        (["A", "--report=odd.json"], "odd.json: this is no report of a run: KeyError('claims')"),
        (["A", "--report=thesis.tex"], "thesis.tex: the report is not JSON"),
        ([], "Missing argument 'CLAIM'"),
    ],
)
def test_what_cannot_be_read_ends_with_2_and_the_way_out(here, run, words, said):
    for place in ("kept", "newer"):
        Path(place).mkdir()
    Path("kept/summary.json").write_text(render_summary(records.report(records.claim(id="A"))), encoding="utf-8")
    document = json.loads(records.report().to_json()) | {"schema": 99}
    Path("newer/report.json").write_text(json.dumps(document), encoding="utf-8")
    Path("odd.json").write_text('{"schema": 3}', encoding="utf-8")
    Path("thesis.tex").write_text("x", encoding="utf-8")
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert said in err
