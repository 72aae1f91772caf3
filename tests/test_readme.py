"""What the README shows is true: its claim holds, its commands are two, its table comes from a run."""

import re
from pathlib import Path

import theorychecks as tc

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_first_claim_of_the_readme_holds():
    (block,) = re.findall(r"```python\n(import theorychecks.*?)```", README, flags=re.DOTALL)
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    names["test_hidden_weights_move_by_one_over_width"].hypothesis.inner_test(depth=3, activation=tc.TANH)


def test_there_are_exactly_two_commands_and_each_sets_itself_up():
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv ")]
    assert [command.rpartition(" && ")[2] for command in commands] == [
        "pytest properties -n auto",
        "pytest tests -n auto",
    ]


def test_nothing_is_left_to_be_filled_in():
    assert "@@" not in README
    assert re.search(r"\d+ passed, 0 failed, 0 inconclusive; \d+ findings", README)
