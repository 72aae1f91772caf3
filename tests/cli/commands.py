"""The command line in a process of its own, in a directory of its own, as a new user has it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.forked.python import forked_python

ROOT = Path(__file__).parents[2]
OUTER = ("PYTEST_", "HYPOTHESIS_", "GITHUB_", "CI", "COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR")
"""The outer run must not show through."""


@dataclass(frozen=True)
class Done:
    """A process that has ended; blanks in what it said are single."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return " ".join((self.out + self.err).split())


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OUTER)}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    # In a forked Python nothing is seen to refer to trio's generator, of which Hypothesis's plugin of trio warns.
    return {**kept, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "HYPOTHESIS_NO_PLUGINS": "1", **more}


def theorychecks(*words, at, first="", **more):
    """Run the command, after some code."""
    code = f"{first}\nfrom theorychecks.cli.main import main; main()"
    return _run([forked_python(), "-c", code, *map(str, words)], at, more)


def interpreted(*words, at, **more):
    """Run the command in a Python that has imported nothing."""
    code = "from theorychecks.cli.main import main; main()"
    return _run([sys.executable, "-c", code, *map(str, words)], at, more)


def pytest_of(*words, at, **more):
    """Run pytest."""
    return _run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *map(str, words)], at, more)


def _run(command, at, more):
    done = subprocess.run(
        command,
        cwd=at,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
