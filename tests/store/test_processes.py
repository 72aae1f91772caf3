"""Many processes on one store, some of which are killed: nothing is lost, torn, or there twice."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from tests.store import processes
from tests.store.samples import block, covered, key_of
from tests.trials import SECONDS
from theorychecks.leftovers import HOST
from theorychecks.store import Store, files, verify

ROOT = Path(__file__).parents[2]


def run(*arguments):
    command = [sys.executable, "-m", "tests.store.processes", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check_filled(path):
    """All that eight writers have written is there once, sound, and nothing else is."""
    store = Store.existing(path)
    keys = 9 * processes.KEYS
    assert len(store.names()) == keys * processes.BLOCKS
    ends = [(at, at + processes.SEEDS - 1) for at in range(0, processes.BLOCKS * processes.SEEDS, processes.SEEDS)]
    for name in {each.key for each in store.names()}:
        assert covered(store.blocks(name)) == ends
    assert store.problems == ()
    assert os.listdir(path / "writing") == []
    assert store.set_aside() == []


def test_eight_processes_lose_and_tear_nothing(tmp_path):
    rounds = run("together", tmp_path, 0)["rounds"]
    check_filled(tmp_path / str(rounds - 1))


@pytest.mark.slow
def test_eight_processes_lose_and_tear_nothing_for_long(tmp_path, record_property):
    rounds = run("together", tmp_path, SECONDS)["rounds"]
    for number in range(rounds):
        check_filled(tmp_path / str(number))
    blocks = rounds * 9 * processes.KEYS * processes.BLOCKS
    record_property("counted", {"seconds": SECONDS, "stores filled": rounds, "blocks, each there once": blocks})


def check_kills(path, kills):
    Store.open(path)
    left = run("killed", path, kills)["most left"]
    store = Store.open(path)
    assert left <= 2  # swept by the next one
    assert os.listdir(path / "writing") == []
    assert store.names() != []
    assert verify(store).problems == ()


def test_writers_that_are_killed_leave_no_torn_file(tmp_path):
    check_kills(tmp_path / "store", 12)


@pytest.mark.slow
def test_many_writers_that_are_killed_leave_no_torn_file(tmp_path):
    check_kills(tmp_path / "store", 200)


def test_only_one_of_eight_measures_under_a_lock(tmp_path):
    assert run("locked", tmp_path / "store")["statuses"] == [0] * 8
    assert len((tmp_path / "store" / "measured.log").read_text().splitlines()) == 1
    assert os.listdir(tmp_path / "store" / "locks") == []


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "store")


def test_a_lock_that_another_holds_is_waited_for_no_longer_than_was_said(store):
    (store.path / "locks").mkdir()
    holder = "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print(flush=True); sys.stdin.read()"
    path = store.path / "locks" / f"{key_of('a')}.lock"
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        other.stdout.readline()
        with store.lock(key_of("a"), patience=0.2) as held:
            assert not held
        with store.lock(key_of("b"), patience=0) as held:
            assert held
        Store.open(store.path)
        assert path.exists()
        other.kill()
    with store.lock(key_of("a"), patience=30) as held:
        assert held


def test_a_lock_within_the_same_lock_is_not_held_and_waits_for_nothing(store):
    with store.lock(key_of("a"), patience=0) as outer, store.lock(key_of("a"), patience=0) as inner:
        assert (outer, inner) == (True, False)
    with store.lock(key_of("a"), patience=0) as again:
        assert again


@pytest.mark.parametrize("error", [OSError(38, "not here"), NotImplementedError("no locks"), RuntimeError("deadlock")])
def test_where_there_are_no_locks_the_work_is_done_all_the_same(store, monkeypatch, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with store.lock(key_of("a"), patience=1) as held:
        assert not held
    assert store.problems == ()


def test_an_error_under_a_lock_is_the_one_that_is_seen(store):
    with pytest.raises(ZeroDivisionError), store.lock(key_of("a"), patience=0):
        _ = 1 / 0
    with store.lock(key_of("a"), patience=0) as held:
        assert held


def aged(path, seconds):
    path.write_bytes(b"half of a")
    at = time.time() - seconds
    os.utime(path, (at, at))
    return path


def test_temporary_files_of_the_dead_are_swept_and_those_of_the_living_stay(store):
    writing = store.path / "writing"
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    here = HOST
    gone = [
        aged(writing / f"{dead.pid}.0123456789abcdef.{here}.tmp", 0),
        aged(writing / f"{os.getpid()}.0123456789abcdef.{here}.tmp", 25 * 3600),
        aged(writing / f"{dead.pid}.0123456789abcdef.elsewhere.tmp", 25 * 3600),
    ]
    stay = [
        aged(writing / f"{os.getpid()}.1123456789abcdef.{here}.tmp", 23 * 3600),
        aged(writing / f"{dead.pid}.1123456789abcdef.elsewhere.tmp", 23 * 3600),
        aged(writing / "thesis.tex", 25 * 3600),
    ]
    Store.open(store.path)
    assert [path.name for path in gone if path.exists()] == []
    assert [path.name for path in stay if not path.exists()] == []


def test_locks_of_the_dead_are_swept_and_those_that_are_held_stay(store):
    (store.path / "locks").mkdir()
    dead = aged(store.path / "locks" / f"{key_of('a')}.lock", 0)
    other = aged(store.path / "locks" / "thesis.tex", 0)
    with store.lock(key_of("b"), patience=0):
        Store.open(store.path)
        assert sorted(os.listdir(store.path / "locks")) == sorted([f"{key_of('b')}.lock", other.name])
    assert not dead.exists()


def test_where_there_are_no_locks_those_of_the_dead_are_swept_after_a_day(store, monkeypatch):
    def refuse(*_, **__):
        raise NotImplementedError("no locks")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    (store.path / "locks").mkdir()
    old = aged(store.path / "locks" / f"{key_of('a')}.lock", 25 * 3600)
    young = aged(store.path / "locks" / f"{key_of('b')}.lock", 23 * 3600)
    Store.open(store.path)
    assert not old.exists()
    assert young.exists()


def test_a_temporary_file_names_host_process_and_chance(store, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "link", lambda one, _: seen.append(one.name))
    for name in "ab":
        store.save(block(name))
    assert len(set(seen)) == 2
    assert all(files._TEMPORARY.fullmatch(each)[1] == str(os.getpid()) for each in seen)
    assert all(files._TEMPORARY.fullmatch(each)[2] == HOST for each in seen)


def test_a_temporary_file_that_another_takes_away_is_written_again(store, monkeypatch):
    link, calls = os.link, []

    def swept_before_the_first(one, two):
        calls.append(one)
        if len(calls) == 1:
            os.unlink(one)
        link(one, two)

    monkeypatch.setattr(os, "link", swept_before_the_first)
    store.save(block("a"))
    assert covered(store.blocks(key_of("a"))) == [(0, 3)]
    assert store.problems == ()
    assert len(calls) == 2
