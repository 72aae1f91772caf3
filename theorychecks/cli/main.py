"""The command `theorychecks`, and how it ends."""

from __future__ import annotations

import sys

import typer

from theorychecks.cli.bench_command import BENCHED, bench
from theorychecks.cli.compare_command import COMPARED, compare_runs
from theorychecks.cli.exit_codes import REFUSED
from theorychecks.cli.gate_command import GATED, gate
from theorychecks.cli.guide_command import GUIDED, guide
from theorychecks.cli.judge_command import JUDGED, judge
from theorychecks.cli.list_command import LISTED, list_claims
from theorychecks.cli.new_command import WRITTEN, new
from theorychecks.cli.plan_commands import MEASURED, PLANNED, measure, plan
from theorychecks.cli.printing import say
from theorychecks.cli.report_command import REPORTED, badge, report
from theorychecks.cli.show_command import SHOWN, show
from theorychecks.cli.store_commands import commands
from theorychecks.reporting import ReportError
from theorychecks.store import StoreError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Theory predictions about wide neural networks, checked: what was measured, and what it says.",
    epilog="Examples: theorychecks new my-claim; theorychecks gate my_model:MODEL; theorychecks list properties. "
    "Claims are run by pytest: pytest properties -n auto. Each command has a --help of its own.",
)
app.command("list", epilog=LISTED)(list_claims)
app.command(epilog=SHOWN)(show)
app.command(epilog=WRITTEN)(new)
app.command(epilog=GATED)(gate)
app.command(epilog=PLANNED)(plan)
app.command(epilog=MEASURED)(measure)
app.command(epilog=JUDGED)(judge)
app.command("compare", epilog=COMPARED)(compare_runs)
app.command(epilog=REPORTED)(report)
app.command(epilog=REPORTED)(badge)
app.command(epilog=BENCHED)(bench)
app.command(epilog=GUIDED)(guide)
app.add_typer(commands, name="store")


def main() -> None:
    """Run a command; what it refuses is told in a line, without a traceback."""
    try:
        app(prog_name="theorychecks")
    except (StoreError, ReportError) as error:
        say(" ".join(f"theorychecks: {error}".split()), err=True)
        sys.exit(REFUSED)
