"""Options of `theorychecks plan` and `measure` that are refused before anything is imported for them."""

import sys

import pytest

from theorychecks.cli import main as command_line
from theorychecks.cli.quantities import duration, flops, part_of


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["theorychecks", *words])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = capsys.readouterr()
        return ended.value.code, " ".join((out + err).replace("│", " ").split())

    return run


@pytest.mark.parametrize("shard", ["0/3", "4/3", "x", "1/0", "1", "1/", "-1/3", "1.5/3", "1/3/3", ""])
def test_a_shard_that_there_is_not_is_refused(run, shard):
    code, said = run("measure", f"--shard={shard}")
    assert code == 2
    assert f"I/N with 1 <= I <= N, like 1/8, 2/8 and so on to 8/8; got {shard!r}. Number array jobs from 1 on" in said


def test_shards_that_there_are_are_read():
    assert [part_of(text) for text in ("1/1", "1/3", "3/3", "12/128")] == [(1, 1), (1, 3), (3, 3), (12, 128)]


@pytest.mark.parametrize("command", ["plan", "measure"])
@pytest.mark.parametrize(
    ("option", "said"),
    [("--seed=fresh", "one seed, a whole number; got 'fresh'"), ("--looks=0", "Invalid value for '--looks'")],
)
def test_what_no_run_could_repeat_is_refused(run, command, option, said):
    code, text = run(command, option)
    assert code == 2
    assert said in text


@pytest.mark.parametrize(("command", "example"), [("plan", "properties --profile=quick"), ("measure", "--shard=2/8")])
def test_help_has_an_example_and_the_exit_codes(run, command, example):
    code, said = run(command, "--help")
    assert code == 0
    assert "Example: theorychecks" in said
    assert example in said
    assert "Exit codes: 0" in said
    assert "130 where it was interrupted" in said


def test_times_and_operations_are_as_people_read_them():
    times = [duration(seconds) for seconds in (0.0, 0.5, 9.96, 40, 100, 5000, 5400, 360000)]
    assert times == ["<0.1 s", "0.5 s", "10 s", "40 s", "2 min", "83 min", "1.5 h", "100.0 h"]
    assert [flops(count) for count in (0, 512, 1.25e6, 3e9, 4.56e12, 7e15)] == [
        "",
        "0.512 kFLOP",
        "1.25 MFLOP",
        "3 GFLOP",
        "4.56 TFLOP",
        "7 PFLOP",
    ]
