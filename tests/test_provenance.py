"""Provenance says which code, which versions and which machine, and how often verdicts may be wrong."""

import datetime
import subprocess
import time
from pathlib import Path

import numpy
import pytest
import torch

from theorychecks import provenance


def git(directory: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org")
    done = subprocess.run(["git", "-C", directory, *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "claim.py").write_text("first\n", encoding="utf-8")
    git(tmp_path, "add", "claim.py")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_commit_is_that_of_the_repository(repository):
    gathered = provenance.gather(repository, ["pytest"], 2, "cpu")
    assert gathered.git_commit == git(repository, "rev-parse", "HEAD")
    assert gathered.git_dirty is False


def test_uncommitted_changes_are_told(repository):
    (repository / "claim.py").write_text("second\n", encoding="utf-8")
    assert provenance.gather(repository, ["pytest"], 2, "cpu").git_dirty is True


def test_files_that_git_does_not_know_are_no_changes(repository):
    (repository / "report.json").write_text("{}", encoding="utf-8")
    assert provenance.gather(repository, ["pytest"], 2, "cpu").git_dirty is False


def test_numbers_are_of_a_commit_unless_files_differ_from_it_that_make_them(repository):
    commit, date = git(repository, "rev-parse", "HEAD"), provenance.now()
    (repository / "reports").mkdir()
    (repository / "reports/page.md").write_text("first\n", encoding="utf-8")
    git(repository, "add", "reports")
    assert provenance.origin(repository, date)["commit"] == commit
    (repository / "claim.py").write_text("second\n", encoding="utf-8")
    assert provenance.origin(repository, date)["commit"] == f"{commit}+"
    assert provenance.origin(repository, date)["date"] == date


def test_runs_that_begin_in_the_same_second_have_moments_of_their_own():
    one = provenance.now_precisely()
    time.sleep(0.002)
    assert provenance.now_precisely() > one


def test_outside_of_a_repository_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    gathered = provenance.gather(tmp_path, ["pytest"], 2, "cpu")
    assert gathered.git_commit is None
    assert gathered.git_dirty is None


def test_without_git_nothing_is_known(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    gathered = provenance.gather(repository, ["pytest"], 2, "cpu")
    assert gathered.git_commit is None
    assert gathered.git_dirty is None


def test_command_can_be_typed_again(tmp_path):
    gathered = provenance.gather(tmp_path, ["pytest", "-k", "lazy or alignment", "test_it.py::test[a b]"], 2, "cpu")
    assert gathered.command == "pytest -k 'lazy or alignment' 'test_it.py::test[a b]'"


def test_versions_are_those_installed(tmp_path):
    versions = provenance.gather(tmp_path, ["pytest"], 2, "cpu").versions
    assert versions["numpy"] == numpy.__version__
    assert versions["torch"] == torch.__version__
    assert {"python", "theorychecks", "scipy", "hypothesis", "pytest"} <= set(versions)


def test_time_is_now_and_names_its_zone(tmp_path):
    created = datetime.datetime.fromisoformat(provenance.gather(tmp_path, ["pytest"], 2, "cpu").created)
    assert created.utcoffset() == datetime.timedelta(0)
    assert abs(datetime.datetime.now(datetime.UTC) - created) < datetime.timedelta(minutes=5)


@pytest.mark.parametrize("device", ["cpu", "cuda:1, a card"])
def test_the_device_is_the_one_that_was_used(tmp_path, device):
    assert provenance.gather(tmp_path, ["pytest"], 2, device).device == device
