"""`theorychecks new`: a file with a claim, or a gate, that passes as it stands and is to be edited."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from theorychecks.cli.exit_codes import REFUSED
from theorychecks.cli.new_files import CLAIM, GATE
from theorychecks.cli.printing import say
from theorychecks.kept import said

WRITTEN: Final = (
    "Exit codes: 0; 2 where the name makes no function, there is such a file already, or it cannot be written."
)
_LONGEST: Final = 60


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Words with hyphens between them: relative-drift.", show_default=False)
    ],
    gate: Annotated[
        bool, typer.Option("--gate", help="A gate on a model of your own, in the place of a claim.")
    ] = False,
    directory: Annotated[
        Path,
        typer.Option("--in", metavar="DIRECTORY", help="Where to; it is made if there is none.", show_default=True),
    ] = Path(),
) -> None:
    """Write a file with a claim of your own: it passes as it stands, has its control, and says where to edit.

    The name becomes the claim's id and the file's name: relative-drift gives test_relative_drift.py. Nothing that is
    there is ever replaced.

    Examples: theorychecks new relative-drift; theorychecks new decoder --gate --in=properties
    """
    function = function_of(name)
    text = (GATE if gate else CLAIM).substitute(id=name, function=function, title=name.replace("-", " ").capitalize())
    file = directory / f"test_{function}.py"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as written:
            written.write(text)
    except FileExistsError:
        what = f"there is a {file} already" if file.exists() else f"{directory} is no directory"
        _refuse(f"{what}, and nothing is replaced. Choose another name, or another place by --in=DIRECTORY.")
    except OSError as error:
        _refuse(f"{file} cannot be written: {said(error)}. Choose another place by --in=DIRECTORY.")
    say(f"{file}: a {'gate' if gate else 'claim'} that passes as it stands; edit what stands below EDIT")
    say(f"next: pytest {file}")


def function_of(name: str) -> str:
    """The name of a test, from words with hyphens between them.

    Raises:
        typer.BadParameter: where it makes none.
    """
    function = name.replace("-", "_")
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", function) and len(function) <= _LONGEST:
        return function
    mended = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-0123456789")[:_LONGEST].strip("-").lower()
    raise typer.BadParameter(
        f"a name becomes that of a Python function: letters, digits, hyphens and underscores, {_LONGEST} at most, a "
        f"letter first; got {name!r}. Try {mended or 'relative-drift'}"
    )


def _refuse(why: str) -> None:
    say(f"theorychecks: {why}", err=True)
    raise typer.Exit(REFUSED)
