"""Where a run's numbers come from, and how often its verdicts may be wrong."""

from __future__ import annotations

import platform
import shlex
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from theorychecks.statistics.interval import CONFIDENCE

if TYPE_CHECKING:
    from theorychecks.reporting.report import BudgetDocument, ProvenanceDocument

_PACKAGES = ("theorychecks", "torch", "numpy", "scipy", "hypothesis", "pytest", "pytest-xdist")


def gather(root: Path, command: Sequence[str], threads: int) -> ProvenanceDocument:
    """Describe the code, the versions and the machine behind a run.

    Args:
        root: a directory of the repository whose claims were run.
        command: the command line, word by word.
        threads: torch threads a worker.
    """
    commit = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": commit,
        "git_dirty": None if changed is None else bool(changed),
        "versions": {"python": platform.python_version(), **_versions()},
        "device": "cpu",
        "threads": threads,
        "command": shlex.join(command),
        "platform": platform.platform(),
    }


def error_budget(findings: int) -> BudgetDocument:
    """Bound the number of wrong verdicts among so many findings.

    Each interval misses the truth on either side with probability at most (1 - confidence) / 2, and only a miss can
    give a wrong SUPPORTED or REFUTED; that many wrong verdicts are reached only if every true exponent lies at the edge
    of its margin with the worst correction of its class.
    """
    tail = (1 - CONFIDENCE) / 2
    return {
        "confidence": CONFIDENCE,
        "tail_error": tail,
        "findings": findings,
        "expected_wrong_verdicts_at_most": tail * findings,
        "note": "Reached only if every true exponent lay at the edge of its margin, under the worst correction of the "
        "finite-size class. Findings share networks, so wrong ones would come together.",
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
