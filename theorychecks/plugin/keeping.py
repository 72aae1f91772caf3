"""Keeping reports: where a run's files go, what they may replace, and what is done where they cannot be written.

A run of all claims leaves its report in the place of the last one. What knows less than the last report does (a run of
some claims, one that was interrupted) stands beside it, and so does a report that another run would take away.
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from theorychecks.kept import LATEST, REPORT, alone, check_writable, claims_kept, said, write_whole

PARTIAL: Final = "partial"
"""Beside the last whole report: reports of some claims."""


def directory(text: str) -> str:
    """The name of a directory, as the option takes it."""
    if not text.strip():
        raise argparse.ArgumentTypeError(
            f"a report goes into a directory; got {text!r}. Name one, or leave --theory-report out for reports/latest"
        )
    return text


@dataclass(frozen=True)
class Covered:
    """Which claims a run has an outcome of, and which it knows of besides.

    Attributes:
        ran: node ids of claims that were run, whatever came of them but a skip.
        passed_over: node ids of claims that were collected, and deselected, skipped or not reached.
        whole_files: whether every file that was collected was collected whole.
    """

    ran: Collection[str]
    passed_over: Collection[str]
    whole_files: bool

    def lacks(self, earlier: Collection[str], root: Path) -> list[str]:
        """Claims that an earlier report has, that are still there as far as one can tell, and that this run has not."""
        known = {*self.ran, *self.passed_over}
        files = {node.partition("::")[0] for node in known}
        return [
            node for node in earlier if node not in self.ran and (node in known or not self._is_gone(node, files, root))
        ]

    def _is_gone(self, node: str, files: Collection[str], root: Path) -> bool:
        file = node.partition("::")[0]
        return not (root / file).exists() or (self.whole_files and file in files)


@dataclass(frozen=True)
class Written:
    """Where a report went.

    Attributes:
        directory: that has it; None where nothing could be written.
        remarks: what a reader is told about the place.
    """

    directory: Path | None
    remarks: tuple[str, ...] = ()


class Keeper:
    """Keeps the report of one run.

    Args:
        root: the root directory of the tests.
        chosen: the directory that was asked for; it is taken, whatever it holds.
        invoked_in: the directory in which the run was started; the option's paths begin there.
    """

    def __init__(self, root: Path, chosen: Path | None, invoked_in: Path) -> None:
        self.root = root
        self.chosen = chosen
        self.invoked_in = invoked_in
        self.place = chosen or root / LATEST
        self.partial = self.place.with_name(PARTIAL)
        self._before: dict[Path, object] = {}

    def check(self) -> list[str]:
        """Find out whether a report can be written, before minutes are spent, and note which one is there.

        Returns:
            Lines for a user: a run whose usual place cannot be written prints its table all the same.

        Raises:
            pytest.UsageError: if a directory that was asked for cannot be written.
        """
        self._before = {place: _stamp(place) for place in (self.place, self.partial)}
        try:
            check_writable(self.place)
        except OSError as error:
            unwritable = f"no report can be written to {self.place}: {said(error)}."
            if self.chosen is not None:
                raise pytest.UsageError(
                    f"{unwritable} Make room for this directory, or name another one by --theory-report=DIRECTORY."
                ) from error
            return [f"WARNING: {unwritable} It goes to a temporary directory; --theory-report=DIRECTORY names another."]
        return []

    def write(self, texts: Mapping[str, str], covered: Covered) -> Written:
        """Write a report's files, all of them or none, where they take no better report away."""
        remarks: list[str] = []
        try:
            with alone(self.place):
                place = self._settled_place(covered, remarks)
                write_whole(texts, place)
            return Written(place, tuple(remarks))
        except OSError as error:
            remarks = [f"WARNING: no report could be written to {self.place}: {said(error)}"]
        try:
            refuge = Path(tempfile.mkdtemp(prefix="theorychecks-report-"))
            write_whole(texts, refuge)
        except OSError as error:
            return Written(None, (*remarks, f"WARNING: nor to a temporary directory: {said(error)}"))
        return Written(refuge, tuple(remarks))

    def _settled_place(self, covered: Covered, remarks: list[str]) -> Path:
        earlier = claims_in(self.place)
        lacking = covered.lacks(earlier, self.root)
        if self.chosen is not None:
            if lacking:
                remarks.append(f"it replaces a report with {_claims(len(lacking))} more")
            return self.place
        if lacking:
            shown = self._shown(self.place)
            remarks.append(
                f"{shown} keeps its report of {_claims(len(earlier))}, of which this run lacks {len(lacking)} "
                f"(--theory-report={shown} replaces it)"
            )
            return self._unless_taken(self.partial, remarks)
        return self._unless_taken(self.place, remarks)

    def _unless_taken(self, place: Path, remarks: list[str]) -> Path:
        """A place, or one beside it where another run has written there since this one began."""
        if _stamp(place) == self._before[place]:
            return place
        remarks.append(f"{self._shown(place)} has the report of another run, written while this one ran")
        beside = (place.with_name(f"{place.name}-{number}") for number in itertools.count(2))
        return next(each for each in beside if not each.exists())

    def _shown(self, place: Path) -> str:
        return Path(os.path.relpath(place, self.invoked_in)).as_posix()


def claims_in(place: Path) -> list[str]:
    """Node ids of the claims that a kept report says something of; none where there is no report that can be read."""
    try:
        return [claim["test"] for claim in claims_kept(place)]
    except (KeyError, TypeError):
        return []


def seconds_in(place: Path) -> dict[str, float]:
    """How long each claim of a kept report took, by node id; nothing where there is no report that can be read."""
    try:
        return {claim["test"]: float(claim["seconds"]) for claim in claims_kept(place)}
    except (KeyError, TypeError, ValueError):
        return {}


def _stamp(place: Path) -> object:
    """What changes when another report is written."""
    try:
        found = os.stat(place / REPORT)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _claims(count: int) -> str:
    return f"{count} claim{'s' if count > 1 else ''}"
