"""A comparison as Markdown: for a comment on a pull request, below the size that GitHub takes."""

from __future__ import annotations

from theorychecks.reporting.comparison.changes import Comparison
from theorychecks.reporting.comparison.told import Table, conclusion, facts, tables
from theorychecks.reporting.markdown_text import COMMENT_BYTES, cell, row, within

_AROUND = 6000
"""Bytes that the first lines and the headings take, at most."""


def render_markdown(comparison: Comparison, *, most_bytes: int = COMMENT_BYTES) -> str:
    """Return the comparison as Markdown, changes first.

    Args:
        comparison: of two runs.
        most_bytes: it stays below; what is left out is counted in its place.
    """
    mark = "✗" if comparison.alarms else "✓"
    parts = [f"# {mark} Theory checks compared: {conclusion(comparison)}"]
    left = most_bytes - _AROUND
    for table in tables(comparison):
        text = _table(table, left)
        left -= len(text.encode())
        parts.append(text)
    parts.append("\n".join(f"- {name}: {cell(text, 500)}" for name, text in facts(comparison)))
    return "\n\n".join(parts) + "\n"


def _table(table: Table, most_bytes: int) -> str:
    head = [f"## {table.title}", "", *([table.note, ""] if table.note else [])]
    rows, left_out = within((row(cell(each, 400) for each in cells) for cells in table.rows), most_bytes)
    note = [f"\n{left_out} more are left out here; `theorychecks compare --html` has them."] if left_out else []
    return "\n".join([*head, row(table.columns), row(["---"] * len(table.columns)), *rows, *note])
