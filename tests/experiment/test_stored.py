"""What one process has measured another one takes from the store: equal to the last bit, and nothing is measured twice."""

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import theorychecks as tc
from tests.models import zoo
from theorychecks.engines import dense
from theorychecks.experiment import Resources, Sweep, measure
from theorychecks.experiment.execution import observed
from theorychecks.experiment.stored import StoredCells
from theorychecks.networks import MLP, MSE, NTK, RELU, TANH, Teacher, Training, scaled
from theorychecks.observables import Coordinates, MaxStableLearningRate, Observable, Reading, WeightChange
from theorychecks.statistics.statuses import Status
from theorychecks.store import Store, StoredBlock, encoding, verify

ROOT = Path(__file__).parents[2]
WIDTHS = (8, 16, 64)


def note(*what):
    """Say that something is measured, in a file whose name no fingerprint depends on."""
    with open(os.environ["MEASURED"], "a") as file:
        print(*what, file=file)


pytestmark = pytest.mark.usefixtures("log")


@pytest.fixture
def fresh(tmp_path):
    """Resources as another process has them: nothing in memory, and the same store."""

    def made(**options):
        return Resources(stored=StoredCells(Store.open(tmp_path / "store")), **options)

    return made


@dataclass(frozen=True)
class Noted(Observable):
    """The loss after training to some power, which says so."""

    power: int = 1
    title = "noted loss"

    def read(self, run):
        note(run.width, list(run.seeds))
        return {tc.Parts(): Reading(run.losses[-1] ** self.power)}


class AnotherNoted(Noted):
    """The same with another body."""

    def read(self, run):
        note(run.width, list(run.seeds))
        return {tc.Parts(): Reading(2 * run.losses[-1] ** self.power)}


@tc.quantity(along="samples", name="{kind} error")
def error(samples, draw, *, kind="test"):
    """Made up."""
    note(f"{samples:g}", list(draw.seeds))
    return {kind: [draw.rng(seed).standard_exponential() / samples for seed in draw.seeds], "formula": 1 / samples}


@tc.quantity(along="samples")
def statuses(samples, draw):
    """All that can become of a run."""
    note(f"{samples:g}")
    values = torch.tensor([1.0, float("inf"), 0.0, float("nan"), 0.1, 3.0, -0.0, 1e-45])
    at = torch.tensor(draw.seeds)
    given = (None, None, None, None, Status.BELOW, Status.ABOVE, None, None)
    return {
        "bounds": Reading(values[at], tuple(given[seed] for seed in draw.seeds)),
        "doubles": Reading(torch.full((len(at),), 0.1, dtype=torch.float64), exact=True),
        "halves": Reading(values[at].half()),
        "counts": Reading(at + 2**40),
        "flags": Reading(at > 2),
    }


def training(**options):
    options = {"learning_rate": scaled(0.1), "data": Teacher(dimension=4, samples=4), "steps": 2} | options
    return Training(MLP(1, RELU, NTK), loss=MSE, **options)


def sweep(read=Noted(), *, widths=WIDTHS, seeds=4, root_seed=0, **options):
    return Sweep(read, training(**options), widths=widths, seeds=seeds, root_seed=root_seed)


def blocks(design, resources):
    return [observed(design, cell, resources) for cell in design.cells(resources)]


def bits(design, resources):
    """Every number of a design with its kind, statuses and all, seed by seed."""
    found = []
    for cell in blocks(design, resources):
        for parts in cell[0].readings:
            each = [block.readings[parts] for block in cell]
            values = torch.cat([reading.values.cpu() for reading in each])
            values = values if values.is_floating_point() else values.double()
            told = [s for reading in each for s in reading.statuses or (None,) * len(reading.values)]
            exact = [reading.exact for reading in each]
            found.append((parts, str(values.dtype), values.numpy().tobytes(), told, all(exact)))
    return found


def keys(design, **options):
    """Keys of a design's cells."""
    nowhere = StoredCells(Store(Path("nowhere")))
    return [nowhere._key(cell) for cell in design.cells(Resources(**options))]


MODEL = tc.Model(zoo.Plain, zoo.sgd, zoo.pairs(), loss=F.mse_loss)
DESIGNS = {
    "a sweep": sweep(),
    "a sweep that diverges": sweep(learning_rate=scaled(1e3), steps=40),
    "a sweep with parts": sweep(WeightChange()),
    "a sweep with bounds": sweep(MaxStableLearningRate("loss", limit=2), seeds=3),
    "a sweep in double precision": sweep(dtype="float64"),
    "a quantity": error().over((2, 4, 8), seeds=4),
    "all statuses": statuses().over((2, 4), seeds=8),
    "a model": Sweep(Noted(), MODEL, widths=(8, 16), seeds=3),
    "coordinates of a model": Sweep(Coordinates(at=(1, 2)), MODEL, widths=(8, 16), seeds=3),
}


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_what_was_measured_is_taken_to_the_last_bit(design, fresh, log):
    measured, taken, unstored = fresh(), fresh(), Resources()
    first = bits(design, measured)
    assert measured.stored.given
    assert measured.stored.problems == {}
    log()
    assert bits(design, taken) == first
    assert log() == []
    assert (taken.stored.taken, taken.stored.given) == (measured.stored.given, set())
    assert taken.stored.problems == {}
    assert taken.stored.store.problems == ()
    assert bits(design, unstored) == first


def test_what_it_took_is_told_as_it_was(fresh):
    once, again = measure(sweep(), fresh()), measure(sweep(), fresh())
    assert replace(again, origins=once.origins) == once
    assert (once.trainings, once.engine) == (12, "dense")


def test_all_statuses_come_back(fresh):
    design = statuses().over((2,), seeds=8)
    measure(design, fresh())
    measured = measure(design, fresh()).measurements
    assert [each.name for each in measured.values()] == ["bounds", "doubles", "halves", "counts", "flags"]
    (found,) = measured[tc.Parts(name="bounds")].statuses
    ok, below, above = Status.OK, Status.BELOW, Status.ABOVE
    assert found == (ok, Status.DIVERGED, Status.ZERO, Status.UNDEFINED, below, above, Status.ZERO, ok)
    assert [each.exact for each in measured.values()] == [(False,), (True,), (False,), (False,), (False,)]
    assert measured[tc.Parts(name="bounds")].values[0][7] == float(torch.tensor(1e-45))
    assert measured[tc.Parts(name="counts")].values[0] == tuple(float(2**40 + seed) for seed in range(8))


def test_more_seeds_measure_those_that_are_missing(fresh, log):
    measure(sweep(), fresh())
    assert log() == [f"{width} [0, 1, 2, 3]" for width in WIDTHS]
    resources = fresh()
    more = bits(sweep(seeds=7), resources)
    assert log() == [f"{width} [4, 5, 6]" for width in WIDTHS]
    assert len(resources.stored.taken) == len(resources.stored.given) == 3
    assert bits(sweep(seeds=7), fresh()) == more
    assert log() == []
    fewer = measure(sweep(seeds=3), fresh())
    assert log() == []
    assert fewer.measurements == measure(sweep(seeds=3), Resources()).measurements
    assert fewer.trainings == 9


def test_wider_ranges_measure_the_new_widths(fresh, log):
    measure(sweep(), fresh())
    log()
    measure(sweep(widths=(*WIDTHS, 128)), fresh())
    assert log() == ["128 [0, 1, 2, 3]"]
    measure(sweep(widths=(8, 32, 128)), fresh())
    assert log() == ["32 [0, 1, 2, 3]"]


def test_blocks_that_overlap_are_taken_as_far_as_they_reach(fresh, log):
    design = error().over((2,), seeds=3)
    whole = bits(replace(design, seeds=(9,)), Resources())
    resources = fresh()
    (cell,) = design.cells(resources)
    # As by processes that cannot see each other's locks: 0-2, 0-4, 1-8, 3-5, 4-6.
    for first, last in ((0, 2), (0, 4), (1, 8), (3, 5), (4, 6)):
        readings, count = cell.observe(range(first, last + 1), None)
        resources.stored.keep(cell, first, replace(_block_of(resources, cell), readings=readings, seeds=count))
    log()
    assert bits(replace(design, seeds=(5,)), fresh()) == bits(replace(design, seeds=(5,)), Resources())
    assert log() == ["2 [0, 1, 2, 3, 4]"]
    assert bits(replace(design, seeds=(9,)), fresh()) == whole
    assert log() == ["2 [5, 6, 7, 8]"]


def _block_of(resources, cell):
    (block,) = observed(error().over((2,), seeds=3), cell, Resources())
    return block


def test_memory_that_has_more_than_the_store_is_kept(fresh, log):
    resources = fresh()
    measure(sweep(seeds=3), fresh())
    blocks(sweep(seeds=5), Resources(cells=resources.cells))
    log()
    measure(sweep(seeds=6), resources)
    assert log() == [f"{width} [5]" for width in WIDTHS]
    log()
    # What others have given is what counts for them: seeds 3 and 4 are nowhere, and 5 alone begins no row.
    measure(sweep(seeds=6), fresh())
    assert log() == [f"{width} [3, 4, 5]" for width in WIDTHS]


@tc.quantity(along="samples")
def signed(samples, draw):
    """Negative from the fifth seed on."""
    return [1.0 if seed < 4 else -1.0 for seed in draw.seeds]


def test_a_sign_of_seeds_that_others_have_asked_for_is_theirs(fresh):
    with pytest.raises(ValueError, match="signed must be positive"):
        measure(signed().over((2, 4), seeds=5), fresh())
    with pytest.raises(ValueError, match="signed must be positive"):
        measure(signed().over((2, 4), seeds=5), fresh())
    assert measure(signed().over((2, 4), seeds=4), fresh()).measurements


def test_small_memory_makes_chunks_that_are_all_kept(fresh, log):
    described = sweep(widths=(8, 64), seeds=6)
    budget = 2 * dense.cost(training(), 64).bytes
    measure(described, fresh(memory_budget=budget))
    assert [line for line in log() if line.startswith("64")] == ["64 [0, 1]", "64 [2, 3]", "64 [4, 5]"]
    measure(described, fresh())
    assert log() == []


def said(name="error", along="samples", **otherwise):
    """The same function, of which something else is said."""
    return tc.quantity(along=along, name=name, **otherwise)(error.function)


SAME = {
    "title": (error().over((2, 4), seeds=3), said("another name")().over((2, 4), seeds=3)),
    "budget": (sweep(), sweep().with_budget(64)),
    "seeds": (sweep(), sweep(seeds=9)),
    "looks": (sweep(), replace(sweep(), looks=(0.5, 1.0))),
    "joint": (sweep(), replace(sweep(), joint=True)),
    "selection": (sweep(WeightChange()), sweep(WeightChange()).of(role="hidden")),
    "what reports say": (error().over((2, 4)), said(about=[("data", "none")])().over((2, 4))),
    "cost": (error().over((2, 4)), said(cost=2.0)().over((2, 4))),
}


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_what_makes_no_numbers_is_not_in_the_key(pair):
    one, other = pair
    assert keys(one) == keys(other)
    assert len(set(keys(one))) == len(one.axis_values)


def small(**options):
    return sweep(widths=(64,), **options)


ONE = error().over((2,), seeds=3)
OTHERS = {
    "root seed of a sweep": (small(), small(root_seed=1)),
    "block of root seeds": (small(), small().redrawn(1)),
    "width": (small(), sweep(widths=(65,))),
    "option of the observable": (small(), small(read=Noted(power=2))),
    "class of the observable": (small(), small(read=AnotherNoted())),
    "steps": (small(), small(steps=3)),
    "learning rate": (small(), small(learning_rate=scaled(0.2))),
    "data": (small(), small(data=Teacher(dimension=4, samples=4, seed=1))),
    "network": (small(), small().with_training(network=MLP(1, TANH, NTK))),
    "precision": (small(), small(dtype="float64")),
    "root seed of a quantity": (ONE, replace(ONE, root_seed=1)),
    "value of the axis": (ONE, error().over((3,), seeds=3)),
    "name of the axis": (ONE, said(along="particles")().over((2,), seeds=3)),
    "shared seeds": (ONE, said(shared=True)().over((2,), seeds=3)),
    "value of a keyword": (ONE, error(kind="training").over((2,), seeds=3)),
    "function": (ONE, statuses().over((2,), seeds=3)),
    "steps of a model": (
        Sweep(Noted(), MODEL, widths=(8, 16)),
        Sweep(Noted(), replace(MODEL, batches=zoo.pairs(4), steps=4), widths=(8, 16)),
    ),
    "optimizer of a model": (Sweep(Noted(), MODEL, widths=(8, 16)), Sweep(Noted(), replace(MODEL, optimizer=zoo.adam), widths=(8, 16))),
    "coordinates": (Sweep(Coordinates(at=(1,)), MODEL, widths=(8, 16)), Sweep(Coordinates(at=(1, 2)), MODEL, widths=(8, 16))),
}  # fmt: skip


@pytest.mark.parametrize("pair", OTHERS.values(), ids=OTHERS)
def test_what_makes_numbers_is_in_the_key(pair):
    one, other = pair
    assert set(keys(one)).isdisjoint(keys(other))


def test_engine_and_device_are_in_the_key():
    wide = sweep(widths=(64,), seeds=3)
    assert len({*keys(wide, engine="dense"), *keys(wide, engine="matrix_free")}) == 2
    assert keys(wide) == keys(wide, engine="dense")
    assert len({*keys(ONE), *keys(ONE, engine="dense"), *keys(ONE, engine="matrix_free")}) == 3
    for design in (wide, ONE):
        resources = Resources()
        # There is no card here; a key needs none.
        object.__setattr__(resources, "device", "cuda")
        object.__setattr__(resources, "memory_budget", 2**30)
        (cell,) = design.cells(resources)
        assert [StoredCells(Store(Path("nowhere")))._key(cell)] != keys(design)


GENERATOR = torch.Generator()


@tc.quantity(along="samples")
def careless(samples, draw):
    """Draws from a generator of its own."""
    note(f"{samples:g}")
    return torch.rand(len(draw.seeds), generator=GENERATOR) + 1


def test_what_has_no_fingerprint_is_measured_every_time_and_said_once(fresh, log):
    design = careless().over((2, 4), seeds=3)
    for _ in range(2):
        resources = fresh()
        assert len(measure(design, resources).measurements) == 1
        assert log() == ["2", "4"]
        (problem,) = resources.stored.problems
        assert problem.startswith("careless is measured anew in every run: ")
        assert "generator of random numbers" in problem
        assert "draw.rng(seed)" in problem
        assert (resources.stored.taken, resources.stored.given) == (set(), set())
    assert resources.stored.store.names() == []
    assert len(measure(design, Resources()).measurements) == 1


def test_a_function_of_no_module_is_kept(fresh):
    made = {"tc": tc}
    exec(
        "@tc.quantity(along='samples')\ndef own(samples, draw):\n    return [draw.rng(s).random() for s in draw.seeds]",
        made,
    )
    first, second = fresh(), fresh()
    found = measure(made["own"].over((2, 4), seeds=3), first)
    assert measure(made["own"].over((2, 4), seeds=3), second).measurements == found.measurements
    assert (len(first.stored.given), len(second.stored.given)) == (2, 0)


CALLS = []


@tc.quantity(along="samples")
def counted(samples, draw):
    """Changes what its code uses by name."""
    CALLS.append(samples)
    note(f"{samples:g}")
    return [draw.rng(seed).random() for seed in draw.seeds]


def test_a_function_that_changes_what_it_uses_is_found_by_what_it_was_at_first(fresh, log):
    design = counted().over((2,), seeds=3)
    CALLS.clear()
    measure(design, fresh())
    CALLS.clear()
    log()
    measure(design, fresh())
    assert log() == []


def changed(fresh, change):
    """Measure, change the first file of the store, and give what new resources make of it."""
    design = sweep(widths=(64,), seeds=3)
    before = bits(design, fresh())
    store = Store.open(fresh().stored.store.path)
    (name,) = store.names()
    change(store, name)
    resources = fresh()
    assert bits(design, resources) == before
    return resources, store.path_of(name)


def test_a_damaged_file_is_named_and_measured_again(fresh, log):
    def flip(store, name):
        path = store.path_of(name)
        contents = bytearray(path.read_bytes())
        contents[len(contents) // 2] ^= 1
        path.write_bytes(contents)

    resources, path = changed(fresh, flip)
    assert len(log()) == 2
    (problem,) = resources.stored.store.problems
    assert problem.startswith(f"{path} does not have the checksum that it names; it counts as not measured")
    assert bits(sweep(widths=(64,), seeds=3), fresh())
    assert log() == []
    assert verify(Store.existing(resources.stored.store.path)).problems == ()


def test_a_newer_block_is_left_where_it_is_and_said_once(fresh, log):
    def newer(store, name):
        rest = store.path_of(name).read_bytes().split(b"\n", 1)[1]
        store.path_of(name).write_bytes(encoding._sealed(rest, encoding.VERSION + 1))

    resources, path = changed(fresh, newer)
    assert len(log()) == 2
    (problem,) = resources.stored.problems
    assert "Install a newer theorychecks" in problem
    assert resources.stored.store.set_aside() == []
    contents = path.read_bytes()
    changed_again = fresh()
    measure(sweep(widths=(64,), seeds=3), changed_again)
    assert path.read_bytes() == contents
    assert len(log()) == 1


def with_provenance(block, **provenance):
    return StoredBlock(**{name: getattr(block, name) for name in StoredBlock.__dataclass_fields__} | {"provenance": provenance})  # fmt: skip


@pytest.mark.parametrize("provenance", [{"torch": "2.5.1"}, {}], ids=["another version", "no version"])
def test_another_version_of_torch_is_taken_and_said_once(fresh, log, provenance):
    design = sweep(widths=(16, 64), seeds=3)
    measure(design, fresh())
    store = fresh().stored.store
    for name in store.names():
        block = store.load(name)
        store.path_of(name).unlink()
        store.save(with_provenance(block, **provenance))
    log()
    resources = fresh()
    measure(design, resources)
    assert log() == []
    (problem,) = resources.stored.problems
    version = provenance.get("torch", "an unknown version")
    assert problem.startswith(f"some numbers were measured with torch {version}, and this is {torch.__version__}; ")
    assert "--theory-store=none" in problem


def test_blocks_say_what_made_them(tmp_path):
    resources = Resources(stored=StoredCells(Store.open(tmp_path / "store"), {"commit": "abc", "date": "2026-01-02"}))
    measure(sweep(widths=(64,), seeds=3), resources)
    store = resources.stored.store
    (name,) = store.names()
    block = store.load(name)
    assert block.provenance == {"commit": "abc", "date": "2026-01-02", "torch": torch.__version__}
    assert block.description == {
        "title": "noted loss",
        "parametrization": "NTK",
        "loss": "MSE",
        "optimizer": "sgd",
        "data": "Teacher 0",
        "width": "64",
        "engine": "dense",
    }
    assert (block.trainings, block.seeds, block.flops > 0, block.seconds > 0) == (3, 3, True, True)


# As root a folder without rights is written all the same, and a disk cannot be made full without mounts.
FAILING = """
import resource, sys
from pathlib import Path
import theorychecks as tc
from theorychecks.experiment import Resources, measure
from theorychecks.experiment.stored import StoredCells
from theorychecks.store import Store

@tc.quantity(along="samples")
def error(samples, draw):
    if samples == 4:
        # From now on no file may grow beyond some bytes, as on a disk that is full.
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
    return [draw.rng(seed).random() for seed in draw.seeds]

design = error().over((2, 4, 8), seeds=5)
resources = Resources(stored=StoredCells(Store.open(sys.argv[1])))
found = measure(design, resources)
assert found.measurements == measure(design, Resources()).measurements
(problem,) = resources.stored.store.problems
assert "nothing more is written to the store" in problem and "File too large" in problem, problem
assert len(resources.stored.store.names()) == 1
assert list((Path(sys.argv[1]) / "writing").iterdir()) == []
"""


def test_a_disk_that_is_full_on_the_way_loses_no_number(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FAILING), tmp_path / "store"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
