"""Reading what a run has left: its report, or the summary where no values are needed; all else is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from theorychecks.kept import LATEST, REPORT, SUMMARY, said
from theorychecks.reporting import Report, ReportError
from theorychecks.reporting.summary import Summary, run_from_json
from theorychecks.store.marker import NAME as STORE

Run = TypeVar("Run", Report, Report | Summary)

_WAY_OUT: Final = f"Run claims with pytest, which leaves one in {LATEST}, or name a directory that has a {REPORT}."


def read_report(place: Path, purpose: str) -> Report:
    """Return the report in a directory, or in a file.

    Args:
        place: the directory or the file.
        purpose: what becomes of it, "judged".

    Raises:
        ReportError: where there is none that can be read.
    """
    file = place / REPORT if place.is_dir() else place
    if not file.exists() and (file.parent / SUMMARY).exists():
        raise ReportError(
            f"{file.parent} has a {SUMMARY} and no {REPORT}: without the values of its runs nothing can be {purpose}. "
            "Name the report of the run, or run the claims again."
        )
    return _read(file, purpose, Report.from_json)


def read_run(place: Path, purpose: str) -> Report | Summary:
    """Return the report in a directory or a file, or the summary where there is no report, or where it is named.

    Raises:
        ReportError: where there is neither that can be read.
    """
    if place.is_dir():
        names = (name for name in (REPORT, SUMMARY) if (place / name).exists())
        return _read(place / next(names, REPORT), purpose, run_from_json)
    return _read(place, purpose, run_from_json)


def _read(file: Path, purpose: str, parsed: Callable[[str], Run]) -> Run:
    if (file.parent / STORE).exists():
        raise ReportError(
            f"{file.parent} is a store of measured cells, of which none is judged, so it cannot be {purpose}. Judge it "
            f"first: pytest PATHS --theory-store={file.parent} --theory-report=DIRECTORY, and name that directory."
        )
    try:
        return parsed(file.read_text(encoding="utf-8"))
    except (ValueError, OverflowError, RecursionError) as error:
        raise ReportError(f"{file}: {error}") from error
    except OSError as error:
        raise ReportError(f"there is no report to be {purpose}: {said(error)}. {_WAY_OUT}") from error
