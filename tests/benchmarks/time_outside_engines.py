"""A pytest plugin that adds up the time that a run spends in engines, in measuring, and in claims altogether."""

import json
import os
import time
from pathlib import Path

import pytest

SPENT = {"engines": 0.0, "claims": 0.0}


def timed(function, name):
    def run(*arguments, **options):
        started = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            SPENT[name] += time.perf_counter() - started

    return run


def pytest_collection_finish():
    from theorychecks.engines import dense, matrix_free
    from theorychecks.engines.trained import TrainedRun

    for engine in (dense, matrix_free):
        engine.train = timed(engine.train, "engines")
    for name in ("_pass", "output_gradients", "weight_norm", "weight_change_norm", "apply_initial", "apply_change"):
        setattr(TrainedRun, name, timed(getattr(TrainedRun, name), "engines"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call():
    started = time.perf_counter()
    result = yield
    SPENT["claims"] += time.perf_counter() - started
    return result


def pytest_sessionfinish():
    place = Path(os.environ["TIME_OUTSIDE_ENGINES"])
    (place / f"{os.getpid()}.json").write_text(json.dumps(SPENT), encoding="utf-8")
