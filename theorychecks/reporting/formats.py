"""Formats: the files that a run leaves, each made from its report alone; a further one is a line here."""

from collections.abc import Callable, Mapping
from typing import Final

from theorychecks.reporting.html import render_html
from theorychecks.reporting.markdown import render_markdown
from theorychecks.reporting.report import Report
from theorychecks.reporting.summary import render_summary

FORMATS: Final[Mapping[str, Callable[[Report], str]]] = {
    "report.json": Report.to_json,
    "summary.json": render_summary,
    "report.md": render_markdown,
    "index.html": render_html,
}
"""By file name; the first one is what a later run looks at to see what was there."""
