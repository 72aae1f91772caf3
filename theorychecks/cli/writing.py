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
    # Half of a pair of characters, which JSON can hold, has no bytes.
    document = text.encode("utf-8", "backslashreplace")
    if output is None:
        _print(document)
        return
    try:
        if output.is_dir():
            raise IsADirectoryError(None, "it is a directory", str(output))
        write_whole({output.name: document.decode()}, output.parent)
    except OSError as error:
        raise ReportError(
            f"{output} cannot be written: {said(error)}. Name another file by --output=FILE, or leave it out to print."
        ) from error


def _print(document: bytes) -> None:
    if not sys.stdout.isatty():
        typer.echo(document, nl=False)
        return
    for line in document.decode().splitlines():
        say(line)
