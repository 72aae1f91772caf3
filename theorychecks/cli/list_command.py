"""`theorychecks list`: the claims that there are, each with its first sentence and its source."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from theorychecks.cli.collecting import end_without_claims
from theorychecks.cli.plan_commands import Matching, Paths, only
from theorychecks.cli.printing import printable

if TYPE_CHECKING:
    from theorychecks.plugin.items import Collected

LISTED: Final = (
    "Exit codes: 0; 1 where a file of PATHS cannot be collected; 2 where there is no such path, no claim in it, or a "
    "wrong option; 130 where it was interrupted."
)
_PLAIN_WIDTH: Final = 160
"""Columns where nobody looks."""
_END_OF_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[^\sa-z0-9])")


@dataclass(frozen=True)
class Row:
    """A claim, with the node ids of its tests, of which a parametrized one has several."""

    claim: str
    kind: str
    statement: str
    source: str
    evidence: bool
    tests: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The first one of the statement."""
        return _END_OF_SENTENCE.split(" ".join(self.statement.split()))[0]


def list_claims(
    paths: Paths = None,
    matching: Matching = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with whole statements.")] = False,
) -> None:
    """List claims: id, kind, first sentence and source; nothing is run.

    A claim is a theorem, a trend an empirical regularity, a gate a check of somebody's model. "evidence" marks claims
    whose numbers came with the code, so that they are judged without measuring.

    Examples: theorychecks list properties; theorychecks list properties -k "mean_field and not models"
    """
    arguments = [*(paths or ()), *only(matching)]
    rows = rows_of(collected(arguments))
    if as_json:
        typer.echo(json.dumps([_document(row) for row in rows], indent=2))
        return
    Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH, highlight=False).print(_table(rows))
    typer.echo(_counts(rows))


def collected(arguments: Sequence[str]) -> Collected:
    """Claims that pytest collects, by node id; where there are none the command ends."""
    from theorychecks.plugin.listed_run import listed

    found = listed(arguments)
    if found.ended.uncollected or not found.claims:
        end_without_claims(found.ended, arguments)
    return found.claims


def rows_of(claims: Collected) -> list[Row]:
    """Claims by id, in the order in which a run takes them."""
    tests: dict[str, list[str]] = {}
    for node, claim in claims.items():
        tests.setdefault(claim.id, []).append(node)
    first = {claim.id: claim for claim in reversed(claims.values())}
    return [
        Row(
            claim=name,
            kind="gate" if first[name].gate else "trend" if first[name].trend else "claim",
            statement=first[name].statement,
            source=first[name].source,
            evidence=first[name].evidence,
            tests=tuple(nodes),
        )
        for name, nodes in tests.items()
    ]


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("claim", overflow="fold")
    table.add_column("kind", no_wrap=True)
    table.add_column("statement", ratio=3, overflow="fold")
    table.add_column("source", ratio=2, overflow="fold")
    for row in rows:
        kind = row.kind + (", evidence" if row.evidence else "")
        # Anybody's texts: they may hold what a terminal or `rich` would obey.
        table.add_row(*(Text(printable(cell)) for cell in (row.claim, kind, row.sentence, row.source)))
    return table


def _counts(rows: Sequence[Row]) -> str:
    kinds = [row.kind for row in rows]
    counted = [
        f"{kinds.count(kind)} {kind}{'s' if kinds.count(kind) != 1 else ''}"
        for kind in ("claim", "trend", "gate")
        if kind in kinds
    ]
    tests, known = sum(len(row.tests) for row in rows), sum(row.evidence for row in rows)
    return f"{', '.join(counted)} in {tests} test{'s' if tests != 1 else ''}; {known} with evidence"


def _document(row: Row) -> dict[str, Any]:
    return {
        "claim": row.claim,
        "kind": row.kind,
        "statement": row.statement,
        "source": row.source,
        "evidence": row.evidence,
        "tests": list(row.tests),
    }
