"""Collecting on the command line: claims as pytest finds them, and how it ends where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import typer

from theorychecks.cli.exit_codes import INTERRUPTED, REFUSED, UNSOUND

if TYPE_CHECKING:
    from theorychecks.plugin.planned_run import Ended

_WITHOUT_CLAIMS = (0, 5)
_INTERRUPTED = 2
_WRONGLY_USED = 4
"""Exit codes of pytest, which is not imported before it is needed."""


def end_without_claims(ended: Ended, arguments: Sequence[str]) -> NoReturn:
    """End a command for which pytest has found no claims, and say why."""
    if ended.uncollected:
        typer.echo(ended.text, err=True)
        raise typer.Exit(UNSOUND)
    if ended.code == _INTERRUPTED:
        typer.echo("theorychecks: interrupted", err=True)
        raise typer.Exit(INTERRUPTED)
    if ended.code in _WITHOUT_CLAIMS:
        what = " ".join(arguments) or "the tests that pytest finds here"
        typer.echo(
            f"theorychecks: there is no claim in {what}. Claims are tests under @tc.claim or @tc.gate.", err=True
        )
    elif ended.code != _WRONGLY_USED:  # of which pytest has told already
        typer.echo(ended.text, err=True)
    raise typer.Exit(REFUSED)
