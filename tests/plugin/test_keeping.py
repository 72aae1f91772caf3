"""A report is kept: found out at the start or told at the end if it cannot be, and replaced by no lesser one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from theorychecks.kept import temporary_directory
from theorychecks.leftovers import HOST
from theorychecks.plugin.keeping import Covered, Keeper, claims_in, seconds_in
from theorychecks.reporting.counting import ExitCode

HEAD = """
import numpy as np
import pathlib
import pytest
import theorychecks as tc

WIDTHS = tc.widths(64, 4096)

def sizes(exponent):
    rng = np.random.default_rng(0)
    return tc.Measurement.of(WIDTHS, [n**exponent * np.exp(0.05 * rng.standard_normal(8)) for n in WIDTHS])

def judge(exponent=-1):
    tc.check(sizes(exponent), tc.PowerLaw(-1))
    tc.check_refuted(sizes(0), tc.PowerLaw(-1))
"""
CLAIM = '''
@tc.claim(id="{name}", source="made up")
def test_{name}():
    """The size falls like one over the width."""
    {before}
    judge()
    tc.check_refuted(sizes(0), tc.PowerLaw(-1))
'''
REPORT = {"index.html", "report.json", "report.md", "summary.json"}


def suite(*names, before="pass"):
    return HEAD + "".join(CLAIM.format(name=name, before=before) for name in names)


def kept(pytester, place="reports/latest"):
    """Node ids of the claims in a report, without the file; None where there is none."""
    path = pytester.path / place
    if not path.exists():
        return None
    assert {file.name for file in path.iterdir()} == REPORT
    return [test.rpartition("::test_")[2] for test in claims_in(path)]


# Where nothing can be written.


def _a_file_named_reports(pytester):
    (pytester.path / "reports").write_text("notes\n", encoding="utf-8")


def _a_file_named_latest(pytester):
    (pytester.path / "reports").mkdir()
    (pytester.path / "reports/latest").write_text("notes\n", encoding="utf-8")


def _a_directory_below_a_file(pytester):
    (pytester.path / "notes").write_text("notes\n", encoding="utf-8")
    return "it is a file, and no directory", "notes/of/this/run"


def _a_place_where_nobody_may_write(pytester):
    # Not even the superuser makes files there.
    return "no report can be written to /proc/self/run", "/proc/self/run"


OBSTACLES = [_a_directory_below_a_file] + [_a_place_where_nobody_may_write] * Path("/proc/self").is_dir()


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_directory_that_was_named_and_cannot_be_written_is_refused_before_anything_is_run(
    pytester, apart, obstacle, workers
):
    said, place = obstacle(pytester)
    pytester.makepyfile(test_it=suite("one", before="pathlib.Path('ran').touch()"))
    result = apart(f"--theory-report={place}", *workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = "\n".join(result.outlines + result.errlines)
    assert "no report can be written to" in text
    assert said in text
    assert "name another one by --theory-report=DIRECTORY" in text
    assert "Traceback" not in text
    assert not (pytester.path / "ran").exists()


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
@pytest.mark.parametrize("obstacle", [_a_file_named_reports, _a_file_named_latest])
def test_where_the_usual_place_cannot_be_written_a_run_says_so_at_its_start_and_prints_its_table(
    pytester, apart, obstacle, workers
):
    obstacle(pytester)
    pytester.makepyfile(test_it=suite("one", "two"))
    result = apart(*workers)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "WARNING: no report can be written to *",
            "outcome *",
            "pass *test_one",
            "2 passed, 0 failed*",
            "report: *html",
        ]
    )
    (line,) = [line for line in result.outlines if line.startswith("report: ")]
    refuge = (pytester.path / line.removeprefix("report: ")).parent
    assert {file.name for file in refuge.iterdir()} == REPORT
    assert (
        "notes"
        in (
            pytester.path / "reports" if obstacle is _a_file_named_reports else pytester.path / "reports/latest"
        ).read_text()
    )


def test_plain_tests_may_have_a_file_named_reports(pytester, inner):
    _a_file_named_reports(pytester)
    pytester.makepyfile(test_plain="def test_it(): pass")
    assert inner().ret == 0


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_directory_is_refused(pytester, inner, empty):
    result = inner(f"--theory-report={empty}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*a report goes into a directory; got '{empty}'. Name one, or leave*"])


SPOILS = "import shutil; shutil.rmtree('reports', ignore_errors=True); pathlib.Path('reports').write_text('notes')"


def test_what_cannot_be_written_at_the_end_costs_no_table(pytester, inner):
    pytester.makepyfile(test_it=suite("one", before=SPOILS))
    result = inner()
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["outcome *", "pass *test_one", "1 passed, 0 failed*", "report: *index.html", "WARNING: no report could be *"]
    )
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    (line,) = [line for line in result.outlines if line.startswith("report: ")]
    refuge = (pytester.path / line.removeprefix("report: ")).parent
    assert {file.name for file in refuge.iterdir()} == REPORT


@pytest.fixture
def full(monkeypatch):
    """A disk that is full, for whatever writes text to it."""

    def write_text(self, *args, **kwargs):
        raise OSError(28, "No space left on device", str(self))

    return lambda: monkeypatch.setattr(Path, "write_text", write_text)


def test_a_disk_that_is_full_at_the_end_costs_no_table_and_no_earlier_report(pytester, inner, full):
    pytester.makepyfile(test_it=suite("one"))
    assert inner().ret == 0
    earlier = (pytester.path / "reports/latest/report.json").read_text(encoding="utf-8")
    full()
    result = inner()
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "pass *test_one",
            "WARNING: no report could be written to *: No space left on device*",
            "WARNING: nor to a temporary directory: No space left on device*",
        ]
    )
    assert (pytester.path / "reports/latest/report.json").read_text(encoding="utf-8") == earlier
    assert kept(pytester) == ["one"]


def test_a_summary_that_cannot_be_written_is_a_warning(pytester, inner, monkeypatch):
    pytester.makepyfile(test_it=suite("one"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path))
    result = inner()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["WARNING: no summary could be written to *: Is a directory"])
    assert kept(pytester) == ["one"]


def test_a_claim_that_no_report_can_hold_costs_the_others_nothing(pytester, inner):
    source = (
        suite("one")
        + """
@tc.claim(id="strange", source="made up")
def test_strange():
    '''The size falls like one over the width, strangely.'''
    for finding in (*tc.check(sizes(-1), tc.PowerLaw(-1)), *tc.check_refuted(sizes(0), tc.PowerLaw(-1))):
        finding.setting["here"] = object()
"""
    )
    pytester.makepyfile(test_it=source)
    result = inner()
    assert kept(pytester) == ["one", "strange"]
    document = json.loads((pytester.path / "reports/latest/report.json").read_text(encoding="utf-8"))
    assert [claim["outcome"] for claim in document["claims"]] == ["pass", "error"]
    assert "setting['here'] is <object object" in document["claims"][1]["error"]
    assert result.ret == ExitCode.BROKEN


# What a report may replace.


@pytest.fixture
def whole(pytester, inner):
    """A report of three claims in two files."""
    pytester.makepyfile(test_it=suite("one", "two"), test_other=suite("three"))
    assert inner().ret == 0
    assert kept(pytester) == ["one", "two", "three"]


@pytest.mark.parametrize(
    "options",
    [["-k", "one"], ["test_it.py"], ["test_it.py::test_one"], ["--deselect=test_it.py::test_two"], ["test_other.py"]],
)
def test_a_run_of_some_claims_leaves_the_report_of_all(pytester, inner, whole, options):
    result = inner(*options)
    assert result.ret == 0
    assert kept(pytester) == ["one", "two", "three"]
    assert len(kept(pytester, "reports/partial")) in (1, 2)
    result.stdout.fnmatch_lines(
        ["report: reports?partial?index.html", "reports/latest keeps its report of 3 claims, of which this run lacks *"]
    )


def test_a_run_that_stops_early_leaves_the_report_of_all(pytester, inner, whole):
    pytester.makepyfile(test_it=suite("one", "two", before="1 / 0"))
    assert inner("-x").ret == ExitCode.BROKEN
    assert kept(pytester) == ["one", "two", "three"]
    assert kept(pytester, "reports/partial") == ["one"]


SKIPS = "import os; os.environ.get('SKIPS') and pytest.skip('not here')"


def test_a_run_that_skips_claims_leaves_the_report_of_all(pytester, inner, monkeypatch):
    pytester.makepyfile(test_it=suite("one", before=SKIPS), test_other=suite("two"))
    assert inner().ret == 0
    monkeypatch.setenv("SKIPS", "1")
    result = inner()
    assert kept(pytester) == ["one", "two"]
    assert kept(pytester, "reports/partial") == ["two"]
    result.stdout.fnmatch_lines(["reports/latest keeps its report of 2 claims, of which this run lacks 1 *"])


def test_a_claim_that_was_always_skipped_holds_no_report_up(pytester, inner, monkeypatch):
    monkeypatch.setenv("SKIPS", "1")
    pytester.makepyfile(test_it=suite("one", before=SKIPS), test_other=suite("two"))
    for _ in range(2):
        assert inner().ret == 0
        assert kept(pytester) == ["two"]
        assert kept(pytester, "reports/partial") is None


def test_the_advice_holds_in_the_directory_in_which_the_run_was_started(pytester, inner, monkeypatch):
    pytester.makepyfile(**{"below/test_it": suite("one", "two")})
    assert inner().ret == 0
    monkeypatch.chdir(pytester.path / "below")
    result = inner("-k", "one")
    advice = "--theory-report=../reports/latest"
    result.stdout.fnmatch_lines([f"../reports/latest keeps its report of 2 claims, * ({advice} replaces it)"])
    inner("-k", "one", advice)
    assert kept(pytester) == ["one"]


def test_a_run_of_all_claims_replaces_the_report_whatever_became_of_them(pytester, inner, whole):
    pytester.makepyfile(test_it=suite("two", "four", before="1 / 0"))
    (pytester.path / "test_other.py").unlink()
    result = inner()
    assert kept(pytester) == ["two", "four"]
    assert kept(pytester, "reports/partial") is None
    result.stdout.no_fnmatch_line("*keeps its report*")


def test_a_report_of_some_claims_is_replaced_by_one_of_all(pytester, inner):
    pytester.makepyfile(test_it=suite("one", "two"))
    inner("-k", "one")
    assert kept(pytester) == ["one"]
    inner()
    assert kept(pytester) == ["one", "two"]


def test_a_directory_that_was_asked_for_is_taken_and_what_it_held_is_told(pytester, inner, whole):
    result = inner("-k", "one", "--theory-report=reports/latest")
    assert kept(pytester) == ["one"]
    result.stdout.fnmatch_lines(["it replaces a report with 2 claims more"])


def test_what_is_no_report_is_replaced(pytester, inner):
    (pytester.path / "reports/latest").mkdir(parents=True)
    (pytester.path / "reports/latest/report.json").write_text("{", encoding="utf-8")
    pytester.makepyfile(test_it=suite("one"))
    assert inner().ret == 0
    assert kept(pytester) == ["one"]


@pytest.mark.parametrize("left", ["report.json", "summary.json"])
def test_one_of_the_two_files_says_which_claims_there_were(pytester, inner, whole, left):
    latest = pytester.path / "reports/latest"
    (gone,) = {"report.json", "summary.json"} - {left}
    (latest / gone).unlink()
    assert [test.rpartition("::test_")[2] for test in claims_in(latest)] == ["one", "two", "three"]
    assert seconds_in(latest).keys() == set(claims_in(latest))
    assert inner("-k", "one").ret == 0
    assert kept(pytester, "reports/partial") == ["one"]


# Two runs at once.

ANOTHER = "import json; p = pathlib.Path('{place}'); p.mkdir(parents=True, exist_ok=True); "
ANOTHER += (
    "[(p / n).write_text(json.dumps(dict(claims=[dict(test='a::test_theirs', outcome='pass')]))) for n in {names}]"
)


@pytest.mark.parametrize(
    ("chosen", "place"), [((), "reports/latest"), (("-k", "one"), "reports/partial")], ids=["whole", "partial"]
)
def test_a_report_that_another_run_has_written_meanwhile_is_left_to_it(pytester, inner, chosen, place):
    if chosen:
        pytester.makepyfile(test_it=suite("one", "two"))
        assert inner().ret == 0
    before = ANOTHER.format(place=place, names=sorted(REPORT))
    pytester.makepyfile(test_it=suite("one", "two", before=before))
    result = inner(*chosen)
    assert kept(pytester, place) == ["theirs"]
    assert kept(pytester, f"{place}-2")[0] == "one"
    name = place.removeprefix("reports/")
    result.stdout.fnmatch_lines_random(
        [f"report: reports?{name}-2?index.html", f"{place} has the report of another run, written while this *"]
    )


def test_writers_at_once_leave_whole_reports_and_nothing_else(tmp_path):
    # Every writer has begun before any has finished, and each text says whose it is.
    keepers = [Keeper(tmp_path, None, tmp_path) for _ in range(6)]
    for keeper in keepers:
        keeper.check()
    script = (
        "import sys; from pathlib import Path; from theorychecks.plugin.keeping import Covered, Keeper\n"
        "k = Keeper(Path(sys.argv[1]), Path(sys.argv[1], 'chosen'), Path(sys.argv[1])); k.check()\n"
        "c = Covered(ran=(), passed_over=(), whole_files=True)\n"
        f"for i in range(20): k.write(dict.fromkeys({sorted(REPORT)}, sys.argv[2] * 9999), c)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path), letter]) for letter in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    texts = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "chosen").iterdir()}
    assert texts.keys() == REPORT
    assert len(set(texts.values())) == 1
    covered = Covered(ran=("a::test_it",), passed_over=(), whole_files=True)
    places = [keeper.write({"report.json": "{}"}, covered).directory for keeper in keepers]
    assert [place.name for place in places] == ["latest", *(f"latest-{number}" for number in range(2, 7))]


def test_a_lock_left_by_a_run_that_died_holds_nobody_up_for_long(tmp_path, monkeypatch):
    from theorychecks import kept

    monkeypatch.setattr(kept, "_PATIENCE", 0.1)
    (tmp_path / "reports/latest/.lock").mkdir(parents=True)
    keeper = Keeper(tmp_path, None, tmp_path)
    keeper.check()
    written = keeper.write({"report.json": "{}"}, Covered(ran=(), passed_over=(), whole_files=True))
    assert os.listdir(written.directory) == ["report.json"]


def test_temporary_directories_of_the_dead_are_gone_and_those_of_the_living_stay(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    # Whether a process of another host is gone is not known; a day is enough for all.
    names = [f".writing-{os.getpid()}.{HOST}.abc_1", f".writing-{dead.pid}.elsewhere.abc_1", ".writing-thesis"]
    stay = [tmp_path / name for name in (*names, f"{dead.pid}", "thesis")]
    gone = [tmp_path / f".writing-{dead.pid}.{HOST}.abc_1", tmp_path / f".writing-{dead.pid}.elsewhere.abc_2"]
    for path in (*gone, *stay):
        path.mkdir()
        (path / "report.json").write_text("half of a")
    os.utime(gone[-1], (0, 0))
    with temporary_directory(tmp_path, ".writing-") as made:
        assert sorted(tmp_path.iterdir()) == sorted([*stay, Path(made)])


@pytest.mark.parametrize("older, known", [("report.json", ["from the summary"]), ("summary.json", ["from the report"])])
def test_a_summary_that_is_older_than_its_report_is_passed_over(tmp_path, older, known):
    for name, test in (("report.json", "from the report"), ("summary.json", "from the summary")):
        (tmp_path / name).write_text(json.dumps({"claims": [{"test": test, "outcome": "pass"}]}))
        os.utime(tmp_path / name, (1, 1) if name == older else (2, 2))
    assert claims_in(tmp_path) == known
