"""`theorychecks new` as a new user types it: the file that it writes passes, and says where to edit."""

import ast
import os
import sys
from pathlib import Path

import pytest

from tests.cli.commands import pytest_of, theorychecks
from theorychecks.cli import main as command_line
from theorychecks.reporting import Report


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["theorychecks", "new", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = capsys.readouterr()
        return ended.value.code, out, " ".join(err.replace("│", " ").split())

    return run


def test_a_new_claim_and_a_new_gate_pass_as_they_stand(tmp_path):
    for words in (["relative-drift"], ["decoder", "--gate", "--in=gates"]):
        done = theorychecks("new", *words, at=tmp_path)
        assert (done.code, done.err) == (0, "")
    assert "next: pytest gates/test_decoder.py" in done.out
    # A claim's control that no longer fails would be an error, and so would a gate that catches nothing.
    ran = pytest_of("-W", "error", at=tmp_path)
    assert ran.code == 0, ran.out
    report = Report.from_json((tmp_path / "reports/latest/report.json").read_text(encoding="utf-8"))
    assert {claim.id: claim.outcome for claim in report.claims} == {
        "decoder": "pass",
        "decoder/control": "pass",
        "relative-drift": "pass",
    }
    (claim,) = [claim for claim in report.claims if claim.id == "relative-drift"]
    assert {finding.role for finding in claim.findings} == {"prediction", "control"}
    # Far from both ends of the margin, whichever engine a machine finds the faster one.
    assert all(abs(finding.exponent + 1) < 0.1 for finding in claim.findings if finding.role == "prediction")


@pytest.mark.parametrize("options", [[], ["--gate"]])
def test_the_file_says_where_to_edit_and_is_tidy(here, run, options):
    code, out, _ = run("A-name_2", *options)
    assert code == 0
    assert out.startswith("test_A_name_2.py: a ")
    text = Path("test_A_name_2.py").read_text(encoding="utf-8")
    assert text.count("EDIT") >= 5
    assert "def test_A_name_2() -> None:" in text
    assert "$" not in text
    tree = ast.parse(text)
    assert all(ast.get_docstring(node) for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    assert max(map(len, text.splitlines())) <= 120


def test_nothing_is_ever_replaced(here, run):
    Path("test_drift.py").write_text("mine", encoding="utf-8")
    code, out, err = run("drift")
    assert (code, out) == (2, "")
    assert "there is a test_drift.py already, and nothing is replaced. Choose another name" in err
    assert Path("test_drift.py").read_text(encoding="utf-8") == "mine"
    os.symlink("nowhere", "test_link.py")
    assert run("link")[0] == 2
    assert sorted(os.listdir()) == ["test_drift.py", "test_link.py"]


@pytest.mark.parametrize(
    ("name", "try_this"),
    [
        ("2-layers", "layers"),
        ("two layers", "two-layers"),
        ("../up", "up"),
        ("a.b", "a-b"),
        ("", "relative-drift"),
        ("3", "relative-drift"),
        ("größe", "gr-e"),
        ("x'; import os", "x-import-os"),
        ("n" * 61, "n" * 60),
    ],
)
def test_a_name_that_is_no_identifier_is_refused_with_one_that_is(here, run, name, try_this):
    code, out, err = run("--", name)
    assert (code, out) == (2, "")
    assert "a name becomes that of a Python function: letters, digits, hyphens and underscores" in err
    assert f"Try {try_this}" in err
    assert os.listdir() == []
    assert run(try_this)[0] == 0


def test_a_place_that_cannot_be_written_is_told(here, run):
    Path("thesis.tex").write_text("x", encoding="utf-8")
    for place in ("thesis.tex", "thesis.tex/below"):
        code, out, err = run("drift", f"--in={place}")
        assert (code, out) == (2, "")
        assert "--in=DIRECTORY" in err
    assert os.listdir() == ["thesis.tex"]


def test_help_has_examples_and_exit_codes(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    _, out, _ = run("--help")
    assert "Examples: theorychecks new relative-drift; theorychecks new decoder --gate" in out
    assert "Exit codes: 0; 2 where " in out
