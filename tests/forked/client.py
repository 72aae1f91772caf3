"""Stands for a Python that has torch imported: it asks the server beside it to run what it was asked to run.

It is copied into the server's directory, and needs nothing but the standard library. Its standard streams, and all other
files that it has open, become those of the process that the server forks, and it ends as that process does.
"""

import json
import os
import signal
import socket
import sys

FORWARDED = signal.SIGINT, signal.SIGTERM


def main():
    files = [file for file in map(int, os.listdir("/dev/fd")) if is_open(file)]
    request = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ), files]).encode()
    server = socket.socket(socket.AF_UNIX)
    server.connect(os.path.join(os.path.dirname(os.path.abspath(__file__)), "socket"))
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    socket.send_fds(server, [len(request).to_bytes(4, "big")], files)
    server.sendall(request)
    for each in FORWARDED:
        signal.signal(each, lambda told, frame: server.send(bytes([told])))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    code = int.from_bytes(server.recv(4, socket.MSG_WAITALL), "big", signed=True)
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def is_open(file):
    try:
        os.fstat(file)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
