"""The marker: by it a directory is known as a store, so that no other directory is ever written into."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from theorychecks.store import files
from theorychecks.store.errors import DamagedError, NewerFormatError, StoreError

NAME: Final = "theorychecks-store.json"
VERSION: Final = 1
_CONTENTS: Final = f'{{"format":"theorychecks store","version":{VERSION}}}\n'
_MARKED: Final = re.compile(rb'\{"format":"theorychecks store","version":([1-9][0-9]{0,8})\}\n')
_MOST_BYTES: Final = 1024
_MADE_BEFORE_IT: Final = {"writing"}
_ANOTHER: Final = "Name another one by --theory-store=DIRECTORY, or --store=DIRECTORY on the command line"


def mark(path: Path, temporaries: Path) -> None:
    """Make a directory a store.

    Raises:
        OSError: if it cannot be written.
    """
    temporaries.mkdir(parents=True, exist_ok=True)
    files.write_new(_CONTENTS.encode(), path / NAME, temporaries)


def is_store(path: Path) -> bool:
    """Whether a directory is a store; it is not where nothing is there, or nothing is in it.

    Raises:
        StoreError: for a file, a directory of something else, one that cannot be read, or a newer store.
    """
    try:
        entries = os.listdir(path)
        if NAME in entries:
            _check_contents(path / NAME)
            return True
    except FileNotFoundError:
        return False
    except NotADirectoryError as error:
        raise StoreError(f"a store is a directory; {path} is a file, or lies below one. {_ANOTHER}.") from error
    except OSError as error:
        raise StoreError(f"the store {path} cannot be read: {error.strerror or error}. {_ANOTHER}.") from error
    if foreign := sorted(set(entries) - _MADE_BEFORE_IT):
        raise StoreError(
            f"{path} is no store: it holds {foreign[0]!r} and no {NAME}, and a store is made in an empty directory "
            f"only. {_ANOTHER}."
        )
    return False


def _check_contents(marker: Path) -> None:
    try:
        contents = files.read_regular(marker, _MOST_BYTES)
    except DamagedError as error:
        raise StoreError(f"{marker} {error}; {_way_out(marker)}") from error
    if contents == _CONTENTS.encode():
        return
    version = _version(contents)
    if version is not None and version > VERSION:
        raise NewerFormatError(
            f"{marker.parent} is a store of version {version}, and this version of theorychecks knows up to {VERSION}. "
            f"Install a newer theorychecks. {_ANOTHER}."
        )
    raise StoreError(f"{marker} is damaged; {_way_out(marker)}")


def _version(contents: bytes) -> int | None:
    found = _MARKED.fullmatch(contents)
    return None if found is None else int(found[1])


def _way_out(marker: Path) -> str:
    return f"write this line into it, if {marker.parent} is a store: {_CONTENTS.strip()}. {_ANOTHER}."
