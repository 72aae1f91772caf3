"""`theorychecks store`: what was measured and kept, looked at, checked, thinned out and moved."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from theorychecks.cli.printing import printable, say
from theorychecks.cli.quantities import bytes_of, seconds_of
from theorychecks.store import Store, export_to, import_from
from theorychecks.store import prune as prune_store
from theorychecks.store import survey as survey_store
from theorychecks.store import verify as verify_store
from theorychecks.store.upkeep import Held, Survey

DEFAULT: Final = Path(".theorychecks", "store")
_UNSOUND: Final = 1
_MOST_TITLES: Final = 10

commands = typer.Typer(
    no_args_is_help=True,
    help="Measured cells, kept as files, so that a run trains only what has not been measured yet.",
    epilog="Exit codes: 0 where it was done, 1 where `verify` found something unsound, 2 where it could not be done.",
)
Place = Annotated[Path, typer.Option("--store", metavar="DIRECTORY", help="Which store.", show_default=True)]


@commands.command(epilog="Exit codes: 0, or 2 where there is no store that can be read.")
def info(store: Place = DEFAULT) -> None:
    """Say how much a store holds, since when, and of what the most.

    A cell is one axis value of what was measured, say one width of one observable of one network; a block is a file
    with some of its seeds.

    Example: theorychecks store info
    """
    opened = Store.existing(store)
    found = survey_store(opened)
    say(f"{store}: {_held(found.held)}")
    if found.first is not None:
        say(f"measured from {_to_a_second(found.first)} to {_to_a_second(found.last or '')}")
    if found.set_aside:
        say(f"{found.set_aside} files in {store / 'set_aside'} were not trusted; delete them when you have seen them")
    if found.by_title:
        Console().print(_table(found))
    _warn(opened)


@commands.command(epilog="Exit codes: 0 where all is sound, 1 where something is not, 2 where there is no store.")
def verify(store: Place = DEFAULT) -> None:
    """Read every file of a store, and set aside those that cannot be trusted: they are measured again.

    A file is trusted if its checksum, its name and every byte are what was written. Others go to `set_aside/`.

    Example: theorychecks store verify --store=.theorychecks/store
    """
    found = verify_store(Store.existing(store))
    for problem in found.problems:
        say(problem)
    say(f"{store}: {found.blocks} blocks are sound, {len(found.problems)} {_files(found.problems)} not")
    if found.problems:
        raise typer.Exit(_UNSOUND)


@commands.command(epilog="Exit codes: 0, or 2 where there is no store, a file cannot be deleted, or nothing was asked.")
def prune(
    store: Place = DEFAULT,
    older_than: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="Delete blocks that nothing has written or taken for so long: 12h, 30d, 8w."),
    ] = None,
    keep_bytes: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Delete those that were of use the longest ago until so much is left: 60MB."),
    ] = None,
) -> None:
    """Delete blocks that are no longer of use; what is missed is measured again.

    A block is of use when it is written and when a run takes numbers from it, which is noted once a day as the time of
    its file's last change.

    Example: theorychecks store prune --older-than=30d --keep-bytes=60MB
    """
    if older_than is None and keep_bytes is None:
        raise typer.BadParameter("say what may go: --older-than=30d, --keep-bytes=60MB, or both")
    age = None if older_than is None else seconds_of(older_than)
    most = None if keep_bytes is None else bytes_of(keep_bytes)
    gone = prune_store(Store.existing(store), unused_for=age, keep_bytes=most)
    say(
        f"{store}: deleted {gone.gone} blocks of {decimal(gone.bytes_gone)}; {gone.left} of {decimal(gone.bytes_left)} "
        "are left"
    )


@commands.command(epilog="Exit codes: 0, or 2 where there is no store, no such key, or FILE cannot be written.")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; what is there is replaced.")],
    store: Place = DEFAULT,
    key: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="Only blocks of this key; may be given several times.")
    ] = None,
) -> None:
    """Write the blocks of a store into one file, which `import` takes on another machine.

    It is gzip'ed lines of JSON, and the same blocks make the same bytes, wherever and whenever they are exported.

    Example: theorychecks store export evidence.jsonl.gz
    """
    opened = Store.existing(store)
    count = export_to(file, opened, key)
    say(f"{file}: {count} blocks of {store}, {decimal(file.stat().st_size)}")
    _warn(opened)


@commands.command(
    "import",
    epilog="Exit codes: 0, or 2 where FILE is not as an export leaves it, or the store cannot be written.",
)
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What an export has written.")],
    store: Place = DEFAULT,
) -> None:
    """Take the blocks of an exported file into a store, which is made where there is none.

    Every checksum and every name is checked before anything is written, and one that is wrong stops it all. Blocks that
    the store has already stay what they are. Nothing in the file is ever executed, and one that unpacks to more than
    1 GiB is refused.

    Example: theorychecks store import evidence.jsonl.gz
    """
    opened = Store.open(store)
    moved = import_from(file, opened)
    say(f"{store}: {moved.new} blocks of {moved.blocks} in {file} are new")
    _warn(opened)


def _held(held: Held) -> str:
    return f"{held.cells} cells in {held.blocks} blocks, {decimal(held.bytes)}, {_time(held.seconds)} of measuring"


def _time(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds >= 3600 else f"{seconds:,.3g} s"


def _files(problems: tuple[str, ...]) -> str:
    return "file is" if len(problems) == 1 else "files are"


def _to_a_second(date: str) -> str:
    return re.sub(r"\.\d+", "", date)


def _table(found: Survey) -> Table:
    table = Table("what", "cells", "blocks", "size", "time", box=None, pad_edge=False)
    for title, held in list(found.by_title.items())[:_MOST_TITLES]:
        row = (str(held.cells), str(held.blocks), decimal(held.bytes), _time(held.seconds))
        # Titles are anybody's: they may hold what a terminal or `rich` would obey.
        table.add_row(Text(printable(title or "(no title)")), *row)
    if len(found.by_title) > _MOST_TITLES:
        table.caption = f"and {len(found.by_title) - _MOST_TITLES} more"
    return table


def _warn(store: Store) -> None:
    for problem in store.problems:
        say(f"WARNING: {problem}", err=True)
