"""What the README shows is true: its claim holds, its commands are two, its table comes from a run."""

import functools
import re
import runpy
import sys
import types
from pathlib import Path

import pytest

import theorychecks as tc
from theorychecks.reporting import Report, wording
from theorychecks.reporting.summary import Summary
from theorychecks.reporting.terminal import closing_lines

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


@pytest.fixture(scope="module")
def kept():
    return Summary.from_json((ROOT / "reports/reference/summary.json").read_text(encoding="utf-8"))


def row(claim):
    """What a terminal shows of a claim, without the test's name."""
    worst = claim.findings[claim.worst]
    measured = "-" if worst.exponent is None else f"{worst.exponent:+.2f}"
    if worst.interval:
        measured += f" [{worst.interval.low:+.2f}, {worst.interval.high:+.2f}]"
    first, last = (wording.axis_number(worst.axis_values[place]) for place in (0, -1))
    runs = f"{first}..{last} x {wording.seed_range(worst.seeds)} {worst.engine}"
    return [claim.outcome, claim.id, worst.predicted, measured, runs, wording.duration(claim.seconds)]


def test_the_table_of_the_readme_has_the_first_claim_of_each_file_in_the_kept_run(kept):
    first = {}
    for claim in kept.claims:
        first.setdefault(claim.test.partition("::")[0], claim)
    (table,) = re.findall(r"((?:^    .*\n)+)^    (\d+ passed, .*)$", README, flags=re.MULTILINE)
    shown, counts = table
    header, *lines = [re.split(r" {2,}", line.strip()) for line in shown.splitlines()]
    assert header[:6] == ["outcome", "claim", "predicted", "measured", "range", "time"]
    assert [line[:6] for line in lines] == [row(claim) for claim in first.values()]
    bare = Report(claims=(), suite=kept.suite, provenance=kept.provenance)
    assert counts == closing_lines(bare)[0]
    assert "@@" not in README


def test_what_gates_say_in_the_readme_is_from_the_kept_run(kept):
    said = (ROOT / "reports/reference/report.md").read_text(encoding="utf-8")
    shown = [line.strip() for line in README.splitlines() if line.startswith(("    - ", "    decoder: "))]
    assert len(shown) == 10
    assert [line for line in shown if line not in said] == []
    (seconds,) = [claim.seconds for claim in kept.claims if claim.id == "YM-2"]
    assert f"{seconds:.0f} s in the kept run" in README


def test_every_file_of_claims_stands_in_the_readme():
    files = sorted(path.name for path in (ROOT / "properties").glob("test_*.py"))
    assert [name for name in files if f"`{name}`" not in README] == []
