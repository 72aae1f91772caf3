"""Whatever becomes of files: what is damaged is found, set aside and named, and the rest is what it was."""

import random

import pytest

from tests.store.samples import block, covered, same
from theorychecks.store import Store, verify


@pytest.fixture
def store(tmp_path):
    store = Store.open(tmp_path / "store")
    for number in range(300):
        store.save(block(number))
    return store


def flip_a_byte(path, draw):
    contents = bytearray(path.read_bytes())
    contents[draw.randrange(len(contents))] ^= 1 << draw.randrange(8)
    path.write_bytes(contents)


def truncate(path, draw):
    path.write_bytes(path.read_bytes()[: draw.randrange(path.stat().st_size)])


def make_unreadable(path, draw):
    # Root reads whatever its mode is.
    path.unlink()
    path.mkdir() if draw.random() < 0.5 else path.symlink_to("nowhere")


@pytest.mark.parametrize(
    ("damage", "count"),
    [(flip_a_byte, 200), (truncate, 50), (make_unreadable, 10)],
    ids=["flip", "truncate", "unreadable"],
)
@pytest.mark.parametrize("by", ["verify", "asking"])
def test_what_is_damaged_is_set_aside_and_named_and_the_rest_is_there(store, damage, count, by):
    draw = random.Random(count)
    damaged = set(draw.sample(range(300), count))
    for number in sorted(damaged):
        damage(store.path_of(block(number).name), draw)

    found = verify(store) if by == "verify" else None
    blocks = {number: store.blocks(block(number).key) for number in range(300)}

    assert {number for number in blocks if not blocks[number]} == damaged
    assert all(same(blocks[number][0], block(number)) for number in set(range(300)) - damaged)
    named = {number for number in range(300) if any(str(block(number).name) in each for each in store.problems)}
    assert named == damaged
    assert len(store.problems) == len(store.set_aside()) == count
    if found is not None:
        assert (found.blocks, found.problems) == (300 - count, store.problems)

    for number in sorted(damaged):
        store.save(block(number))
    assert verify(store).problems == ()
    assert all(covered(store.blocks(block(number).key)) == [(0, 3)] for number in damaged)
