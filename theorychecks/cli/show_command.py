"""`theorychecks show`: a claim, what the last report says of it, and a figure of its worst finding."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from theorychecks.cli.exit_codes import REFUSED
from theorychecks.cli.kept_claims import KeptClaims, kept_claims
from theorychecks.cli.list_command import Row, collected, rows_of
from theorychecks.cli.printing import say
from theorychecks.drawing import characters, scene_of
from theorychecks.finding import Finding
from theorychecks.kept import LATEST, REPORT, claims_kept
from theorychecks.reporting import ClaimRecord, wording
from theorychecks.reporting.account import culprit
from theorychecks.reporting.selection import worst_finding

SHOWN: Final = (
    "Exit codes: 0; 1 where a file of PATHS cannot be collected; 2 where there is no such claim, or no report."
)
_WIDEST: Final = 100
_MARGIN: Final = 12
_ROWS: Final = 14
_NEAREST: Final = 4
_OF_FINDINGS: Final = ("setting", "predicted", "measured", "runs", "looks", "flags", "reason", "could see", "origin")
"""What is shown of an explanation; the report has all of it."""


def _last_claims(incomplete: str) -> list[str]:
    """Ids of the last report that begin so, for a shell to complete."""
    names = dict.fromkeys(str(claim.get("id")) for claim in claims_kept(_latest()))
    return [name for name in names if name.startswith(incomplete)]


def show(
    claim: Annotated[
        str,
        typer.Argument(metavar="CLAIM", help="Its id, as `theorychecks list` has it.", autocompletion=_last_claims),
    ],
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="Where to look for a claim that the report lacks, as pytest takes them.", show_default=False
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="DIRECTORY", help=f"Which report; {LATEST} unless given.", show_default=False),
    ] = None,
) -> None:
    """Show a claim: its statement and source, how it ended in the last report, and its worst finding with a figure.

    The worst finding is the one that speaks most against the claim, or comes closest to its margin. A claim that the
    report lacks is looked for in PATHS, without running it.

    Examples: theorychecks show LZ-1; theorychecks show LZ-1 --report=reports/before
    """
    kept = _kept(report)
    name = _named(claim, kept.names) if kept else None
    if kept and name:
        for record in kept.of(name):
            _say_all(_told(record, kept))
        return
    rows = {row.claim: row for row in rows_of(collected(paths or ()))} if paths or not kept else {}
    name = _named(claim, rows)
    if name is None:
        _refuse(claim, [*rows, *(kept.names if kept else ())], kept, paths or ())
    _say_all(_untold(rows[name], kept))


def _kept(report: Path | None) -> KeptClaims | None:
    """The report that was asked for, or the last one, if there is one."""
    place = report or _latest()
    return None if report is None and not (place / REPORT).exists() else kept_claims(place)


def _latest() -> Path:
    """Where the last report is: a run leaves it under the root directory of its tests, which may be further up."""
    here = Path.cwd()
    up = (Path(os.path.relpath(above / LATEST, here)) for above in (here, *here.parents))
    return next((place for place in up if (place / REPORT).exists()), LATEST)


def _named(claim: str, names: Iterable[str]) -> str | None:
    """A claim's id as it is written, whether or not letters are large."""
    by_letters = {name.casefold(): name for name in names}
    return claim if claim in by_letters.values() else by_letters.get(claim.casefold())


def nearest(claim: str, names: Sequence[str]) -> list[str]:
    """Names that are likely to be meant: those that differ in signs alone, that are similar, or that contain it."""

    def letters(name: str) -> str:
        return "".join(filter(str.isalnum, name.casefold()))

    wanted, by_letters = letters(claim), {letters(name): name for name in reversed(names)}
    similar = [by_letters[each] for each in get_close_matches(wanted, by_letters, n=_NEAREST, cutoff=0.6)]
    holding = [name for name in names if wanted and wanted in letters(name)]
    same = [by_letters[wanted]] if wanted in by_letters else []
    return list(dict.fromkeys([*same, *similar, *holding]))[:_NEAREST]


def _refuse(claim: str, names: Sequence[str], kept: KeptClaims | None, paths: Sequence[str]) -> NoReturn:
    near = nearest(claim, names)
    where = (
        " and ".join(filter(None, [str(kept.file) if kept else "", " ".join(paths)]))
        or "the tests that pytest finds here"
    )
    meant = f"The nearest are {', '.join(near)}. " if near else ""
    say(
        f"theorychecks: there is no claim {claim!r} in {where}. {meant}"
        "`theorychecks list PATHS` names all; give PATHS here to look for it there.",
        err=True,
    )
    raise typer.Exit(REFUSED)


def _told(record: ClaimRecord, kept: KeptClaims) -> Iterable[str]:
    """What a report says of a claim."""
    finding = worst_finding(record)
    yield f"{record.id}: {record.outcome}"
    yield from _paragraph(record.statement)
    yield ""
    yield from _row("source", record.source)
    yield from _row("run", f"{_day(kept)}, in {wording.duration(record.seconds)}; {_counts(record)}")
    if record.outcome in ("fail", "error", "inconclusive"):
        yield from _row("first", culprit(record))
    elif record.reason:
        yield from _row("reason", record.reason)
    for note in record.notes:
        yield ""
        yield from (piece for line in note.splitlines() for piece in _paragraph(line))
    if finding is not None:
        yield from _finding(record, finding)
    yield ""
    # Whole, to be copied.
    yield f"{'reproduce':<{_MARGIN}}{wording.reproduce(record)}"


def _finding(record: ClaimRecord, finding: Finding) -> Iterable[str]:
    yield ""
    worst = "the worst finding" if not finding.passed else "the finding that comes closest to its margin"
    yield f"{worst}: {finding.label} ({finding.role}), {finding.verdict.value.upper()}"
    for name, text in wording.explanation(record, finding):
        if name in _OF_FINDINGS and text not in ("-", "none"):
            yield from _row(name, text)
    yield ""
    scene = scene_of(finding.judgement, finding.expectation, title=finding.label, predicted=finding.predicted)
    plain = "utf" not in (sys.stdout.encoding or "ascii").casefold()
    yield from characters(scene, columns=min(_width(), 80), rows=_ROWS, plain=plain)


def _untold(row: Row, kept: KeptClaims | None) -> Iterable[str]:
    """What is known of a claim that no report has."""
    yield f"{row.claim}: not in {kept.file if kept else LATEST}"
    yield from _paragraph(row.statement)
    yield ""
    yield from _row("kind", row.kind + (", with evidence" if row.evidence else ""))
    yield from _row("source", row.source)
    for test in row.tests:
        yield f"{'run it':<{_MARGIN}}pytest {shlex.quote(test)}"


def _counts(record: ClaimRecord) -> str:
    roles = [finding.role for finding in record.findings]
    passed = sum(finding.passed for finding in record.findings)
    counted = [f"{roles.count(role)} {role}{'' if roles.count(role) == 1 else 's'}" for role in dict.fromkeys(roles)]
    return f"{' and '.join(counted)}, {passed} as wanted" if counted else "nothing judged"


def _day(kept: KeptClaims) -> str:
    return f"{kept.created[:16].replace('T', ' ')} ({kept.file})"


def _width() -> int:
    return min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST)


def _paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, _width()) or [""]


def _row(name: str, text: str) -> list[str]:
    """A name, and beside it a text of as many lines as it takes."""
    lines = textwrap.wrap(text, max(_width() - _MARGIN, 20), break_on_hyphens=False) or [""]
    return [f"{name if place == 0 else '':<{_MARGIN}}{line}" for place, line in enumerate(lines)]


def _say_all(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)
