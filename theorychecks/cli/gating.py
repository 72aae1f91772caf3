"""Gating on the command line: a coordinate check is made, and what came of it is said."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch
import typer
from rich.console import Console

from theorychecks.claims import Recorder, recording
from theorychecks.cli.exit_codes import REFUSED
from theorychecks.cli.named_models import Setup, model_named
from theorychecks.cli.preset_models import PREFIX
from theorychecks.cli.printing import say
from theorychecks.cli.quantities import duration, hyphened, widths_of
from theorychecks.cli.status_line import StatusLine
from theorychecks.drawing import characters, scene_of
from theorychecks.gates import coordinate_check
from theorychecks.judging import Conditions
from theorychecks.models import ModelError
from theorychecks.models.model import plural_of
from theorychecks.networks import COMPLETE_P, DEPTH_MUP, MAXIMAL_UPDATE, NTK, DepthParametrization, Parametrization
from theorychecks.plugin.under_way import Lane, telling
from theorychecks.reporting.counting import ExitCode

if TYPE_CHECKING:
    from theorychecks.gates.coordinate_check import CoordinateCheck
    from theorychecks.models import Model
    from theorychecks.models.model import Axis

Meant = Parametrization | DepthParametrization
_COLUMNS: Final = 76
_KNOWN: Final[Mapping[Axis, Mapping[str, Meant]]] = {
    "width": {"maximal-update": MAXIMAL_UPDATE, "ntk": NTK},
    "depth": {"complete-p": COMPLETE_P, "depth-mup": DEPTH_MUP},
    "heads": {"maximal-update": MAXIMAL_UPDATE},
    "experts": {"maximal-update": MAXIMAL_UPDATE},
}
"""What a check knows the predictions of, along each axis; the first one is meant where nothing is said."""
_VALUES: Final[Mapping[Axis, str]] = {"width": "64..1024", "depth": "4..64", "heads": "4..64", "experts": "4..64"}
OF_PRESETS: Final = "64,128,192,320,512"
"""Multiples of the groups of heads that share keys and values, in every architecture by its name."""


@dataclass(frozen=True)
class Asked:
    """What is asked of a model.

    Attributes:
        parametrization: that it is meant to have, by name; the first one known along its axis where there is none.
        values: of the axis along which it is trained, by the option that gave them; none to choose them here.
        steps: of training.
        budget: the most trainings at every width; that of a gate unless given.
        seconds: that it may take, which sets the budget.
        seed: of the networks.
    """

    parametrization: str | None
    values: Mapping[str, tuple[int, ...]]
    steps: int
    budget: int | None
    seconds: float | None
    seed: int


def carry_out(name: str, setup: Setup, asked: Asked, *, every: bool) -> int:
    """Check a model, say what came of it, and give back the exit code.

    Args:
        name: MODULE:NAME of the model, or hf:ARCHITECTURE.
        setup: of what is no `tc.Model`.
        asked: of it.
        every: whether each coordinate has a line.
    """
    _check_name(asked.parametrization)
    started = time.monotonic()
    try:
        model = model_named(name, setup)
        meant = _meant(asked.parametrization, model)
        found = _checked(model, meant, _values(name, model, asked), asked)
    except typer.BadParameter:
        raise
    except Exception as error:  # a user's model may raise anything, which is told with the code of what broke
        return _told(error)
    _tell(found, meant, duration(time.monotonic() - started), every=every)
    return ExitCode.FAILED if found.failed else ExitCode.PASSED if found.passed else ExitCode.UNDECIDED


def _check_name(name: str | None) -> None:
    """Refuse a parametrization that nothing is known of, before a model is imported."""
    if name is not None and not any(hyphened(name) in known for known in _KNOWN.values()):
        raise typer.BadParameter(_no_such(name))


def _meant(name: str | None, model: Model) -> Meant:
    if (known := _KNOWN.get(model.axis)) is None:
        raise typer.BadParameter(
            f"{model.title} is a model along the {model.axis}, of which a coordinate check predicts nothing; sweep an "
            "observable of it in a claim"
        )
    if name is None:
        return next(iter(known.values()))
    if (found := known.get(hyphened(name))) is None:
        raise typer.BadParameter(f"{model.title} is built along its {model.axis}; {_no_such(name)}")
    return found


def _no_such(name: str) -> str:
    along = {axis: " and ".join(known) for axis, known in _KNOWN.items()}
    return (
        f"a coordinate check knows what {along['width']} predict, and along the depth what {along['depth']} do; got "
        f"{name!r}. For another parametrization write claims about a sweep of the model"
    )


def _values(name: str, model: Model, asked: Asked) -> tuple[int, ...]:
    """Values of the axis, as they are asked for or as they are known to decide."""
    wanted = plural_of(model.axis)
    if set(asked.values) - {wanted}:
        raise typer.BadParameter(
            f"{model.title} is built along its {model.axis}: give --{wanted}={_VALUES[model.axis]}. A model whose "
            'build takes its depth is tc.Model(build, ..., axis="depth")'
        )
    return asked.values.get(wanted) or widths_of(
        OF_PRESETS if name.startswith(PREFIX) else _VALUES[model.axis], model.axis
    )


def _checked(model: Model, meant: Meant, values: tuple[int, ...], asked: Asked) -> CoordinateCheck:
    """Check a model on one thread, as a run does, and show meanwhile how far it is."""
    torch.set_num_threads(1)

    def changed(new: bool) -> None:
        lane.announce(status.announce)
        status.show()

    lane = Lane(changed)
    status = StatusLine(
        Console(stderr=True, highlight=False), lambda: f"theory: {lane}; {lane.done.cells} cells are done"
    )
    recorder = Recorder(conditions=Conditions(seed=asked.seed, seconds=asked.seconds, confirms=True), gate=True)
    along: dict[str, Any] = {plural_of(model.axis): values}
    with recording(recorder), status, telling(lane, model.title):
        return coordinate_check(model, meant, **along, steps=asked.steps, budget=asked.budget)


def _tell(found: CoordinateCheck, meant: Meant, took: str, *, every: bool) -> None:
    passed = sum(finding.passed for finding in found.findings)
    verdict = "FAIL" if found.failed else "PASS" if found.passed else "UNDECIDED"
    total = len(found.findings)
    say(f"{verdict}: {passed} of {total} coordinates scale as {meant.name} has it; {took}")
    for line in str(found).splitlines():
        say(line)
    for finding in found.findings if every else ():
        say(f"  {finding}")
    if found.refuted:
        first = found.refuted[0]
        scene = scene_of(first.judgement, first.expectation, title=first.label, predicted=first.predicted)
        say("")
        say(f"the first that fails: {first}")
        plain = "utf" not in (sys.stdout.encoding or "ascii").casefold()
        for line in characters(scene, columns=_COLUMNS, plain=plain):
            say(line)


def _told(error: Exception) -> int:
    """Say what went wrong; of what the model raised itself its owner sees where."""
    is_refused = isinstance(error, ValueError | TypeError | MemoryError) and _is_ours(error)
    if not is_refused and not isinstance(error, ModelError):
        traceback.print_exception(error)
    say(" ".join(f"theorychecks: {type(error).__name__}: {error}".split()), err=True)
    return REFUSED if is_refused and not isinstance(error, ModelError) else ExitCode.BROKEN


def _is_ours(error: Exception) -> bool:
    """Whether the package has raised it, of arguments that it refuses."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return os.path.abspath(last.filename).startswith(package + os.sep)
