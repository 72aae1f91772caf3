"""Cells that a store lacks are taken from evidence, go on from there in the store, and say where they come from."""

import os
from dataclasses import replace

import pytest

import theorychecks as tc
from theorychecks.experiment import Processes, Resources, measure
from theorychecks.experiment.execution import observed
from theorychecks.experiment.stored import StoredCells
from theorychecks.judging import Conditions, findings_of
from theorychecks.origin import IN_THIS_RUN, Origin
from theorychecks.store import Evidence, Store, write_archive

PLACES = (2.0, 4.0, 8.0)
FIRST = {"date": "2026-03-01T12:00:00+00:00", "commit": "0123456789abcdef0123456789abcdef01234567"}
NOW = {"date": "2026-03-02T12:00:00+00:00", "commit": "fedcba9876543210fedcba9876543210fedcba98"}
COMMITTED = Origin(source="evidence", day="2026-03-01", commit=FIRST["commit"])
STORED = Origin(source="store", day="2026-03-01", commit=FIRST["commit"])


@tc.quantity(along="samples")
def error(samples, draw, *, power=1):
    """Made up."""
    with open(os.environ["MEASURED"], "a") as file:
        print(f"{samples:g} {draw.seeds[0]}..{draw.seeds[-1]}", file=file)
    return [draw.rng(seed).standard_exponential() / samples**power for seed in draw.seeds]


pytestmark = pytest.mark.usefixtures("log")


@pytest.fixture
def path(tmp_path, log):
    """Evidence of six seeds at each place, measured four and two."""
    used = {}
    resources = Resources(stored=StoredCells(None, FIRST, used=used))
    for seeds in (4, 6):
        measure(error().over(PLACES, seeds=seeds), resources)
    assert write_archive(tmp_path / "evidence", used.values()) == 6
    log()
    return tmp_path / "evidence"


def fresh(path, store=None, provenance=NOW, **more):
    """Resources as another process has them."""
    return Resources(stored=StoredCells(store, provenance, evidence=Evidence(path, "LZ-1"), **more))


@pytest.mark.parametrize("stored", [False, True])
def test_what_the_store_lacks_is_taken_and_is_not_copied(path, tmp_path, log, stored):
    store = Store.open(tmp_path / "store") if stored else None
    found = measure(error().over(PLACES, seeds=6), fresh(path, store))
    assert log() == []
    assert found.origins == {COMMITTED}
    assert found.measurements == measure(error().over(PLACES, seeds=6), Resources()).measurements
    assert store is None or store.names() == []


def test_it_is_taken_where_an_executor_measures(path):
    resources = replace(fresh(path), executor=Processes(1))
    try:
        assert measure(error().over(PLACES, seeds=6), resources).origins == {COMMITTED}
    finally:
        resources.executor.shutdown()


def test_the_store_comes_first_and_goes_on_where_evidence_ends(path, tmp_path, log):
    store = Store.open(tmp_path / "store")
    measure(error().over(PLACES, seeds=6), Resources(stored=StoredCells(store, FIRST)))
    assert measure(error().over(PLACES, seeds=6), fresh(path, store)).origins == {STORED}
    log()
    other = Store.open(tmp_path / "other")
    assert measure(error().over(PLACES, seeds=9), fresh(path, other)).origins == {COMMITTED, IN_THIS_RUN}
    assert log() == ["2 6..8", "4 6..8", "8 6..8"]
    later = measure(error().over(PLACES, seeds=9), fresh(path, other, FIRST | {"date": "2026-03-03"}))
    assert log() == []
    assert later.origins == {COMMITTED, Origin(source="store", day="2026-03-02", commit=NOW["commit"])}
    assert later.measurements == measure(error().over(PLACES, seeds=9), Resources()).measurements


def test_a_store_with_fewer_seeds_gives_way(path, tmp_path, log):
    store = Store.open(tmp_path / "store")
    measure(error().over(PLACES, seeds=3), Resources(stored=StoredCells(store, FIRST)))
    log()
    assert measure(error().over(PLACES, seeds=3), fresh(path, store)).origins == {STORED}
    assert measure(error().over(PLACES, seeds=6), fresh(path, store)).origins == {COMMITTED}
    assert log() == []


def test_other_code_is_measured_and_said(path):
    resources = fresh(path)
    assert measure(error(power=2).over(PLACES, seeds=6), resources).origins == {IN_THIS_RUN}
    (problem,) = resources.stored.problems
    assert "the evidence of LZ-1 was measured by other code" in problem
    resources = fresh(path.with_name("nowhere"))
    measure(error().over(PLACES, seeds=6), resources)
    assert resources.stored.problems == {}


def test_blocks_are_noted_that_hold_what_was_asked_for_and_no_others(path, tmp_path):
    store, used = Store.open(tmp_path / "store"), {}
    measure(error().over(PLACES, seeds=9), Resources(stored=StoredCells(store, FIRST)))
    measure(error(power=2).over(PLACES, seeds=3), Resources(stored=StoredCells(store, FIRST)))
    measure(error().over(PLACES, seeds=5), fresh(path, used=used))
    assert sorted((name.first, name.last) for name in used) == sorted([(0, 3), (4, 5)] * 3)
    used.clear()
    measure(error().over(PLACES[:2], seeds=3), fresh(path, used=used))
    assert sorted((name.first, name.last) for name in used) == [(0, 3)] * 2
    used.clear()
    measure(error(power=2).over(PLACES, seeds=4), fresh(path, store, used=used))
    assert sorted((name.first, name.last) for name in used) == sorted([(0, 2), (3, 3)] * 3)


@pytest.mark.parametrize("stored", [False, True])
def test_blocks_are_noted_that_only_a_later_look_asks_for(path, tmp_path, log, stored):
    store, used = Store.open(tmp_path / "store"), {}
    if stored:
        for seeds in (4, 6):
            measure(error().over(PLACES, seeds=seeds), Resources(stored=StoredCells(store, FIRST)))
        log()
    resources = fresh(path, store, used=used)
    for seeds in (3, 6):
        measure(error().over(PLACES, seeds=seeds), resources)
    assert log() == []
    assert sorted((name.first, name.last) for name in used) == sorted([(0, 3), (4, 5)] * 3)


def test_what_another_process_of_a_run_has_measured_was_measured_in_this_run(tmp_path):
    store = Store.open(tmp_path / "store")
    measure(error().over(PLACES, seeds=6), Resources(stored=StoredCells(store, NOW)))
    assert measure(error().over(PLACES, seeds=6), Resources(stored=StoredCells(store, NOW))).origins == {IN_THIS_RUN}


@pytest.mark.parametrize(
    ("provenance", "day", "commit"),
    [
        ({}, "", ""),
        ({"date": "yesterday", "commit": "main"}, "", ""),
        ({"date": "2026-03-01", "commit": "0123456+"}, "2026-03-01", "0123456+"),
        ({"date": "\x1b[2J2026-03-01", "commit": "<b>0123456"}, "", ""),
    ],
)
def test_only_days_and_commits_are_taken_from_what_a_file_says(tmp_path, provenance, day, commit):
    store = Store.open(tmp_path / "store")
    measure(error().over(PLACES, seeds=6), Resources(stored=StoredCells(store, provenance)))
    found = measure(error().over(PLACES, seeds=6), Resources(stored=StoredCells(store))).origins
    assert found == {Origin(source="store", day=day, commit=commit)}


def test_surplus_seeds_of_another_run_say_nothing_of_those_that_are_asked_for(path):
    resources = fresh(path)
    measure(error().over(PLACES, seeds=9), resources)
    assert measure(error().over(PLACES, seeds=6), resources).origins == {COMMITTED}
    assert measure(error().over(PLACES, seeds=9), resources).origins == {COMMITTED, IN_THIS_RUN}


def test_a_finding_has_the_origins_of_all_that_it_compares(tmp_path):
    one, other = error().over(PLACES, seeds=7), error(power=2).over(PLACES, seeds=7)
    given = Resources(stored=StoredCells(None, FIRST, used={}))
    measured = measure(one, given).measurements[tc.Parts()]
    write_archive(tmp_path / "evidence", given.stored.used.values())
    conditions = Conditions(resources=fresh(tmp_path / "evidence"))

    def origins(source, against):
        (finding,) = findings_of(source, tc.Ordering("above"), conditions=conditions, against=against)
        return finding.origins

    assert origins(one, other) == (COMMITTED, IN_THIS_RUN)
    assert origins(one, 0.1) == (COMMITTED,)
    assert origins(measured, 0.1) == ()


def test_without_store_and_evidence_nothing_is_fingerprinted():
    stored = StoredCells(None)
    (cell, *_) = error().over(PLACES, seeds=3).cells(Resources(stored=stored))
    observed(error().over(PLACES, seeds=3), cell, Resources(stored=stored))
    assert len(stored._digests) == 0
