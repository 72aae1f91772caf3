"""Anybody's text in Markdown, shown as it is: in a line, in a table, as code, and cut where GitHub would refuse it."""

import re
from collections.abc import Iterable
from typing import Final

from theorychecks.reporting import wording
from theorychecks.reporting.literal import in_a_line, visible

COMMENT_BYTES: Final = 65_000
"""GitHub refuses comments above 65,536 characters, each of which has a byte or more."""
SUMMARY_BYTES: Final = 1_000_000
"""It refuses step summaries above 1 MiB."""
# What Markdown, a GitHub formula or HTML would take as markup. A bracket that opens an interval is none.
_MARKUP: Final = re.compile(r"[\\`*_<>|#~$&]|\[(?![-+\d])|\](?=[(\[:])")
# What GitHub makes links of in plain text: addresses, and names of people, who would be told.
_LINKED: Final = re.compile(r"(?<=[a-z]):(?=//)|(?<=\bwww)\.|@(?=[\w-])", re.IGNORECASE)


def within(blocks: Iterable[str], limit: int) -> tuple[list[str], int]:
    """Return the blocks that fit into `limit` bytes, in order, and how many did not."""
    kept: list[str] = []
    size, left_out = 0, 0
    for block in blocks:
        size += len(block.encode()) + 2
        if size > limit:
            left_out += 1
        else:
            kept.append(block)
    return kept, left_out


def row(cells: Iterable[str]) -> str:
    """Return a line of a table."""
    return f"| {' | '.join(cells)} |"


def cell(text: str, length: int) -> str:
    """Return text that is shown as it is on one line, cut to so many characters."""
    return inline(wording.clip(" ".join(text.split()), length))


def inline(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _LINKED.sub(_unlinked, _MARKUP.sub(_escaped, in_a_line(text)))


def code(text: str) -> str:
    """Return a code span; a pipe inside one still ends a table cell, and is escaped."""
    text = in_a_line(text)
    ticks = "`" * (1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    pad = " " if "`" in text else ""
    return f"{ticks}{pad}{text}{pad}{ticks}".replace("|", "\\|")


def fence(text: str) -> str:
    """Return a code block whose fence is longer than any run of backticks in it."""
    text = visible(text)
    ticks = "`" * (1 + max((len(run) for run in re.findall(r"`+", text)), default=2))
    return f"{ticks}text\n{text}\n{ticks}"


def _escaped(match: re.Match[str]) -> str:
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(match.group(), f"\\{match.group()}")


def _unlinked(match: re.Match[str]) -> str:
    return "@<!-- -->" if match.group() == "@" else f"&#{ord(match.group())};"
