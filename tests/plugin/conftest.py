"""Runs the claims of `suites/` in a pytest of their own and reads what they leave behind."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import hypothesis  # noqa: F401 - loaded here once, not anew by each pytest that runs inside this one
import pytest

import theorychecks.claims
import theorychecks.experiment  # noqa: F401 - the same, and numpy cannot be loaded twice
from tests.forked.python import forked_python
from tests.plugin.emulated import Terminal, on_terminal
from theorychecks.reporting import ClaimRecord, Report

SUITES = Path(__file__).with_name("suites")
INI = """
[pytest]
addopts = --import-mode=importlib -p no:cacheprovider --assert=plain
filterwarnings = error
"""
"""Assertions are plain, since rewriting those of every plugin takes longer than the claims."""
OUTER = (
    "PYTEST_",
    "HYPOTHESIS_",
    "GITHUB_",
    "CI",
    "TF_BUILD",
    "OMP_NUM_THREADS",
    "COLUMNS",
    "LINES",
    "FORCE_COLOR",
    "NO_COLOR",
)
"""The outer run, or the machine it runs on, must not show through."""


@dataclass(frozen=True)
class Ran:
    """A pytest that has ended: its exit code, what it printed, and where it ran."""

    code: int
    text: str
    directory: Path

    @property
    def report(self) -> Report:
        return Report.from_json((self.directory / "reports/latest/report.json").read_text(encoding="utf-8"))

    def claim(self, name: str) -> ClaimRecord:
        """The claim of the only test whose node id ends so."""
        (found,) = [claim for claim in self.report.claims if claim.test.endswith(name)]
        return found

    def lines(self, word: str) -> list[str]:
        return [line for line in self.text.splitlines() if word in line]


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch):
    for name in ("GITHUB_STEP_SUMMARY", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def inner(pytester):
    """A pytest inside this one, for which torch need not be imported again."""
    pytester.makeini("[pytest]\naddopts = --import-mode=importlib -p no:cacheprovider\nfilterwarnings = error")

    def run(*options, **keywords):
        return pytester.runpytest_inprocess("-p", "no:xdist", *options, **keywords)

    return run


@pytest.fixture
def apart(pytester):
    """A pytest in a process of its own, in the directory of this one's."""

    def run(*options):
        return pytester.run(forked_python(), "-m", "pytest", "-p", "no:cacheprovider", "--assert=plain", *options)

    return run


@pytest.fixture(scope="session")
def make_suite(tmp_path_factory):
    """Make a directory with a suite in it."""

    def make(suite: str, *, conftest: str = "") -> Path:
        return _laid_out(tmp_path_factory.mktemp(suite), suite, conftest)

    return make


@pytest.fixture(scope="session")
def run_in():
    """Run pytest, or another program, in a directory, in a process of its own, in which nothing is imported if it is fresh."""

    def run(
        directory: Path,
        *options: str,
        environment: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
        program: Sequence[str] = ("-m", "pytest"),
        fresh: bool = False,
    ):
        done = subprocess.run(
            [*before, sys.executable if before or fresh else forked_python(), *program, *options],
            cwd=directory,
            env={**_inherited(), **(environment or {})},
            capture_output=True,
            text=True,
            timeout=300,
        )
        return Ran(done.returncode, done.stdout + done.stderr, directory)

    return run


@pytest.fixture(scope="session")
def run_suite(make_suite, run_in):
    """Run a suite in a process of its own: torch is imported once a process, so tests share what they can."""

    def run(suite: str, *options: str, conftest: str = "", environment: Mapping[str, str] | None = None) -> Ran:
        return run_in(make_suite(suite, conftest=conftest), *options, environment=environment)

    return run


@pytest.fixture
def run_on_terminal(tmp_path):
    """Run a suite on a terminal, and create the files that it waits for once something is seen there."""

    def run(suite: str, *options: str, conftest: str = "", environment=(), awaited, **keywords) -> Terminal:
        directory = _laid_out(tmp_path, suite, conftest)

        def seen(terminal):
            for file, is_there in awaited.items():
                if not (directory / file).exists() and is_there(terminal):
                    (directory / file).write_text("\n".join(terminal.lines), encoding="utf-8")

        command = [forked_python(), "-m", "pytest", *options]
        surroundings = {**_inherited(), "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **dict(environment)}
        return on_terminal(command, directory=directory, environment=surroundings, seen=seen, **keywords)

    return run


def _laid_out(directory: Path, suite: str, conftest: str) -> Path:
    (directory / "pytest.ini").write_text(INI, encoding="utf-8")
    (directory / "conftest.py").write_text(conftest, encoding="utf-8")
    (directory / f"test_{suite}.py").write_bytes((SUITES / f"{suite}.py").read_bytes())
    return directory


def _inherited() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OUTER)}
    # In a forked Python nothing is seen to refer to trio's generator; its plugin warns, and warnings are errors here.
    return {**kept, "HYPOTHESIS_NO_PLUGINS": "1"}
