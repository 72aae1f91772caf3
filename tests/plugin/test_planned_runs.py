"""`theorychecks plan` and `theorychecks measure`: a plan trains nothing, and shards measure all that it says, once."""

import json
import os
import signal
import subprocess
import time
from collections import Counter
from dataclasses import replace

import pytest

from tests.forked.python import forked_python
from theorychecks.finding import Effort
from theorychecks.store import Store

COMMAND = ("-c", "from theorychecks.cli.main import main; main()")
CELLS = {"SWEPT": 15, "QUANTITY": 10, "SHARED": 15, "GOES-ON": 5}
"""Of the first look: five widths each of three settings; of two quantities; of a sweep and two; of one."""
SHARED = 10
"""Cells of SHARED that other claims have as well."""


class Suite:
    """A directory with claims, in which commands follow one another."""

    def __init__(self, directory, run_in):
        self.directory, self._run_in = directory, run_in
        self.log = directory / "measured"

    def run(self, *words, program=COMMAND):
        """What a command does, and how often it measures which seeds of which cells."""
        self.log.write_text("")
        environment = {"MEASURED": str(self.log), "COLUMNS": "200"}
        ran = self._run_in(self.directory, *words, environment=environment, program=program)
        return ran, Counter(self.log.read_text().splitlines())

    def pytest(self, *options):
        """A run of the claims, without the plain test."""
        return self.run("-k", "not plain", *options, program=("-m", "pytest"))

    def planned(self, *options):
        """A plan in numbers, of which nothing was measured."""
        ran, measured = self.run("plan", "--json", *options)
        assert (ran.code, measured) == (0, {}), ran.text
        return json.loads(ran.text)

    @property
    def store(self):
        return self.directory / ".theorychecks/store"

    def names(self):
        return Store.existing(self.store).names()


def timeless(report):
    return [
        replace(
            claim, seconds=0.0, findings=tuple(replace(each, effort=Effort(), origins=()) for each in claim.findings)
        )
        for claim in report.claims
    ]


def cells(plan, which="planned_looks", what="cells"):
    return {claim["claim"]: claim[which][what] for claim in plan["claims"]}


@pytest.fixture(scope="module")
def suites(make_suite, run_in):
    """Directories with equal claims, as many as are asked for."""
    return lambda: Suite(make_suite("planned"), run_in)


@pytest.fixture(scope="module")
def whole(suites):
    """A run that nobody has measured anything for: the directory, what it was, and what it measured."""
    suite = suites()
    ran, measured = suite.pytest()
    assert ran.code == 0, ran.text
    assert set(measured.values()) == {1}
    return suite, ran, measured


@pytest.fixture(scope="module")
def sharded(suites):
    """A directory in which three shards were measured, and what each of them measured."""
    suite = suites()
    plan = suite.planned()
    assert not suite.store.exists()
    shards = [suite.run("measure", f"--shard={part}/3") for part in (1, 2, 3)]
    assert [ran.code for ran, _ in shards] == [0, 0, 0], shards[0][0].text
    return suite, plan, shards


def of_the_first_look(measured):
    """All but what GOES-ON asks once it has found something."""
    return Counter({line: count for line, count in measured.items() if not line.startswith("noisy 3")})


def test_a_plan_says_what_a_run_then_measures(sharded, whole):
    _, plan, _ = sharded
    _, _, measured = whole
    assert cells(plan) == CELLS
    assert set(cells(plan, what="stored").values()) == {0}
    assert plan["total"]["planned_looks"]["cells"] == sum(CELLS.values()) - SHARED
    assert len(of_the_first_look(measured)) == sum(CELLS.values()) - SHARED
    assert cells(plan, "all_looks") == CELLS


def test_a_plan_says_what_it_takes_and_what_it_cannot_tell(sharded):
    _, plan, _ = sharded
    assert {claim["claim"]: claim["unknown"] for claim in plan["claims"] if claim["unknown"]} == {
        "GOES-ON": ["its test goes on by what check() has found"]
    }
    swept, quantity, *_ = (claim["planned_looks"] for claim in plan["claims"])
    assert swept["untimed"] == 0
    assert min(swept["flops"], swept["seconds"], swept["bytes"]) > 0
    assert (quantity["untimed"], quantity["flops"], quantity["seconds"], quantity["bytes"]) == (10, 0, 0, 0)


def test_shards_measure_what_a_run_would_each_block_once(sharded, whole):
    suite, _, shards = sharded
    other, _, measured = whole
    together = sum((found for _, found in shards), Counter())
    assert together == of_the_first_look(measured)
    assert set(suite.names()) < set(other.names())
    sizes = [len(found) for _, found in shards]
    assert sum(sizes) == sum(CELLS.values()) - SHARED
    assert min(sizes) >= 1
    for part, (ran, found) in enumerate(shards, start=1):
        assert f"part {part} of 3, {len(found)} of 35 cells: {len(found)} cells were measured" in ran.text
        assert "0 were there; the store is .theorychecks/store" in ran.text
        assert "once all parts are measured: pytest, which" in ran.text


def test_a_run_after_shards_measures_nothing_of_their_look_and_finds_the_same(sharded, whole):
    suite, _, _ = sharded
    _, undivided, measured = whole
    plan = suite.planned()
    assert cells(plan, what="stored") == CELLS
    ran, rest = suite.pytest()
    assert rest == measured - of_the_first_look(measured)
    assert {line.split(",")[0] for line in rest} == {"noisy 3"}
    assert timeless(ran.report) == timeless(undivided.report)


def test_a_shard_has_the_same_cells_whatever_is_stored(sharded, suites):
    suite, _, shards = sharded
    ran, measured = suite.run("measure", "--shard=2/3")
    assert (ran.code, measured) == (0, {})
    count = len(shards[1][1])
    assert f"part 2 of 3, {count} of 35 cells: 0 cells were measured" in ran.text
    assert f", {count} were there" in ran.text


def test_interrupted_what_was_measured_is_kept(suites):
    suite = suites()
    log = suite.directory / "measured"
    log.touch()
    environment = {**os.environ, "MEASURED": str(log), "SECONDS_A_BLOCK": "0.2"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(
        [forked_python(), *COMMAND, "measure"],
        cwd=suite.directory,
        env=environment,
        text=True,
        **pipes,
    )
    while len(log.read_text().splitlines()) < 4 and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "interrupted; what was measured is kept, and the same command goes on" in said
    kept = len(suite.names())
    assert kept >= 3
    ran, measured = suite.run("measure")
    assert ran.code == 0, ran.text
    assert len(measured) == 35 - kept
    assert f"{35 - kept} cells were measured" in ran.text


@pytest.mark.slow
def test_a_gate_finds_its_first_look_measured(make_suite, run_in):
    suites = [Suite(make_suite("gates"), run_in) for _ in range(2)]
    for part in (1, 2):
        ran, _ = suites[0].run("measure", "-k", "good", f"--shard={part}/2")
        assert ran.code == 0, ran.text
    runs = [suite.run("-k", "good", program=("-m", "pytest"))[0] for suite in suites]
    assert timeless(runs[0].report) == timeless(runs[1].report)
    assert "store: 0 blocks of runs were measured" in runs[0].text
    assert suites[0].names() == suites[1].names()


BROKEN = """
import theorychecks as tc
from test_planned import INVERSE, WIDTHS, noisy

@tc.quantity(along="width")
def impossible(width, draw):
    return 1 / 0

@tc.claim(id="BROKEN", source="made up")
def test_broken():
    "It breaks where it is measured."
    tc.check(impossible().over(WIDTHS), INVERSE)
    tc.check_refuted(noisy(power=0).over(WIDTHS), INVERSE)

@tc.claim(id="RAISES", source="made up")
def test_raises():
    "It breaks before."
    tc.check(noisy(power=0).over(WIDTHS), INVERSE)
    raise KeyError("breaks")

@tc.claim(id="BY-HAND", source="made up")
def test_by_hand():
    "It measures by hand."
    assert tc.measure(noisy(power=0).over(WIDTHS)).measurements

import pytest

from tests.forked.python import forked_python
@pytest.mark.skip(reason="not today")
@tc.claim(id="SKIPPED", source="made up")
def test_skipped():
    "It is skipped."
"""


def test_what_breaks_is_named_and_the_rest_is_measured(suites):
    suite = suites()
    (suite.directory / "conftest.py").write_text("import sys\nsys.path.insert(0, '.')\n")
    (suite.directory / "test_broken.py").write_text(BROKEN)
    # As users have it: pytest warns of what is imported before it, and warnings are errors.
    ini = suite.directory / "pytest.ini"
    ini.write_text(ini.read_text().replace("--assert=plain", ""))
    ran, measured = suite.run("plan", "test_broken.py")
    assert (ran.code, measured) == (0, {}), ran.text
    for line in (
        "* RAISES: raises KeyError: 'breaks'",
        "* BY-HAND: its test goes on by what measure() gives",
        "* SKIPPED: skipped, not today",
        "4 claims: 10 cells for the planned looks, there is no store yet at .theorychecks/store; 10 to be measured",
    ):
        assert line in ran.text
    ran, measured = suite.run("measure", "test_broken.py", "--shard=1/2")
    assert (ran.code, measured) == (2, {})
    assert "RAISES cannot be measured: KeyError: 'breaks'" in ran.text
    assert "nothing was measured: all parts must plan the same claims to share them out" in ran.text
    ran, measured = suite.run("measure", "test_broken.py")
    assert ran.code == 1
    assert "BROKEN cannot be measured: ZeroDivisionError: division by zero" in ran.text
    assert "RAISES cannot be measured: KeyError: 'breaks'" in ran.text
    assert {line.split(",")[0] for line in measured} == {"noisy 0"}


CLAIMS = "test_planned.py"


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["plan", "nowhere"], 2, "file or directory not found: nowhere"),
        (["plan", CLAIMS, "-k", "plain"], 2, "there is no claim in test_planned.py -k plain"),
        slow(["plan", "--profile=huge"], 2, "invalid choice: 'huge'"),
        slow(["measure", "--memory=lots"], 2, "is a positive number of bytes, like 4GB or 500MB; got 'lots'"),
        slow(["plan", CLAIMS, "--store=pytest.ini"], 2, "pytest.ini is a file, or lies below one"),
        slow(["measure", CLAIMS, "--store=none"], 2, "what is measured is kept in a store, and there is none"),
        (["measure"], 1, "SyntaxError"),
        slow(["plan"], 1, "SyntaxError"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_measured(suites, words, code, said):
    suite = suites()
    (suite.directory / "test_wrong.py").write_text("1 +")
    ran, measured = suite.run(*words)
    assert (ran.code, measured) == (code, {}), ran.text
    assert said in ran.text
    assert "Traceback" not in ran.text
    assert not suite.store.exists()
