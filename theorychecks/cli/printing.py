"""Printing: lines of anybody's texts, of which a terminal must obey nothing."""

from __future__ import annotations

import typer


def printable(text: str) -> str:
    """A text in which whatever a terminal could obey is a question mark."""
    return "".join(each if each.isprintable() else "?" for each in text)


def say(line: str, *, err: bool = False) -> None:
    """Print a line, to the standard output or that of errors."""
    typer.echo(printable(line), err=err)
