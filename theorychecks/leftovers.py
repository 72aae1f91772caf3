"""Leftovers: temporary files tell by their names whose they are, so that what dead processes have left is known."""

from __future__ import annotations

import os
import re
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

HOST: Final = re.sub(r"[^A-Za-z0-9-]", "_", socket.gethostname())[:64] or "unknown"
"""The name of this machine, as names of files have it."""
_LONGEST_LIFE: Final = 24 * 3600.0
"""Seconds after which nobody is still writing a temporary file, or holds a lock; either takes minutes at most."""


def is_leftover(path: Path, process: int, host: str) -> bool:
    """Whether the process that had made a file is gone: on this machine at once, on others after a day."""
    # It takes a twentieth of a second to import, and most commands meet no temporary file.
    import psutil

    return is_old(path) or (host == HOST and not psutil.pid_exists(process))


def is_old(path: Path) -> bool:
    """Whether a file is so old that nobody is still writing it, or holds it as a lock."""
    with suppress(OSError):
        return os.lstat(path).st_mtime < time.time() - _LONGEST_LIFE
    return False
