"""Batches of a loader are read once, whoever asks for them at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor

from theorychecks.models.loaded import Loaded


def slowly(count):
    for number in range(count):
        time.sleep(0.01)
        yield number


def test_threads_that_read_at_once_get_the_same_batches():
    loaded = Loaded(slowly(4))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: loaded.first(3), range(8)))
    assert found == [[0, 1, 2]] * 8
    assert loaded.first(4) == [0, 1, 2, 3]
