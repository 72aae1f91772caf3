"""`theorychecks gate`: the coordinate check of a model, without a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from theorychecks.cli.named_models import Setup, shape_of
from theorychecks.cli.quantities import budget_of, widths_of

if TYPE_CHECKING:
    from theorychecks.models.model import Axis

GATED: Final = (
    "Exit codes, as a run of pytest has them: 0, every coordinate scales as predicted; 1, some do not, and on fresh "
    "seeds again; 7, some are undecided and none fails; 8, the model broke, or cannot be gated; 2, it could not be "
    "done: no such model, or a wrong option."
)
_STEPS: Final = 4


def gate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:MODEL",
            help="A tc.Model, or a function from a width to a module: my_model:MODEL. Or an architecture of Hugging "
            "Face's transformers, hf:gpt2, or a config of one, hf:config.json; nothing is downloaded.",
        ),
    ],
    parametrization: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="NAME",
            help="What it is meant to be: maximal-update, unless given, or ntk; along the depth complete-p, unless "
            "given, or depth-mup.",
        ),
    ] = None,
    scaled: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Give it initial weights and learning rates by role first: maximal-update, ntk, standard or "
            "mean-field. It stays as it is unless given.",
        ),
    ] = None,
    widths: Annotated[
        str | None,
        typer.Option(
            metavar="WIDTHS",
            help="64..1024, in factors of two, or 32,64,96,...; 64..1024 unless given, and up to 512 of an hf: model.",
        ),
    ] = None,
    depths: Annotated[
        str | None,
        typer.Option(
            metavar="DEPTHS",
            help='Numbers of blocks, of a model with axis="depth" or a function that takes one; 4..64 unless given.',
        ),
    ] = None,
    heads: Annotated[
        str | None, typer.Option(metavar="NUMBERS", help='Likewise, of attention, with axis="heads".')
    ] = None,
    experts: Annotated[
        str | None, typer.Option(metavar="NUMBERS", help='Likewise, of a mixture, with axis="experts".')
    ] = None,
    steps: Annotated[int, typer.Option(metavar="N", min=1, help="Of training.")] = _STEPS,
    budget: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="The most trainings at every width; 64 unless given.")
    ] = None,
    within: Annotated[
        str | None, typer.Option("--time", metavar="TIME", help="That it may take, 60s or 2min; sets the budget.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, max=2**20 - 1, help="Of the networks.")] = 0,
    inputs: Annotated[
        str | None, typer.Option(metavar="SHAPE", help="Of a batch, 32x16, for a function that says nothing of it.")
    ] = None,
    tokens: Annotated[
        int | None, typer.Option(metavar="N", min=2, help="Inputs are whole numbers below N, for such a function.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            min=1e-12,
            help="Of Adam, for such a function or an hf: model; 0.001 unless given.",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Print a line for every coordinate.")] = False,
) -> None:
    """Check how every module and parameter of a model scales with the width or the depth, and say what is wrong where.

    The model is trained at several widths, or depths. A function, which says nothing of its training, has random
    inputs and targets, the squared error, and Adam with one rate for all. An architecture of Hugging Face is made
    small and learns random tokens or images; otherwise it is as it comes, but for readouts with weights of their own,
    heads of 16, and AdamW without decay.

    Examples: theorychecks gate my_model:MODEL; theorychecks gate src/net.py:build --inputs=32x16 --widths=32..512;
    theorychecks gate hf:gpt2 --scaled=maximal-update; theorychecks gate my_model:DEEP --depths=4..64
    """
    along: dict[Axis, str | None] = {"width": widths, "depth": depths, "heads": heads, "experts": experts}
    given: dict[Axis, str] = {axis: text for axis, text in along.items() if text is not None}
    if len(given) > 1:
        raise typer.BadParameter(
            "a model is built along one axis, its width, its depth or its number of heads or experts: give --widths or "
            "--depths, --heads or --experts"
        )
    setup = Setup(() if inputs is None else shape_of(inputs), tokens, rate, steps, next(iter(given), "width"), scaled)
    limit = None if within is None else budget_of(within)

    from theorychecks.cli.gating import Asked, carry_out
    from theorychecks.models.model import plural_of

    asked = Asked(
        parametrization,
        {plural_of(axis): widths_of(text, axis) for axis, text in given.items()},
        steps=steps,
        budget=budget,
        seconds=limit,
        seed=seed,
    )
    raise typer.Exit(carry_out(model, setup, asked, every=every))
