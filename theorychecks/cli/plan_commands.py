"""`theorychecks plan` and `theorychecks measure`: what claims need, and measuring it without judging it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer
from rich.console import Console

from theorychecks.cli.collecting import end_without_claims
from theorychecks.cli.quantities import part_of, pinned

if TYPE_CHECKING:
    from theorychecks.plugin.planned_run import Planned

_WIDTH: Final = 120

_WRONG: Final = "1 where a file of PATHS cannot be collected"
_IMPOSSIBLE: Final = "2 where it could not be done (no such path, no claims in it, a wrong option, no store)"
PLANNED: Final = f"Exit codes: 0; {_WRONG}; {_IMPOSSIBLE}; 130 where it was interrupted."
MEASURED: Final = (
    f"Exit codes: 0 where all is measured; {_WRONG}, or cells of some claim cannot be measured; {_IMPOSSIBLE}; "
    "130 where it was interrupted. What was measured is kept in any case."
)

Paths = Annotated[
    list[str] | None,
    typer.Argument(help="Files, directories or tests, as pytest takes them.", show_default=False),
]
Matching = Annotated[
    str | None, typer.Option("-k", metavar="EXPRESSION", help="Only tests of these names, as pytest has it.")
]
Profile = Annotated[str | None, typer.Option(metavar="NAME", help="quick, default or full, as --theory-profile.")]
Seed = Annotated[str | None, typer.Option(metavar="N", callback=pinned, help="Of the networks, as --theory-seed.")]
Place = Annotated[
    str | None, typer.Option("--store", metavar="DIRECTORY", help="Where measured cells are kept, as --theory-store.")
]
Engine = Annotated[str | None, typer.Option(metavar="NAME", help="auto, dense or matrix_free, as --theory-engine.")]
Device = Annotated[str | None, typer.Option(metavar="DEVICE", help="cpu or cuda, as --theory-device.")]
Memory = Annotated[
    str | None, typer.Option(metavar="SIZE", help="For networks trained together, as --theory-memory: 4GB.")
]
Executor = Annotated[str | None, typer.Option(metavar="WHERE", help="process:N or dask:ADDRESS, as --theory-executor.")]
LooksTaken = Annotated[
    int,
    typer.Option(
        metavar="K",
        min=1,
        help="Plan so many looks of each budget; those after the first as if runs scattered by a quarter.",
    ),
]


def plan(
    paths: Paths = None,
    matching: Matching = None,
    looks: LooksTaken = 1,
    profile: Profile = None,
    seed: Seed = None,
    store: Place = None,
    engine: Engine = None,
    device: Device = None,
    memory: Memory = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, in seconds, bytes and operations.")] = False,
) -> None:
    """Say what a run of claims would measure, and what of it the store has; nothing is trained.

    A claim spends its budget in looks, and ends with the first that decides: the table has what the first look needs,
    and, under "all looks", what the whole budget buys. Claims whose tests go on by what was found cannot be told to
    their end, and are named.

    Example: theorychecks plan properties --profile=quick
    """
    options = _options(profile=profile, seed=seed, store=store, engine=engine, device=device, memory=memory)

    def told(planned: Planned) -> int:
        from theorychecks.cli.plan_tables import show

        show(planned, _console(), as_json=as_json)
        return 0

    _with_plan([*(paths or ()), *options, *only(matching)], told, looks=looks)


def measure(
    paths: Paths = None,
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Only the I-th of N parts of about the same cost, 1/8 to 8/8 for eight jobs."),
    ] = None,
    matching: Matching = None,
    looks: LooksTaken = 1,
    profile: Profile = None,
    seed: Seed = None,
    store: Place = None,
    engine: Engine = None,
    device: Device = None,
    memory: Memory = None,
    executor: Executor = None,
) -> None:
    """Measure what the first look of each claim needs into the store, and judge nothing.

    A run of pytest with the same options then takes it from there, and measures further looks where a verdict needs
    them. Array jobs that share a directory take a shard each: every cell belongs to one of them, whatever the others
    have done by then.

    Example: theorychecks measure properties --shard=2/8
    """
    part, parts = (1, 1) if shard is None else part_of(shard)
    options = _options(profile=profile, seed=seed, store=store, engine=engine, device=device, memory=memory)
    arguments = [*(paths or ()), *options, *only(matching)]

    def measured(planned: Planned) -> int:
        from theorychecks.cli.measuring import carry_out

        return carry_out(planned, part, parts, _console(), then=["pytest", *arguments])

    _with_plan([*arguments, *_options(executor=executor)], measured, looks=looks, writes=True)


def _options(**values: str | None) -> list[str]:
    """As pytest has them."""
    return [f"--theory-{name}={value}" for name, value in values.items() if value is not None]


def only(matching: str | None) -> list[str]:
    """The option of pytest that takes only tests of these names."""
    return [] if matching is None else ["-k", matching]


def _console() -> Console:
    """As wide as tables are, where nobody looks."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)


def _with_plan(
    arguments: Sequence[str], work: Callable[[Planned], int], *, looks: int = 1, writes: bool = False
) -> NoReturn:
    """Do something with a plan, and end with the exit code that this gives."""
    from theorychecks.plugin.planned_run import with_plan

    codes = list[int]()
    ended = with_plan(arguments, lambda planned: codes.append(work(planned)), looks=looks, writes=writes)
    if codes:
        raise typer.Exit(codes[0])
    end_without_claims(ended, arguments)
