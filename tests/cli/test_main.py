"""The command `theorychecks` itself: its help teaches, and a shell can complete it."""

import sys
from pathlib import Path

import pytest
from typer.main import get_command

from tests.reporting import records
from theorychecks.cli import main as command_line

COMMANDS = get_command(command_line.app).commands


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")

    def run(*words, **environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["theorychecks", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        return ended.value.code, capsys.readouterr().out

    return run


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "store"])
def test_every_command_has_examples_and_exit_codes(run, command):
    code, out = run(command, "--help")
    assert code == 0
    assert f": theorychecks {command}" in out
    assert "Exit codes" in out


def test_the_help_of_all_begins_with_what_to_do_first(run):
    code, out = run("--help")
    assert code == 0
    assert "Examples: theorychecks new my-claim; theorychecks gate my_model:MODEL" in out


def completed(run, *words):
    _, out = run(
        _THEORYCHECKS_COMPLETE="complete_bash",
        COMP_WORDS=" ".join(["theorychecks", *words]),
        COMP_CWORD=str(len(words)),
    )
    return out.split()


def test_a_shell_completes_commands_options_and_claims_of_the_last_report(run):
    assert completed(run, "me") == ["measure"]
    assert "--json" in completed(run, "list", "--j")
    assert completed(run, "show", "LZ") == []
    Path("reports/latest").mkdir(parents=True)
    report = records.report(records.claim(id="LZ-1"), records.claim(id="LZ-2"), records.claim(id="H1"))
    Path("reports/latest/report.json").write_text(report.to_json(), encoding="utf-8")
    assert completed(run, "show", "LZ") == ["LZ-1", "LZ-2"]
