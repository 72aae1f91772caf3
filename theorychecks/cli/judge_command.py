"""`theorychecks judge`: a report's numbers, judged anew by the statistics of the version that is installed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from theorychecks.beside import beside
from theorychecks.cli.printing import say
from theorychecks.cli.reading import read_report
from theorychecks.garbage import none_looked_for
from theorychecks.kept import LATEST, REPORT, alone, check_writable, said, write_whole
from theorychecks.provenance import judged_here
from theorychecks.rejudging import Difference, Rejudged, rejudged
from theorychecks.reporting import Report, ReportError
from theorychecks.reporting.counting import exit_code
from theorychecks.reporting.report import Suite
from theorychecks.reporting.terminal import claim_table, closing_lines

JUDGED: Final = (
    "Exit codes, as a run of pytest has them: 0, all is well; 1, a claim is refuted; 8, a claim broke or was lost, and "
    "none is refuted; 7, some claims are undecided, none passed, and nothing is worse; 2, it could not be done: there "
    "is no report, it cannot be judged, or nothing can be written."
)
_MOST_TOLD: Final = 40
_LARGE: Final = 3e6
"""Bytes of a report from which on judging it takes longer than another process takes to begin."""


def judge(
    report: Annotated[
        Path, typer.Argument(metavar="REPORT", help="A directory with a report.json, or the file.", show_default=True)
    ] = LATEST,
    into: Annotated[
        Path | None,
        typer.Option(metavar="DIRECTORY", help="Where the report goes; in the place of the one that is read."),
    ] = None,
) -> None:
    """Judge the numbers of a report anew, by this version's statistics, and rebuild its pages.

    Nothing is measured and no torch is needed. Every finding is judged at the confidence that was recorded; what fresh
    seeds said, the power and the cost stay as recorded. A failure that is new is inconclusive, since no fresh seeds
    have confirmed it. Findings of predictions that the package does not have, and controls that a gate has derived
    from other findings, are kept as recorded.

    Example: theorychecks judge reports/latest --into=reports/anew
    """
    file = report / REPORT if report.is_dir() else report
    place = into or file.parent
    # What is read stays until the end; to look through it for garbage takes a tenth of the time.
    large = file.exists() and file.stat().st_size > _LARGE
    with none_looked_for(), beside("theorychecks.rejudging", wanted=large):
        suite = _judged(read_report(report, "judged"), place)
    raise typer.Exit(exit_code(suite))


def _judged(found: Report, place: Path) -> Suite:
    """Judge a report, write it and say what was found; how its claims end now."""
    try:
        check_writable(place)
    except OSError as error:
        raise _unwritable(place, error) from error
    anew = rejudged(found)
    made = replace(anew.report, provenance=replace(anew.report.provenance, judged_anew=judged_here()))
    table = claim_table(made, width=shutil.get_terminal_size().columns).splitlines()
    for line in (*table, *closing_lines(made), *_told(anew)):
        say(line)
    _write(made, place)
    say(f"report: {place / 'index.html'}")
    return made.suite


def _write(report: Report, place: Path) -> None:
    from theorychecks.reporting.formats import rendered

    texts = rendered(report)
    try:
        with alone(place):
            write_whole(texts, place)
    except OSError as error:
        raise _unwritable(place, error) from error


def _unwritable(place: Path, error: OSError) -> ReportError:
    return ReportError(
        f"no report can be written to {place}: {said(error)}. Name a directory that can be written by --into=DIRECTORY."
    )


def _told(anew: Rejudged) -> list[str]:
    """What was judged, what was kept, and what differs."""
    kept = [
        f"{count} {what}"
        for count, what in (
            (anew.unknown, "of predictions that the package does not have"),
            (anew.derived, "that gates have derived from others"),
        )
        if count
    ]
    lines = [f"judged anew: {anew.judged} findings" + (f"; kept as recorded: {', '.join(kept)}" if kept else "")]
    if not anew.differences:
        return [*lines, "no verdict differs from what was recorded"]
    lines += [f"differs: {_difference(each)}" for each in anew.differences[:_MOST_TOLD]]
    rest = len(anew.differences) - _MOST_TOLD
    return lines + ([f"and {rest} more"] if rest > 0 else [])


def _difference(found: Difference) -> str:
    where = found.claim if found.label is None else f"{found.claim}, {found.label}"
    why = f" ({found.reason})" if found.reason else ""
    return f"{where}: {found.now}, recorded was {found.recorded}{why}"
