"""Calibration: error rates of intervals and verdicts, counted on simulated measurements and held against their targets.

`python -m pytest tests/calibration` runs it in a quarter of an hour and writes reports/calibration.md.
With CALIBRATION_REPLICATIONS=300 it is a quick look, and the tables go to reports/latest.
"""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REPORTS = HERE.parents[1] / "reports"
# Worker processes import what they run by its name, and take over this path.
sys.path.insert(0, str(HERE))

from page import Tables  # noqa: E402
from rates import measure  # noqa: E402
from scenarios import DESIGNS, SCENARIOS  # noqa: E402
from simulation import parallel  # noqa: E402

FULL = 1500
"""For the page that is kept; the Monte Carlo standard error of a coverage of 97% is then .44 points."""
TABLES = pytest.StashKey[Tables]()
UNFINISHED = pytest.StashKey[list[str]]()


def pytest_configure(config):
    config.stash[TABLES] = Tables()
    config.stash[UNFINISHED] = []


@pytest.fixture(scope="session")
def replications():
    """Simulated measurements behind each rate."""
    return int(os.environ.get("CALIBRATION_REPLICATIONS", FULL))


@pytest.fixture(scope="session")
def tables(request):
    """Where a test leaves its tables: tables.add(section, title, columns, rows, note)."""
    return request.config.stash[TABLES]


@pytest.fixture(scope="session")
def cells(replications):
    """Rates of every interval in every design and scenario, by method."""
    keys = [(design, scenario) for scenario in SCENARIOS for design in DESIGNS]
    found = parallel(measure, [(*key, replications) for key in keys])
    return dict(zip(keys, found, strict=True))


def pytest_deselected(items):
    if items:
        items[0].config.stash[UNFINISHED].append("tests were deselected")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    # A number that falls short still has its row; a test that breaks off has none.
    broken = call.excinfo is not None and not call.excinfo.errisinstance(AssertionError)
    if broken or report.skipped:
        item.config.stash[UNFINISHED].append(item.nodeid)
    return report


def is_whole(session):
    """Whether every test of the folder ran to its end."""
    files = {item.path for item in session.items if item.path.parent == HERE}
    return (
        files == set(HERE.glob("test_*.py"))
        and not any("::" in argument for argument in session.config.args)
        and not session.config.stash[UNFINISHED]
        and not session.shouldstop
        and not session.shouldfail
    )


def pytest_sessionfinish(session, exitstatus):
    found = session.config.stash[TABLES]
    ran = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if not (found and ran and is_whole(session)):
        return
    full = int(os.environ.get("CALIBRATION_REPLICATIONS", FULL)) == FULL
    path = (REPORTS if full else REPORTS / "latest") / "calibration.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".md.partial")
    partial.write_text(found.markdown(), encoding="utf-8")
    partial.replace(path)
