"""Runs of one suite after another: what was measured once is judged ever after, and edits measure what depends on them."""

import json
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace

import pytest

from theorychecks.finding import Effort
from theorychecks.plugin.storing import StoreUse
from theorychecks.reporting import Report
from theorychecks.store import Store, verify
from theorychecks.store.marker import NAME

EVERYTHING = {"readout_change", "hidden_change", "helped", "captured", "untouched"}


class Suite:
    """A directory with claims, in which runs follow one another."""

    def __init__(self, directory, run_in):
        self.directory = directory
        self.file = directory / "test_stored.py"
        self.store = directory / ".theorychecks/store"
        self._run_in = run_in

    def run(self, *options, log=None, **more):
        """What pytest does, and how many blocks of which quantities it measures."""
        log = log or self.directory / "measured"
        log.write_text("")
        ran = self._run_in(self.directory, *options, environment={"MEASURED": str(log)}, **more)
        return ran, Counter(re.split(r"[ ,]", line)[0] for line in log.read_text().splitlines())

    def edit(self, *changes):
        text = self.file.read_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        self.file.write_text(text)

    def names(self):
        return Store.existing(self.store).names()


def said(report):
    """All that a report says of claims, but for how long they took, and which run has measured."""
    return [
        replace(
            claim, seconds=0.0, findings=tuple(replace(each, effort=Effort(), origins=()) for each in claim.findings)
        )
        for claim in report.claims
    ]


def origins(ran):
    return {each.source for claim in ran.report.claims for finding in claim.findings for each in finding.origins}


def warnings(ran):
    return ran.lines("WARNING")


@pytest.fixture
def suite(make_suite, run_in):
    return Suite(make_suite("stored"), run_in)


@pytest.fixture(scope="module")
def first(make_suite, run_in):
    """A suite that has run, the run, and what it measured."""
    made = Suite(make_suite("stored"), run_in)
    ran, measured = made.run()
    assert ran.code == 0, ran.text
    return made, ran, measured


@pytest.fixture
def copied(first, tmp_path, run_in):
    """A suite whose first run is over, to be edited."""
    made, _, _ = first
    place = tmp_path / "copy"
    shutil.copytree(made.directory, place)
    return Suite(place, run_in)


def test_a_second_run_measures_nothing_and_finds_the_same(first, copied):
    _, ran, measured = first
    assert set(measured) == EVERYTHING
    total = sum(measured.values())
    assert f"store: {total} blocks of runs were measured, 0 taken from .theorychecks/store" in ran.text
    assert warnings(ran) == []
    files = {path: path.stat().st_mtime_ns for path in copied.store.rglob("*.json")}
    again, measured = copied.run()
    assert measured == {}
    assert f"store: 0 blocks of runs were measured, {total} taken from .theorychecks/store" in again.text
    assert said(again.report) == said(ran.report)
    assert origins(ran) == {"run"}
    assert origins(again) == {"store"}
    # What it would have cost is told as it was.
    efforts = [[each.effort for each in claim.findings] for claim in ran.report.claims]
    assert [[each.effort for each in claim.findings] for claim in again.report.claims] == efforts
    assert {path: path.stat().st_mtime_ns for path in copied.store.rglob("*.json")} == files
    assert [list((copied.store / each).glob("*")) for each in ("writing", "locks", "set_aside")] == [[], [], []]


def test_what_only_judges_and_tells_trains_nothing(copied):
    copied.edit(
        ("INVERSE = tc.PowerLaw(-1, within=0.2, rival=-0.5)", "INVERSE = tc.PowerLaw(-1, within=0.24, rival=-0.5)"),
        ("tc.UpperBound(0)", "tc.UpperBound(0.1)"),
        ('id="STORED-3"', 'id="STORED-THREE"'),
        ('source="made up"', 'source="another book"'),
        ("The readout moves less in wider networks.", "It moves little."),
        ("Of the hidden weights.", "Of some weights."),
        ("def test_hidden", "def test_of_the_hidden"),
        ('"""A helper draws for it."""', "# A helper draws for it."),
        ("def near_one(draw, seed):", "def near_one(draw, seed):\n    # About one.\n"),
        ("def times(factor):", "\n\nUNUSED = 3\n\n\ndef times(factor: float):"),
    )
    ran, measured = copied.run()
    assert measured == {}
    assert "store: 0 blocks of runs were measured" in ran.text
    assert {claim.id for claim in ran.report.claims} >= {"STORED-1", "STORED-THREE"}
    assert ran.claim("test_readout").findings[0].predicted == "at most n^+0.1"


EDITS = {
    "readout_change": ("(run.weight_change_norm(1, ", "1.0 * (run.weight_change_norm(1, "),
    "hidden_change": ("def hidden_change(run, power=1)", "def hidden_change(run, power=1.5)"),
    "helped": ("1 + 0.05 * draw.rng(seed).standard_normal()\n", "1 + 0.04 * draw.rng(seed).standard_normal()\n"),
    "captured": ("captured = times(2.0)", "captured = times(3.0)"),
}


def test_what_makes_numbers_trains_what_depends_on_it(first, copied):
    """A body, a default, a helper and a captured constant; and back, to what is there still."""
    _, ran, _ = first
    before = set(copied.names())
    copied.edit(*EDITS.values())
    edited, measured = copied.run()
    assert set(measured) == set(EDITS)
    assert len(set(copied.names()) - before) == sum(measured.values())
    assert before < set(copied.names())
    one, other = edited.claim("test_untouched"), ran.claim("test_untouched")
    assert [each.judgement for each in one.findings] == [each.judgement for each in other.findings]
    copied.edit(*[(new, old) for old, new in EDITS.values()])
    again, measured = copied.run()
    assert measured == {}
    assert said(again.report) == said(ran.report)


@pytest.mark.slow
def test_other_seeds_are_measured_and_the_first_ones_stay(copied):
    ran, measured = copied.run("--theory-seed=7")
    assert set(measured) == EVERYTHING
    assert "0 taken" in ran.text
    assert copied.run("--theory-seed=7")[1] == copied.run()[1] == {}


def test_workers_find_the_same_and_share_a_store(first, suite):
    _, ran, cold = first
    parallel, measured = suite.run("-n", "2", "--theory-store=beside/store")
    assert measured == cold
    assert origins(parallel) == {"run"}
    assert said(parallel.report) == said(ran.report)
    total = sum(cold.values())
    assert f"store: {total} blocks of runs were measured, 0 taken from beside/store" in parallel.text
    assert not suite.store.exists()
    serial, measured = suite.run(f"--theory-store={suite.directory}/beside/store")
    assert measured == {}
    assert f"store: 0 blocks of runs were measured, {total} taken from beside/store" in serial.text
    assert said(serial.report) == said(ran.report)


def test_what_one_worker_measures_and_another_takes_was_measured():
    use = StoreUse()
    use.add(taken=["a", "b"], given=["c"], problems=["full"])
    use.add(taken=["c"], given=["d"], problems=["full"])
    assert (use.measured, use.not_measured, list(use.problems)) == (2, 2, ["full"])


@pytest.mark.slow
def test_none_keeps_nothing_and_takes_nothing(first, copied):
    _, ran, cold = first
    before = set(copied.names())
    unstored, measured = copied.run("--theory-store=none")
    assert measured == cold
    assert said(unstored.report) == said(ran.report)
    assert unstored.lines("store:") == []
    shutil.rmtree(copied.store)
    copied.run("--theory-store=none", "-k", "captured")
    assert not copied.store.exists()
    assert before


def make_places(directory):
    """What there can be where a store is wanted."""
    (directory / "file").write_text("x")
    (directory / "photographs").mkdir()
    (directory / "photographs/cat.jpg").write_text("x")
    (directory / "newer").mkdir()
    (directory / "newer" / NAME).write_text('{"format":"theorychecks store","version":2}\n')


@pytest.mark.parametrize(
    ("place", "workers", "message"),
    [
        ("", (), "a store is a directory; got ''. Name one"),
        ("newer", (), "newer is a store of version 2, and this version of theorychecks knows up to 1"),
        pytest.param("photographs", ("-n", "2"), "photographs is no store: it holds 'cat.jpg'", marks=pytest.mark.slow),
        pytest.param("file", (), "file is a file, or lies below one", marks=pytest.mark.slow),
        pytest.param("file/below", ("-n", "2"), "below is a file, or lies below one", marks=pytest.mark.slow),
    ],
)
def test_what_is_no_store_is_refused_before_anything_is_measured(suite, place, workers, message):
    make_places(suite.directory)
    ran, measured = suite.run(f"--theory-store={place}", *workers)
    assert ran.code == pytest.ExitCode.USAGE_ERROR, ran.text
    assert message in ran.text
    assert not place or "Name another one by --theory-store=DIRECTORY" in ran.text
    assert measured == {}
    assert "Traceback" not in ran.text
    assert [path.name for path in (suite.directory / "newer").iterdir()] == [NAME]
    assert [path.name for path in (suite.directory / "photographs").iterdir()] == ["cat.jpg"]
    assert not (suite.directory / "reports").exists()


def test_runs_without_claims_make_no_store(suite):
    suite.file.write_text("def test_plain():\n    pass\n")
    assert suite.run()[0].code == 0
    assert not (suite.directory / ".theorychecks").exists()


@pytest.mark.slow
def test_collecting_makes_no_store(suite):
    ran, measured = suite.run("--collect-only", "-q")
    assert (ran.code, measured) == (0, {})
    assert not (suite.directory / ".theorychecks").exists()


@pytest.mark.slow
def test_damaged_files_are_named_and_measured_again(first, copied):
    _, ran, _ = first
    flipped, cut, unreadable, *_ = [copied.store / name.folder / str(name) for name in copied.names()]
    flipped.write_bytes(flipped.read_bytes().replace(b'"seeds":', b'"sEeds":'))
    cut.write_bytes(cut.read_bytes()[:-1])
    unreadable.unlink()
    unreadable.mkdir()  # whatever its mode, the superuser reads a file
    again, measured = copied.run()
    assert sum(measured.values()) == 3
    assert said(again.report) == said(ran.report)
    assert len(warnings(again)) == 3
    for path in (flipped, cut, unreadable):
        assert f"WARNING: {path}" in again.text
    assert verify(Store.existing(copied.store)).problems == ()


@pytest.mark.slow
def test_another_torch_is_said_once_whatever_the_workers(first, copied):
    _, ran, _ = first
    store = Store.existing(copied.store)
    for name in copied.names():
        block = store.load(name)
        store.path_of(name).unlink()
        store.save(type(block)(**{**vars(block), "provenance": {"torch": "1.0"}}))
    again, measured = copied.run("-n", "2")
    assert measured == {}
    assert said(again.report) == said(ran.report)
    (warning,) = warnings(again)
    assert "some numbers were measured with torch 1.0" in warning


def test_blocks_say_where_they_come_from(first):
    made, _, _ = first
    store = Store.existing(made.store)
    block = store.load(store.names()[0])
    assert {"date", "torch", "theorychecks"} <= set(block.provenance)
    assert json.dumps(dict(block.description))


MOUNTED = {
    "read-only": ('mount --bind . . && mount -o remount,ro,bind . && cd "$PWD" && "$@"', "Read-only file system"),
    "full": ('mkdir -p .theorychecks && mount -t tmpfs -o size=100k tmpfs .theorychecks && "$@"', "No space left on"),
    "full from the start": (
        'mkdir -p .theorychecks && mount -t tmpfs -o size=12k tmpfs .theorychecks && "$@"',
        "No space left on",
    ),
}
"""Disks on which nothing can be written, or soon no more, and what the system says of them."""


def mounted(disk):
    """What a command is to follow that is to see such a disk, and what the system says of it."""
    if subprocess.run(["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt"], check=False).returncode:
        pytest.skip("this user may mount nothing")
    mount, reason = MOUNTED[disk]
    return ("unshare", "--mount", "sh", "-c", mount, "sh"), reason


@pytest.mark.parametrize(
    ("disk", "workers"),
    [
        ("read-only", ()),
        pytest.param("full", ("-n", "2"), marks=pytest.mark.slow),
        pytest.param("read-only", ("-n", "2"), marks=pytest.mark.slow),
        pytest.param("full", (), marks=pytest.mark.slow),
        pytest.param("full from the start", (), marks=pytest.mark.slow),
    ],
)
def test_where_nothing_can_be_written_a_run_ends_with_its_table(first, suite, tmp_path, disk, workers):
    _, cold, blocks = first
    before, reason = mounted(disk)
    ran, measured = suite.run(f"--theory-report={tmp_path}", *workers, before=before, log=tmp_path / "measured")
    assert ran.code == 0, ran.text
    assert "5 passed, 0 failed, 0 inconclusive" in ran.text
    assert measured == blocks
    (warning,) = set(warnings(ran))
    assert "nothing more is written to the store" in warning
    assert reason in warning
    # At the start where it can be known, and below the table in any case.
    before_the_table = ran.text[: ran.text.index("5 passed, 0 failed")]
    assert (warning in before_the_table) is (disk != "full")
    assert warnings(ran)[-1] in ran.text[len(before_the_table) :]
    report = Report.from_json((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert said(report) == said(cold.report)


@pytest.mark.slow
def test_a_store_that_can_only_be_read_is_judged_from(first, copied, tmp_path):
    _, cold, _ = first
    before, reason = mounted("read-only")
    ran, measured = copied.run(f"--theory-report={tmp_path}", before=before, log=tmp_path / "measured")
    assert (ran.code, measured) == (0, {})
    assert f"{reason}. What is measured from now on" in ran.text
    report = Report.from_json((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert said(report) == said(cold.report)
