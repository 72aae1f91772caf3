"""A store gives back what was put into it, trusts nothing else, and refuses what is no store."""

import itertools
import os
import pickle

import pytest

from tests.store.samples import block, covered, key_of, same
from tests.store.test_encoding import sealed
from theorychecks.store import NewerFormatError, Store, StoreError
from theorychecks.store.encoding import encode
from theorychecks.store.marker import NAME


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "store")


def files_in(path):
    return sorted(str(each.relative_to(path)) for each in path.rglob("*") if not each.is_dir())


def test_a_block_that_was_saved_is_there(store):
    given = block("a")
    store.save(given)
    (found,) = Store.open(store.path).blocks(given.key)
    assert same(found, given)
    assert files_in(store.path) == [f"{given.key[:2]}/{given.key}.0-3.json", NAME]
    assert store.problems == ()


def test_what_was_not_saved_is_not_there(store):
    store.save(block("a"))
    assert store.blocks(key_of("b")) == []
    store.save(block("b", first=1))
    assert store.blocks(key_of("b")) == []


def test_keys_that_are_none_are_refused(store):
    for ask in (store.blocks, lambda key: store.lock(key, patience=0).__enter__()):
        with pytest.raises(ValueError, match="64 digits"):
            ask("../../x")


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        ([(0, 3), (4, 7)], [(0, 3), (4, 7)]),
        ([(0, 3), (5, 7)], [(0, 3)]),
        ([(0, 3), (0, 7), (4, 15)], [(0, 7)]),
        ([(0, 3), (0, 1), (2, 9), (4, 5)], [(0, 3), (4, 5)]),
        ([(0, 9), (10, 99), (100, 100), (3, 200)], [(0, 9), (10, 99), (100, 100)]),
        ([(1, 3)], []),
    ],
)
def test_blocks_are_the_longest_at_each_seed_whatever_came_first(tmp_path, there, taken):
    for number, order in enumerate(itertools.islice(itertools.permutations(there), 24)):
        store = Store.open(tmp_path / str(number))
        for first, last in order:
            store.save(block("a", first=first, seeds=last - first + 1))
        assert covered(store.blocks(key_of("a"))) == taken


def test_the_first_of_two_writers_wins(store):
    first, second = block("a", seconds=1.0), block("a", seconds=2.0)
    store.save(first)
    store.save(second)
    assert not store.keep(second.name, encode(second))
    assert [each.seconds for each in store.blocks(key_of("a"))] == [1.0]


def test_a_disk_without_hard_links_will_do(store, monkeypatch):
    def no_links(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "link", no_links)
    store.save(block("a", seconds=1.0))
    store.save(block("a", seconds=2.0))
    assert [each.seconds for each in store.blocks(key_of("a"))] == [1.0]
    assert os.listdir(store.path / "writing") == []


def test_a_block_that_is_damaged_is_set_aside_and_the_next_longest_taken(store):
    for seeds in (2, 4):
        store.save(block("a", seeds=seeds))
    path = store.path_of(block("a").name)
    path.write_bytes(path.read_bytes()[:-9])

    assert covered(store.blocks(key_of("a"))) == [(0, 1)]
    (aside,) = store.set_aside()
    assert not path.exists()
    assert store.problems == (
        f"{path} does not have the checksum that it names; it counts as not measured, and lies in {aside} now",
    )
    store.save(block("a"))
    assert covered(store.blocks(key_of("a"))) == [(0, 3)]


def test_a_good_block_that_was_written_meanwhile_is_not_set_aside_with_a_bad_one(store, monkeypatch):
    store.save(block("a"))
    path, good = store.path_of(block("a").name), encode(block("a"))
    path.write_bytes(b"bad")
    rename = os.rename

    def another_is_first(one, two):
        rename(one, store.path / "elsewhere")
        path.write_bytes(good)
        rename(one, two)

    monkeypatch.setattr(os, "rename", another_is_first)
    assert store.blocks(key_of("a")) == []
    assert covered(store.blocks(key_of("a"))) == [(0, 3)]
    assert store.set_aside() == []


def test_a_block_that_cannot_be_moved_is_left_and_named(store):
    store.save(block("a"))
    path = store.path_of(block("a").name)
    path.write_bytes(b"")
    (store.path / "set_aside").write_text("in the way")
    for _ in range(3):
        assert store.blocks(key_of("a")) == []
    (problem,) = store.problems
    assert problem.startswith(
        f"{path} does not begin as a block does; it counts as not measured, and stays where it is"
    )


def test_a_newer_block_is_an_error_and_stays(store):
    store.save(block("a"))
    path = store.path_of(block("a").name)
    path.write_bytes(sealed(b"whatever\n", version=7))
    with pytest.raises(NewerFormatError, match=f"{path.name} has version 7 .* Install a newer theorychecks"):
        store.blocks(key_of("a"))
    assert path.exists()
    assert store.set_aside() == []


def in_place_of_a_file(path, kind, tmp_path):
    path.unlink()
    if kind == "directory":
        path.mkdir()
        (path / "inside").write_text("x")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "dangling link":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "link to a good block":
        (tmp_path / "good").write_bytes(encode(block("a")))
        path.symlink_to(tmp_path / "good")
    elif kind == "link to itself":
        path.symlink_to(path.name)
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    elif kind == "a large file":
        with open(path, "wb") as file:
            file.truncate(2**40)


@pytest.mark.parametrize(
    "kind",
    [
        "directory",
        "pipe",
        "dangling link",
        "link to a good block",
        "link to itself",
        "link to a device",
        "a large file",
    ],
)
def test_what_is_no_file_is_set_aside_unread(store, tmp_path, kind):
    store.save(block("a"))
    path = store.path_of(block("a").name)
    in_place_of_a_file(path, kind, tmp_path)
    assert store.blocks(key_of("a")) == []
    assert len(store.set_aside()) == len(store.problems) == 1
    assert not os.path.lexists(path)
    store.save(block("a"))
    assert covered(store.blocks(key_of("a"))) == [(0, 3)]


@pytest.mark.parametrize("kind", ["file", "link"])
@pytest.mark.parametrize("ask_first", [True, False])
def test_what_stands_for_a_folder_of_blocks_is_set_aside(store, tmp_path, kind, ask_first):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = store.path / block("a").name.folder
    folder.write_text("x") if kind == "file" else folder.symlink_to(elsewhere)
    if ask_first:
        assert store.blocks(key_of("a")) == []
    store.save(block("a"))
    assert covered(store.blocks(key_of("a"))) == [(0, 3)]
    assert len(store.set_aside()) == len(store.problems) == 1
    assert list(elsewhere.iterdir()) == []


def test_a_block_in_the_folder_of_another_is_not_read_and_is_named(store):
    store.save(block("a"))
    wrong = store.path / "00"
    wrong.mkdir()
    os.rename(store.path_of(block("a").name), wrong / str(block("a").name))
    assert store.blocks(key_of("a")) == []
    assert store.names() == []
    assert store.strays() == [wrong / str(block("a").name)]


def test_a_block_too_large_for_a_file_is_not_stored(store, monkeypatch):
    monkeypatch.setattr("theorychecks.store.directory.MOST_BYTES", 100)
    store.save(block("a"))
    (problem,) = store.problems
    assert problem.endswith("and 100 is the most")
    assert store.writing
    assert store.names() == []


def test_dear_blocks_wait_for_the_disk_and_cheap_ones_do_not(store, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    store.save(block("cheap", seconds=0.9))
    assert synced == []
    store.save(block("dear", seconds=1.0))
    assert len(synced) == 1


def test_use_is_noted_once_a_day(store):
    store.save(block("a"))
    path = store.path_of(block("a").name)
    now = path.stat().st_mtime
    for age, noted in ((23 * 3600, False), (25 * 3600, True)):
        os.utime(path, (now - age, now - age))
        store.blocks(key_of("a"))
        assert (path.stat().st_mtime > now - 3600) == noted
    os.utime(path, (1, 1))
    store.load(block("a").name)
    assert path.stat().st_mtime == 1


def test_a_store_goes_to_another_process(store):
    store.save(block("a"))
    assert covered(pickle.loads(pickle.dumps(store)).blocks(key_of("a"))) == [(0, 3)]


def test_a_directory_is_made_with_all_above_it(tmp_path):
    Store.open(tmp_path / "a" / "b" / "store")
    assert files_in(tmp_path) == [f"a/b/store/{NAME}"]


def test_an_empty_directory_becomes_a_store(tmp_path):
    (tmp_path / "writing").mkdir()  # by a process that died before it had made the marker
    assert Store.open(str(tmp_path)).writing
    assert (tmp_path / NAME).read_text() == '{"format":"theorychecks store","version":1}\n'


def test_a_directory_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(StoreError, match=r"is no store: it holds 'thesis.tex' .* Name another one by --theory-store"):
        Store.open(tmp_path)
    assert files_in(tmp_path) == ["thesis.tex"]


@pytest.mark.parametrize("below", ["", "store"])
def test_a_file_is_refused(tmp_path, below):
    file = tmp_path / "file"
    file.write_text("x")
    for way in (Store.open, Store.existing):
        with pytest.raises(StoreError, match=r"a store is a directory; .* Name another one"):
            way(file / below)


@pytest.mark.parametrize("version", [2, 999999999])
def test_a_newer_store_is_refused(store, version):
    marker = store.path / NAME
    marker.write_text(marker.read_text().replace("1", str(version)))
    with pytest.raises(NewerFormatError, match=rf"store of version {version}, .* knows up to 1\. Install a newer"):
        Store.open(store.path)


@pytest.mark.parametrize(
    "contents", [b"", b"{}", b"[" * 1000, b"x" * 2000, b'{"format":"theorychecks store","version":0}\n']
)
def test_a_damaged_marker_is_refused_with_what_it_should_say(store, contents):
    (store.path / NAME).write_bytes(contents)
    with pytest.raises(StoreError, match=r'write this line into it.*: \{"format":"theorychecks store","version":1\}'):
        Store.open(store.path)


def test_nothing_is_made_where_a_store_is_only_looked_at(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(StoreError, match=r"there is no store at .*--store=DIRECTORY"):
            Store.existing(path)
    assert files_in(tmp_path) == []
