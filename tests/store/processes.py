"""A program with many processes on one store: `python -m tests.store.processes MODE STORE ...`.

It imports the store once, and forks; in the process of the tests there may be threads.
"""

import json
import os
import random
import signal
import sys
import time

from tests.store.samples import block, covered, same
from theorychecks.store import Store

KEYS = 20
BLOCKS = 8
SEEDS = 4


def forked(work, number):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work(number)
            status = 0
        finally:
            os._exit(status)
    return child


def blocks_of(key, writer):
    """Blocks that tile the seeds, the same for all writers; those that shared keys have differ in their seconds."""
    return [block(key, first=SEEDS * n, seeds=SEEDS, seconds=0.1 + writer) for n in range(BLOCKS)]


def fill(path, writer, draw):
    """Ask for keys, some of them shared by all, and save what is missing; whatever is there is right."""
    store = Store.open(path)
    names = [*range(KEYS), *(f"{writer} alone, {n}" for n in range(KEYS))]
    draw.shuffle(names)
    for name in names:
        wanted = blocks_of(name, writer)
        found = store.blocks(wanted[0].key)
        check(found, name)
        for each in wanted[len(found) :]:
            store.save(each)
        found = store.blocks(wanted[0].key)
        assert covered(found) == covered(wanted), (name, covered(found))
        check(found, name)
    assert store.problems == (), store.problems
    assert store.writing


def check(found, name):
    for each in found:
        assert same(each, block(name, first=each.first, seeds=each.seeds, seconds=each.seconds)), name


def together(path, seconds):
    """Eight processes fill one store after another, for so long; the last one stays."""
    until, rounds = time.monotonic() + seconds, 0
    while rounds == 0 or time.monotonic() < until:
        store = f"{path}/{rounds}"
        children = [forked(lambda n, s=store: fill(s, n, random.Random(n)), number) for number in range(8)]
        statuses = [os.waitpid(child, 0)[1] for child in children]
        assert statuses == [0] * 8, statuses
        rounds += 1
    print(json.dumps({"rounds": rounds}))


def write_for_ever(path, writer):
    store = Store.open(path)
    for number in range(10**9):
        # Dear ones wait for the disk, which leaves more time to be killed in.
        store.save(block(f"{writer} {number}", seeds=500, seconds=float(number % 2)))


def killed(path, kills):
    """Writers are killed while they write, one after another."""
    draw, left = random.Random(kills), 0
    for number in range(kills):
        child = forked(lambda n: write_for_ever(path, n), number)
        time.sleep(0.05 + draw.random() / 10)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        left = max(left, len(os.listdir(f"{path}/writing")))
    print(json.dumps({"most left": left}))


def locked(path):
    """Eight processes measure the same at once, and only one of them does the work."""

    def measure(number):
        store = Store.open(path)
        with store.lock(block("a").key, patience=60) as held:
            assert held
            if not store.blocks(block("a").key):
                with open(f"{path}/measured.log", "a") as log:
                    log.write(f"{number}\n")
                time.sleep(0.2)
                store.save(block("a"))

    Store.open(path)
    children = [forked(measure, number) for number in range(8)]
    print(json.dumps({"statuses": [os.waitpid(child, 0)[1] for child in children]}))


if __name__ == "__main__":
    mode, where, *rest = sys.argv[1:]
    {"together": together, "killed": killed, "locked": locked}[mode](where, *map(int, rest))
