"""Evidence is an archive that is read when it is asked for, and trusted as a whole or not at all."""

import gzip

import pytest

from tests.store.samples import block, covered, key_of, same
from theorychecks.store import Evidence, Store, StoreError, export_to, write_archive
from theorychecks.store.archive import read_archive

BLOCKS = [block("a"), block("a", first=4), block("b", seeds=2)]


@pytest.fixture
def path(tmp_path):
    place = tmp_path / "claim.jsonl.gz"
    assert write_archive(place, reversed(BLOCKS)) == 3
    return place


def test_what_is_written_is_read_whatever_the_order(path):
    found = read_archive(path)
    assert len(found) == 3
    assert all(same(one, other) for one, other in zip(found, sorted(BLOCKS, key=lambda b: b.name), strict=True))


def test_equal_blocks_make_the_archive_that_an_export_of_a_store_makes(path, tmp_path):
    store = Store.open(tmp_path / "store")
    for each in BLOCKS:
        store.save(each)
    export_to(tmp_path / "exported", store)
    assert (tmp_path / "exported").read_bytes() == path.read_bytes()


def test_blocks_of_a_key_are_consecutive(path):
    evidence = Evidence(path, "LZ-1")
    assert covered(evidence.blocks(key_of("a"))) == [(0, 3), (4, 7)]
    assert covered(evidence.blocks(key_of("b"))) == [(0, 1)]
    assert evidence.problems == ()


def test_a_gap_ends_them(tmp_path):
    write_archive(tmp_path / "file", [block("a"), block("a", first=5), block("b", first=1)])
    evidence = Evidence(tmp_path / "file", "LZ-1")
    assert covered(evidence.blocks(key_of("a"))) == [(0, 3)]
    assert evidence.blocks(key_of("b")) == []
    assert evidence.problems == ()


def test_keys_that_it_lacks_are_said_once(path):
    evidence = Evidence(path, "LZ-1")
    assert evidence.blocks(key_of("c")) == evidence.blocks(key_of("d")) == []
    (problem,) = evidence.problems
    assert problem.startswith("the evidence of LZ-1 was measured by other code")


def test_where_there_is_none_there_is_nothing_to_say(tmp_path):
    evidence = Evidence(tmp_path / "nowhere" / "file", "LZ-1")
    assert evidence.blocks(key_of("a")) == []
    assert evidence.problems == ()


def test_it_is_read_once_and_not_before_it_is_asked_for(path):
    evidence = Evidence(path, "LZ-1")
    write_archive(path, [block("c")])
    assert len(evidence.blocks(key_of("c"))) == 1
    path.unlink()
    assert len(evidence.blocks(key_of("c"))) == 1


@pytest.mark.parametrize("place", [1, -30, 200])
def test_a_flipped_byte_anywhere_costs_all_of_it(path, place):
    contents = bytearray(path.read_bytes())
    contents[place] ^= 1
    path.write_bytes(contents)
    evidence = Evidence(path, "LZ-1")
    assert evidence.blocks(key_of("a")) == evidence.blocks(key_of("b")) == []
    (problem,) = evidence.problems
    assert problem.startswith(str(path))
    assert "The evidence of LZ-1 is passed over (--theory-evidence=write writes it again)" in problem
    assert "imported" not in problem


def test_what_is_no_file_is_passed_over(tmp_path):
    evidence = Evidence(tmp_path, "LZ-1")
    assert evidence.blocks(key_of("a")) == []
    assert "cannot be read: Is a directory" in evidence.problems[0]


def test_where_it_cannot_be_written_what_was_there_stays(path, tmp_path):
    before = path.read_bytes()
    with pytest.raises(StoreError, match="cannot be written"):
        write_archive(tmp_path / "nowhere" / "file", BLOCKS)
    with pytest.raises(StoreError, match="nothing of the kind"):
        write_archive(path, failing())
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert gzip.decompress(before)


def failing():
    raise StoreError("nothing of the kind")
    yield
