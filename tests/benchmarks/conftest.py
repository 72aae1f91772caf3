"""Benchmarks: ratios measured side by side, since absolute times mean little on a shared machine.

`python -m pytest tests/benchmarks` runs them, and writes reports/benchmarks.json and reports/benchmarks.md.
"""

import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

import pytest
import torch

REPORTS = Path(__file__).parents[2] / "reports"
ROWS = pytest.StashKey[list[dict[str, object]]]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.stash[ROWS] = []
    # pytest-benchmark stands back where tests are distributed; with one process there is nothing to distribute.
    if not config.getoption("numprocesses", None):
        config.option.dist = "no"


@pytest.fixture
def note(request, capsys):
    """Put a row into the table, and print it."""

    def put(what, value, against, **figures):
        row = {"benchmark": what, "value": value, "against": against} | figures
        request.config.stash[ROWS].append(row)
        with capsys.disabled():
            print(f"\n{what}: {value} ({against})", end=" ", flush=True)

    return put


@pytest.fixture
def faster(benchmark):
    """How many times faster one thing is than another: the median over pairs that are run in turns."""

    def measure(ours, theirs, *, pairs=5):
        seconds = []

        def other():
            started = time.perf_counter()
            theirs()
            seconds.append(time.perf_counter() - started)

        ours()
        benchmark.pedantic(ours, setup=other, rounds=pairs)
        assert benchmark.stats, "benchmarks run one at a time: leave -n and --benchmark-disable away"
        own = benchmark.stats.stats.data
        return statistics.median(b / a for a, b in zip(own, seconds, strict=True)), statistics.median(own)

    return measure


def pytest_sessionfinish(session):
    rows = session.config.stash.get(ROWS, [])
    if not rows or session.config.option.keyword or session.testsfailed:
        return  # the table is that of a whole run
    machine = {
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "cores": os.cpu_count(),
        "platform": platform.platform(),
    }
    REPORTS.mkdir(exist_ok=True)
    document = {"schema": 1, "machine": machine, "rows": rows}
    (REPORTS / "benchmarks.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    lines = ["| benchmark | measured | against |", "|---|---|---|"]
    lines += [f"| {row['benchmark']} | {row['value']} | {row['against']} |" for row in rows]
    (REPORTS / "benchmarks.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
