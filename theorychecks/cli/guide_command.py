"""`theorychecks guide`: the pages of the guide, as they are shipped with the package."""

from __future__ import annotations

import difflib
import re
from importlib import metadata, resources
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from theorychecks.cli.printing import printable, say

GUIDED: Final = (
    "Examples: theorychecks guide verdicts, or theorychecks guide example-gates > test_scaling.py, which is a file of "
    "gates to copy from. Exit codes: 0, or 2 where there is no such topic."
)
EXAMPLES: Final = "example-gates"
_EXAMPLES_FILE: Final = "test_your_model.py"
_WIDEST: Final = 100
"""Lines of prose that are longer are hard to read."""


def guide(topic: Annotated[str | None, typer.Argument(metavar="TOPIC", show_default=False)] = None) -> None:
    """Show a page of the guide, or list the topics."""
    pages = _pages()
    if topic is None:
        longest = max(map(len, (*pages, EXAMPLES)))
        for name, text in pages.items():
            say(f"{name:<{longest}}  {_for_whom(text)}")
        say(f"{EXAMPLES:<{longest}}  a file of gates to copy from: of a decoder, a convolutional network and others.")
        say("Show one by: theorychecks guide TOPIC")
    elif topic == EXAMPLES:
        typer.echo(_examples().read_text(encoding="utf-8"), nl=False)
    elif topic in pages:
        # No other command needs it.
        from rich.markdown import Markdown

        console = Console(highlight=False)
        console.width = min(console.width, _WIDEST)
        console.print(Markdown(_without_links(pages[topic]), hyperlinks=False))
    else:
        raise typer.BadParameter(_unknown(topic, [*pages, EXAMPLES]), param_hint="TOPIC")


def _pages() -> dict[str, str]:
    """The text of each page by its topic, in the order of the alphabet."""
    folder = resources.files("theorychecks") / "guide"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".md")), key=lambda file: file.name)
    return {file.name.removesuffix(".md"): file.read_text(encoding="utf-8") for file in files}


def _for_whom(text: str) -> str:
    """The first paragraph of a page says whom the page is for."""
    return text.split("\n\n")[1].partition("\n")[0].removeprefix("This page is ")


def _unknown(topic: str, topics: list[str]) -> str:
    near = difflib.get_close_matches(topic.lower(), topics, n=3, cutoff=0.5)
    advice = f"Did you mean {' or '.join(near)}?" if near else f"Topics: {', '.join(topics)}."
    return f"the guide has no page {printable(topic)!r}. {advice}"


def _without_links(text: str) -> str:
    """A terminal follows no relative link: a page is named by its command, a file by its path in the repository."""

    def named(link: re.Match[str]) -> str:
        words, target = link.groups()
        if target.startswith("../../"):
            path = target.removeprefix("../../")
            return path if words == path else f"{words} ({path})"
        if target.endswith(".md"):
            return f"{words} (`theorychecks guide {target.removesuffix('.md')}`)"
        return f"{words} ({target})"

    return re.sub(r"(?<!!)\[([^\]`]+)\]\(([^)\s]+)\)", named, text)


def _examples() -> Path:
    """Where the example gates lie: in `properties/` of a clone, and in `share/` of what a wheel has installed."""
    clone = Path(__file__).parents[2] / "properties" / _EXAMPLES_FILE
    if clone.exists():
        return clone
    installed = metadata.files("theorychecks") or []
    found = [Path(str(file.locate())) for file in installed if file.name == _EXAMPLES_FILE]
    if not found:
        raise typer.BadParameter(
            f"this installation has no {_EXAMPLES_FILE}: install the wheel of theorychecks, or clone its repository.",
            param_hint="TOPIC",
        )
    return found[0]
