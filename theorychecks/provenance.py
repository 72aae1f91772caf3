"""Where a run's numbers come from."""

from __future__ import annotations

import platform
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

_PACKAGES = ("theorychecks", "torch", "numpy", "scipy", "hypothesis", "pytest", "pytest-xdist")

_THAT_JUDGE = ("theorychecks", "numpy", "scipy")


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a run's numbers come from.

    Attributes:
        created: when, ISO 8601.
        git_commit: of the code; None outside a repository.
        git_dirty: whether files differed from it.
        versions: of Python and of the libraries.
        device: where networks were trained, `cpu` or `cuda, <name of the GPU>`.
        threads: that a worker may use.
        command: the command line.
        platform: the operating system and processor.
        judged_anew: when the verdicts were made anew of these numbers, and by which versions; None where they are the
            run's own.
    """

    created: str
    git_commit: str | None
    git_dirty: bool | None
    versions: Mapping[str, str]
    device: str
    threads: int
    command: str
    platform: str
    judged_anew: str | None = None


def gather(root: Path, command: Sequence[str], threads: int, device: str) -> Provenance:
    """Describe the code, the versions and the machine behind a run.

    Args:
        root: a directory of the repository whose claims were run.
        command: the command line, word by word.
        threads: torch threads a worker.
        device: where networks were trained.
    """
    commit = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return Provenance(
        created=now(),
        git_commit=commit,
        git_dirty=None if changed is None else bool(changed),
        versions={"python": platform.python_version(), **_versions()},
        device=device,
        threads=threads,
        command=shlex.join(command),
        platform=platform.platform(),
    )


def now() -> str:
    """The time, UTC, to a second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def now_precisely() -> str:
    """The time to a microsecond: what tells a run's numbers from those of a run that began in the same second."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def judged_here() -> str:
    """When something is judged, which is now, and by which versions."""
    versions = _versions()
    named = ", ".join(f"{name} {versions[name]}" for name in _THAT_JUDGE if name in versions)
    return f"{now()}, by {named}"


def origin(root: Path, date: str) -> dict[str, str]:
    """What is said of numbers that a run measures: when, the commit of the code where it has one, and the package.

    A plus after the commit says that files differ from it; those of `reports/` make no numbers.
    """
    commit = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ":(exclude)reports")
    named = {} if commit is None else {"commit": commit + ("+" if changed else "")}
    return {"date": date, **named, "theorychecks": _versions().get("theorychecks", "not installed")}


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
