"""Where nothing can be written a run goes on, is told so once, and finds no half of a file later.

Disks that are full or read-only are real ones, in a namespace of mounts that goes with the process which has made it.
"""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.store.samples import block, covered, key_of
from theorychecks.store import Store, StoreError, export_to, import_from, verify

ROOT = Path(__file__).parents[2]


def run(program, *arguments, unshared=False):
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
    command = ["unshare", "--mount", *command] if unshared else command
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def mounts_allowed():
    try:
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt"],
            capture_output=True,
            timeout=60,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


with_mounts = pytest.mark.skipif(not mounts_allowed(), reason="this user may mount nothing")


@with_mounts
def test_a_disk_that_fills_ends_writing_with_one_problem_and_no_torn_file(tmp_path):
    run(
        """
        import subprocess, sys
        from tests.store.samples import block
        from theorychecks.store import Store, verify
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", sys.argv[1]], check=True)
        store = Store.open(sys.argv[1] + "/store")
        assert store.writing and store.problems == ()
        for number in range(600):
            store.save(block(number))
        assert not store.writing
        (problem,) = store.problems
        assert "No space left on device" in problem, problem
        assert "Make room, or name another store" in problem, problem
        found = verify(Store.existing(store.path))
        assert 50 < found.blocks < 600 and found.problems == (), found
        assert list((store.path / "writing").iterdir()) == []
        again = Store.open(store.path)
        assert not again.writing and len(again.problems) == 1 and "No space left" in again.problems[0], again.problems
        assert len(again.blocks(block(0).key)) == 1
        """,
        tmp_path,
        unshared=True,
    )


@with_mounts
def test_a_read_only_store_is_read_and_bad_files_are_left_and_named(tmp_path):
    store = Store.open(tmp_path / "store")
    for number in range(5):
        store.save(block(number))
    store.path_of(block(0).name).write_bytes(b"x")
    run(
        """
        import subprocess, sys
        from pathlib import Path
        from tests.store.samples import block
        from theorychecks.store import Store, StoreError, prune, survey, verify
        subprocess.run(["mount", "--bind", sys.argv[1], sys.argv[1]], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", sys.argv[1]], check=True)
        store = Store.open(sys.argv[1])
        assert not store.writing
        assert len(store.problems) == 1 and "Read-only file system" in store.problems[0], store.problems
        assert store.blocks(block(0).key) == [] and store.blocks(block(0).key) == []
        assert len(store.blocks(block(1).key)) == 1
        store.save(block(9))
        with store.lock(block(9).key, patience=5) as held:
            assert not held
        assert len(store.problems) == 2 and "stays where it is (Read-only" in store.problems[1], store.problems

        looked_at = Store.existing(sys.argv[1])
        assert verify(looked_at).blocks == survey(looked_at).held.blocks == 4
        with looked_at.lock(block(9).key, patience=5) as held:
            assert not held
        try:
            prune(looked_at, keep_bytes=0)
        except StoreError as error:
            assert "cannot be deleted" in str(error)
        else:
            raise AssertionError
        new = Store.open(Path(sys.argv[1]) / "below" / "it")
        assert not new.writing and new.blocks(block(1).key) == [] and len(new.problems) == 1
        """,
        store.path,
        unshared=True,
    )
    assert store.names() == sorted(block(number).name for number in range(5))


def test_files_that_may_not_grow_end_writing_too(tmp_path):
    run(
        """
        import resource, sys
        from tests.store.samples import block
        from theorychecks.store import Store
        store = Store.open(sys.argv[1])
        store.save(block("before"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
        store.save(block("after"))
        store.save(block("later"))
        assert not store.writing
        (problem,) = store.problems
        assert "File too large" in problem, problem
        """,
        tmp_path / "store",
    )
    store = Store.open(tmp_path / "store")
    assert covered(store.blocks(key_of("before"))) == [(0, 3)]
    assert store.names() == [block("before").name]
    assert list((store.path / "writing").iterdir()) == []


def test_a_store_that_is_deleted_under_a_run_is_not_made_again(tmp_path):
    store = Store.open(tmp_path / "store")
    (store.path / "theorychecks-store.json").unlink()
    for folder in store.path.iterdir():
        folder.rmdir()
    store.path.rmdir()
    assert store.blocks(key_of("a")) == []
    store.save(block("a"))
    store.save(block("b"))
    assert not store.path.exists()
    (problem,) = store.problems
    assert "No such file or directory" in problem


def test_an_interrupt_while_writing_leaves_nothing_behind(tmp_path, monkeypatch):
    store = Store.open(tmp_path / "store")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.save(block("a", seconds=5.0))
    assert list((store.path / "writing").iterdir()) == []
    assert store.names() == []


def test_a_process_without_means_sets_nothing_aside(tmp_path, monkeypatch):
    store = Store.open(tmp_path / "store")
    store.save(block("a"))

    def too_many(*_):
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("os.open", too_many)
        assert store.load(block("a").name) is None
    assert "Too many open files" in store.problems[0]
    assert covered(store.blocks(key_of("a"))) == [(0, 3)]


def test_an_import_into_a_full_store_says_how_far_it_came(tmp_path):
    store = Store.open(tmp_path / "store")
    for number in range(4):
        store.save(block(number))
    archive = tmp_path / "all.gz"
    export_to(archive, store)
    other = Store.open(tmp_path / "other")
    keep, kept = other.keep, []

    def full_after_two(name, contents, **more):
        if len(kept) == 2:
            other._stop_writing(OSError(28, "No space left on device"))
        kept.append(name)
        return keep(name, contents, **more)

    other.keep = full_after_two
    with pytest.raises(StoreError, match=r"No space left on device.* 2 blocks were imported; import again"):
        import_from(archive, other)
    assert verify(other).blocks == 2
    assert import_from(archive, Store.open(other.path)).new == 2
