"""An archive holds the very files, is the same wherever it is made, and is checked whole before anything is written."""

import gzip
import json
import os
import re
import tracemalloc

import pytest

from tests.store.samples import block, covered, key_of, same
from tests.store.test_encoding import sealed
from theorychecks.store import NewerFormatError, Store, StoreError, archive, export_to, import_from
from theorychecks.store.encoding import encode
from theorychecks.store.marker import NAME

HEADER = b'{"format":"theorychecks archive","version":1}\n'
BLOCKS = [block(name, first=first, seconds=0.5) for name in "abc" for first in (0, 4, 12)]


@pytest.fixture
def store(tmp_path):
    store = Store.open(tmp_path / "store")
    for each in BLOCKS:
        store.save(each)
    return store


@pytest.fixture
def other(tmp_path):
    return Store.open(tmp_path / "other")


def line(name, contents):
    return (
        json.dumps({"name": str(name), "text": contents.decode()}, sort_keys=True, separators=(",", ":")).encode()
        + b"\n"
    )


def packed(path, *lines):
    path.write_bytes(gzip.compress(b"".join(lines)))
    return path


def good_lines():
    return [line(each.name, encode(each)) for each in sorted(BLOCKS, key=lambda each: each.name)]


def contents(store):
    return {name: store.path_of(name).read_bytes() for name in store.names()}


def test_blocks_travel_as_the_very_files(store, other, tmp_path):
    assert export_to(tmp_path / "all.gz", store) == 9
    assert import_from(tmp_path / "all.gz", other) == archive.Moved(blocks=9, new=9)
    assert contents(other) == contents(store) == {each.name: encode(each) for each in BLOCKS}
    assert gzip.decompress((tmp_path / "all.gz").read_bytes()) == b"".join([HEADER, *good_lines()])


def test_equal_stores_make_equal_bytes(store, other, tmp_path):
    for each in reversed(BLOCKS):
        other.save(each)
        os.utime(other.path_of(each.name), (1, 1))
    export_to(tmp_path / "one.gz", store)
    export_to(tmp_path / "two.jsonl.gz", other)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.jsonl.gz").read_bytes()
    other.save(block("d"))
    export_to(tmp_path / "two.jsonl.gz", other)
    assert (tmp_path / "one.gz").read_bytes() != (tmp_path / "two.jsonl.gz").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["one.gz", "other", "store", "two.jsonl.gz"]


def test_some_keys_are_exported(store, other, tmp_path):
    assert export_to(tmp_path / "b.gz", store, [key_of("b")]) == 3
    import_from(tmp_path / "b.gz", other)
    assert {name.key for name in other.names()} == {key_of("b")}
    with pytest.raises(StoreError, match=f"no blocks of the key '{key_of('z')}'"):
        export_to(tmp_path / "z.gz", store, [key_of("a"), key_of("z")])
    assert not (tmp_path / "z.gz").exists()


def test_an_empty_store_exports_nothing(other, tmp_path):
    with pytest.raises(StoreError, match="no blocks to export"):
        export_to(tmp_path / "all.gz", other)


def test_what_is_damaged_is_not_exported_and_is_a_problem(store, other, tmp_path):
    store.path_of(BLOCKS[0].name).write_bytes(b"x")
    assert export_to(tmp_path / "all.gz", store) == 8
    assert len(store.problems) == 1
    assert import_from(tmp_path / "all.gz", other).new == 8


def test_blocks_that_are_there_stay_and_damaged_ones_are_replaced(store, other, tmp_path):
    export_to(tmp_path / "all.gz", store)
    mine = block("a", seconds=9.0)
    other.save(mine)
    other.save(BLOCKS[1])
    other.path_of(BLOCKS[1].name).write_bytes(b"x")
    assert import_from(tmp_path / "all.gz", other).new == 8
    assert same(other.load(mine.name), mine)
    assert same(other.load(BLOCKS[1].name), BLOCKS[1])
    assert import_from(tmp_path / "all.gz", other).new == 0


A, B = (line(block(name).name, encode(block(name))) for name in sorted("ab", key=key_of))
EVIL = encode(block("a"))


@pytest.mark.parametrize(
    ("lines", "number", "words"),
    [
        pytest.param([], 1, "ends before a block", id="empty"),
        pytest.param([HEADER], 1, "ends before a block", id="no blocks"),
        pytest.param([A], 1, "does not begin as an archive does", id="no header"),
        pytest.param([HEADER.replace(b"1", b"0"), A], 1, "does not begin as an archive does", id="version 0"),
        pytest.param([HEADER, A, HEADER, B], 3, "holds no block", id="a header in the middle"),
        pytest.param([HEADER, B, A], 3, "does not come after", id="another order"),
        pytest.param([HEADER, A, A], 3, "does not come after", id="a block twice"),
        pytest.param([HEADER, A, b"\n"], 3, "holds no block", id="an empty line"),
        pytest.param([HEADER, A, B[:-1]], 3, "not written as an export", id="no end of the line"),
        pytest.param([HEADER, A, B.replace(b":", b": ", 1)], 3, "not written as an export", id="a space"),
        pytest.param([HEADER, A, B.replace(b"0.25", b"0.75")], 3, "checksum", id="a number changed"),
        pytest.param([HEADER, line("../../x", EVIL)], 2, "has the name '../../x'", id="path traversal"),
        pytest.param([HEADER, line("/etc/passwd", EVIL)], 2, "has the name '/etc/passwd'", id="an absolute path"),
        pytest.param([HEADER, line(f"../{block('a').name}", EVIL)], 2, "no block has such a name", id="a path before"),
        pytest.param([HEADER, line(block("b").name, EVIL)], 2, "which is another name", id="the name of another"),
        pytest.param([HEADER, line(block("a").name, b'{"__reduce__":["os.system",["x"]]}')], 2, "begin", id="code"),
        pytest.param([HEADER, b"[" * 1_000_000 + b"\n"], 2, "holds no block", id="deep lists"),
        pytest.param([HEADER, b'{"name":1,"text":2}\n'], 2, "holds no block", id="numbers"),
        pytest.param([HEADER, b'{"name":"a","text":NaN}\n'], 2, "holds no block", id="a NaN"),
        pytest.param([HEADER, b"9" * 5000 + b"\n"], 2, "holds no block", id="a huge integer"),
        pytest.param([HEADER, b"null\n"], 2, "holds no block", id="null"),
    ],
)  # fmt: skip
def test_an_archive_that_is_none_is_refused_with_its_line_and_nothing_written(other, tmp_path, lines, number, words):
    path = packed(tmp_path / "bad.gz", *lines)
    with pytest.raises(
        StoreError, match=rf"bad\.gz, line {number}: .*{re.escape(words)}.* Nothing was imported\. Export it anew"
    ):
        import_from(path, other)
    assert sorted(os.listdir(other.path)) == [NAME, "writing"]
    assert sorted(os.listdir(tmp_path)) == ["bad.gz", "other"]


def test_the_lines_of_these_archives_would_be_good_ones(other, tmp_path):
    assert import_from(packed(tmp_path / "good.gz", HEADER, A, B), other).new == 2
    assert covered(other.blocks(key_of("a"))) == [(0, 3)]


def test_no_byte_of_an_archive_changes_what_is_imported_unseen(tmp_path, store):
    """Some bytes of gzip say nothing (the time, the system); the blocks are the same whatever they are."""
    export_to(tmp_path / "all.gz", store, [key_of("a")])
    whole, wanted = (tmp_path / "all.gz").read_bytes(), {each.name for each in BLOCKS if each.key == key_of("a")}
    for place in range(0, len(whole), 7):
        (tmp_path / "bad.gz").write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        new = Store.open(tmp_path / f"new {place}")
        try:
            import_from(tmp_path / "bad.gz", new)
        except StoreError:
            assert new.names() == []
        else:
            assert place < 10
            assert contents(new) == {name: contents(store)[name] for name in wanted}


@pytest.mark.parametrize("keep", [0, 5, 30, 300, -9, -1])
def test_an_archive_that_ends_too_soon_is_refused(store, other, tmp_path, keep):
    export_to(tmp_path / "all.gz", store)
    (tmp_path / "all.gz").write_bytes((tmp_path / "all.gz").read_bytes()[:keep])
    with pytest.raises(StoreError, match=r"all\.gz, line .*Nothing was imported"):
        import_from(tmp_path / "all.gz", other)
    assert other.names() == []


def test_what_comes_after_an_archive_is_refused(store, other, tmp_path):
    export_to(tmp_path / "all.gz", store)
    whole = (tmp_path / "all.gz").read_bytes()
    for tail in (b"x", whole):
        (tmp_path / "all.gz").write_bytes(whole + tail)
        with pytest.raises(StoreError, match="Nothing was imported"):
            import_from(tmp_path / "all.gz", other)
    assert other.names() == []


@pytest.mark.parametrize("unit", [b"\0", b"\n", b" "], ids=repr)
def test_a_bomb_fills_neither_memory_nor_disk(other, tmp_path, unit):
    with gzip.open(tmp_path / "bomb.gz", "wb") as bomb:
        bomb.write(HEADER)
        for _ in range(128):
            bomb.write(unit * 2**20)
    assert (tmp_path / "bomb.gz").stat().st_size < 2**18
    tracemalloc.start()
    with pytest.raises(StoreError, match=r"is too large: a line has 33,554,688 bytes at most|holds no block"):
        import_from(tmp_path / "bomb.gz", other)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2**27
    assert other.names() == []


def test_blocks_beyond_a_gibibyte_are_refused(store, other, tmp_path, monkeypatch):
    assert archive.MOST_UNPACKED == 2**30
    export_to(tmp_path / "all.gz", store)
    monkeypatch.setattr(archive, "MOST_UNPACKED", len(b"".join([HEADER, *good_lines()])) - 1)
    with pytest.raises(StoreError, match=r"line 10: is too large"):
        import_from(tmp_path / "all.gz", other)
    with pytest.raises(StoreError, match="Export some keys at a time"):
        export_to(tmp_path / "again.gz", store)
    assert sorted(os.listdir(tmp_path)) == ["all.gz", "other", "store"]


def test_newer_archives_and_newer_blocks_in_them_are_refused_by_name(other, tmp_path):
    with pytest.raises(NewerFormatError, match=r"line 1: is of version 2 of archives"):
        import_from(packed(tmp_path / "new.gz", HEADER.replace(b"1", b"2"), A), other)
    newer = line(block("a").name, sealed(b"x\n", version=3))
    with pytest.raises(NewerFormatError, match=r"line 2: .* has version 3 of the format of blocks"):
        import_from(packed(tmp_path / "new.gz", HEADER, newer), other)


def test_places_that_are_none_are_refused(store, other, tmp_path):
    with pytest.raises(StoreError, match=r"cannot be written: .*Name a file that can be"):
        export_to(tmp_path / "missing" / "all.gz", store)
    with pytest.raises(StoreError, match=r"cannot be written: Is a directory"):
        export_to(other.path, store)
    with pytest.raises(StoreError, match=r"missing cannot be read: No such file"):
        import_from(tmp_path / "missing", other)
    with pytest.raises(StoreError, match=r"cannot be read: Is a directory"):
        import_from(tmp_path, other)
    assert sorted(os.listdir(tmp_path)) == ["other", "store"]


def test_links_in_a_store_are_no_part_of_an_export(store, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    store.path_of(block("z").name).parent.mkdir(exist_ok=True)
    store.path_of(block("z").name).symlink_to(secret)
    export_to(tmp_path / "all.gz", store)
    assert b"secret" not in gzip.decompress((tmp_path / "all.gz").read_bytes())
    assert any("is a link" in problem for problem in store.problems)
    assert secret.read_text() == "x"
