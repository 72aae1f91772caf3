"""Files: read whole or not at all, and written so that nobody ever sees half of one."""

from __future__ import annotations

import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from theorychecks.leftovers import HOST, is_leftover
from theorychecks.store.errors import DamagedError

_TEMPORARY: Final = re.compile(r"([0-9]{1,10})\.[0-9a-f]{16}\.([A-Za-z0-9_-]{1,64})\.tmp")
_ROOM: Final = 2**16
"""Bytes that are written in trying: more than nearly every block has."""


def read_regular(path: Path, most: int) -> bytes:
    """The contents of a regular file; links are not followed, and pipes are not waited for.

    Raises:
        DamagedError: for anything else, or more bytes.
        OSError: if it is not there, or cannot be read.
    """
    if stat.S_ISLNK(os.lstat(path).st_mode):
        raise DamagedError("is a link, and no file")
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise DamagedError("is no file")
        if found.st_size > most:
            raise DamagedError(f"has {found.st_size:,} bytes, and no block has more than {most:,}")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(most + 1)
    finally:
        os.close(descriptor)


def write_new(contents: bytes, path: Path, temporaries: Path, *, sync: bool = False) -> bool:
    """Write a file, all of it or nothing; give back whether it was, which it is not where there is one already.

    Args:
        contents: of the file.
        path: of the file, in a folder that is there.
        temporaries: folder on the same disk that has files until they are whole; one folder for all of a store, so
            that those of processes that died are found without looking everywhere.
        sync: wait until the disk has it, some milliseconds. Without, a loss of power may leave a file that its checksum
            gives away.

    Raises:
        OSError: if it cannot be written; nothing is left behind.
    """
    temporary = temporaries / _temporary_name()
    try:
        with open(temporary, "xb") as file:
            file.write(contents)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        return _appears(temporary, path)
    finally:
        with suppress(OSError):
            os.unlink(temporary)


def _appears(temporary: Path, path: Path) -> bool:
    """Give a whole file its name, unless another one has it."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:
        # There are disks without hard links. Of two that come here at once the second one wins, with the same content.
        if os.path.lexists(path):
            return False
        os.replace(temporary, path)
    return True


def check_writable(temporaries: Path) -> None:
    """Write some bytes and take them away again.

    Raises:
        OSError: if that cannot be done.
    """
    temporaries.mkdir(exist_ok=True)
    probe = temporaries / _temporary_name()
    try:
        probe.write_bytes(b" " * _ROOM)
    finally:
        with suppress(OSError):
            os.unlink(probe)


def sweep(temporaries: Path) -> None:
    """Remove what processes that died have left: those of this host at once, others after a day."""
    for path in listed(temporaries):
        named = _TEMPORARY.fullmatch(path.name)
        if named and is_leftover(path, int(named[1]), named[2]):
            with suppress(OSError):
                os.unlink(path)


def identity(path: Path) -> tuple[int, int]:
    """What tells a file from another one that has its name later.

    Raises:
        OSError: if it is not there.
    """
    found = os.lstat(path)
    return found.st_dev, found.st_ino


def _temporary_name() -> str:
    # Its random part is the system's: Hypothesis and experiments seed the others.
    return f"{os.getpid()}.{secrets.token_hex(8)}.{HOST}.tmp"


def listed(folder: Path) -> list[Path]:
    """What is in a folder; nothing where it cannot be read."""
    try:
        return [folder / name for name in os.listdir(folder)]
    except OSError:
        return []
