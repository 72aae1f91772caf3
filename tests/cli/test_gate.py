"""`theorychecks gate` as a user types it: a verdict and a diagnosis of a model, without a test."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import torch

from tests.cli.commands import theorychecks
from theorychecks.cli import main as command_line
from theorychecks.cli.gating import OF_PRESETS
from theorychecks.cli.quantities import widths_of
from theorychecks.presets import hf_model
from theorychecks.presets.hugging_face import KNOWN

SUITE = Path(__file__).parents[1] / "plugin" / "suites" / "gates.py"
MORE = """
import torch
import theorychecks as tc
from tests.models import deep, parallel
from torch import nn
from models_at_hand import BAD, GOOD, Perceptron

def raises(width):
    raise ZeroDivisionError("no such width")

def tokens(width):
    return nn.Sequential(nn.Embedding(7, width), nn.Linear(width, 3))

def plain(width):
    layers = nn.Linear(5, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 3, bias=False)
    return nn.Sequential(*layers)

BUILT = Perceptron(8)
NUMBER = 3
DEEP = deep.perceptron()
HEADS = parallel.attending()

def residual(depth):
    return deep.Perceptron(depth, power=0.5)

SIZED = GOOD.__class__(plain, GOOD.optimizer, lambda draw, size: [], loss=GOOD.loss, axis="batch size")
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
    code, out, err = run("models_at_hand.py:BAD", "--widths=32..512")
    assert code == 1
    assert re.fullmatch(r"theory: bad: red so far: second.* expected \(look 1 of \d; being confirmed\)", err)
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


def test_a_model_along_its_depth_has_depths(here, run):
    code, out, err = run("more_models:DEEP", "--all", "--depths=4,8,16,32,64")
    assert (code, err) == (0, ""), out
    assert " coordinates scale as CompleteP has it; " in out
    code, out, _ = run("more_models:DEEP", "--as=depth-mup", "--time=0.01s")
    assert code == 7
    assert "coordinates scale as depth maximal update has it" in out


def test_a_model_along_its_heads_has_heads(here, run):
    code, out, err = run("more_models:HEADS", "--all", "--heads=4..64")
    assert (code, err) == (0, ""), out
    assert " coordinates scale as maximal update has it; " in out
    assert "attn.o_proj, size" in out


@pytest.mark.slow
def test_a_function_of_the_depth_is_told_by_depths(here, run):
    code, out, _ = run("more_models:residual", "--inputs=16x8", "--depths=4,8,16,24,32")
    assert code == 1, out
    assert "multiplier of `blocks.*` too large by depth^1/2" in out


def test_a_model_is_scaled_by_role_before_it_is_checked(here, run):
    words = ("more_models:plain", "--inputs=16x5", "--widths=32..512")
    assert run(*words)[0] == 1
    code, out, _ = run(*words, "--scaled=maximal-update")
    assert code == 0, out


@pytest.fixture
def transformers():
    return pytest.importorskip("transformers", reason="pip install 'theorychecks[hf]'")


@pytest.mark.usefixtures("transformers")
def test_an_architecture_needs_no_file(here, run):
    code, out, err = run("hf:gpt2", "--time=0.01s", "--steps=5", "--rate=0.01")
    assert (code, err) == (7, "")
    assert out.startswith(
        "gpt2 as it comes: small, with readouts of weights of their own and heads of 16; random inputs, AdamW at 0.01 "
        "without decay; nothing is downloaded\nUNDECIDED"
    )
    assert "out of time: 0.01 s" in out


@pytest.mark.usefixtures("transformers")
@pytest.mark.parametrize("kind", KNOWN)
def test_an_architecture_is_built_at_all_widths_that_are_chosen_for_it(kind):
    widths = widths_of(OF_PRESETS)
    model = hf_model(kind)
    found = {len(list(model.build(width).parameters())) for width in widths}
    assert len(found) == 1
    # An exponent needs a factor of eight.
    assert (len(widths), max(widths) / min(widths)) == (5, 8)


def test_so_does_a_config_in_a_file(here, run, transformers):
    config = transformers.LlamaConfig(hidden_size=64, intermediate_size=96, num_attention_heads=4)
    (here / "own.json").write_text(config.to_json_string(use_diff=False), encoding="utf-8")
    code, out, err = run(f"hf:{here}/own.json", "--time=0.01s", "--scaled=maximal-update")
    assert (code, err) == (7, "")
    assert out.startswith("llama scaled as maximal update has it: small, ")


@pytest.mark.slow
@pytest.mark.usefixtures("transformers")
@pytest.mark.parametrize("words, expected", [((), 1), (("--scaled=maximal-update",), 0)])
def test_gpt2_fails_as_it_comes_and_passes_when_it_is_scaled(here, run, words, expected):
    code, out, _ = run("hf:gpt2", *words)
    assert code == expected, out


def test_without_transformers_the_extra_is_named(here, run, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    code, _, err = run("hf:gpt2")
    assert code == 2
    assert "which is not installed: pip install 'theorychecks[hf]'" in err


def test_other_architectures_are_refused_with_those_that_there_are(here, run):
    (here / "opt.json").write_text('{"model_type": "opt"}', encoding="utf-8")
    (here / "list.json").write_text("[1]", encoding="utf-8")
    (here / "text.json").write_text("gpt2", encoding="utf-8")
    known = "Architectures with a preset are hf:gpt2, hf:llama, hf:mixtral, hf:mamba, hf:t5, hf:bert, hf:vit"
    code, _, err = run("hf:gpt3")
    assert code == 2
    assert known in err
    pytest.importorskip("transformers", reason="pip install 'theorychecks[hf]'")
    for named, said in (
        ("meta-llama/Llama-3.1-8B", "there is no file 'meta-llama/Llama-3.1-8B'"),
        ("opt.json", "'opt.json' has the model_type 'opt'"),
        ("list.json", "'list.json' has the model_type None"),
        ("text.json", "'text.json' is no JSON"),
    ):
        code, _, err = run(f"hf:{named}")
        assert code == 2
        assert said in err
        assert "Nothing is downloaded" in err or "no JSON" in err


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
        (["my_model"], 2, "a model is named MODULE:NAME, like my_model:MODEL or src/my_model.py:MODEL, or hf:"),
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
        (
            ["more_models:GOOD", "--as=standard"],
            2,
            "knows what maximal-update and ntk predict, and along the depth what complete-p and depth-mup do; got 'sta",
        ),
        (["more_models:GOOD", "--as=complete-p"], 2, "good is built along its width; a coordinate check knows what"),
        (["more_models:SIZED"], 2, "is a model along the batch size, of which a coordinate check predicts nothing"),
        (["more_models:DEEP", "--as=ntk"], 2, "is built along its depth; a coordinate check knows what"),
        (["more_models:GOOD", "--depths=4..64"], 2, "good is built along its width: give --widths=64..1024"),
        (["more_models:DEEP", "--widths=32..512"], 2, "is built along its depth: give --depths=4..64"),
        (["more_models:DEEP", "--widths=32..512", "--depths=4..64"], 2, "give --widths or --depths"),
        (
            ["more_models:DEEP", "--heads=4..64", "--experts=4..64"],
            2,
            "give --widths or --depths, --heads or --experts",
        ),
        (["more_models:DEEP", "--heads=4..64"], 2, "is built along its depth: give --depths=4..64"),
        (["more_models:HEADS", "--as=ntk"], 2, "attention is built along its heads; a coordinate check knows what"),
        (["more_models:HEADS", "--depths=4..64"], 2, "attention is built along its heads: give --heads=4..64"),
        (["more_models:HEADS", "--heads=few"], 2, "heads are a range in factors of two, 4..64, or several, 4,8,16"),
        (["more_models:HEADS", "--heads=2..32"], 2, "ValueError: heads are 5 or more, begin at 4"),
        (["more_models:HEADS", "--scaled=ntk"], 2, "built along its heads, and --scaled=ntk says how a model scales"),
        (["more_models:DEEP", "--depths=deep"], 2, "depths are a range in factors of two, 4..64, or several, 4,8,16"),
        (["more_models:DEEP", "--depths=2,4,8,16,32"], 2, "ValueError: depths are 5 or more, begin at 4"),
        (
            ["more_models:GOOD", "--inputs=32x16", "--tokens=7", "--rate=0.1"],
            2,
            "is a tc.Model, which has batches and an optimizer of its own: leave --inputs and --tokens and --rate out",
        ),
        (["more_models:DEEP", "--rate=0.001"], 2, "optimizer of its own: leave --rate out, or name a function"),
        (
            ["hf:gpt2", "--inputs=32x16"],
            2,
            "hf:gpt2 learns random tokens or images that are made for it: leave --inputs",
        ),
        (["hf:gpt2", "--tokens=32"], 2, "leave --tokens out, or name a function from a width to a module"),
        (["more_models:DEEP", "--scaled=ntk"], 2, "built along its depth, and --scaled=ntk says how a model scales"),
        (["more_models:GOOD", "--scaled=mup"], 2, "--scaled as one of standard, ntk, mean-field, maximal-update; got"),
        (["hf:gpt2", "--depths=4..64"], 2, "gpt2 is built along its width: give --widths=64..1024"),
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
    always = "import theorychecks.plugin.screen as screen\nscreen.SECONDS_BETWEEN_LINES = 1e-6"
    path = os.pathsep.join([str(here), os.environ.get("PYTHONPATH", ""), str(SUITE.parents[3])])
    done = theorychecks("gate", "models_at_hand:GOOD", "--widths=32..512", at=here, first=always, PYTHONPATH=path)
    assert done.code == 0
    assert "theory: good at width 512, look 1/4 (coordinates of modules); " in done.err
    assert "theory: " not in done.out


def test_help_has_examples_and_exit_codes(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    code, out, _ = run("--help")
    assert code == 0
    assert "Examples: theorychecks gate my_model:MODEL; theorychecks gate src/net.py:build --inputs=32x16" in out
    assert all(f"{code}, " in out for code in (0, 1, 2, 7, 8))
