"""What the README shows is true: its claim holds, its commands are two, its table comes from a run."""

import functools
import re
import runpy
import sys
import types
from pathlib import Path

import pytest

import theorychecks as tc
from theorychecks.reporting import Report
from theorychecks.reporting.terminal import claim_table, closing_lines

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_claim_of_the_readme_holds():
    (block,) = re.findall(r"```python\n(import theorychecks.*?)```", README, flags=re.DOTALL)
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    names["test_hidden_weights_move_by_one_over_width"].hypothesis.inner_test(depth=3, activation=tc.TANH)


def test_the_gate_of_the_readme_passes_a_model_that_is_as_it_says(monkeypatch):
    (block,) = re.findall(r"```python\n(import torch\nimport theorychecks.*?)```", README, flags=re.DOTALL)
    suite = runpy.run_path(str(ROOT / "tests" / "plugin" / "suites" / "gates.py"))
    mine = types.ModuleType("my_model")
    mine.Transformer, mine.optimizer, mine.batches = suite["Perceptron"], suite["adam"], suite["batches"]()
    monkeypatch.setitem(sys.modules, "my_model", mine)
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    names["test_transformer_is_in_maximal_update"]()
    mine.optimizer = functools.partial(suite["adam"], hidden=0.0)
    exec(compile(block, "README.md", "exec"), names)
    with pytest.raises(tc.ClaimFailure, match=r"learning rate of `second\.weight` too large by n"):
        names["test_transformer_is_in_maximal_update"]()
    # Ten lines, as people count them.
    assert len([line for line in block.splitlines() if line.strip()]) <= 10


def test_the_quantity_of_the_readme_is_as_predicted():
    (block,) = re.findall(r"```python\n(@tc\.quantity.*?)```", README, flags=re.DOTALL)
    names = {"tc": tc}
    exec(compile(block, "README.md", "exec"), names)
    over = names["weight_change"](activation=tc.TANH).over((0.005, 0.01, 0.02, 0.04, 0.08))
    assert over.title == "weight change with tanh"
    with pytest.raises(tc.ClaimFailure):
        tc.check(over, tc.PowerLaw(2, corrections=names["proportional"].corrections))


def test_there_are_exactly_two_commands_and_each_sets_itself_up():
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv ")]
    assert [command.rpartition(" && ")[2] for command in commands] == [
        "pytest properties -n auto",
        "pytest tests -n auto",
    ]


def columns(line):
    """All but the test's name."""
    return re.split(r" {2,}", line.strip())[:6]


def test_the_table_of_the_readme_has_the_first_claim_of_each_file_in_the_kept_run():
    report = Report.from_json((ROOT / "reports" / "reference" / "report.json").read_text(encoding="utf-8"))
    header, *lines = claim_table(report, width=400).splitlines()
    rows = {}
    for claim, line in zip(report.claims, lines, strict=True):
        rows.setdefault(claim.test.partition("::")[0], columns(line))
    (table,) = re.findall(r"((?:^    .*\n)+)^    (\d+ passed, .*)$", README, flags=re.MULTILINE)
    shown, counts = table
    assert [columns(line) for line in shown.splitlines()] == [columns(header), *rows.values()]
    assert counts == closing_lines(report)[0]
    assert "@@" not in README


def test_what_gates_say_in_the_readme_is_from_the_kept_run():
    report = Report.from_json((ROOT / "reports" / "reference" / "report.json").read_text(encoding="utf-8"))
    said = "\n".join(note for claim in report.claims for note in claim.notes)
    shown = [line.strip() for line in README.splitlines() if line.startswith(("    - ", "    decoder: "))]
    assert len(shown) == 10
    assert [line for line in shown if line not in said] == []
    (seconds,) = [claim.seconds for claim in report.claims if claim.id == "YM-2"]
    assert f"{seconds:.0f} s in the kept run" in README


def test_every_file_of_claims_stands_in_the_readme():
    files = sorted(path.name for path in (ROOT / "properties").glob("test_*.py"))
    assert [name for name in files if f"`{name}`" not in README] == []
