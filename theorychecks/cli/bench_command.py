"""`theorychecks bench`: how fast the engines are on this machine, which is what the choice between them rests on."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from theorychecks.cli.printing import say
from theorychecks.cli.quantities import flops

if TYPE_CHECKING:
    from theorychecks.engines.cost import Rates

BENCHED: Final = "Exit codes: 0; 2 for a device that there is not, or a wrong option."
_PLAIN_WIDTH: Final = 120
_WIDTHS: Final = tuple(2**power for power in range(7, 18))
_KEPT: Final = Path(".theorychecks")
_DIFFERS: Final = 2.0
"""Rates that differ by less agree: other work on the machine does as much."""


def bench(
    device: Annotated[str, typer.Option(metavar="DEVICE", help="cpu or cuda.")] = "cpu",
    depth: Annotated[int, typer.Option(metavar="N", min=1, help="Hidden layers of the network in the table.")] = 3,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Its samples a step.")] = 8,
    steps: Annotated[int, typer.Option(metavar="N", min=1, help="Its training steps.")] = 10,
) -> None:
    """Time both engines on one thread, for some seconds, and say which one is taken at each width.

    The first table has what is measured, beside the rates that runs have kept in .theorychecks and go by; these are
    left as they are. The second has what one training takes at each width by the kept rates, or else by the new ones,
    and which engine that makes the faster one, memory aside.

    Examples: theorychecks bench; theorychecks bench --batch=64 --steps=4
    """
    from theorychecks.experiment import Resources
    from theorychecks.experiment.calibration import FILE, calibrated, measure_rates

    try:
        Resources(device=device)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    file = _KEPT / FILE.format(device.partition(":")[0])
    kept = calibrated(_KEPT, device) if file.exists() else None
    found = measure_rates(device)
    console = Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH, highlight=False)
    console.print(_rates(found, kept))
    for line in _remarks(found, kept, file):
        say(line)
    say("")
    say(f"one network of {depth} hidden layers, trained for {steps} steps of {batch} samples:")
    console.print(_trainings(kept or found, depth, batch, steps))


def _rates(found: Mapping[Any, Rates], kept: Mapping[Any, Rates] | None) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for name in ("engine", "width", "batch", "now, a second", "kept, a second"):
        table.add_column(name, justify="left" if name == "engine" else "right")
    for engine, rates in found.items():
        before = {} if kept is None else {(width, size): rate for width, size, rate in kept[engine].flops}
        for width, size, rate in rates.flops:
            known = before.get((width, size))
            table.add_row(engine, f"{width:,}", str(size), flops(rate), flops(known) if known else "-")
    return table


def _remarks(found: Mapping[Any, Rates], kept: Mapping[Any, Rates] | None, file: Path) -> Iterable[str]:
    (normals,) = {rates.normals for rates in found.values()}
    yield f"random normal numbers: {normals:.2g} a second"
    if kept is None:
        yield f"there are no kept rates in {file}; the first run that needs them measures its own"
        return
    pairs = [
        (now, before)
        for engine, rates in found.items()
        for (_, _, now), (_, _, before) in zip(rates.flops, kept[engine].flops, strict=True)
    ]
    furthest = max(max(now / before, before / now) for now, before in pairs)
    if furthest <= _DIFFERS:
        yield f"runs go by the rates in {file}, which agree within a factor of {furthest:.2g}"
    else:
        yield (
            f"runs go by the rates in {file}, of which one differs by a factor of {furthest:.2g}. If the machine was "
            "busy then and is not now, delete the file; other engines draw other networks of the same law"
        )


def _trainings(rates: Mapping[Any, Rates], depth: int, batch: int, steps: int) -> Table:
    """What a training takes at each width, and which engine is taken."""
    from theorychecks.engines.choice import ENGINES, NARROW, choose
    from theorychecks.networks import MLP, MSE, STANDARD, TANH, GaussianMixture, Training, scaled

    training = Training(
        MLP(depth, TANH, STANDARD),
        learning_rate=scaled(0.3, width=-1),
        data=GaussianMixture(samples=batch, test_samples=1),
        loss=MSE,
        steps=steps,
    )
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for name in ("width", *ENGINES, "taken"):
        table.add_column(name, justify="left" if name == "taken" else "right")
    for width in _WIDTHS:
        taken = choose(training, width, memory_budget=2**62, rates=lambda: rates).engine
        seconds = [rates[name].seconds(engine.cost(training, width), width, batch) for name, engine in ENGINES.items()]
        why = f", always below {NARROW}" if width < NARROW else ""
        table.add_row(f"{width:,}", *_times(seconds), f"{taken}{why}")
    return table


def _times(seconds: Sequence[float]) -> list[str]:
    return [f"{1e3 * each:.3g} ms" if each < 1 else f"{each:,.3g} s" for each in seconds]
