"""Imports once what takes long, and then forks a process for each client that asks for a Python.

`python -m tests.forked.server DIRECTORY` listens at DIRECTORY/socket until its standard input is closed.
"""

import atexit
import contextlib
import fcntl
import gc
import importlib
import json
import multiprocessing.spawn
import os
import random
import runpy
import select
import signal
import socket
import sys
import tempfile
import threading
import traceback
import types

LOADED = (
    "hypothesis",
    "pytest",
    "rich.table",
    "theorychecks.claims",
    "theorychecks.experiment.stored",
    "theorychecks.gates",
    "theorychecks.reporting.formats",
    "torch._dynamo",  # which a gate needs to have compiled modules run as they are
    "trio",  # selenium brings it, and a plugin of pytest imports it
)
"""What a pytest with claims imports; not plugins, whose assertions it may have to rewrite."""
IGNORED = ("-u", "-B")
"""Options of Python that a forked process need not heed; the environment's, like PYTHONHASHSEED, it has none of."""
ABOVE = 200
"""Files of a client are kept from here on until those of the server are closed."""


def serve(directory):
    """Answer clients, each in two processes of its own; return, in one that is to become a Python, what it was asked."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.path.join(directory, "socket"))
    listening.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who mind a client
    for name in LOADED:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # no process looks for garbage among what all of them share
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([listening, sys.stdin], [], [])
        if listening not in ready:
            sys.exit()
        client, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            return mind(client)
        client.close()


def mind(client):
    """Fork a process for a client; return, in that process, what it was asked.

    It is sent the signals that the client is, and killed with it; the client is told how it ends.
    """
    size, files, _, _ = socket.recv_fds(client, 4, 64)
    request = json.loads(client.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    woken, wakes = os.pipe()
    process = os.fork()
    if process == 0:
        for file in (woken, wakes):
            os.close(file)
        client.close()
        return request, files
    for file in files:
        os.close(file)
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *told: None)
    signal.set_wakeup_fd(wakes)
    while True:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            break
        if client in select.select([woken, client], [], [])[0]:
            told = client.recv(1)
            os.kill(process, told[0] if told else signal.SIGKILL)
            if not told:
                os._exit(0)
        else:
            os.read(woken, 64)
    with contextlib.suppress(OSError):  # a client that is gone need not know
        client.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))
    os._exit(0)


def become(python, request, received):
    """Do what `python WORDS` does in the client's directory, with its environment and its files."""
    words, directory, environment, files = request
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    high = [fcntl.fcntl(file, fcntl.F_DUPFD, ABOVE) for file in received]
    os.closerange(0, ABOVE)
    for kept, file in zip(high, files, strict=True):
        os.dup2(kept, file)
        os.close(kept)
    encoding = environment.get("PYTHONIOENCODING", "utf-8")
    line_by_line = 1 if os.isatty(1) else -1
    sys.stdin = sys.__stdin__ = os.fdopen(0, encoding=encoding, closefd=False)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", line_by_line, encoding=encoding, closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", 1, encoding=encoding, errors="backslashreplace", closefd=False)
    sys.executable = python
    multiprocessing.spawn.set_executable(python)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has what it runs in the background ignore it
    tempfile.tempdir = None
    random.seed()
    sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path not in sys.path]
    while words[0] in IGNORED:
        words = words[1:]
    what, name, *rest = words
    sys.argv = [what, *rest]
    if what == "-m":
        sys.path.insert(0, directory)
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    elif what == "-c":
        sys.path.insert(0, "")
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(name, "<string>", "exec"), vars(main))
    else:
        raise NotImplementedError(f"a forked Python knows -m and -c; got {words}")


def end(code):
    """End as a Python does, without taking apart what the server has imported."""
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def main(directory):
    asked = serve(directory)
    try:
        become(os.path.join(directory, "python"), *asked)
    except SystemExit as left:
        if isinstance(left.code, str):
            print(left.code, file=sys.stderr)
        end(left.code if isinstance(left.code, int) else int(left.code is not None))
    except BaseException as error:
        traceback.print_exception(error.with_traceback(error.__traceback__.tb_next.tb_next))
        end(-signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1)
    end(0)


if __name__ == "__main__":
    main(sys.argv[1])
