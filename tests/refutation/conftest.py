"""Leaves the table of breakages and claims in reports/refutation.md, once every cell of it has been run.

`python -m pytest tests/refutation -m "slow or not slow"` runs them all in some minutes.
"""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# Under importmode=importlib a test cannot import its neighbour by name.
sys.path.insert(0, str(HERE))

from table import Table  # noqa: E402

REPORT = HERE.parents[1] / "reports" / "refutation.md"
TABLE = pytest.StashKey[Table]()


def pytest_configure(config):
    config.stash[TABLE] = Table()


@pytest.fixture
def judged(monkeypatch):
    """Judges a claim on subjects that all have a mistake, or on right ones."""

    def run(claim, mistake=None):
        if mistake is None:
            return claim.run()
        mistake(monkeypatch)
        return claim.run(fewer=claim.fewer)

    return run


@pytest.fixture(scope="session")
def table(request):
    """Where a test leaves what it has seen: table.note(breakage, claim, outcome, words)."""
    return request.config.stash[TABLE]


def pytest_sessionfinish(session):
    found = session.config.stash.get(TABLE, None)
    if found is None or not found.complete or session.testsfailed:
        return
    partial = REPORT.with_suffix(".md.partial")
    partial.write_text(found.markdown(), encoding="utf-8")
    partial.replace(REPORT)
