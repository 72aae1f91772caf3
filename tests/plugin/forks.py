"""A program that imports what takes long once, and then forks a pytest for each line that it is given.

It answers the process of each pytest, which leads a group of its own; at an empty line, how the last one has ended.
"""

import json
import os
import signal
import sys
import tempfile

import hypothesis
import pytest
import torch

import theorychecks.claims
import theorychecks.experiment
import theorychecks.experiment.stored
import theorychecks.gates
import theorychecks.reporting.formats  # noqa: F401 - the same

LOADED = (hypothesis, torch)


def become_pytest(directory, options, environment, output):
    os.setsid()
    os.chdir(directory)
    os.environ.update(environment)
    tempfile.tempdir = None  # the environment names another one
    to = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(to, 1)
    os.dup2(to, 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background processes ignore interrupts
    code = pytest.main(options)
    sys.stdout.flush()
    os._exit(int(code))


if __name__ == "__main__":
    print(json.dumps("ready"), flush=True)
    child = 0
    for line in sys.stdin:
        if line == "\n":
            print(json.dumps(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])), flush=True)
            continue
        child = os.fork()
        if child == 0:
            become_pytest(*json.loads(line))
        print(json.dumps(child), flush=True)
