"""Markup: anybody's text in HTML and SVG, shown letter by letter."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Final

_LITERAL: Final = "tex2jax_ignore mathjax_ignore"
"""A notebook typesets what stands between dollar signs, unless a class forbids it."""


def literal(text: str) -> str:
    """A text that no browser obeys: escaped, and a mark in the place of what controls terminals or turns a line."""
    shown = (each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}" for each in text)
    return html.escape("".join(shown))


def clipped(text: str, length: int) -> str:
    """A text of so many characters at most."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table for a notebook, every cell shown literally; long words break."""
    # Words break anywhere only where a column would be narrower than its usual words.
    head = "".join(f'<th style="min-width:7em;text-align:left">{literal(column)}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{literal(cell)}</td>' for cell in row)}</tr>" for row in rows)
    heading = f"<thead><tr>{head}</tr></thead>" if columns else ""
    style = "overflow-wrap:anywhere;white-space:pre-wrap;text-align:left"
    return f'<table class="{_LITERAL}" style="{style}">{heading}<tbody>{body}</tbody></table>'
