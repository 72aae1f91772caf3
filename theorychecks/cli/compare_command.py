"""`theorychecks compare`: two runs of the same claims, and what changed from one to the other."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from theorychecks.cli.printing import say
from theorychecks.cli.reading import read_run
from theorychecks.cli.writing import Output, hand_over
from theorychecks.reporting.comparison import ALARMS, Side, compare
from theorychecks.reporting.comparison.as_html import render_html
from theorychecks.reporting.comparison.as_markdown import render_markdown
from theorychecks.reporting.comparison.on_terminal import render_terminal

COMPARED: Final = (
    "Exit codes: 0, nothing that --fail-on names has happened; 1, something has; 2, it could not be done: a report "
    "cannot be read, the two share no claim, or nothing can be written."
)
_FOUND: Final = 1


def _alarms(text: str | None) -> str | None:
    """The option as it is, once every word of it is known."""
    for word in [] if text is None else text.split(","):
        if word.strip() not in ALARMS:
            raise typer.BadParameter(
                f"{word.strip()!r} is nothing to fail on; name some of {', '.join(ALARMS)}, as in verdict,cost"
            )
    return text


def compare_runs(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A directory with a report.json, or a file.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The same of the later run.")],
    fail_on: Annotated[
        str | None,
        typer.Option(metavar="WHAT", callback=_alarms, help="End with 1 on these: verdict,exponent,cost, or some."),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown that fits a comment on GitHub.")] = False,
    html: Annotated[bool, typer.Option("--html", help="As a page.")] = False,
    output: Output = None,
) -> None:
    """Say what changed between two runs: verdicts, exponents, and what takes more work.

    Claims are known by their ids, findings by label, role, setting and prediction. Either run may be a summary.json
    (`reports/reference`), whose exponents must move further before it is told.

    verdict: a claim fails or broke that did not, or one that passed is undecided on the same networks. On other seeds
    chance leaves some claims undecided; they are shown, and no reason to fail.

    exponent: it moved by more than both bias bounds and the noise of both runs allow. All exponents share one level: of
    a hundred comparisons of equal truths, at most one shows a moved exponent.

    cost: a finding takes more than 1.5 times the operations, or trainings, for as many runs at the same axis values.
    Where neither is counted, ten times the seconds are shown; a machine under load is no reason to fail.

    Example: theorychecks compare reports/reference reports/latest --fail-on=verdict,exponent

    Example: theorychecks compare before after --markdown -o comment.md
    """
    if markdown and html:
        raise typer.BadParameter("--markdown and --html are two formats; run the command once for each")
    found = compare(Side.of(read_run(old, "compared")), Side.of(read_run(new, "compared")))
    if markdown or html:
        hand_over(render_markdown(found) if markdown else render_html(found), output)
    elif output is not None:
        hand_over(render_terminal(found), output)
    else:
        # Its texts are literal already, and colour codes are its own.
        width = shutil.get_terminal_size((120, 24)).columns
        typer.echo(render_terminal(found, width=width, colour=sys.stdout.isatty()), nl=False)
    asked = {word.strip() for word in (fail_on or "").split(",")}
    fired = [alarm for alarm in found.alarms if alarm in asked]
    if fired:
        say(f"theorychecks: --fail-on={fail_on}: {', '.join(fired)}", err=True)
        raise typer.Exit(_FOUND)
