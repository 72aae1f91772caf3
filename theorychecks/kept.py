"""Kept reports: a report's files, read for what they say of claims, and written all at once or not at all."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

LATEST: Final = Path("reports", "latest")
"""Where a run's report goes, under the root directory of its tests."""
REPORT: Final = "report.json"
SUMMARY: Final = "summary.json"
UNJUDGED: Final = ("not run", "skipped")
"""Outcomes by which a report says nothing of a claim."""
_ROOM: Final = 2**17
"""Bytes that are written in trying; the report of a few claims has some more."""
_PATIENCE: Final = 5.0
"""Seconds for which another run may be writing its files; a lock that is older was left by a run that died."""


def claims_kept(place: Path) -> list[dict[str, Any]]:
    """Claims of which a kept report says something, as it has them; none where there is no report that can be read.

    The summary, where there is one, is a tenth of the report and says the same, unless it is older.
    """
    for name in (REPORT, SUMMARY) if _time(place / SUMMARY) < _time(place / REPORT) else (SUMMARY, REPORT):
        with suppress(OSError, ValueError, KeyError, TypeError):
            claims = json.loads((place / name).read_text(encoding="utf-8"))["claims"]
            return [claim for claim in claims if claim["outcome"] not in UNJUDGED]
    return []


def _time(path: Path) -> int:
    """Of a file's last change; before all others where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return -1


def check_writable(place: Path) -> None:
    """Write some bytes where a report shall go, and take them away again.

    Raises:
        OSError: if that cannot be done.
    """
    there = next(path for path in (place, *place.parents) if path.exists())
    if not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "it is a file, and no directory", str(there))
    # It has no name that could stay behind.
    with tempfile.TemporaryFile(dir=there) as probe:
        probe.write(b" " * _ROOM)


def write_whole(texts: Mapping[str, str], place: Path) -> None:
    """Write files beside their places, under names that no other run has, and move them there once all are whole.

    Raises:
        OSError: if that cannot be done; what was there is still there.
    """
    place.mkdir(parents=True, exist_ok=True)
    with temporary_directory(place, ".writing-") as unfinished:
        for name, text in texts.items():
            Path(unfinished, name).write_text(text, encoding="utf-8")
        for name in texts:
            Path(unfinished, name).replace(place / name)


def temporary_directory(place: Path, prefix: str) -> tempfile.TemporaryDirectory[str]:
    """A directory by whose name its process is known; what processes that are gone have left is removed first."""
    from theorychecks.leftovers import HOST, is_leftover

    for path in place.glob(f"{prefix}*"):
        owner = re.fullmatch(rf"{re.escape(prefix)}([0-9]{{1,10}})\.([A-Za-z0-9_-]{{1,64}})\.\w+", path.name)
        if owner and is_leftover(path, int(owner[1]), owner[2]):
            shutil.rmtree(path, ignore_errors=True)
    return tempfile.TemporaryDirectory(dir=place, prefix=f"{prefix}{os.getpid()}.{HOST}.")


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Let one process at a time settle where its report goes."""
    place.mkdir(parents=True, exist_ok=True)
    lock, until = place / ".lock", time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        try:
            lock.mkdir()
            break
        except FileExistsError:
            time.sleep(0.05)
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            lock.rmdir()


def said(error: OSError) -> str:
    """What went wrong, and with which file."""
    return f"{error.strerror or error} ({error.filename})" if error.filename else str(error.strerror or error)
