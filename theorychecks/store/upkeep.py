"""Upkeep: what a store holds, whether it is sound, and what may go."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass

from theorychecks.store.blocks import BlockName
from theorychecks.store.directory import Store, said
from theorychecks.store.errors import NewerFormatError, StoreError


@dataclass(frozen=True)
class Held:
    """What a store holds, or a part of it.

    Attributes:
        cells: keys of which there are blocks.
        blocks: files.
        bytes: of these.
        seconds: that measuring them took.
    """

    cells: int = 0
    blocks: int = 0
    bytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Survey:
    """What a store holds.

    Attributes:
        held: all of it.
        by_title: the same by what is measured, the largest first.
        first, last: dates of the provenances, as they say them; None where none does.
        set_aside: files that were not trusted.
    """

    held: Held
    by_title: dict[str, Held]
    first: str | None
    last: str | None
    set_aside: int


@dataclass(frozen=True)
class Verified:
    """Whether a store is sound.

    Attributes:
        blocks: that are sound.
        problems: what is not, each with what became of it.
    """

    blocks: int
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Pruned:
    """What has gone, and what is left.

    Attributes:
        gone: files.
        bytes_gone: of these.
        left: files.
        bytes_left: of these.
    """

    gone: int
    bytes_gone: int
    left: int
    bytes_left: int


def survey(store: Store) -> Survey:
    """Read all blocks, and say what they are.

    Raises:
        NewerFormatError: if one is of a newer version.
    """
    held: defaultdict[str, Held] = defaultdict(Held)
    keys: defaultdict[str, set[str]] = defaultdict(set)
    dates = []
    for name in store.names():
        found = store.contents(name)
        if found is None:
            continue
        contents, block = found
        title = block.description.get("title", "")
        before = held[title]
        keys[title].add(block.key)
        held[title] = Held(
            len(keys[title]), before.blocks + 1, before.bytes + len(contents), before.seconds + block.seconds
        )
        if date := block.provenance.get("date"):
            dates.append(date)
    parts = sorted(held.items(), key=lambda item: (-item[1].bytes, item[0]))
    return Survey(
        Held(
            len(set().union(*keys.values())),
            sum(each.blocks for each in held.values()),
            sum(each.bytes for each in held.values()),
            sum(each.seconds for each in held.values()),
        ),
        dict(parts),
        min(dates, default=None),
        max(dates, default=None),
        len(store.set_aside()),
    )


def verify(store: Store) -> Verified:
    """Read all blocks, and set aside those that cannot be trusted; what is no block at all is named and left."""
    before, sound, others = len(store.problems), 0, []
    for name in store.names():
        try:
            sound += store.load(name) is not None
        except NewerFormatError as error:
            others.append(str(error))
    others += [f"{path} is no block, and is never read; delete it if you do not need it" for path in store.strays()]
    return Verified(sound, (*store.problems[before:], *others))


def prune(store: Store, *, unused_for: float | None = None, keep_bytes: int | None = None) -> Pruned:
    """Delete blocks that have been of no use for long, and of the others those that were of use the longest ago.

    A block is of use when it is written and when a run takes numbers from it, which is noted once a day.

    Args:
        store: of which.
        unused_for: seconds; blocks that were of no use for longer go.
        keep_bytes: as many are left at most.

    Raises:
        StoreError: if one cannot be deleted.
    """
    found = sorted((used, name, size) for name in store.names() for used, size in _used(store, name))
    left = sum(size for _, _, size in found)
    oldest = time.time() - unused_for if unused_for is not None else float("-inf")
    gone = []
    for used, name, size in found:
        if used >= oldest and (keep_bytes is None or left <= keep_bytes):
            break
        _delete(store, name)
        gone.append(size)
        left -= size
    return Pruned(len(gone), sum(gone), len(found) - len(gone), left)


def _used(store: Store, name: BlockName) -> list[tuple[float, int]]:
    """When a block was last of use, and its bytes; nothing where it is gone."""
    with suppress(OSError):
        found = os.lstat(store.path_of(name))
        return [(found.st_mtime, found.st_size)]
    return []


def _delete(store: Store, name: BlockName) -> None:
    try:
        store.path_of(name).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{store.path_of(name)} cannot be deleted: {said(error)}. Prune where the store can be written."
        ) from error
