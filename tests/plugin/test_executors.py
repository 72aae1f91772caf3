"""Claims have the same numbers wherever they are measured, and a run leaves no processes behind."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from tests.forked.python import forked_python
from theorychecks.plugin import executors
from theorychecks.plugin.executors import sharing
from theorychecks.reporting import Report

ROOT = Path(__file__).parents[2]
OPTIONS = ("--theory-engine=matrix_free", "--theory-store=none")
needs_dask = pytest.mark.skipif(find_spec("distributed") is None, reason="needs Dask: the extra [dask]")


@contextmanager
def cluster(**environment):
    """The address of a scheduler with two workers, in processes of their own, which import nothing of a suite."""
    command = [sys.executable, "-m", "tests.plugin.cluster"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, text=True, **pipes) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(timeout=60)


def judged(ran):
    """What a report says of each claim, the time aside."""
    return {
        claim.id: (claim.outcome, claim.notes, [timeless(finding) for finding in claim.findings])
        for claim in ran.report.claims
    }


def timeless(finding):
    return replace(finding, effort=replace(finding.effort, seconds=0.0))


@pytest.fixture(scope="module")
def serial(run_suite):
    ran = run_suite("anywhere", *OPTIONS)
    assert ran.code == 0, ran.text
    found = judged(ran)
    assert [each[0] for each in found.values()] == ["pass"] * 4
    engines = " ".join(finding.engine for _, _, findings in found.values() for finding in findings)
    assert all(engine in engines for engine in ("dense", "matrix_free", "module", "function"))
    return found


@pytest.mark.parametrize("options", [["-n", "2"], ["--theory-executor=process:2"]], ids=" ".join)
@pytest.mark.slow
def test_numbers_are_the_same_here_and_in_processes(run_suite, serial, options):
    ran = run_suite("anywhere", *OPTIONS, *options)
    assert ran.code == 0, ran.text
    assert judged(ran) == serial


@pytest.mark.slow
def test_a_process_that_is_killed_costs_nothing(run_suite, serial, tmp_path):
    marker = tmp_path / "died"
    ran = run_suite("anywhere", *OPTIONS, "--theory-executor=process:2", environment={"DIES_ONCE": str(marker)})
    assert ran.code == 0, ran.text
    assert marker.exists()
    assert judged(ran) == serial


@needs_dask
@pytest.mark.slow
def test_numbers_are_the_same_on_a_cluster_one_of_whose_workers_is_killed(run_suite, serial, tmp_path):
    marker = tmp_path / "died"
    with cluster(DIES_ONCE=str(marker)) as address:
        ran = run_suite("anywhere", *OPTIONS, f"--theory-executor=dask:{address}")
    assert ran.code == 0, ran.text
    assert marker.exists()
    assert judged(ran) == serial


WAITING = '''
import os, time
import theorychecks as tc

@tc.quantity(along="width")
def waits(width, draw):
    with open(f"{os.environ['WAITING']}/{os.getpid()}", "w"):
        pass
    time.sleep(600)

@tc.claim(id="A", source="made up")
def test_waits():
    """Nothing comes of it."""
    tc.check(waits().over(tc.widths(64, 1024), seeds=4), tc.PowerLaw(-1))
'''


@contextmanager
def waiting(tmp_path, *options):
    """A run, the processes that wait for something in it, and where they are noted."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider --import-mode=importlib\n")
    (tmp_path / "test_waits.py").write_text(WAITING)
    notes = tmp_path / "notes"
    notes.mkdir()
    command = [forked_python(), "-m", "pytest", *OPTIONS, *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    run = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "WAITING": str(notes)}, **pipes)
    try:
        while len(list(notes.iterdir())) < 2:
            assert run.poll() is None, run.stdout.read()
            time.sleep(0.05)
        yield run, [psutil.Process(int(note.name)) for note in notes.iterdir()]
    finally:
        run.kill()
        run.communicate()


@pytest.mark.parametrize(
    ("how", "options"), [(signal.SIGINT, ()), (signal.SIGKILL, ()), (signal.SIGKILL, ("-n", "1"))], ids=str
)
@pytest.mark.slow
def test_processes_end_with_the_run(tmp_path, how, options):
    with waiting(tmp_path, "--theory-executor=process:2", *options) as (run, processes):
        assert len(processes) == 2
        run.send_signal(how)
        text, _ = run.communicate(timeout=60)
        _, alive = psutil.wait_procs(processes, timeout=60)
    assert alive == []
    if how is signal.SIGINT:
        assert run.returncode == pytest.ExitCode.INTERRUPTED
        assert "KeyboardInterrupt" in text
        assert "Traceback" not in text.partition("no tests ran")[2]


@needs_dask
@pytest.mark.slow
def test_a_scheduler_that_is_lost_is_an_error_of_the_claim(tmp_path):
    with (
        cluster(WAITING=str(tmp_path / "notes")) as address,
        waiting(tmp_path, f"--theory-executor=dask:{address}") as (
            run,
            processes,
        ),
    ):
        scheduler = processes[0].parent()
        for process in (scheduler, *scheduler.children(recursive=True)):
            process.kill()
        text, _ = run.communicate(timeout=60)
    assert "the executor failed while waits (width 64, engine function) was being measured: it has cancelled" in text
    (claim,) = Report.from_json((tmp_path / "reports/latest/report.json").read_text(encoding="utf-8")).claims
    assert claim.outcome == "error"


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "x", ""])
def test_a_number_of_processes_is_positive_and_whole(inner, number):
    result = inner(f"--theory-executor=process:{number}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*positive whole number, like process:4; got 'process:{number}'*"])


@pytest.mark.parametrize("name", ["slurm:3", "dask", "dask:", "4"])
def test_what_is_no_executor_is_refused_with_what_is_one(inner, name):
    result = inner(f"--theory-executor={name}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*process:N*dask:ADDRESS*; got '{name}'*"])


def test_where_dask_is_not_installed_the_way_to_it_is_named(inner, monkeypatch):
    monkeypatch.setattr(executors, "find_spec", lambda name: None)
    result = inner("--theory-executor=dask:tcp://127.0.0.1:8786")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*pip install 'theorychecks?dask?'*"])


@needs_dask
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nowhere"])
def test_an_address_that_does_not_answer_is_named_before_anything_is_collected(run_suite, address):
    # In a process of its own: Dask changes how installed packages are found, for as long as a process lives.
    impatient = "import theorychecks.plugin.executors as executors\nexecutors._PATIENCE = 0.2"
    ran = run_suite("quiet", f"--theory-executor=dask:{address}", conftest=impatient)
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    (said,) = ran.lines("no Dask scheduler answers")
    assert said.startswith(f"ERROR: --theory-executor: no Dask scheduler answers at {address} within 0.2 s: ")
    assert "collected" not in ran.text


@pytest.mark.parametrize(
    ("chosen", "workers", "processes"),
    [(None, 3, 3), ("process:4", 1, 4), ("process:4", 2, 8), ("dask:tcp://127.0.0.1:1", 2, 1)],
)
def test_memory_is_shared_by_the_processes_of_this_machine(monkeypatch, chosen, workers, processes):
    monkeypatch.setattr(executors, "find_spec", lambda name: True)

    class Config:
        def getoption(self, name):
            return chosen

    assert sharing(Config(), workers) == processes
