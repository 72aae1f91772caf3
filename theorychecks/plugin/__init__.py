"""The pytest plugin: runs claims, gathers findings from all workers, reports them.

The only package that knows pytest. Findings travel from worker to controller as JSON text on test reports, and the list
of collected claims as a file, so that a worker that dies takes neither with it.
"""

from __future__ import annotations

import gc
from functools import partial

import pytest

from theorychecks.plugin import order
from theorychecks.plugin.evidence import CHOICES, DIRECTORY, check_evidence
from theorychecks.plugin.executors import check_executor, executor
from theorychecks.plugin.gatherer import Gatherer, leave_collected
from theorychecks.plugin.keeping import directory
from theorychecks.plugin.outcomes import EXIT_CODES
from theorychecks.plugin.planned_run import PLANNING
from theorychecks.plugin.profiles import PROFILES
from theorychecks.plugin.resources import check_device, seconds, size
from theorychecks.plugin.runner import Runner
from theorychecks.plugin.seeds import seed_or_fresh, settle_seed
from theorychecks.plugin.storing import DEFAULT, StoreUse, place
from theorychecks.plugin.watching import Watcher, worker_listener


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("theorychecks", "claims about wide networks (theorychecks)")
    group.addoption(
        "--theory-profile",
        choices=PROFILES,
        default="default",
        help="quick: each claim on its canonical setting only; default: two further settings each, the simplest and "
        "one at random; full: twenty, and one more octave of width",
    )
    group.addoption(
        "--theory-seed",
        metavar="N",
        type=seed_or_fresh,
        default=0,
        help="draw other networks everywhere: a whole number, or 'fresh' to draw one and print it (default: 0, so that "
        "every run has the same)",
    )
    group.addoption(
        "--theory-inconclusive",
        choices=("skip", "fail"),
        default="skip",
        help="whether an undecided claim is amber, which pytest calls skipped (default), or fails the run; "
        f"{EXIT_CODES}",
    )
    group.addoption(
        "--theory-trends",
        choices=("report", "gate"),
        default="report",
        help="whether a trend, an empirical regularity and no theorem, that fails is reported only (default), or fails "
        "the run",
    )
    group.addoption(
        "--theory-engine",
        choices=("auto", "dense", "matrix_free"),
        default="auto",
        help="how networks are trained: auto (default) takes the faster engine at each width, by rates measured once "
        "on this machine and kept under .theorychecks/",
    )
    group.addoption(
        "--theory-device",
        metavar="DEVICE",
        default="cpu",
        help="where networks are trained: cpu (default), or cuda",
    )
    group.addoption(
        "--theory-memory",
        metavar="SIZE",
        type=size,
        default=None,
        help="memory for networks trained together, of all workers: 4GB, 500MB (default: half of what is free)",
    )
    group.addoption(
        "--theory-executor",
        metavar="WHERE",
        type=executor,
        default=None,
        help="where cells are measured, all those of a look at once: process:N, in so many processes, or dask:ADDRESS, "
        "on the workers of a Dask scheduler (extra [dask]), each of which may then use --theory-memory; one of -n and "
        "process:N is enough, since each worker of -n has N processes of its own (default: where claims run)",
    )
    group.addoption(
        "--theory-budget",
        metavar="TIME",
        type=seconds,
        default=None,
        help="time that each coordinate check of a model may take: 60s, 2min; widths and seeds are chosen to fit "
        "(default: as the gate's own budget has it, the same on every machine)",
    )
    group.addoption(
        "--theory-store",
        metavar="DIRECTORY",
        type=place,
        default=None,
        help="where measured cells are kept, which no later run measures again; 'none' keeps none (default: "
        f"{DEFAULT} under the root directory)",
    )
    group.addoption(
        "--theory-evidence",
        choices=CHOICES,
        default=CHOICES[0],
        help="numbers of claims that take long, which come with a clone: use (default) takes them from "
        f"{DIRECTORY} where the store lacks them and the code is unchanged, none measures them, write runs these "
        "claims alone and writes them; the full profile takes none",
    )
    group.addoption(
        "--theory-report",
        metavar="DIRECTORY",
        type=directory,
        default=None,
        help="where report.json, summary.json, report.md and index.html go, in the place of what is there (default: "
        "reports/latest under the root directory, or reports/partial where a run of some claims would replace a report "
        "of more)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the gatherer on the controller and the runner everywhere."""
    check_device(config)
    settle_seed(config)
    worker = getattr(config, "workerinput", None)
    if worker is None:
        check_executor(config)
        check_evidence(config)
        if config.pluginmanager.has_plugin(PLANNING):
            return
        gatherer = Gatherer(config)
        config.pluginmanager.register(gatherer, "theorychecks-gatherer")
        watcher = Watcher(config, gatherer)
        config.pluginmanager.register(watcher, "theorychecks-watcher")
        runner = Runner(config, gatherer.note_collected, watcher.here, gatherer.store_use)
    else:
        # Before the runner, which is called first then, and notes the order of files.
        config.pluginmanager.register(order, "theorychecks-order")
        # When pytest has searched all for garbage; as it ends, a worker would do so again and again.
        config.add_cleanup(gc.freeze)
        runner = Runner(config, partial(leave_collected, worker), worker_listener(worker), StoreUse())
    config.pluginmanager.register(runner, "theorychecks-runner")
