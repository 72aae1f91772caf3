"""What a process beside this one does is what this one would do, whatever becomes of that process."""

import math
import multiprocessing
import operator
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from concurrent.futures import Future

import psutil
import pytest

import theorychecks.beside
from theorychecks.beside import begun, beside, of_each

NUMBERS = list(range(40))


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(theorychecks.beside, "_cores", lambda: 2)


def process_of(_):
    time.sleep(0.01)
    return os.getpid()


def square_unless_beside(number):
    """Ends the process beside this one as the system does where memory is short."""
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def function_of(number):
    """What no process can send."""
    return lambda: number


def wait_until(true):
    until = time.monotonic() + 60
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    return true()


def test_without_a_process_all_is_done_here_and_in_order():
    assert of_each(process_of, NUMBERS) == [os.getpid()] * 40
    assert begun(math.sqrt, 4.0)() == 2.0


def test_both_processes_do_something_and_results_are_in_order():
    with beside("math"):
        pids = [begun(process_of, 0)(), *of_each(process_of, NUMBERS)]
        assert of_each(operator.neg, NUMBERS) == [-number for number in NUMBERS]
    assert len(set(pids)) == 2
    assert of_each(process_of, [0]) == [os.getpid()]


def test_on_one_core_and_where_little_is_to_be_done_there_is_no_process(monkeypatch):
    with beside("math", wanted=False):
        assert set(of_each(process_of, NUMBERS)) == {os.getpid()}
    monkeypatch.setattr(theorychecks.beside, "_cores", lambda: 1)
    with beside("math"):
        assert set(of_each(process_of, NUMBERS)) == {os.getpid()}


def test_what_a_process_has_not_done_when_it_dies_is_done_here():
    with beside("math"):
        assert of_each(square_unless_beside, NUMBERS) == [number**2 for number in NUMBERS]
        assert begun(square_unless_beside, 3)() == 9


def test_a_process_that_cannot_begin_leaves_all_to_be_done_here():
    with beside("theorychecks.no_such_module"):
        assert of_each(operator.neg, NUMBERS) == [-number for number in NUMBERS]


@pytest.mark.parametrize("error", [ImportError, NotImplementedError, OSError])
def test_without_semaphores_all_is_done_here(monkeypatch, error):
    def pool(*_, **__):
        raise error("this platform has no semaphores")

    monkeypatch.setattr(theorychecks.beside, "ProcessPoolExecutor", pool)
    with beside("math"):
        assert of_each(process_of, NUMBERS) == [os.getpid()] * 40


@pytest.mark.parametrize(("task", "given"), [(lambda number: -number, 1), (function_of, 2), (type, lambda: 1)])
def test_what_cannot_be_sent_is_done_here(monkeypatch, task, given):
    monkeypatch.setattr(Future, "cancel", lambda _: False)
    with beside("math"):
        assert type(begun(task, given)()) is type(task(given))


def test_an_error_of_the_block_is_its_own():
    with pytest.raises(OSError, match="is full"), beside("math"):
        raise OSError("the disk is full")


@pytest.mark.parametrize("place", [0, 39])
def test_errors_are_raised_here_and_nothing_is_left_behind(place):
    numbers = [float(number != place) - 0.5 for number in NUMBERS]
    with pytest.raises(ValueError, match=r"math domain error|nonnegative"), beside("math"):
        of_each(math.sqrt, numbers)
    assert wait_until(lambda: not [each for each in multiprocessing.active_children() if each.is_alive()])


def test_a_process_ends_with_the_one_that_began_it():
    program = (
        "import os, theorychecks.beside as it; it._cores = lambda: 2\n"
        "with it.beside('time'):\n"
        "    print(it.begun(os.getpgid, 0)(), *[each.pid for each in it.multiprocessing.active_children()], flush=True)\n"
        "    it.threading.Event().wait(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline().split()[1])
        assert psutil.pid_exists(child)
        parent.kill()
    assert wait_until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie")


SCRIPT = """#!/usr/bin/env python
import os, theorychecks.beside as it; it._cores = lambda: 2
print('runs', flush=True)
with it.beside('math'):
    print(it.begun(os.getpgid, 0)() >= 0, len(it.multiprocessing.active_children()))
"""


def lines_of(*arguments, at):
    done = subprocess.run([sys.executable, *arguments], cwd=at, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("arguments", [["script.py"], ["-m", "script"], ["script"], ["bin/pytest"], ["bin/tool"]])
def test_a_script_is_not_run_again(tmp_path, arguments):
    (tmp_path / "bin").mkdir()
    for name in ("script.py", "script", "bin/pytest", "bin/tool"):
        (tmp_path / name).write_text(SCRIPT, encoding="utf-8")
    assert lines_of(*arguments, at=tmp_path) == ["runs", "True", "0"]


@pytest.mark.parametrize("name", ["pytest", "theorychecks"])
@pytest.mark.parametrize("way", ["installed", "linked", "module"])
def test_programs_have_a_second_process(tmp_path, name, way):
    """As they lie in the directory of installed programs, which `sysconfig` names."""
    installed = tmp_path / "installed"
    installed.mkdir()
    program = (
        f"import sysconfig; sysconfig.get_path = lambda _: {str(installed)!r}\nif __name__ == '__main__':\n"
        + "".join(f"    {line}\n" for line in SCRIPT.splitlines())
    )
    (installed / name).write_text(program, encoding="utf-8")
    (tmp_path / name).symlink_to(installed / name)
    package = tmp_path / f"own_{name}"
    package.mkdir()
    (package / "__main__.py").write_text(program, encoding="utf-8")
    arguments = {"installed": [installed / name], "linked": [name], "module": ["-m", package.name]}
    assert lines_of(*arguments[way], at=tmp_path) == ["runs", "True", "1"]


def test_where_programs_are_installed_there_is_pytest():
    assert shutil.which("pytest", path=sysconfig.get_path("scripts")) is not None
