"""A comparison as one self-contained HTML page."""

from __future__ import annotations

from theorychecks.reporting.comparison.changes import Comparison
from theorychecks.reporting.comparison.told import conclusion, facts, tables
from theorychecks.reporting.literal import in_a_line
from theorychecks.reporting.rendering import template

_MOST_ROWS = 2000


def render_html(comparison: Comparison) -> str:
    """Return the comparison as a page that opens offline, and holds no script."""
    return template("comparison.html.j2").render(
        conclusion=conclusion(comparison),
        alarming=bool(comparison.alarms),
        facts=facts(comparison),
        tables=tables(comparison),
        most_rows=_MOST_ROWS,
        in_a_line=in_a_line,
    )
