"""Processes of this machine measure, are replaced once when they die, and end with the process that started them."""

import multiprocessing
import os
import signal
import subprocess
import sys
from concurrent.futures.process import ProcessPoolExecutor

import psutil
import pytest

import theorychecks as tc
from theorychecks.experiment import ExecutorError, Processes, Resources
from theorychecks.statistics import Parts

pytestmark = pytest.mark.usefixtures("forked_processes")


@tc.quantity(along="samples")
def count(samples, draw):
    return [samples * (1 + seed) for seed in draw.seeds]


def test_any_executor_will_do():
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as plain:
        found = tc.measure(count().over((4, 8, 16, 32), seeds=3), Resources(executor=plain))
    assert found.measurements == tc.measure(count().over((4, 8, 16, 32), seeds=3)).measurements


def test_a_process_that_dies_is_replaced_and_one_that_dies_again_is_named(tmp_path):
    def mortal(times):
        @tc.quantity(along="samples")
        def dies(samples, draw):
            before = len(list(tmp_path.iterdir()))
            if samples == 16 and before < times:
                (tmp_path / str(before)).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return [samples * (1 + seed) for seed in draw.seeds]

        return dies().over((4, 8, 16, 32), seeds=3)

    one = Processes(1)
    try:
        found = tc.measure(mortal(1), Resources(executor=one))
        assert found.measurements[Parts()].values[2] == (16.0, 32.0, 48.0)
        here = Resources(executor=one)
        with pytest.raises(ExecutorError, match=r"died twice while dies \(samples 16"):
            tc.measure(mortal(3), here)
        # The pool has begun again, and only what is missing is measured.
        assert tc.measure(mortal(3), here).measurements == found.measurements
    finally:
        one.shutdown(cancel_futures=True)


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", True])
def test_a_number_of_processes_is_positive_and_whole(count):
    with pytest.raises((TypeError, ValueError), match="the number of processes"):
        Processes(count)


PARENT = """
import os, sys, time
from theorychecks.experiment import Processes

if __name__ == "__main__":
    pool = Processes(2)
    busy = [pool.submit(time.sleep, 600) for _ in range(2)]
    pids = [process for process in __import__("psutil").Process().children() if "resource_tracker" not in str(process.cmdline())]
    while not all(future.running() for future in busy):
        time.sleep(0.01)
    print(*(process.pid for process in pids), flush=True)
    if sys.argv[1] == "shutdown":
        pool.shutdown(cancel_futures=True)
    else:
        time.sleep(600)
"""


@pytest.mark.parametrize("how", ["shutdown", "SIGKILL", "SIGTERM"])
def test_no_process_outlives_the_one_that_started_it(tmp_path, how):
    program = tmp_path / "parent.py"
    program.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, program, how], stdout=subprocess.PIPE, text=True)
    children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
    assert len(children) == 2
    if how != "shutdown":
        parent.send_signal(getattr(signal, how))
    parent.wait(timeout=60)
    parent.stdout.close()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []
