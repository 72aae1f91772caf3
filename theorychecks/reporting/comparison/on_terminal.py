"""A comparison as a terminal shows it: what it comes to, which runs these are, and a table for each kind of change."""

from __future__ import annotations

import io
from typing import Final

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from theorychecks.reporting.comparison.changes import Comparison
from theorychecks.reporting.comparison.told import Table, conclusion, facts, tables
from theorychecks.reporting.literal import in_a_line

_MOST_ROWS: Final = 40
_MOST_QUIET_ROWS: Final = 10
"""Of changes that are no reason to fail."""
_NARROWEST: Final = 80
_NUMBERS: Final = ("moved by", "allowed", "change", "outcome")
"""Columns that are short, and are not broken."""


def render_terminal(comparison: Comparison, *, width: int = 120, colour: bool = False) -> str:
    """Return the comparison as text for a terminal.

    Args:
        comparison: of two runs.
        width: of the terminal, in columns.
        colour: whether to add colour codes; all is said in words either way.
    """
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=max(width, _NARROWEST),
        force_terminal=colour,
        # Where colours are wanted, the environment may still say NO_COLOR.
        no_color=None if colour else True,
        highlight=False,
    )
    style = "bold red" if comparison.alarms else "bold green"
    console.print(Text(conclusion(comparison), style=style))
    grid = RichTable.grid(padding=(0, 2))
    for name, text in facts(comparison):
        grid.add_row(Text(name, style="bold"), Text(in_a_line(text)))
    console.print(grid)
    for table in tables(comparison):
        console.print()
        console.print(Text(table.title, style="bold red" if table.alarming else "bold"))
        if table.note:
            console.print(Text(in_a_line(table.note), style="dim"))
        most = _MOST_ROWS if table.alarming else _MOST_QUIET_ROWS
        console.print(_laid_out(table, most))
        if len(table.rows) > most:
            console.print(Text(f"and {len(table.rows) - most} more; --markdown and --html have them"))
    # Rows are padded to the width of their table, which nobody sees and everybody copies.
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def _laid_out(table: Table, most: int) -> RichTable:
    laid_out = RichTable(*table.columns, box=None, pad_edge=False, header_style="bold")
    for column in laid_out.columns:
        column.overflow = "fold"
        column.no_wrap = column.header in _NUMBERS
    for row in table.rows[:most]:
        laid_out.add_row(*(Text(in_a_line(cell)) for cell in row))
    return laid_out
