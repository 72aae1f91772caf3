"""`theorychecks gate` as a user types it: a verdict and a diagnosis of a model, without a test."""

import os
import shutil
import sys
from pathlib import Path

import pytest
import torch

from tests.cli.commands import theorychecks
from theorychecks.cli import main as command_line

SUITE = Path(__file__).parents[1] / "plugin" / "suites" / "gates.py"
MORE = """
import torch
from torch import nn
from models_at_hand import BAD, GOOD, Perceptron

def raises(width):
    raise ZeroDivisionError("no such width")

def tokens(width):
    return nn.Sequential(nn.Embedding(7, width), nn.Linear(width, 3))

BUILT = Perceptron(8)
NUMBER = 3
FEW = GOOD.__class__(Perceptron, GOOD.optimizer, GOOD.batches[:2], loss=GOOD.loss)
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    shutil.copy(SUITE, tmp_path / "models_at_hand.py")
    (tmp_path / "more_models.py").write_text(MORE, encoding="utf-8")
    (tmp_path / "broken.py").write_text("import nothing_of_this_name\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("models_at_hand", "more_models", "broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    threads = torch.get_num_threads()
    yield tmp_path
    torch.set_num_threads(threads)


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["theorychecks", "gate", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = capsys.readouterr()
        return ended.value.code, out, " ".join(err.replace("│", " ").split())

    return run


def test_a_model_that_scales_as_it_should_passes(here, run):
    code, out, err = run("models_at_hand:GOOD", "--widths=32..512", "--all")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("PASS: 21 of 21 coordinates scale as maximal update has it; ")
    assert lines[1] == "good: none of 21 coordinates scales otherwise than predicted"
    assert sum(": SUPPORTED, " in line for line in lines) == 21


def test_a_model_that_does_not_fails_with_a_diagnosis_and_a_figure(here, run):
    code, out, _ = run("models_at_hand.py:BAD", "--widths=32..512")
    assert code == 1
    assert out.startswith("FAIL: ")
    assert "\n- learning rate of `second.weight` too large by n^1 (" in out
    assert "the first that fails: bad, second" in out
    assert any(0x2800 < ord(letter) < 0x2900 for letter in out)
    assert "SUPPORTED" not in out


def test_a_function_of_the_width_is_trained_in_the_plainest_way(here, run):
    code, out, _ = run("more_models:Perceptron", "--inputs=16x5", "--widths=32..512")
    assert code == 1
    assert out.startswith(
        "Perceptron says nothing of its training: 16x5 normal inputs, random targets, squared error, "
    )
    assert "learning rate of `second.weight` too large by n^1" in out
    code, out, _ = run("more_models:tokens", "--inputs=4x3", "--tokens=7", "--widths=32..512")
    assert code in (0, 1, 7)
    assert "4x3 whole numbers below 7" in out


def test_other_seeds_and_less_time_are_as_asked(here, run):
    first = run("models_at_hand:GOOD", "--widths=32..512", "--all", "--seed=1")
    again = run("models_at_hand:GOOD", "--widths=32..512", "--all", "--seed=1")
    assert first[1].splitlines()[1:] == again[1].splitlines()[1:]
    assert first[1].splitlines()[4:] != run("models_at_hand:GOOD", "--widths=32..512", "--all")[1].splitlines()[4:]
    code, out, _ = run("models_at_hand:GOOD", "--widths=32..512", "--time=0.01s")
    assert code == 7
    assert out.startswith("UNDECIDED: 0 of 1 coordinates")
    assert "out of time: 0.01 s" in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["my_model"], 2, "a model is named MODULE:NAME, like my_model:MODEL or src/my_model.py:MODEL; got 'my_model'"),
        ([":M"], 2, "a model is named MODULE:NAME"),
        (["missing_module:M"], 2, "there is no module 'missing_module', neither installed nor in "),
        (["missing.py:M"], 2, "there is no file 'missing.py'"),
        (["more_models:GOODS"], 2, "more_models has nothing named 'GOODS'; there are GOOD"),
        (["more_models:NUMBER"], 2, "more_models:NUMBER is of type int"),
        (["more_models:BUILT"], 2, "is one Perceptron of one width; name the function that builds it"),
        (["more_models:Perceptron"], 2, "Give the shape of a batch, --inputs=32x16"),
        (["more_models:Perceptron", "--inputs=32,16"], 2, "a shape is whole numbers with x between them"),
        (["more_models:GOOD", "--widths=64..1000"], 2, "does not reach 1000; the nearest ends are 512 and 1024"),
        (["more_models:GOOD", "--widths=wide"], 2, "widths are a range in factors of two, 64..1024, or several"),
        (["more_models:GOOD", "--widths=64,128"], 2, "theorychecks: ValueError: "),
        (["more_models:GOOD", "--time=0s"], 2, "a time is longer than nothing"),
        (["more_models:GOOD", "--as=standard"], 2, "knows what maximal-update and ntk predict; got 'standard'"),
        (["more_models:raises", "--inputs=8x5"], 8, "has raised ZeroDivisionError: no such width"),
        (["more_models:FEW"], 8, "4 steps need 4 batches; got 2. Give more batches, or ask for steps=2."),
        (["broken:M"], 8, "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
    ],
)
def test_what_cannot_be_gated_is_told_with_the_way_out(here, run, words, code, said):
    ended, out, err = run(*words)
    assert ended == code
    assert said in err
    assert "PASS" not in out


def test_it_is_shown_how_far_it_is(here):
    conftest = "import theorychecks.plugin.screen as screen\nscreen.SECONDS_BETWEEN_LINES = 1e-6\n"
    (here / "sitecustomize.py").write_text(conftest, encoding="utf-8")
    path = os.pathsep.join([str(here), os.environ.get("PYTHONPATH", ""), str(SUITE.parents[3])])
    done = theorychecks("gate", "models_at_hand:GOOD", "--widths=32..512", at=here, PYTHONPATH=path)
    assert done.code == 0
    assert "theory: good at width 512, look 1/4 (coordinates of modules); " in done.err
    assert "theory: " not in done.out


def test_help_has_examples_and_exit_codes(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    code, out, _ = run("--help")
    assert code == 0
    assert "Examples: theorychecks gate my_model:MODEL; theorychecks gate src/net.py:build --inputs=32x16" in out
    assert all(f"{code}, " in out for code in (0, 1, 2, 7, 8))
