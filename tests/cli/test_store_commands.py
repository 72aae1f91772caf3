"""`theorychecks store` as a user types it: what it prints, and how it ends."""

import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from tests.store.samples import block, key_of
from theorychecks.cli import main as command_line
from theorychecks.store import Store

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    store = Store.open(tmp_path / ".theorychecks" / "store")
    for name in "abc":
        store.save(block(name))
    return store


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["theorychecks", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = capsys.readouterr()
        return ended.value.code, " ".join(out.split()), " ".join(err.split())

    return run


def test_info_says_what_there_is(store, run):
    store.save(block("d", title="kernel [red]drift[/]\x1b[2J", date="2026-07-01T00:00:00.654321+00:00", seconds=7200.0))
    code, out, err = run("store", "info")
    assert (code, err) == (0, "")
    assert ".theorychecks/store: 4 cells in 4 blocks" in out
    assert "measured from 2026-03-01T12:00:00+00:00 to 2026-07-01T00:00:00+00:00" in out
    assert "hidden weight change 3 3" in out
    assert "kernel [red]drift[/]?[2J 1 1" in out
    assert "2.0 h" in out


def test_info_shows_ten_titles_and_counts_the_others(store, run):
    for number in range(12):
        store.save(block(number, title=f"observable {number}"))
    _, out, _ = run("store", "info")
    assert out.count("observable") == 9
    assert "and 3 more" in out


def test_verify_ends_with_0_where_all_is_sound_and_with_1_where_not(store, run):
    assert run("store", "verify") == (0, ".theorychecks/store: 3 blocks are sound, 0 files are not", "")
    path = store.path_of(block("a").name)
    path.write_bytes(b"x")
    code, out, _ = run("store", "verify")
    assert code == 1
    assert f"{path.name} does not begin as a block does" in out
    assert "2 blocks are sound, 1 file is not" in out
    assert run("store", "verify")[0] == 0
    assert "1 files in .theorychecks/store/set_aside were not trusted" in run("store", "info")[1]


def test_prune_deletes_what_was_asked(store, run):
    long_ago = time.time() - 40 * 86400
    os.utime(store.path_of(block("a").name), (long_ago, long_ago))
    code, out, _ = run("store", "prune", "--older-than=30d")
    assert (code, len(store.names())) == (0, 2)
    assert "deleted 1 blocks" in out
    assert "; 2 of " in out
    assert run("store", "prune", "--keep-bytes", "0")[0] == 0
    assert store.names() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say what may go: --older-than=30d, --keep-bytes=60MB"),
        (["--older-than=soon"], "an age is a number of hours, days or weeks, like 12h, 30d or 8w; got 'soon'"),
        (["--older-than=30"], "an age is"),
        (["--older-than=-1d"], "an age is"),
        (["--keep-bytes=60 apples"], "a size is a number with B, kB, MB, GB or TB, like 60MB; got '60 apples'"),
        (["--keep-bytes=nan"], "a size is"),
        (["--everything"], "No such option"),
    ],
)
def test_prune_deletes_nothing_where_it_was_asked_wrongly(store, run, words, said):
    code, _, err = run("store", "prune", *words)
    assert code == 2
    assert said in " ".join(err.replace("│", " ").split())
    assert len(store.names()) == 3


@pytest.mark.parametrize(("text", "left"), [("1TB", 3), ("1.5kB", 1), ("1500 B", 1), ("0.0015MB", 1)])
def test_sizes_are_read_with_their_units(store, run, text, left):
    run("store", "prune", f"--keep-bytes={text}")
    assert len(store.names()) == left


@pytest.mark.parametrize(("text", "left"), [("49h", 2), ("3d", 2), ("1w", 2), ("47h", 1), ("1d", 1), ("0.25w", 1)])
def test_ages_are_read_with_their_units(store, run, text, left):
    for name, hours in (("a", 24 * 30), ("b", 48)):
        at = time.time() - hours * 3600
        os.utime(store.path_of(block(name).name), (at, at))
    run("store", "prune", f"--older-than={text}")
    assert len(store.names()) == left


def test_blocks_travel_by_export_and_import(store, run, tmp_path):
    code, out, _ = run("store", "export", "all.gz")
    assert code == 0
    assert "all.gz: 3 blocks of .theorychecks/store" in out
    code, out, _ = run("store", "import", "all.gz", "--store=new/store")
    assert (code, out) == (0, "new/store: 3 blocks of 3 in all.gz are new")
    assert Store.existing(tmp_path / "new" / "store").names() == store.names()
    assert run("store", "import", "all.gz")[1] == ".theorychecks/store: 0 blocks of 3 in all.gz are new"


def test_some_keys_are_exported(store, run):
    code, out, _ = run("store", "export", "some.gz", "--key", key_of("a"), "--key", key_of("b"))
    assert code == 0
    assert "some.gz: 2 blocks" in out


def test_export_tells_of_what_it_left_out(store, run):
    store.path_of(block("a").name).write_bytes(b"x")
    code, out, err = run("store", "export", "all.gz")
    assert code == 0
    assert "all.gz: 2 blocks" in out
    assert err.startswith("WARNING: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["info", "--store=missing"], "there is no store at"),
        (["verify", "--store=missing"], "there is no store at"),
        (["prune", "--keep-bytes=0", "--store=missing"], "there is no store at"),
        (["export", "x.gz", "--store=missing"], "there is no store at"),
        (["export", "x.gz", "--key=abc"], ".theorychecks/store has no blocks of the key 'abc'"),
        (["import", "missing.gz"], "missing.gz cannot be read: No such file or directory"),
        (["import", "thesis.tex"], "thesis.tex, line 1: is not whole"),
        (["import", "thesis.tex", "--store=."], " is no store: it holds "),
        (["info", "--store=thesis.tex"], "thesis.tex is a file, or lies below one"),
    ],
)
def test_what_cannot_be_done_ends_with_2_and_a_line(store, run, words, said):
    with open("thesis.tex", "w") as file:
        file.write("x")
    code, out, err = run("store", *words)
    assert (code, out) == (2, "")
    assert err.startswith("theorychecks: ")
    assert said in err
    assert sorted(os.listdir()) == [".theorychecks", "thesis.tex"]


@pytest.mark.parametrize("command", ["info", "verify", "prune", "export", "import"])
def test_help_has_an_example_and_the_exit_codes(run, command):
    code, out, _ = run("store", command, "--help")
    assert code == 0
    assert f"Example: theorychecks store {command}" in out
    assert "Exit codes: 0" in out


def test_help_lists_the_commands_and_the_exit_codes(run):
    for words in ([], ["--help"]):
        out = " ".join(run("store", *words)[1:])
        assert all(each in out for each in ("info", "verify", "prune", "export", "import", "Exit codes"))
    assert "store" in run("--help")[1]


def test_the_command_is_installed_under_its_name(store):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["scripts"]["theorychecks"].partition(":")
    program = f"import {module}; {module}.{name}()"
    done = subprocess.run(
        [sys.executable, "-c", program, "store", "verify"], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
