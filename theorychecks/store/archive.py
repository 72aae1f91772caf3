"""Archives: blocks of a store as one file, and back; equal blocks make equal bytes, and nothing is taken on trust.

An archive is gzip'ed lines of canonical JSON. The first has format and version; each other one has the name and
the contents of a block's file. They are in order of the names.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from theorychecks.store.blocks import BlockName, StoredBlock, parsed_name
from theorychecks.store.directory import Store, said
from theorychecks.store.encoding import MOST_BYTES, canonical, decode, encode
from theorychecks.store.errors import DamagedError, NewerFormatError, StoreError

VERSION: Final = 1
MOST_UNPACKED: Final = 2**30
"""1 GiB, of all lines; a run of all claims of this repository has some tens of megabytes."""
_HEADER: Final = f'{{"format":"theorychecks archive","version":{VERSION}}}\n'.encode()
_ANY_HEADER: Final = re.compile(rb'\{"format":"theorychecks archive","version":([1-9][0-9]{0,8})\}\n')
_REFUSED: Final = (
    " Nothing was imported. Export it anew from a store that `theorychecks store verify` finds sound, with this "
    "version of theorychecks."
)
_MOST_LINE: Final = 2 * MOST_BYTES + 256
"""Bytes: JSON puts a stroke before each quotation mark."""


@dataclass(frozen=True)
class Moved:
    """What was exported or imported.

    Attributes:
        blocks: that an archive has.
        new: those of them that were not there before.
    """

    blocks: int
    new: int


def export_to(path: Path, store: Store, keys: Collection[str] | None = None) -> int:
    """Write blocks of a store into an archive, in the place of one that is there; give back how many.

    Args:
        path: of the archive.
        store: of which; blocks that cannot be trusted are no part of it, and are among the store's problems.
        keys: of which all blocks are exported; all that there are unless given.

    Raises:
        StoreError: if a key has no blocks, there are none at all or too many, or the archive cannot be written.
    """
    wanted = store.names() if keys is None else [name for name in store.names() if name.key in keys]
    _check_keys(store, wanted, keys)
    return _write(path, ((name, found[0]) for name in wanted if (found := store.contents(name)) is not None))


def write_archive(path: Path, blocks: Iterable[StoredBlock]) -> int:
    """Write blocks into an archive, in the place of one that is there; give back how many.

    Raises:
        StoreError: if there are too many, or the archive cannot be written.
    """
    return _write(path, ((block.name, encode(block)) for block in sorted(blocks, key=lambda block: block.name)))


def read_archive(path: Path) -> list[StoredBlock]:
    """All blocks of an archive, in order of their names, once all of it has been checked.

    Raises:
        FileNotFoundError: if there is none.
        StoreError: if anything about it is not as an export leaves it, with the line; or if it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return [block for block, _ in _records(file, path)]
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {said(error)}.") from error


def _write(path: Path, contents: Iterable[tuple[BlockName, bytes]]) -> int:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(unfinished, "xb") as file:
            count = _pack(file, contents)
        os.replace(unfinished, path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {said(error)}. Name a file that can be.") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()
    return count


def import_from(path: Path, store: Store) -> Moved:
    """Take the blocks of an archive into a store; those that it has already stay what they are.

    The whole archive is checked before anything is written.

    Raises:
        StoreError: if anything about the archive is not as an export leaves it, with the line; if it cannot be read; or
            if the store cannot be written, with how far it came.
    """
    _check_writing(store, 0)
    new = 0
    try:
        with open(path, "rb") as file:
            blocks = sum(1 for _ in _records(file, path, _REFUSED))
            file.seek(0)
            for block, contents in _records(file, path, _REFUSED):
                if store.load(block.name) is None:
                    new += store.keep(block.name, contents, sync=False)
                    _check_writing(store, new)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {said(error)}. Name an archive, as an export writes it.") from error
    return Moved(blocks, new)


def _check_keys(store: Store, found: Collection[BlockName], wanted: Collection[str] | None) -> None:
    if missing := sorted(set(wanted or ()) - {name.key for name in found}):
        raise StoreError(f"the store {store.path} has no blocks of the key {missing[0]!r}. Name keys that it has.")
    if not found:
        raise StoreError(f"the store {store.path} has no blocks to export. Measure something first.")


def _check_writing(store: Store, new: int) -> None:
    if not store.writing:
        raise StoreError(f"{store.problems[-1]} {new} blocks were imported; import again to have the others.")


def _pack(file: IO[bytes], contents: Iterable[tuple[BlockName, bytes]]) -> int:
    # Neither the time nor the name of the file is in it.
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=9, mtime=0) as packed:
        unpacked = packed.write(_HEADER)
        count = 0
        for name, text in contents:
            unpacked += packed.write(_line(str(name), text.decode("ascii")))
            count += 1
            if unpacked > MOST_UNPACKED:
                raise StoreError(
                    f"an archive has {MOST_UNPACKED:,} bytes unpacked at most. Export some keys at a time."
                )
    return count


def _line(name: object, text: object) -> bytes:
    return canonical({"name": name, "text": text}) + b"\n"


def _records(file: IO[bytes], path: Path, refused: str = "") -> Iterator[tuple[StoredBlock, bytes]]:
    """Blocks of an archive, and their contents; what is not as `_pack` writes it is refused, with its line."""
    number, unpacked = 0, 0
    last: BlockName | None = None
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as lines:
            while line := lines.readline(_MOST_LINE + 1):
                number, unpacked = number + 1, unpacked + len(line)
                if len(line) > _MOST_LINE or unpacked > MOST_UNPACKED:
                    raise DamagedError(
                        f"is too large: a line has {_MOST_LINE:,} bytes at most, and all have {MOST_UNPACKED:,}"
                    )
                if number == 1:
                    _check_header(line)
                    continue
                block, contents = _block_of(line)
                if last is not None and block.name <= last:
                    raise DamagedError(f"has {block.name}, which does not come after {last}")
                last = block.name
                yield block, contents
        if number < 2:
            raise DamagedError("ends before a block")
    except (DamagedError, NewerFormatError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = str(error) if isinstance(error, DamagedError | NewerFormatError) else f"is not whole ({error})"
        kind = NewerFormatError if isinstance(error, NewerFormatError) else StoreError
        raise kind(f"{path}, line {max(number, 1)}: {reason}.{refused}") from error


def _check_header(line: bytes) -> None:
    found = _ANY_HEADER.fullmatch(line)
    if found is None:
        raise DamagedError("does not begin as an archive does")
    if int(found[1]) > VERSION:
        raise NewerFormatError(f"is of version {int(found[1])} of archives, and {VERSION} is the newest that is known")
    if line != _HEADER:
        raise DamagedError("does not begin as an archive does")


def _block_of(line: bytes) -> tuple[StoredBlock, bytes]:
    try:
        record = json.loads(line)
        name, text = record["name"], record["text"]
        if _line(name, text) != line:
            raise DamagedError("is not written as an export writes it")
        parsed = parsed_name(name)
        contents = text.encode("ascii")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DamagedError(str(error) if isinstance(error, DamagedError) else "holds no block") from error
    if parsed is None:
        raise DamagedError(f"has the name {name!r:.80}, and no block has such a name")
    return decode(contents, parsed), contents
