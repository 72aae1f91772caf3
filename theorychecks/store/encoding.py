"""Encoding: a stored block as the bytes of a file and back.

The first line has the format, its version, and the SHA-256 of the rest with the format and version in front of it, so
that no byte can change unseen; the second one is the record. Both are canonical JSON (sorted keys, no spaces, ASCII),
with the fields of a block and no others; and nothing but numbers and texts comes out of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import numpy as np

from theorychecks.statistics.parts import Parts
from theorychecks.statistics.statuses import Status
from theorychecks.store.blocks import BlockName, StoredBlock, StoredReading
from theorychecks.store.errors import DamagedError, NewerFormatError
from theorychecks.store.floats import NAMES, Floats, from_json, to_json

VERSION: Final = 1
MOST_BYTES: Final = 2**24
"""16 MiB, of one file: half a million numbers, or what JSON makes a few hundred megabytes of in memory at worst."""
_HEADER: Final = re.compile(
    rb'\{"format":"theorychecks block","sha256":"([0-9a-f]{64})","version":([1-9][0-9]{0,8})\}\n'
)
_NOT_A_BLOCK: Final = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError, IndexError)
"""What taking a record apart raises where it is none."""
_FIELDS: Final = frozenset(
    ("description", "first", "flops", "key", "provenance", "readings", "seconds", "seeds", "trainings")
)
_FIELDS_OF_READING: Final = frozenset(("dtype", "exact", "parts", "statuses", "values"))


def canonical(value: object) -> bytes:
    """A JSON value in its one form.

    Raises:
        ValueError: for numbers that are not finite.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def encode(block: StoredBlock) -> bytes:
    """The contents of a block's file."""
    return _sealed(canonical(_record(block)) + b"\n")


def decode(contents: bytes, name: BlockName) -> StoredBlock:
    """The block that a file of this name and these contents holds.

    Raises:
        DamagedError: unless they are whole, and a block of this name as `encode` writes it.
        NewerFormatError: if they are whole, and of a newer version.
    """
    header = _HEADER.match(contents)
    if header is None:
        raise DamagedError("does not begin as a block does")
    rest, version = contents[header.end() :], int(header[2])
    if header[1].decode() != _digest(rest, version):
        raise DamagedError("does not have the checksum that it names")
    if version > VERSION:
        raise NewerFormatError(
            f"{name} has version {version} of the format of blocks, and this version of theorychecks reads up to "
            f"{VERSION}. Install a newer theorychecks, or name another store."
        )
    try:
        record = json.loads(rest)
        rewritten = canonical(record) + b"\n"
        block = _block(record)
    except _NOT_A_BLOCK as error:
        raise DamagedError(f"has a record that cannot be read ({type(error).__name__}: {_clipped(error)})") from error
    if rewritten != rest:
        raise DamagedError("has a record that is not written as records are")
    if block.name != name:
        raise DamagedError(f"holds {block.name}, which is another name")
    return block


def _sealed(rest: bytes, version: int = VERSION) -> bytes:
    return _header(version, sha256=_digest(rest, version)) + rest


def _digest(rest: bytes, version: int) -> str:
    return hashlib.sha256(_header(version) + rest).hexdigest()


def _header(version: int, **more: str) -> bytes:
    return canonical({"format": "theorychecks block", "version": version, **more}) + b"\n"


def _record(block: StoredBlock) -> dict[str, object]:
    readings = list(block.readings.values())
    return {
        "description": dict(block.description),
        "first": block.first,
        "flops": to_json(np.array([block.flops]))[0],
        "key": block.key,
        "provenance": dict(block.provenance),
        "readings": [
            {
                "dtype": NAMES[reading.values.dtype],
                "exact": reading.exact,
                # Pairs, since their order is that of their text.
                "parts": [[part, value] for part, value in parts.items()],
                "statuses": reading.statuses and [each and each.value for each in reading.statuses],
                "values": values,
            }
            for parts, reading, values in zip(block.readings, readings, _written(readings), strict=True)
        ],
        "seconds": to_json(np.array([block.seconds]))[0],
        "seeds": block.seeds,
        "trainings": block.trainings,
    }


def _written(readings: Sequence[StoredReading]) -> list[list[float | str]]:
    """What JSON holds of the values of each reading; those of one precision are turned at once."""
    found: list[list[float | str]] = [[] for _ in readings]
    for dtype in NAMES:
        places = [place for place, each in enumerate(readings) if each.values.dtype == dtype]
        written = iter(to_json(np.concatenate([readings[place].values for place in places])) if places else [])
        for place in places:
            found[place] = list(islice(written, len(readings[place].values)))
    return found


def _read(records: Sequence[Any]) -> list[Floats]:
    """The values of each reading, from what `_written` has made of them."""
    found: list[Floats] = [np.empty(0)] * len(records)
    for name in NAMES.values():
        places = [place for place, each in enumerate(records) if each["dtype"] == name]
        values, start = from_json([value for place in places for value in records[place]["values"]], name), 0
        for place in places:
            found[place] = values[start : start + len(records[place]["values"])]
            start += len(found[place])
    return found


def _block(record: Any) -> StoredBlock:
    """The block of a record; anything of `_NOT_A_BLOCK` where it is none."""
    if record.keys() != _FIELDS or any(each.keys() != _FIELDS_OF_READING for each in record["readings"]):
        raise KeyError("fields")
    readings = {
        _parts(tuple(map(tuple, each["parts"]))): _reading(each, values)
        for each, values in zip(record["readings"], _read(record["readings"]), strict=True)
    }
    if len(readings) != len(record["readings"]):
        raise ValueError("a reading twice")
    return StoredBlock(
        key=record["key"],
        first=record["first"],
        seeds=record["seeds"],
        readings=readings,
        seconds=from_json([record["seconds"]], "float64")[0],
        flops=from_json([record["flops"]], "float64")[0],
        trainings=record["trainings"],
        provenance=record["provenance"],
        description=record["description"],
    )


@lru_cache(maxsize=2**14)
def _parts(pairs: tuple[tuple[str, str | int], ...]) -> Parts:
    """All blocks of a gate have the same hundreds of readings."""
    return Parts(dict(pairs))


def _reading(record: Any, values: Floats) -> StoredReading:
    statuses = record["statuses"]
    return StoredReading(
        values,
        statuses and tuple(None if each is None else Status(each) for each in statuses),
        record["exact"],
    )


def _clipped(error: BaseException) -> str:
    text = str(error)
    return text if len(text) <= 80 else f"{text[:77]}..."
