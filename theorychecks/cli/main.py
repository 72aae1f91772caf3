"""The command `theorychecks`, and how it ends."""

from __future__ import annotations

import sys

import typer

from theorychecks.cli.guide_command import GUIDED, guide
from theorychecks.cli.judge_command import JUDGED, judge
from theorychecks.cli.plan_commands import MEASURED, PLANNED, REFUSED, measure, plan
from theorychecks.cli.printing import say
from theorychecks.cli.store_commands import commands
from theorychecks.reporting import ReportError
from theorychecks.store import StoreError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Theory predictions about wide neural networks, checked: what was measured, and what it says.",
)
app.command(epilog=PLANNED)(plan)
app.command(epilog=MEASURED)(measure)
app.command(epilog=JUDGED)(judge)
app.command(epilog=GUIDED)(guide)
app.add_typer(commands, name="store")


def main() -> None:
    """Run a command; what it refuses is told in a line, without a traceback."""
    try:
        app()
    except (StoreError, ReportError) as error:
        say(" ".join(f"theorychecks: {error}".split()), err=True)
        sys.exit(REFUSED)
