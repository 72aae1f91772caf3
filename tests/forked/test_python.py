"""A forked Python does what a new one does, but for the time."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.forked.python import forked_python

WHERE = "import os, sys; print(sys.argv[1:], os.getcwd(), sorted(os.environ), sys.stdin.read(), sep='|')"


def done(program, code, *words, **keywords):
    return subprocess.run([program, "-c", code, *words], capture_output=True, text=True, timeout=60, **keywords)


@pytest.mark.parametrize(
    "code",
    [
        WHERE,
        "import sys; sys.exit(3)",
        "import sys; sys.exit('left')",
        "print('kept'); raise ValueError('one')",
        "import os; os.kill(os.getpid(), 9)",
        "import atexit; atexit.register(print, 'last'); print('first')",
        "import threading; threading.Timer(0.1, print, ['last']).start(); print('first')",
        "import subprocess, sys; print(subprocess.check_output([sys.executable, '-c', 'print(1 + 1)']))",
        "import os; print([file for file in map(int, os.listdir('/dev/fd')) if file < 3])",
    ],
)
def test_it_says_and_ends_as_a_new_one(tmp_path, code):
    keywords = {"cwd": tmp_path, "env": {"HERE": "1", "LC_CTYPE": "C.UTF-8"}, "input": "é"}
    forked, new = (done(program, code, "a", "é", **keywords) for program in (forked_python(), sys.executable))
    assert (forked.returncode, forked.stdout, forked.stderr) == (new.returncode, new.stdout, new.stderr)


def test_what_takes_long_is_there_and_nothing_of_another():
    code = "import sys; print('torch' in sys.modules, hasattr(sys, 'mine'), 'mine' in globals()); sys.mine = mine = 1"
    assert [done(forked_python(), code).stdout for _ in range(2)] == ["True False False\n"] * 2
    draws = "import random, tempfile; print(random.random(), tempfile.mktemp())"
    assert done(forked_python(), draws).stdout != done(forked_python(), draws).stdout


@pytest.mark.parametrize(("told", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGKILL, -signal.SIGKILL)])
def test_it_is_interrupted_and_killed_with_the_program_that_stands_for_it(told, code):
    waits = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    started = subprocess.Popen([forked_python(), "-c", waits], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with started:
        process = psutil.Process(int(started.stdout.readline()))
        os.kill(started.pid, told)
        assert started.wait(60) == code
        assert psutil.wait_procs([process], timeout=60)[1] == []
