"""A file holds every number to the last bit, and is exactly what was written."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.store.samples import block, key_of, same
from theorychecks.statistics import Parts, Status
from theorychecks.store import NewerFormatError, StoredBlock, StoredReading
from theorychecks.store.encoding import decode, encode
from theorychecks.store.errors import DamagedError
from theorychecks.store.floats import from_json, to_json

BITS = {"float16": np.uint16, "float32": np.uint32, "float64": np.uint64}

steady = settings(
    max_examples=200,
    derandomize=True,
    database=None,
    # No race with the clock of a busy machine.
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def any_bits(dtype):
    """Every pattern of bits: normal numbers, denormals, both zeros and infinities, and NaNs of each kind."""
    whole = np.iinfo(BITS[dtype])
    return arrays(BITS[dtype], st.integers(1, 6), elements=st.integers(0, int(whole.max))).map(
        lambda bits: bits.view(dtype)
    )


def any_values():
    return st.sampled_from(sorted(BITS)).flatmap(
        lambda dtype: any_bits(dtype) | arrays(dtype, st.integers(1, 6), elements=st.floats(width=int(dtype[5:])))
    )


def of(readings, seeds, **more):
    given = {"key": key_of("x"), "first": 0, "seconds": 1.0, "flops": 0.0, "trainings": 0, **more}
    return StoredBlock(readings=readings, seeds=seeds, **given)


@steady
@given(values=any_values())
def test_numbers_come_back_to_the_last_bit(values):
    back = from_json(json.loads(json.dumps(to_json(values), allow_nan=False)), values.dtype.name)
    assert back.dtype == values.dtype
    assert back.tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("dtype", "bits", "text"),
    [
        ("float64", 0x7FF8000000000000, "nan"),
        ("float64", 0xFFF8000000000000, "nan:fff8000000000000"),  # 0 / 0 on x86
        ("float64", 0x7FF0000000000001, "nan:7ff0000000000001"),  # a signalling one
        ("float32", 0x7FC00000, "nan"),
        ("float32", 0xFFC00001, "nan:ffc00001"),
        ("float32", 0xFF800000, "-inf"),
        ("float16", 0x7C00, "inf"),
        ("float64", 0x8000000000000000, -0.0),
        ("float64", 1, 5e-324),
        ("float32", 1, 1e-45),
        ("float32", 0x3DCCCCCD, 0.1),
    ],
)
def test_special_numbers_have_their_texts(dtype, bits, text):
    values = np.array([bits], BITS[dtype]).view(dtype)
    assert repr(to_json(values)) == repr([text])
    assert from_json([text], dtype).tobytes() == values.tobytes()


@steady
@given(
    values=any_values(),
    first=st.integers(0, 2**40),
    exact=st.booleans(),
    parts=st.dictionaries(
        st.text(max_size=5), st.integers(-(2**62), 2**62) | st.text(min_size=1, max_size=9), max_size=3
    ),
    labels=st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3),
    seconds=st.floats(),
    data=st.data(),
)
def test_blocks_come_back_to_the_last_bit(values, first, exact, parts, labels, seconds, data):
    seeds = len(values)
    each = st.none() | st.sampled_from(Status)
    statuses = data.draw(st.none() | st.lists(each, min_size=seeds, max_size=seeds).map(tuple))
    readings = {
        Parts(parts): StoredReading(values, statuses, exact),
        Parts(another_one=1): StoredReading(np.zeros(seeds)),
    }
    given = of(readings, seeds, first=first, seconds=seconds, provenance=labels, description=labels)
    back = decode(encode(given), given.name)

    assert [list(each.items()) for each in back.readings] == [list(each.items()) for each in readings]
    reading = back.readings[Parts(parts)]
    assert (reading.statuses, reading.exact, reading.values.dtype) == (statuses, exact, values.dtype)
    assert reading.values.tobytes() == values.tobytes()
    assert (back.key, back.first, back.seeds, back.flops, back.trainings) == (given.key, first, seeds, 0.0, 0)
    assert np.float64(back.seconds).tobytes() == np.float64(seconds).tobytes()
    assert (dict(back.provenance), dict(back.description)) == (labels, labels)
    assert same(back, given)


def test_what_comes_back_is_an_array_of_its_own_that_can_be_written():
    given = block()
    back = decode(encode(given), given.name)
    assert all(reading.values.flags.writeable and reading.values.flags.owndata for reading in back.readings.values())


def test_a_file_says_what_it_holds():
    header, record = map(json.loads, encode(block("a", first=4)).splitlines())
    assert header["format"] == "theorychecks block"
    assert header["version"] == 1
    assert (record["key"], record["first"], record["seeds"]) == (key_of("a"), 4, 4)
    assert record["description"]["title"] == "hidden weight change"
    assert record["readings"][1]["parts"] == [["step", 3], ["layer", "input"]]
    assert record["readings"][1]["statuses"] == ["at most the recorded value", None, None, "at most the recorded value"]


def test_every_byte_matters():
    given = block(seeds=2)
    contents = encode(given)
    for place in range(len(contents)):
        for flip in (0x01, 0x02, 0x20, 0x80):
            changed = bytearray(contents)
            changed[place] ^= flip
            with pytest.raises(DamagedError):
                decode(bytes(changed), given.name)


def test_every_length_matters():
    given = block(seeds=2)
    contents = encode(given)
    for length in range(len(contents)):
        with pytest.raises(DamagedError):
            decode(contents[:length], given.name)
    for tail in (b"\n", b" ", b"\0", contents):
        with pytest.raises(DamagedError, match="checksum"):
            decode(contents + tail, given.name)


@pytest.mark.parametrize("other", [block("b"), block(first=1, seeds=3), block(seeds=5)])
def test_a_block_under_the_name_of_another_is_refused(other):
    with pytest.raises(DamagedError, match="another name"):
        decode(encode(other), block().name)


def sealed(rest, version=1):
    """A file with the checksum that it ought to have, made without the package."""
    head = b'{"format":"theorychecks block","version":%d}\n' % version
    digest = hashlib.sha256(head + rest).hexdigest().encode()
    return b'{"format":"theorychecks block","sha256":"%s","version":%d}\n' % (digest, version) + rest


RECORD = encode(block()).splitlines()[1]


def changed(**fields):
    return json.dumps(json.loads(RECORD) | fields, sort_keys=True, separators=(",", ":")).encode()


def test_the_checksum_is_that_of_the_rest_with_format_and_version():
    assert sealed(RECORD + b"\n") == encode(block())


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(b'{"__reduce__":["os.system",["touch /tmp/owned"]]}', id="a pickle's words"),
        pytest.param(b"cos\nsystem\n(S'true'\ntR.", id="a pickle"),
        pytest.param(b"[" * 10_000_000, id="deep lists"),
        pytest.param(b'{"a":' * 1_000_000, id="deep objects"),
        pytest.param(changed(readings=[[[[[]]]]]), id="lists for readings"),
        pytest.param(changed(first=10**4000), id="a huge integer"),
        pytest.param(b'{"first":' + b"9" * 100_000 + b"}", id="a larger one than Python takes"),
        pytest.param(changed(first=2**63), id="an integer above 2^63"),
        pytest.param(changed(first=-1), id="a negative seed"),
        pytest.param(changed(seeds=True), id="true for a number"),
        pytest.param(changed(trainings=1.0), id="a float for an integer"),
        pytest.param(changed(seconds="__import__('os')"), id="code for a number"),
        pytest.param(changed(seconds="nan:zz"), id="no hexadecimal digits"),
        pytest.param(changed(seconds="nan:10000000000000000"), id="too many bits"),
        pytest.param(changed(seconds="nan:7ff8000000000000"), id="a NaN in another way"),
        pytest.param(changed(seconds=1), id="an integer for a float"),
        pytest.param(changed(seconds=None), id="nothing for a number"),
        pytest.param(RECORD.replace(b'"seconds":0.25', b'"seconds":NaN'), id="a NaN literal"),
        pytest.param(RECORD.replace(b'"seconds":0.25', b'"seconds":1e999'), id="an overflow"),
        pytest.param(RECORD.replace(b'"seconds":0.25', b'"seconds":0.250'), id="another way to write it"),
        pytest.param(RECORD.replace(b'"seeds":4', b'"seeds":4,"seeds":4'), id="a key twice"),
        pytest.param(RECORD.replace(b'"seeds":4', b'"seeds": 4'), id="a space"),
        pytest.param(changed(extra=1), id="a field more"),
        pytest.param(changed(readings=[]), id="no readings"),
        pytest.param(changed(readings=json.loads(RECORD)["readings"] * 2), id="readings twice"),
        pytest.param(changed(key="../" * 21 + "x"), id="a path for a key"),
        pytest.param(changed(description={"title": 1}), id="a number for a text"),
        pytest.param(changed(description="title"), id="a text for a mapping"),
        pytest.param(RECORD.replace(b"float32", b"object1"), id="another dtype"),
        pytest.param(RECORD.replace(b"at most the recorded value", b"at most"), id="another status"),
        pytest.param(RECORD.decode().encode("utf-16"), id="another encoding"),
        pytest.param(b"null", id="null"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe", id="no text"),
    ],
)  # fmt: skip
def test_crafted_files_are_refused_though_their_checksum_is_right(rest):
    assert rest != RECORD
    with pytest.raises(DamagedError):
        decode(sealed(rest + b"\n"), block().name)


def test_a_newer_version_is_told_from_a_damaged_one():
    newer = sealed(b"anything\n", version=2)
    with pytest.raises(NewerFormatError, match=r"version 2 .* reads up to 1\. Install a newer theorychecks"):
        decode(newer, block().name)
    for place in range(len(newer)):
        damaged = bytearray(newer)
        damaged[place] ^= 1
        with pytest.raises(DamagedError):
            decode(bytes(damaged), block().name)
