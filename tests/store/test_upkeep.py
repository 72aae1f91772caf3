"""What a store holds is counted, what is unsound is found, and what is of no use goes first."""

import os
import time

import pytest

from tests.store.samples import block, key_of
from tests.store.test_encoding import sealed
from theorychecks.store import Store, prune, survey, verify
from theorychecks.store.encoding import encode

DAY = 86400.0


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "store")


def size(given):
    return len(encode(given))


def test_a_survey_counts_cells_blocks_bytes_and_time_by_title(store):
    moved = [
        block("a"),
        block("a", first=4, date="2026-05-01T00:00:00+00:00"),
        block("b", date="2026-01-09T00:00:00+00:00"),
    ]
    drifted = [block("c", title="kernel drift", seconds=2.0)]
    for each in moved + drifted:
        store.save(each)
    found = survey(store)
    assert (found.held.cells, found.held.blocks, found.held.seconds) == (3, 4, 2.75)
    assert found.held.bytes == sum(map(size, moved + drifted))
    assert list(found.by_title) == ["hidden weight change", "kernel drift"]
    assert found.by_title["kernel drift"].cells == 1
    assert found.by_title["hidden weight change"].bytes == sum(map(size, moved))
    assert (found.first, found.last) == ("2026-01-09T00:00:00+00:00", "2026-05-01T00:00:00+00:00")
    assert found.set_aside == 0


def test_a_survey_of_nothing_is_empty(store):
    found = survey(store)
    assert (found.held.cells, found.held.bytes, found.by_title, found.first) == (0, 0, {}, None)


def test_a_store_that_is_sound_verifies(store):
    for name in "abc":
        store.save(block(name))
    found = verify(store)
    assert (found.blocks, found.problems) == (3, ())


def test_verifying_names_all_that_is_not_as_it_should_be(store):
    for name in "abcd":
        store.save(block(name))
    store.path_of(block("a").name).write_bytes(b"")
    store.path_of(block("b").name).write_bytes(sealed(b"x\n", version=2))
    stray = store.path / block("c").name.folder / "notes.txt"
    stray.write_text("x")
    (stray.parent / ".hidden").write_text("of the system")
    found = verify(store)
    assert found.blocks == 2
    bad, newer, other = found.problems
    assert "does not begin as a block does" in bad
    assert "has version 2" in newer
    assert str(stray) in other
    assert "is no block" in other
    assert stray.exists()
    assert store.path_of(block("b").name).exists()
    assert survey_without_newer(store) == 1


def survey_without_newer(store):
    store.path_of(block("b").name).unlink()
    return survey(store).set_aside


def used(store, name, days_ago):
    at = time.time() - days_ago * DAY
    os.utime(store.path_of(block(name).name), (at, at))


@pytest.fixture
def aged(store):
    """Four blocks that were of use 40, 20, 10 and 0 days ago."""
    for name, days in zip("abcd", (40, 20, 10, 0), strict=True):
        store.save(block(name))
        used(store, name, days)
    return store


def names(store):
    return {each for each in "abcd" if block(each).name in store.names()}


@pytest.mark.parametrize(("days", "left"), [(50, "abcd"), (30, "bcd"), (15, "cd"), (1, "d")])
def test_blocks_that_were_of_no_use_for_long_go(aged, days, left):
    found = prune(aged, unused_for=days * DAY)
    assert names(aged) == set(left)
    assert (found.gone, found.left) == (4 - len(left), len(left))
    assert found.bytes_left == sum(size(block(each)) for each in left)


@pytest.mark.parametrize(("blocks", "left"), [(9, "abcd"), (4, "abcd"), (3.99, "bcd"), (2, "cd"), (0, "")])
def test_the_least_recently_used_go_until_the_rest_is_small_enough(aged, blocks, left):
    assert len({size(block(each)) for each in "abcd"}) == 1
    found = prune(aged, keep_bytes=int(blocks * size(block("a"))))
    assert names(aged) == set(left)
    assert found.bytes_gone == (4 - len(left)) * size(block("a"))


def test_of_two_rules_both_hold(aged):
    prune(aged, unused_for=15 * DAY, keep_bytes=3 * size(block("a")))
    assert names(aged) == {"c", "d"}
    prune(aged, unused_for=15 * DAY, keep_bytes=size(block("a")))
    assert names(aged) == {"d"}


def test_a_block_that_a_run_took_is_of_use(aged):
    aged.blocks(key_of("a"))
    prune(aged, unused_for=15 * DAY)
    assert names(aged) == {"a", "c", "d"}


def test_looking_at_a_store_is_no_use_of_it(aged):
    survey(aged)
    verify(aged)
    prune(aged, unused_for=15 * DAY)
    assert names(aged) == {"c", "d"}


def test_only_blocks_go(aged):
    stray = aged.path / block("a").name.folder / "notes.txt"
    stray.write_text("x")
    prune(aged, keep_bytes=0)
    assert stray.exists()
    assert Store.existing(aged.path).names() == []
