"""`theorychecks report` and `theorychecks badge`: a run's report in the form that its reader needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from theorychecks.cli.reading import read_report, read_run
from theorychecks.cli.writing import Output, hand_over
from theorychecks.kept import LATEST
from theorychecks.reporting import Report
from theorychecks.reporting.badge import render_badge
from theorychecks.reporting.csv_table import render_csv
from theorychecks.reporting.latex import render_latex
from theorychecks.reporting.markdown import render_comment

REPORTED: Final = "Exit codes: 0; 2, there is no report that can be read, or nothing can be written."

Place = Annotated[
    Path, typer.Argument(metavar="REPORT", help="A directory with a report.json, or the file.", show_default=True)
]


def _page(report: Report) -> str:
    from theorychecks.reporting.html import render_html

    return render_html(report)


_FORMATS: Final[Mapping[str, Callable[[Report], str]]] = {
    "--markdown": render_comment,
    "--latex": render_latex,
    "--csv": render_csv,
    "--html": _page,
}


def report(
    place: Place = LATEST,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="For a comment on GitHub, below its 65,536 characters: failures first.")
    ] = False,
    latex: Annotated[
        bool, typer.Option("--latex", help="A table for a paper, with the rules of booktabs: one line a claim.")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values: one line a finding.")] = False,
    html: Annotated[bool, typer.Option("--html", help="The page that a run leaves as index.html.")] = False,
    output: Output = None,
) -> None:
    """Write a run's report as Markdown, LaTeX, comma-separated values or a page.

    Nothing is measured or judged, and no torch is needed. The exit code says nothing of the claims; `theorychecks
    judge` has that of a run.

    Example: theorychecks report reports/latest --csv -o findings.csv

    Example: theorychecks report --latex -o table.tex

    Example: theorychecks report --markdown | gh pr comment --body-file -
    """
    asked = [name for name, wanted in zip(_FORMATS, (markdown, latex, csv, html), strict=True) if wanted]
    if len(asked) != 1:
        raise typer.BadParameter(
            f"name one format of {', '.join(_FORMATS)}; got {' and '.join(asked) or 'none'}. Run the command for each"
        )
    hand_over(_FORMATS[asked[0]](read_report(place, "written in another form")), output)


def badge(
    place: Place = LATEST,
    label: Annotated[str, typer.Option(metavar="TEXT", help="The words on the left.")] = "theory",
    output: Output = None,
) -> None:
    """Draw a badge, an SVG picture that says how many claims pass and what is worse.

    Its colour is that of the run's exit code: green, red where a claim is refuted, purple where one broke, amber where
    nothing was decided. A summary.json is enough.

    Example: theorychecks badge reports/latest -o badge.svg
    """
    hand_over(render_badge(read_run(place, "drawn").suite, label=label), output)
