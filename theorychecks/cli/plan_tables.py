"""Tables of plans: what each claim needs, the dearest first, and all of them together."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from theorychecks.cli.quantities import duration, flops
from theorychecks.experiment.plans import Bill, ClaimPlan, Need, Prices
from theorychecks.plugin.planned_run import Planned

_UNKNOWN: Final = "?"
_LEGEND: Final = (
    'A cell is one width, or another axis value, of one quantity. "To do" and "time" are of cells that are not stored: '
    "operations of their trainings, and seconds on one core, as such cells took that are stored, else by the engines' "
    "rates on this machine; what observables compute comes on top. ? is what neither knows: functions, models of your "
    'own, trainings that are repeated. "All looks" is the whole budget, at every axis value; what fails is drawn once '
    "more. Cells that claims share count in the row of each, and once in the sum."
)


@dataclass(frozen=True)
class _Row:
    """What a claim needs.

    Attributes:
        plan: of the claim.
        first: for the looks that were planned.
        most: for all looks.
    """

    plan: ClaimPlan
    first: Bill
    most: Bill


def show(planned: Planned, console: Console, *, as_json: bool) -> None:
    """Print a plan, as a table or as JSON."""
    stored = planned.resources.stored
    prices = Prices(None if stored is None else stored.store, planned.resources)
    rows = [_Row(each, prices.bill(_first(each)), prices.bill(each.most)) for each in planned.claims]
    total = _Row(
        ClaimPlan("all", ""),
        prices.bill(need for claim in planned.claims for need in _first(claim)),
        prices.bill(need for claim in planned.claims for need in claim.most),
    )
    if as_json:
        console.file.write(json.dumps(_document(rows, total), indent=2) + "\n")
        return
    console.print(_table(rows, total))
    console.print()
    for line in _remarks(rows):
        console.print(printable(line))
    for problem in () if stored is None else stored.all_problems:
        console.print(printable(f"WARNING: {problem}"))
    console.print(Text(_LEGEND), style="dim")
    console.print(Text(f"\n{_summary(planned, total)}"))


def _first(plan: ClaimPlan) -> list[Need]:
    return [need for needs in plan.first for need in needs]


def _table(rows: list[_Row], total: _Row) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("claim")
    for name in ("cells", "stored", "to do", "time", "memory", "all looks", "to do", "time"):
        table.add_column(name, justify="right")
    dearest = sorted(rows, key=lambda row: (-row.first.seconds, -row.first.flops, -row.first.untimed))
    for row in [*dearest, total]:
        if row is total:
            table.add_section()
        claim = row.plan.label + ("*" if _whys(row.plan) else "")
        first, most = row.first, row.most
        cells = (f"{first.cells:,}", f"{first.stored:,}", _work(first), _time(first), _memory(first))
        # Claims' ids are anybody's: they may hold what a terminal or `rich` would obey.
        table.add_row(printable(claim), *cells, f"{most.cells:,}", _work(most), _time(most))
    return table


def _work(bill: Bill) -> str:
    return flops(bill.flops) or (_UNKNOWN if bill.missing else "-")


def _time(bill: Bill) -> str:
    """What is missing takes so long, as far as that is known."""
    if not bill.missing:
        return "-"
    known = [duration(bill.seconds)] if bill.untimed < bill.missing else []
    return " + ".join([*known, *([_UNKNOWN] if bill.untimed else [])])


def _memory(bill: Bill) -> str:
    if bill.bytes:
        return decimal(bill.bytes)
    return _UNKNOWN if bill.missing else "-"


def _remarks(rows: list[_Row]) -> list[str]:
    """Claims of which not all is told, by why."""
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        for why in _whys(row.plan):
            by_reason[why].append(row.plan.label)
    return [f"* {', '.join(claims)}: {why}" for why, claims in by_reason.items()]


def _whys(plan: ClaimPlan) -> list[str]:
    """Why not all is told of a claim."""
    skipped = [f"skipped, {plan.skipped}"] if plan.skipped else []
    return [*plan.unknown, *skipped, *([f"raises {plan.trouble}"] if plan.trouble else [])]


def _summary(planned: Planned, total: _Row) -> str:
    first, most = total.first, total.most
    if planned.store is None:
        there = "no store"
    elif (stored := planned.resources.stored) is None or stored.store is None:
        there = f"there is no store yet at {os.path.relpath(planned.store)}"
    else:
        there = f"{first.stored:,} of them in {os.path.relpath(planned.store)}"
    return (
        f"{len(planned.claims):,} claims: {first.cells:,} cells for the planned looks, {there}; {_takes(first)}.\n"
        f"All looks, if no claim ends earlier: {most.cells:,} cells; {_takes(most)}."
    )


def _takes(bill: Bill) -> str:
    """What is missing, in words."""
    if not bill.missing:
        return "nothing is to be measured"
    parts = [f"{bill.missing:,} to be measured", *filter(None, [flops(bill.flops)])]
    if bill.untimed < bill.missing:
        parts.append(duration(bill.seconds))
    if bill.untimed:
        parts.append(f"and an unknown time for {bill.untimed:,}")
    return ", ".join(parts)


def _document(rows: list[_Row], total: _Row) -> dict[str, Any]:
    """In seconds, bytes and floating-point operations."""
    claims = [
        {
            "claim": row.plan.claim,
            "test": row.plan.test,
            "planned_looks": asdict(row.first),
            "all_looks": asdict(row.most),
            "unknown": list(row.plan.unknown),
            "skipped": row.plan.skipped or None,
            "trouble": row.plan.trouble or None,
        }
        for row in rows
    ]
    return {"claims": claims, "total": {"planned_looks": asdict(total.first), "all_looks": asdict(total.most)}}


def printable(text: str) -> Text:
    """What a terminal shows, and does not obey."""
    return Text("".join(each if each.isprintable() else "?" for each in text))
