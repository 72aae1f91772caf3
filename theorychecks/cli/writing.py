"""Writing a document: to a file, or to the standard output, where a terminal must obey nothing of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from theorychecks.cli.printing import say
from theorychecks.kept import said, write_whole
from theorychecks.reporting import ReportError

Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write it there, in the place of what is there."),
]


def hand_over(text: str, output: Path | None) -> None:
    """Write a document to a file, whole or not at all, or print it.

    Raises:
        ReportError: where the file cannot be written.
    """
    if output is None:
        _print(text)
        return
    try:
        if output.is_dir():
            raise IsADirectoryError(None, "it is a directory", str(output))
        write_whole({output.name: text}, output.parent)
    except OSError as error:
        raise ReportError(
            f"{output} cannot be written: {said(error)}. Name another file by --output=FILE, or leave it out to print."
        ) from error


def _print(text: str) -> None:
    if sys.stdout.isatty():
        for line in text.splitlines():
            say(line)
        return
    # Others get the bytes that a file would have.
    typer.echo(text.encode("utf-8"), nl=False)
