"""Cells are measured elsewhere with the same numbers, and what was measured is kept, whatever happens there."""

import importlib.util
import pickle
import sys
import threading
import time
import warnings
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path

import pytest
import torch

import theorychecks as tc
from theorychecks.experiment import Cells, ExecutorError, Processes, Resources, executors, tasks
from theorychecks.experiment.pickling import pickled
from theorychecks.experiment.stored import StoredCells
from theorychecks.progress import listener
from theorychecks.statistics import Parts
from theorychecks.store import Store

WIDTHS = tc.widths(32, 512)
TRAINING = tc.Training(
    tc.MLP(2, tc.TANH, tc.NTK),
    learning_rate=tc.scaled(0.1),
    data=tc.Teacher(dimension=4, samples=4),
    loss=tc.MSE,
    steps=2,
)
HELPER = "FACTOR = 3.0\n\ndef three_of(value):\n    return FACTOR * value\n"
STRANGER = Path(__file__).with_name("stranger.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A file that is on nobody's path, imported as pytest imports it, with another one that it imports."""
    place = tmp_path_factory.mktemp("elsewhere")
    loaded = {}
    for name, source in (("helper_of_a_stranger", HELPER), ("a_stranger", STRANGER)):
        path = place / f"{name}.py"
        path.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        loaded[name] = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded[name])
    yield loaded["a_stranger"]
    for name in loaded:
        del sys.modules[name]


@pytest.fixture(scope="module")
def pool(forked_processes):
    with_two = Processes(2)
    yield with_two
    with_two.shutdown(cancel_futures=True)


class Here(Executor):
    """Calls functions at once, here; and no longer after so many of them."""

    def __init__(self, *, breaks_after=()):
        self.breaks_after, self.tasks = list(breaks_after), []

    def submit(self, fn, /, task):
        self.tasks.append(task)
        future = Future()
        if self.breaks_after and self.breaks_after[0] == 0:
            raise BrokenExecutor("a process is gone")
        if self.breaks_after:
            self.breaks_after[0] -= 1
        future.set_result(fn(task))
        return future

    def renew(self):
        del self.breaks_after[:1]


def quantity(stranger, kind="plain"):
    return stranger.mean(kind=kind).over((4, 8, 16, 32), seeds=6)


def resources(executor=None, path=None):
    stored = None if path is None else StoredCells(Store.open(path))
    return Resources(executor=executor, stored=stored)


@pytest.mark.parametrize("what", ["dataclass", "closure", "quantity", "model", "retrained", "one engine"])
def test_numbers_are_those_of_this_process(stranger, pool, what):
    design = {
        "dataclass": lambda: tc.Sweep(stranger.Sum(2), TRAINING, widths=WIDTHS, seeds=5),
        "closure": lambda: tc.Sweep(stranger.scaled(2.0), TRAINING, widths=WIDTHS, seeds=5),
        "quantity": lambda: quantity(stranger),
        "model": lambda: tc.Sweep(tc.FeatureChange(), stranger.model(), widths=WIDTHS, seeds=4),
        "retrained": lambda: tc.Sweep(tc.MaxStableLearningRate("loss"), TRAINING, widths=(32, 64), seeds=3),
        "one engine": lambda: tc.Sweep(stranger.scaled(1.0), TRAINING, widths=WIDTHS, seeds=5),
    }[what]()
    engine = "matrix_free" if what == "one engine" else "auto"
    here = tc.measure(design, Resources(engine=engine))
    there = tc.measure(design, Resources(engine=engine, executor=pool))
    assert there.measurements == here.measurements
    assert (there.engine, there.trainings, there.flops) == (here.engine, here.trainings, pytest.approx(here.flops))


def test_nothing_is_sent_that_is_known(stranger, tmp_path):
    first, second = Here(), Here()
    tc.measure(quantity(stranger), resources(first, tmp_path))
    here = resources(second, tmp_path)
    tc.measure(quantity(stranger), here)
    assert (len(first.tasks), len(second.tasks)) == (4, 0)
    more = tc.measure(quantity(stranger).with_seeds(9), here)
    assert [task.seeds for task in second.tasks] == [(6, 7, 8)] * 4
    assert more.measurements == tc.measure(quantity(stranger).with_seeds(9)).measurements


def test_a_design_is_made_once_for_all_its_seeds_and_looks(stranger):
    sweep = tc.Sweep(tc.FeatureChange(), stranger.model(), widths=(32, 64, 128), seeds=3)
    here = resources(Here())
    for seeds in (3, 5, 8):
        tc.measure(sweep.with_seeds(seeds), here)
    assert len(here.executor.tasks) == 9
    assert len({task.sent.pickled for task in here.executor.tasks}) == 1
    quantities = pickled(quantity(stranger))
    assert tasks._read(quantities) is tasks._read(bytes(bytearray(quantities))) is not quantity(stranger)


def test_what_is_raised_there_is_raised_here_with_its_type_and_its_place(stranger, pool):
    with pytest.raises(stranger.OddError, match="nothing at 16") as raised:
        tc.measure(quantity(stranger, "odd"), resources(pool))
    assert raised.value.__notes__[0].startswith("raised in a worker")
    assert "a_stranger.py" in raised.value.__notes__[0]
    assert "theorychecks/experiment" not in raised.value.__notes__[0]
    # And the pool is as it was.
    assert tc.measure(quantity(stranger), resources(pool)).measurements


def test_what_cannot_travel_says_what_it_said(stranger):
    with pytest.raises(RuntimeError, match="UnwillingError: told all the same"):
        tc.measure(quantity(stranger, "unwilling"), resources(Here()))


@pytest.mark.parametrize("stored", [True, False])
def test_what_arrived_before_and_after_a_failure_is_kept(stranger, tmp_path, stored):
    here = resources(Here(), tmp_path / "store" if stored else None)
    odd = quantity(stranger, "odd")
    with pytest.raises(stranger.OddError):
        tc.measure(odd, here)
    again = Here()
    known = resources(again, tmp_path / "store") if stored else Resources(executor=again, cells=here.cells)
    with pytest.raises(stranger.OddError):
        tc.measure(odd, known)
    assert [task.place for task in again.tasks] == [2]


def test_the_first_failure_of_several_is_the_one_that_is_raised(stranger, pool):
    @tc.quantity(along="samples")
    def slow_first(samples, draw):
        if samples == 4:
            time.sleep(0.3)
        raise ValueError(f"at {samples}")

    with pytest.raises(ValueError, match=r"at 4\b"):
        tc.measure(slow_first().over((4, 8, 16, 32), seeds=3), resources(pool))


def test_what_has_no_value_is_named(stranger):
    lock = threading.Lock()

    @tc.quantity(along="samples")
    def reads(samples, draw):
        return [lock.locked()] * len(draw.seeds)

    with pytest.raises(ExecutorError, match=r"reads cannot be sent to other processes: TypeError.*a lock"):
        tc.measure(reads().over((4, 8, 16, 32), seeds=3), resources(Here()))


def test_a_module_of_a_type_of_its_own_goes_by_its_name():
    @tc.quantity(along="samples")
    def reads(samples, draw):
        # By this name a pickler finds torch.classes, a module that it does not know as one.
        return torch.ones(draw.classes)

    assert pickle.loads(pickled(reads))


def test_what_is_warned_of_there_is_warned_of_here(pool):
    @tc.quantity(along="samples")
    def doubtful(samples, draw):
        warnings.warn("only so so", UserWarning, stacklevel=1)
        return [samples] * len(draw.seeds)

    with pytest.warns(UserWarning, match="only so so"):
        tc.measure(doubtful().over((4, 8, 16, 32), seeds=3), resources(pool))


def test_workers_have_one_thread_and_the_default_type_of_the_sender(pool):
    @tc.quantity(along="samples")
    def surroundings(samples, draw):
        threads, bits = torch.get_num_threads(), 32 if torch.get_default_dtype() is torch.float32 else 64
        return {"threads": [threads] * len(draw.seeds), "bits": [bits] * len(draw.seeds)}

    def read():
        found = tc.measure(surroundings().over((4, 8, 16, 32), seeds=3), resources(pool)).measurements
        return [set(found[Parts(name=name)].values) for name in ("threads", "bits")]

    assert read() == [{(1.0,) * 3}, {(32.0,) * 3}]
    torch.set_default_dtype(torch.float64)
    try:
        assert read() == [{(1.0,) * 3}, {(64.0,) * 3}]
    finally:
        torch.set_default_dtype(torch.float32)


def test_another_version_on_a_worker_is_refused(stranger, monkeypatch):
    monkeypatch.setattr(executors, "code_here", lambda: ("Python 3.1", "torch 0.1", "theorychecks 0000"))
    with pytest.raises(ExecutorError, match=r"it has Python 3\.1, torch 0\.1.*Install the same"):
        tc.measure(quantity(stranger), resources(Here()))


def test_a_worker_takes_memory_and_rates_of_the_sender(stranger):
    here = Here()
    tc.measure(quantity(stranger), Resources(executor=here, memory_budget=2**30, workers=4))
    (sent,) = {(task.resources.memory_budget, task.resources.workers) for task in here.tasks}
    assert sent == (2**28, 1)
    assert all(task.resources.rates() == Resources().rates() for task in here.tasks)
    assert all(task.resources.stored is task.resources.executor is None for task in here.tasks)


def test_another_engine_on_a_worker_is_refused():
    sweep = tc.Sweep(tc.FeatureChange(), TRAINING, widths=WIDTHS, seeds=3)

    class Forced(Here):
        def submit(self, fn, /, task):
            return super().submit(fn, tasks.replace(task, engine="another"))

    with pytest.raises(ExecutorError, match=r"the engine another was chosen .* chooses dense\. Settle it"):
        tc.measure(sweep, resources(Forced()))


def test_progress_is_told_here(stranger):
    told = []

    class Heard:
        def planned(self, cells, flops):
            told.append(("planned", cells))

        def begun(self, title, axis, axis_value, look):
            told.append(("begun", axis_value))

        def measured(self, cells, flops, planned):
            told.append(("measured", cells))

    token = listener.set(Heard())
    try:
        tc.measure(quantity(stranger), resources(Here()))
    finally:
        listener.reset(token)
    assert told[0] == ("planned", 4)
    assert [each for each in told if each[0] == "begun"] == [("begun", float(value)) for value in (4, 8, 16, 32)]
    assert told.count(("measured", 1)) == 4


@pytest.mark.parametrize("after", [0, 1, 3])
def test_an_executor_that_breaks_once_is_begun_again(stranger, after):
    here = Here(breaks_after=[after])
    found = tc.measure(quantity(stranger), resources(here))
    assert found.measurements == tc.measure(quantity(stranger)).measurements
    # One task was refused, and none was carried out twice.
    assert len(here.tasks) == 5


def test_an_executor_that_breaks_twice_is_an_error_and_what_arrived_is_kept(stranger):
    here = resources(Here(breaks_after=[2, 1]))
    with pytest.raises(ExecutorError, match=r"died twice while mean \(samples 32.*fewer processes.*--theory-memory"):
        tc.measure(quantity(stranger), here)
    tc.measure(quantity(stranger), here)
    assert len(here.executor.tasks) == 3 + 2 + 1


def test_an_executor_that_cannot_begin_again_is_an_error(stranger):
    class Once(Here):
        renew = None

    with pytest.raises(ExecutorError, match=r"a process has died while mean \(samples 4"):
        tc.measure(quantity(stranger), resources(Once(breaks_after=[0])))


def test_an_executor_that_fails_otherwise_is_an_error(stranger):
    class Lost(Here):
        def submit(self, fn, /, task):
            raise ConnectionError("the line is dead")

    with pytest.raises(ExecutorError, match=r"mean \(samples 4.*ConnectionError: the line is dead"):
        tc.measure(quantity(stranger), resources(Lost()))


def test_a_cached_function_travels_with_its_bounds_and_may_call_itself(stranger):
    copy = pickle.loads(pickled(stranger.factorial))
    assert copy is not stranger.factorial
    assert (copy(5), copy.cache_parameters(), copy.__name__) == (120, {"maxsize": 4, "typed": False}, "factorial")
    assert copy.cache_info().hits + copy.cache_info().misses == 6
    # Of installed packages it is the name that travels.
    from theorychecks.experiment.calibration import calibrated

    assert pickle.loads(pickled(calibrated)) is calibrated


def test_blocks_that_arrive_in_any_order_are_put_in_theirs(stranger, monkeypatch):
    # One seed a chunk, and of the futures that are done the last is taken first.
    sweep = tc.Sweep(stranger.scaled(1.0), TRAINING, widths=(32, 64), seeds=4)
    monkeypatch.setattr(executors, "wait", lambda futures, **_: ({list(futures)[-1]}, set()))
    one_by_one = [
        tasks.replace(cell, chunks=lambda first, last: [[seed] for seed in range(first, last)])
        for cell in sweep.cells(Resources())
    ]
    monkeypatch.setattr(tc.Sweep, "cells", lambda self, given: one_by_one)
    here = Here()
    found = tc.measure(sweep, Resources(executor=here, cells=Cells()))
    assert len(here.tasks) == 8
    monkeypatch.undo()
    alone = tc.measure(sweep)
    for parts, measurement in found.measurements.items():
        for width, there in zip(measurement.values, alone.measurements[parts].values, strict=True):
            assert width == pytest.approx(there, rel=1e-6)
