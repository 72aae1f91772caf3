"""What a stored block may hold, and what its file is called."""

import re

import numpy as np
import pytest

from tests.store.samples import block, key_of
from theorychecks.statistics import Parts, Status
from theorychecks.store import StoredBlock, StoredReading
from theorychecks.store.blocks import BlockName, parsed_name

READING = StoredReading(np.zeros(2))
GIVEN = {
    "key": key_of("a"),
    "first": 0,
    "seeds": 2,
    "readings": {Parts(): READING},
    "seconds": 1.0,
    "flops": 1.0,
    "trainings": 2,
}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("key", key_of("a").upper(), "64 digits, 0-9 and a-f"),
        ("key", "../../etc/passwd", "64 digits"),
        ("key", 7, "64 digits"),
        ("first", -1, "first of a stored block is a whole number, 0 or above; got -1"),
        ("first", 2**63, r"below 2\^63"),
        ("seeds", 0, "seeds of a stored block is a positive integer; got 0"),
        ("seeds", 3, "block of 3 seeds has 2 values"),
        ("trainings", 0.5, "trainings of a stored block"),
        ("readings", {}, "a reading or more"),
        ("readings", {Parts(step=2**63): READING}, r"below 2\^63; got 9223372036854775808"),
    ],
)
def test_a_block_that_is_none_is_refused(field, value, words):
    StoredBlock(**GIVEN)
    with pytest.raises(ValueError, match=words):
        StoredBlock(**GIVEN | {field: value})


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("seconds", "fast", "seconds of a stored block is a real number"),
        ("readings", {"name": READING}, "readings map Parts to StoredReading"),
        ("readings", {Parts(): np.zeros(2)}, "readings map Parts to StoredReading"),
        ("description", {"title": 3}, r"description\['title'\] is a text"),
        ("provenance", {3: "date"}, "a label of provenance is a text"),
    ],
)
def test_a_field_of_another_type_is_refused(field, value, words):
    with pytest.raises(TypeError, match=words):
        StoredBlock(**GIVEN | {field: value})


@pytest.mark.parametrize(
    "values",
    [[1.0], np.zeros((2, 2)), np.zeros(2, int), np.zeros(2, complex), np.array(["1"]), np.zeros(2, object), 1.0],
    ids=repr,
)
def test_a_reading_without_one_float_a_seed_is_refused(values):
    with pytest.raises(TypeError, match=r"one number a seed, a numpy array \[seed\] of float16, float32, float64"):
        StoredReading(values)


def test_statuses_are_one_for_each_seed():
    assert StoredReading(np.zeros(2), [None, Status.ABOVE]).statuses == (None, Status.ABOVE)
    with pytest.raises(ValueError, match="one status a seed; got 1 for 2"):
        StoredReading(np.zeros(2), (None,))
    with pytest.raises(TypeError, match="None or a Status"):
        StoredReading(np.zeros(2), (None, "diverged"))


def test_values_are_kept_in_the_order_of_this_machine_and_apart_from_what_was_given():
    given = np.array([1.0, 9.0, 2.0, 9.0], ">f4")
    reading = StoredReading(given[::2])
    given[:] = 0
    assert reading.values.dtype == np.float32
    assert reading.values.dtype.isnative
    assert reading.values.tolist() == [1, 2]


def test_names_are_read_as_they_are_written():
    name = block("a", first=3, seeds=2).name
    assert str(name) == f"{key_of('a')}.3-4.json"
    assert parsed_name(str(name)) == name == BlockName(key_of("a"), 3, 4)
    assert name.folder == key_of("a")[:2]


@pytest.mark.parametrize(
    ("pattern", "by"),
    [
        (r"\.3-4", ".4-3"),
        (r"\.3-4", ".03-4"),
        (r"\.3-4", ".3-4-5"),
        (r"\.3-4", ".-3-4"),
        (r"\.3-4", ".3-99999999999999999"),
        (r"\.3-4", ".٣-٤"),
        (r"\.json", ".json\n"),
        (r"\.json", ".json.tmp"),
        (r"^", "../"),
        (r"^..", "AB"),
        (r"^.", ""),
    ],
)
def test_other_names_are_no_blocks(pattern, by):
    text = str(block("a", first=3, seeds=2).name)
    changed = re.sub(pattern, lambda _: by, text, count=1)
    assert changed != text
    assert parsed_name(changed) is None
