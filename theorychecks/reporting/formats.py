"""Formats: the files that a run leaves, each made from its report alone; a further one is a line here."""

from collections.abc import Callable, Mapping
from typing import Final

from theorychecks.beside import begun
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
_DATA: Final = ("report.json", "summary.json")
"""What a process beside this one writes, while this one draws."""


def rendered(report: Report) -> dict[str, str]:
    """Return the text of every file, by its name."""
    data = begun(_data, report)
    pages = {name: render(report) for name, render in FORMATS.items() if name not in _DATA}
    texts = {**data(), **pages}
    return {name: texts[name] for name in FORMATS}


def _data(report: Report) -> dict[str, str]:
    return {name: FORMATS[name](report) for name in _DATA}
