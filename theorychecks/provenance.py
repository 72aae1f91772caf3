"""Where a run's numbers come from."""

from __future__ import annotations

import platform
import shlex
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from theorychecks.reporting.report import ProvenanceDocument

_PACKAGES = ("theorychecks", "torch", "numpy", "scipy", "hypothesis", "pytest", "pytest-xdist")


def gather(root: Path, command: Sequence[str], threads: int, device: str) -> ProvenanceDocument:
    """Describe the code, the versions and the machine behind a run.

    Args:
        root: a directory of the repository whose claims were run.
        command: the command line, word by word.
        threads: torch threads a worker.
        device: where networks were trained.
    """
    commit = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": commit,
        "git_dirty": None if changed is None else bool(changed),
        "versions": {"python": platform.python_version(), **_versions()},
        "device": device,
        "threads": threads,
        "command": shlex.join(command),
        "platform": platform.platform(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _git(root: Path, *arguments: str) -> str | None:
    try:
        result = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()
