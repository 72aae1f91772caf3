"""Random numbers by name, and work spread over processes."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import numpy as np

PROCESSES = 2
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def generator(*names):
    """A generator seeded by names: the same names give the same numbers, in any process and in any order."""
    text = "/".join(str(name) for name in names)
    return np.random.default_rng(np.random.SeedSequence(list(text.encode())))


def parallel(function, jobs, *, processes=PROCESSES):
    """function(*job) for every job, in order, over processes of one thread each.

    Workers import the function by name, so it stands at the top of a module, and so does all that it is given.
    """
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    # Workers read the environment when they start, before they import numpy.
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
            return list(pool.map(function, *zip(*jobs, strict=True)))
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def standard_error(rate, replications):
    """Monte Carlo standard error of a rate."""
    return float(np.sqrt(rate * (1 - rate) / replications))
