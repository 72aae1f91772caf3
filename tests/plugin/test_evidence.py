"""Evidence travels with a clone: it is judged there without a training, and what has changed since is measured."""

import gzip
import re
import shutil
import subprocess
from collections import Counter

import pytest

from theorychecks.origin import IN_THIS_RUN
from theorychecks.store import write_archive
from theorychecks.store.archive import read_archive

FILES = ["EV%5F2_one.jsonl.gz", "EV%5F2_the%20other.jsonl.gz", "EV-1_training.jsonl.gz"]
MARKED = {"readout_change", "one", "the other"}
UNMARKED = {"unmarked"}


class Suite:
    """A directory with claims, in which runs follow one another."""

    def __init__(self, directory, run_in):
        self.directory = directory
        self.file = directory / "test_evidence.py"
        self.evidence = directory / "reports/evidence"
        self._run_in = run_in

    def run(self, *options):
        """What pytest does, and of which quantities it measures blocks."""
        log = self.directory / "measured"
        log.write_text("")
        ran = self._run_in(self.directory, *options, environment={"MEASURED": str(log)})
        return ran, Counter(line.partition(",")[0] for line in log.read_text().splitlines())

    def edit(self, old, new):
        text = self.file.read_text()
        assert old in text, old
        self.file.write_text(text.replace(old, new))

    def files(self):
        return sorted(path.name for path in self.evidence.iterdir())


def git(directory, *arguments):
    who = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org")
    done = subprocess.run(["git", "-C", directory, *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def written(make_suite, run_in):
    """A repository in which evidence has been written, the run, what it measured, and its commit."""
    made = Suite(make_suite("evidence"), run_in)
    git(made.directory, "init", "-q")
    git(made.directory, "add", "*.py", "pytest.ini")
    git(made.directory, "commit", "-q", "-m", "claims")
    ran, measured = made.run("--theory-evidence=write")
    assert ran.code == 0, ran.text
    return made, ran, measured, git(made.directory, "rev-parse", "HEAD")


@pytest.fixture
def clone(written, tmp_path, run_in):
    """What a clone brings: code and evidence, and no store."""
    made, *_ = written
    place = tmp_path / "clone"
    place.mkdir()
    for name in ("test_evidence.py", "pytest.ini", "conftest.py"):
        shutil.copy(made.directory / name, place)
    shutil.copytree(made.evidence, place / "reports/evidence")
    return Suite(place, run_in)


def origins(ran):
    return {claim.id: {each for finding in claim.findings for each in finding.origins} for claim in ran.report.claims}


def judgements(ran):
    return {claim.test: [finding.judgement for finding in claim.findings] for claim in ran.report.claims}


def test_marked_claims_alone_are_written_a_file_each(written):
    made, ran, measured, _ = written
    assert set(measured) == MARKED
    assert "3 passed, 2 deselected" in ran.text
    assert made.files() == FILES
    assert re.search(
        r"^evidence: 3 files were written to reports/evidence, which has 0\.0\d+ of 20 MB$", ran.text, re.M
    )
    assert ran.lines("WARNING") == []
    assert {block.description["title"] for block in read_archive(made.evidence / FILES[2])} == {"readout_change"}


def test_a_clone_judges_at_once_and_says_when_and_at_which_commit_it_was_measured(written, clone):
    _, first, _, commit = written
    ran, measured = clone.run()
    assert (ran.code, set(measured)) == (0, UNMARKED)
    marked = {block.provenance["date"][:10] for name in FILES for block in read_archive(clone.evidence / name)}
    (day,) = marked
    said = f"measured on {day} at {commit[:7]}, fingerprint unchanged"
    assert f"3 claims are judged on evidence {said}; --theory-evidence=none measures anew" in ran.text
    for page in ("report.md", "index.html"):
        assert f"3 claims are judged on evidence {said}" in (clone.directory / "reports/latest" / page).read_text()
    assert f"{said} (evidence)" in (clone.directory / "reports/latest/index.html").read_text()
    found = origins(ran)
    assert found.pop("EV-3") == {IN_THIS_RUN}
    assert {(each.source, each.day, each.commit) for those in found.values() for each in those} == {
        ("evidence", day, commit)
    }
    assert ran.lines("WARNING") == []
    assert {claim.id for claim in ran.report.claims if claim.evidence} == {"EV-1/training", "EV_2"}
    # Written and read, the numbers are the same.
    assert judgements(first).items() <= judgements(ran).items()


def test_evidence_is_only_read_and_the_store_goes_on_from_it(clone):
    before = {path: path.read_bytes() for path in clone.evidence.iterdir()}
    clone.run("-k", "not unmarked")
    assert {path: path.read_bytes() for path in clone.evidence.iterdir()} == before
    clone.edit("SEEDS = 6", "SEEDS = 9")
    ran, measured = clone.run("-k", "not unmarked")
    assert set(measured) == {"one", "the other"}
    assert {each.source for each in origins(ran)["EV_2"]} == {"run", "evidence"}
    again, measured = clone.run("-k", "not unmarked")
    assert measured == {}
    assert {each.source for each in origins(again)["EV_2"]} == {"store", "evidence"}
    assert "1 claim is judged on evidence" in again.text
    assert again.lines("WARNING") == []


@pytest.mark.parametrize("options", [("--theory-store=none",), ("-n", "2"), ("--theory-executor=process:1",)])
def test_it_is_taken_without_a_store_in_workers_and_beside_an_executor(clone, options):
    ran, measured = clone.run(*options, "-k", "not unmarked")
    assert (ran.code, measured) == (0, {})
    assert "3 claims are judged on evidence" in ran.text


@pytest.mark.parametrize(
    "options", [("--theory-evidence=none",), ("--theory-profile=full",), ("--theory-seed=1",)], ids=lambda each: each[0]
)
def test_who_wants_other_numbers_measures_them(clone, options):
    ran, measured = clone.run(*options, "-k", "readout or one")
    assert set(measured) == {"readout_change", "one"}
    assert "evidence" not in ran.text.replace("--theory-evidence", "").replace("test_evidence", "")
    assert ran.lines("WARNING") == []


def test_what_other_code_has_measured_is_measured_anew_and_said_once(clone):
    clone.edit("return run.weight_change_norm(1,", "return 1.0 * run.weight_change_norm(1,")
    ran, measured = clone.run("-k", "not unmarked")
    assert (ran.code, set(measured)) == (0, {"readout_change"})
    (warning,) = ran.lines("WARNING")
    assert "the evidence of EV-1/training was measured by other code" in warning
    assert "--theory-evidence=write" in warning
    assert "2 claims are judged on evidence" in ran.text
    assert origins(ran)["EV-1/training"] == {IN_THIS_RUN}


@pytest.mark.parametrize("damage", ["flipped", "cut", "newer"])
def test_damaged_evidence_is_named_and_passed_over(clone, damage):
    path = clone.evidence / FILES[2]
    text = gzip.decompress(path.read_bytes())
    changed = {
        "flipped": text.replace(b"0.", b"1.", 1),
        "cut": text[: text.rindex(b"{")],
        "newer": text.replace(b'"version":1', b'"version":2', 1),
    }[damage]
    assert changed != text
    path.write_bytes(gzip.compress(changed) if damage != "cut" else path.read_bytes()[:-20])
    ran, measured = clone.run("-k", "readout", "--theory-store=none")
    assert (ran.code, set(measured)) == (0, {"readout_change"})
    (warning,) = ran.lines("WARNING")
    assert str(path) in warning
    assert "The evidence of EV-1/training is passed over" in warning


def test_a_rewritten_file_holds_what_the_edited_code_asks_for_and_no_more(clone):
    names = {block.name for block in read_archive(clone.evidence / FILES[2])}
    others = {name: (clone.evidence / name).read_bytes() for name in FILES[:2]}
    clone.edit("return run.weight_change_norm(1,", "return 1.0 * run.weight_change_norm(1,")
    ran, measured = clone.run("--theory-evidence=write", "-n", "2")
    assert (ran.code, set(measured)) == (0, {"readout_change"})
    assert ran.lines("WARNING") == []
    assert not names & {block.name for block in read_archive(clone.evidence / FILES[2])}
    assert {name: (clone.evidence / name).read_bytes() for name in FILES[:2]} == others
    assert clone.files() == FILES
    shutil.rmtree(clone.directory / ".theorychecks")
    ran, measured = clone.run("-k", "not unmarked")
    assert measured == {}
    assert ran.lines("WARNING") == []


def test_blocks_of_the_store_that_nobody_asks_for_are_no_evidence(written, clone):
    made, *_ = written
    blocks = read_archive(clone.evidence / FILES[0])
    write_archive(clone.evidence / FILES[0], [*blocks, *read_archive(clone.evidence / FILES[2])])
    clone.run("--theory-evidence=write", "-k", "one")
    assert (clone.evidence / FILES[0]).read_bytes() == (made.evidence / FILES[0]).read_bytes()


@pytest.mark.parametrize(
    "option", ["--theory-profile=quick", "--theory-profile=full", "--theory-seed=1", "--theory-engine=dense"]
)
def test_what_nobody_would_find_is_not_written(clone, option):
    ran, measured = clone.run("--theory-evidence=write", option)
    assert (ran.code, measured) == (pytest.ExitCode.USAGE_ERROR, {})
    assert f"Leave {option.partition('=')[0]} out." in ran.text


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_measured(clone):
    shutil.rmtree(clone.evidence)
    clone.evidence.write_text("a file")
    ran, measured = clone.run("--theory-evidence=write")
    assert (ran.code, measured) == (pytest.ExitCode.USAGE_ERROR, {})
    assert f"no evidence can be written to {clone.evidence}" in ran.text


def test_too_much_of_it_is_said(clone):
    (clone.evidence / "large.jsonl.gz").write_bytes(bytes(20_000_000))
    ran, _ = clone.run("--theory-evidence=write", "-k", "one")
    (warning,) = ran.lines("WARNING")
    assert "reports/evidence is larger than what comes with every clone should be" in warning
