"""Blocks with known contents."""

import hashlib

import numpy as np

from theorychecks.statistics import Parts, Status
from theorychecks.store import StoredBlock, StoredReading
from theorychecks.store.encoding import encode


def key_of(name):
    return hashlib.sha256(str(name).encode()).hexdigest()


def block(name="a", *, first=0, seeds=4, title="hidden weight change", date="2026-03-01T12:00:00+00:00", seconds=0.25):
    """Its values are those of its seeds, whichever block they are in, as it is where networks are seeded one by one."""
    at = np.arange(first, first + seeds, dtype=np.float64)
    bound = tuple(Status.BELOW if seed % 3 == 1 else None for seed in range(first, first + seeds))
    return StoredBlock(
        key=key_of(name),
        first=first,
        seeds=seeds,
        readings={
            Parts(layer="hidden 2", role="hidden"): StoredReading(np.sqrt(at + 0.1)),
            Parts(step=3, layer="input"): StoredReading((at / 7).astype(np.float32), bound),
            Parts(): StoredReading(np.full(seeds, np.nan), exact=True),
        },
        seconds=seconds,
        flops=1.5e9,
        trainings=seeds,
        provenance={"date": date, "torch": "2.13.0"},
        description={"title": title, "axis": "width", "axis value": "64"},
    )


def same(one, two):
    """Whether two blocks are the same to the last bit, order included."""
    return encode(one) == encode(two)


def covered(blocks):
    """First and last seed of each."""
    return [(each.name.first, each.name.last) for each in blocks]
