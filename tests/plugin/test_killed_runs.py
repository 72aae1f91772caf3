"""Runs that are killed, interrupted, or not alone: the next one goes on where they were, and finds what they would have.

The moments are drawn from seeds; `tests/trials.py` says how to have more of them. Processes are forked from one that has
imported torch, and are killed for good.
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

from tests.trials import rounds
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
        environment = {
            "MEASURED": str(directory / "measured"),
            "SECONDS_A_BLOCK": str(SECONDS_A_BLOCK),
            "TMPDIR": str(directory / "temporary"),
            **environment,
        }
        (directory / "measured").write_text("")
        (directory / "temporary").mkdir(exist_ok=True)
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
    return [tuple(block) for *block, _ in begun(directory)]


def begun(directory):
    """The same, with the moments, in nanoseconds."""
    lines = [line.split(",") for line in (directory / "measured").read_text().splitlines()]
    return [(title, width, first, int(moment)) for title, width, first, _, moment in lines]


def litter(directory):
    """What runs leave behind that serves no other: temporary files, locks, and what could not be trusted."""
    store = ".theorychecks/store"
    places = (
        f"{store}/writing/*",
        f"{store}/locks/*",
        f"{store}/set_aside/*",
        "reports/.*",
        "reports/*/.*",
        "temporary/theorychecks-*",
    )
    return [path for place in places for path in directory.glob(place)]


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


class Trial:
    """A directory in which runs are disturbed one after another, until one is not."""

    def __init__(self, directory, forks, undisturbed, count):
        self.directory, self.forks, self.count = directory, forks, count
        self.expected, self.number_of_blocks, self.seconds = undisturbed
        self.disturbed = self.again = self.left = 0

    def start(self, *options, **environment):
        self.before = Kept(self.directory)
        return self.forks.start(self.directory, *options, **environment)

    def wait_until_it_measures(self):
        wait_for(lambda: measured(self.directory))

    def has_ended(self, disturbed=1):
        """A run that was disturbed so many times has ended as it should; what was finished before was left alone."""
        self.disturbed += disturbed
        self.left += len(litter(self.directory))
        return self.check_nothing_was_done_again()

    def check_nothing_was_done_again(self):
        """No block was begun that had a file by then, and no file is another one now."""
        after = Kept(self.directory)
        written = {block: after.files[name][1] for block, name in after.blocks.items()}
        self.again += sum(moment > written.get(tuple(block), moment) for *block, moment in begun(self.directory))
        assert self.again == 0
        assert self.before.files.items() <= after.files.items()
        return after

    def check_a_rerun(self, *options):
        """It ends as if nothing had happened, and leaves nothing but blocks."""
        self.start(*options)
        assert self.forks.ended() == 0, self.output
        after = self.check_nothing_was_done_again()
        assert said(self.directory) == self.expected
        assert len(after.blocks) == len(after.files) == self.number_of_blocks
        assert "WARNING" not in self.output
        assert verify(Store.existing(after.path)).problems == ()
        assert litter(self.directory) == []
        self.count(
            "counted",
            {
                "disturbed": self.disturbed,
                "reruns equal to an undisturbed run": 1,
                "finished blocks measured again": self.again,
                "temporary files left, until the next run": self.left,
                "left by reruns": len(litter(self.directory)),
            },
        )

    @property
    def output(self):
        return (self.directory / "output").read_text()


@pytest.fixture
def trial(make_suite, forks, undisturbed, record_property):
    return Trial(make_suite("stored"), forks, undisturbed, record_property)


def wait_for(condition):
    until = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.parametrize("seed", rounds(5, otherwise=4))
def test_a_run_of_one_process_is_killed(trial, seed):
    """Five times on its way, and then it ends."""
    draw = random.Random(seed)
    for _ in range(5):
        run = trial.start()
        trial.wait_until_it_measures()
        time.sleep(draw.random() * trial.number_of_blocks * SECONDS_A_BLOCK / 4)
        os.kill(run, signal.SIGKILL)
        assert trial.forks.ended() == -signal.SIGKILL
        trial.has_ended()
    trial.check_a_rerun()


@pytest.mark.parametrize("seed", rounds(6, otherwise=1))
def test_a_run_is_killed_at_any_time(trial, seed):
    """Before it measures, while it writes its report, and in between."""
    draw = random.Random(seed)
    for number in range(6):
        run = trial.start()
        time.sleep((number + draw.random()) / 6 * trial.seconds)
        os.kill(run, signal.SIGKILL)
        trial.forks.ended()
        trial.has_ended()
    trial.check_a_rerun()


@pytest.mark.parametrize("seed", rounds(4, otherwise=1))
def test_an_interrupted_run_says_so_and_the_next_one_goes_on(trial, seed):
    draw = random.Random(seed + 1)
    # What is left to measure takes longer than this process ever waits for a processor.
    seconds_a_block = 4 * SECONDS_A_BLOCK
    for _ in range(4):
        run = trial.start(SECONDS_A_BLOCK=str(seconds_a_block))
        trial.wait_until_it_measures()
        time.sleep(draw.random() * trial.number_of_blocks * seconds_a_block / 6)
        os.kill(run, signal.SIGINT)
        assert trial.forks.ended() == pytest.ExitCode.INTERRUPTED, trial.output
        after = trial.has_ended()
        if len(after.blocks) > len(trial.before.blocks) + 1:
            assert "blocks of runs were measured" in trial.output
    trial.check_a_rerun()


def workers_of(run):
    children = [each for each in psutil.Process(run).children() if each.status() != psutil.STATUS_ZOMBIE]
    return [each for each in children if "stdin.readline" in " ".join(each.cmdline())]


@pytest.mark.parametrize("seed", rounds(2, otherwise=2))
def test_workers_are_killed(trial, seed):
    """Each takes the claim with it that it was at, and another worker takes its place."""
    draw = random.Random(seed + 2)
    run = trial.start("-n", "2", SECONDS_A_BLOCK="0.3")
    for _ in range(2):
        count = len(measured(trial.directory))
        wait_for(lambda count=count: len(measured(trial.directory)) > count + 2)
        time.sleep(draw.random() / 2)
        os.kill(draw.choice(workers_of(run)).pid, signal.SIGKILL)
    # Claims that died with their workers are errors, and nothing is refuted.
    assert trial.forks.ended() != 0
    assert "lost: " in trial.output
    trial.has_ended(disturbed=2)
    trial.check_a_rerun()


@pytest.mark.parametrize("seed", rounds(3, otherwise=1))
def test_all_processes_of_a_run_are_killed_at_once(trial, seed):
    draw = random.Random(seed + 3)
    for _ in range(3):
        run = trial.start("-n", "2", SECONDS_A_BLOCK="0.1")
        trial.wait_until_it_measures()
        time.sleep(draw.random())
        os.killpg(run, signal.SIGKILL)
        trial.forks.ended()
        trial.has_ended()
    trial.check_a_rerun("-n", "2")


@pytest.mark.parametrize("seed", rounds(2, otherwise=1))
def test_a_controller_is_killed_and_its_workers_end(trial, seed):
    """The next run begins while they are at their last claims, and may share with them what these measure."""
    draw, workers = random.Random(seed + 4), list[psutil.Process]()
    for _ in range(2):
        run = trial.start("-n", "2", SECONDS_A_BLOCK="0.1")
        # Workers of the run before may still be measuring.
        wait_for(lambda run=run: len(workers_of(run)) == 2)
        trial.wait_until_it_measures()
        time.sleep(draw.random())
        workers += workers_of(run)
        os.kill(run, signal.SIGKILL)
        trial.forks.ended()
        trial.has_ended()
    trial.start()
    assert trial.forks.ended() == 0
    assert said(trial.directory) == trial.expected
    psutil.wait_procs(workers, timeout=LONGEST)
    assert not any(worker.is_running() for worker in workers)
    trial.check_nothing_was_done_again()
    trial.check_a_rerun("-n", "2")


def test_two_runs_at_once_share_what_they_measure(trial):
    others, log = Forks(), trial.directory / "measured"
    trial.start()
    others.start(trial.directory, MEASURED=str(log))
    try:
        assert (trial.forks.ended(), others.ended()) == (0, 0)
    finally:
        others.close()
    kept = Kept(trial.directory)
    assert len(kept.files) == len(kept.blocks) == trial.number_of_blocks
    assert sorted(measured(trial.directory)) == sorted(kept.blocks)
    assert said(trial.directory) == trial.expected
    assert litter(trial.directory) == []
    trial.check_a_rerun()
