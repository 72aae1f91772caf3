"""`theorychecks guide` as a user types it: topics, pages, and what there is not."""

import ast
import shutil
import subprocess
import sys

import pytest

from tests.documents import GUIDE, ROOT, page
from theorychecks.cli import main as command_line

EXAMPLES = ROOT / "properties" / "test_your_model.py"


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*words, columns=100):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys, "argv", ["theorychecks", *words])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return run


def test_every_page_is_a_topic_that_says_whom_it_is_for(run):
    code, out, err = run("guide")
    assert (code, err) == (0, "")
    for file in GUIDE.glob("*.md"):
        (line,) = [line for line in out.splitlines() if line.startswith(f"{file.stem} ")]
        assert line.removeprefix(file.stem).strip().startswith("for ")


@pytest.mark.parametrize("topic", sorted(file.stem for file in GUIDE.glob("*.md")))
def test_a_page_is_shown_without_its_marks(topic, run):
    code, out, err = run("guide", topic)
    assert (code, err) == (0, "")
    assert page(topic).partition("\n")[0].removeprefix("# ") in out
    assert "](" not in out
    assert "```" not in out
    assert max(map(len, out.splitlines())) <= 100


def test_a_link_is_shown_as_what_a_terminal_can_follow(run):
    assert "[calibration](../../reports/calibration.md)" in page("verdicts")
    assert "[Outcomes](outcomes.md)" in page("verdicts")
    _, out, _ = run("guide", "verdicts")
    words = " ".join(out.split())
    assert "calibration (reports/calibration.md)" in words
    assert "Outcomes (theorychecks guide outcomes)" in words


@pytest.mark.parametrize(
    ("topic", "nearest"), [("gats", "gates"), ("Verdict", "verdicts"), ("example", "example-gates")]
)
def test_an_unknown_topic_names_the_nearest(topic, nearest, run):
    code, out, err = run("guide", topic)
    words = " ".join(err.replace("│", " ").split())
    assert (code, out) == (2, "")
    assert f"'{topic}'" in words
    assert f"Did you mean {nearest}" in words


def test_a_topic_like_no_other_names_them_all_and_obeys_nothing(run):
    code, _, err = run("guide", "[red]\x1b[2Jxyz")
    words = " ".join(err.replace("│", " ").split())
    assert code == 2
    assert "[red]" in words
    assert "\x1b" not in err
    assert "Topics: benchmarks, blind-spots" in words


def test_the_example_gates_are_python_to_be_saved(run):
    code, out, err = run("guide", "example-gates")
    assert (code, err) == (0, "")
    assert ast.parse(out)
    assert out == EXAMPLES.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The package without its repository, as an installation has it."""
    home = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "theorychecks", home / "theorychecks", ignore=shutil.ignore_patterns("__pycache__"))
    return home


def test_where_there_are_no_example_gates_it_says_what_to_do(unpacked, tmp_path):
    # Metadata of a distribution that has no such file.
    (unpacked / "theorychecks-0.1.0.dist-info").mkdir()
    (unpacked / "theorychecks-0.1.0.dist-info" / "METADATA").write_text("Name: theorychecks\nVersion: 0.1.0\n")
    program = "import sys; sys.path.insert(0, sys.argv.pop(1)); from theorychecks.cli.main import main; main()"
    command = [sys.executable, "-c", program, str(unpacked), "guide", "example-gates"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={"COLUMNS": "200", "PATH": ""})
    assert done.returncode == 2
    assert "install the wheel of theorychecks, or clone its repository" in " ".join(done.stderr.split())
