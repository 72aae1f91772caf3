"""Runs that are killed, interrupted, or not alone: the next one goes on where they were, and finds what they would have.

The moments are drawn from seeds. Processes are forked from one that has imported torch, and are killed for good.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from theorychecks.finding import Effort
from theorychecks.reporting import Report
from theorychecks.store import Store, verify

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
SECONDS_A_BLOCK = 0.03
LONGEST = 120.0


class Forks:
    """Pytests that start at once, one at a time."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.plugin.forks"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready"

    def _ask(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self):
        return json.loads(self._process.stdout.readline())

    def start(self, directory, *options, **environment):
        environment = {"MEASURED": str(directory / "measured"), "SECONDS_A_BLOCK": str(SECONDS_A_BLOCK), **environment}
        (directory / "measured").write_text("")
        return self._ask(json.dumps([str(directory), options, environment, str(directory / "output")]))

    def ended(self):
        """How the last one has ended; until then its number is no other process's."""
        return self._ask("")

    def close(self):
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def forks():
    made = Forks()
    yield made
    made.close()


@pytest.fixture(scope="module")
def undisturbed(make_suite, forks):
    """What a run finds that nothing happens to, how many blocks it measures, and how long it takes."""
    directory = make_suite("stored")
    started = time.monotonic()
    forks.start(directory)
    assert forks.ended() == 0, (directory / "output").read_text()
    return said(directory), len(measured(directory)), time.monotonic() - started


def said(directory):
    report = Report.from_json((directory / "reports/latest/report.json").read_text(encoding="utf-8"))
    return [
        replace(
            claim, seconds=0.0, findings=tuple(replace(each, effort=Effort(), origins=()) for each in claim.findings)
        )
        for claim in report.claims
    ]


def measured(directory):
    """Blocks that the last run has begun: title, width, first seed."""
    lines = (directory / "measured").read_text().splitlines()
    return [tuple(line.split(",")[:3]) for line in lines]


class Kept:
    """What a store holds at some moment."""

    def __init__(self, directory):
        self.path = directory / ".theorychecks/store"
        self.blocks, self.files = {}, {}
        if not (self.path / "theorychecks-store.json").exists():
            return
        store = Store.existing(self.path)
        for name in store.names():
            block = store.load(name)
            assert block is not None, store.problems
            self.blocks[block.description["title"], block.description["width"], str(block.first)] = name
            found = store.path_of(name).stat()
            self.files[name] = found.st_ino, found.st_mtime_ns
        assert store.problems == ()

    def left(self):
        return {each: len(list((self.path / each).glob("*"))) for each in ("writing", "locks", "set_aside")}


def check_nothing_was_done_again(before, directory):
    after = Kept(directory)
    assert before.blocks.keys().isdisjoint(measured(directory))
    assert before.files.items() <= after.files.items()
    return after


def check_a_rerun(directory, forks, undisturbed):
    """It ends as if nothing had happened, and leaves nothing but blocks."""
    expected, blocks, _ = undisturbed
    before = Kept(directory)
    forks.start(directory)
    assert forks.ended() == 0, (directory / "output").read_text()
    after = check_nothing_was_done_again(before, directory)
    assert said(directory) == expected
    assert len(after.blocks) == len(after.files) == blocks
    assert after.left() == {"writing": 0, "locks": 0, "set_aside": 0}
    assert "WARNING" not in (directory / "output").read_text()
    assert verify(Store.existing(after.path)).problems == ()


def wait_for(condition):
    until = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.parametrize("seed", range(4))
def test_a_run_of_one_process_is_killed(make_suite, forks, undisturbed, seed):
    """Five times on its way, and then it ends: twenty kills in all."""
    draw, directory = random.Random(seed), make_suite("stored")
    for _ in range(5):
        before = Kept(directory)
        run = forks.start(directory)
        wait_for(lambda: measured(directory))
        time.sleep(draw.random() * undisturbed[1] * SECONDS_A_BLOCK / 4)
        os.kill(run, signal.SIGKILL)
        assert forks.ended() == -signal.SIGKILL
        check_nothing_was_done_again(before, directory)
    check_a_rerun(directory, forks, undisturbed)


def test_a_run_is_killed_at_any_time(make_suite, forks, undisturbed):
    """Before it measures, while it writes its report, and in between."""
    draw, directory = random.Random(0), make_suite("stored")
    for number in range(6):
        run = forks.start(directory)
        time.sleep((number + draw.random()) / 6 * undisturbed[2])
        os.kill(run, signal.SIGKILL)
        forks.ended()
    check_a_rerun(directory, forks, undisturbed)


def test_an_interrupted_run_says_so_and_the_next_one_goes_on(make_suite, forks, undisturbed):
    draw, directory = random.Random(1), make_suite("stored")
    for _ in range(4):
        before = Kept(directory)
        run = forks.start(directory)
        wait_for(lambda: measured(directory))
        time.sleep(draw.random() * undisturbed[1] * SECONDS_A_BLOCK / 6)
        os.kill(run, signal.SIGINT)
        assert forks.ended() == pytest.ExitCode.INTERRUPTED
        after = check_nothing_was_done_again(before, directory)
        if len(after.blocks) > len(before.blocks) + 1:
            assert "blocks of runs were measured" in (directory / "output").read_text()
    check_a_rerun(directory, forks, undisturbed)


def workers_of(run):
    children = [each for each in psutil.Process(run).children() if each.status() != psutil.STATUS_ZOMBIE]
    found = [each for each in children if "stdin.readline" in " ".join(each.cmdline())]
    assert found
    return found


def test_workers_are_killed(make_suite, forks, undisturbed):
    """Each takes the claim with it that it was at, and another worker takes its place."""
    draw, directory = random.Random(2), make_suite("stored")
    for _ in range(2):
        before = Kept(directory)
        run = forks.start(directory, "-n", "2", SECONDS_A_BLOCK="0.3")
        for _ in range(2):
            count = len(measured(directory))
            wait_for(lambda count=count: len(measured(directory)) > count + 2)
            time.sleep(draw.random() / 2)
            os.kill(draw.choice(workers_of(run)).pid, signal.SIGKILL)
        # Claims that died with their workers are errors, and nothing is refuted.
        assert forks.ended() != 0
        assert "lost: " in (directory / "output").read_text()
        check_nothing_was_done_again(before, directory)
    check_a_rerun(directory, forks, undisturbed)


def test_all_processes_of_a_run_are_killed_at_once(make_suite, forks, undisturbed):
    draw, directory = random.Random(3), make_suite("stored")
    for _ in range(3):
        before = Kept(directory)
        run = forks.start(directory, "-n", "2", SECONDS_A_BLOCK="0.1")
        wait_for(lambda: measured(directory))
        time.sleep(draw.random())
        os.killpg(run, signal.SIGKILL)
        forks.ended()
        check_nothing_was_done_again(before, directory)
    check_a_rerun(directory, forks, undisturbed)


def test_a_controller_is_killed_and_its_workers_end(make_suite, forks, undisturbed):
    """The next run begins while they are at their last claims, and may share with them what these measure."""
    directory = make_suite("stored")
    run = forks.start(directory, "-n", "2", SECONDS_A_BLOCK="0.1")
    wait_for(lambda: measured(directory))
    workers = workers_of(run)
    os.kill(run, signal.SIGKILL)
    forks.ended()
    forks.start(directory)
    assert forks.ended() == 0
    assert said(directory) == undisturbed[0]
    psutil.wait_procs(workers, timeout=LONGEST)
    assert not any(worker.is_running() for worker in workers)
    check_a_rerun(directory, forks, undisturbed)


def test_two_runs_at_once_share_what_they_measure(make_suite, forks, undisturbed):
    directory, others = make_suite("stored"), Forks()
    log = directory / "measured"
    forks.start(directory)
    others.start(directory, MEASURED=str(log))
    try:
        assert (forks.ended(), others.ended()) == (0, 0)
    finally:
        others.close()
    kept = Kept(directory)
    assert len(kept.files) == len(kept.blocks) == undisturbed[1]
    assert sorted(measured(directory)) == sorted(kept.blocks)
    assert said(directory) == undisturbed[0]
    assert kept.left() == {"writing": 0, "locks": 0, "set_aside": 0}
    check_a_rerun(directory, forks, undisturbed)
