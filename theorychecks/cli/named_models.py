"""Named models: MODULE:NAME on the command line, as the model that it names or one that it builds."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import typer

from theorychecks.cli.preset_models import PREFIX, preset_named, scaled
from theorychecks.cli.printing import say

if TYPE_CHECKING:
    from torch import Tensor

    from theorychecks.models import Model
    from theorychecks.models.model import Axis

_FORM = "a model is named MODULE:NAME, like my_model:MODEL or src/my_model.py:MODEL, or hf:ARCHITECTURE, like hf:gpt2"
_LOSS_SEED = 1
_RATE = 1e-3


@dataclass(frozen=True)
class Setup:
    """How a model is built and trained that says nothing of that itself: a function, or an architecture by its name.

    Attributes:
        inputs: the shape of a batch of inputs; none where it was not said.
        tokens: they are whole numbers below this, rather than normal.
        rate: of Adam, the same for all parameters; none where it was not said.
        steps: of training.
        axis: what a function takes.
        scaled: the parametrization that initial weights and learning rates are given, by name; none to leave them.
    """

    inputs: tuple[int, ...]
    tokens: int | None
    rate: float | None
    steps: int
    axis: Axis
    scaled: str | None


def shape_of(text: str) -> tuple[int, ...]:
    """The shape that "32x16" is.

    Raises:
        typer.BadParameter: for anything else.
    """
    if not re.fullmatch(r"[1-9][0-9]{0,6}(x[1-9][0-9]{0,6})*", text):
        raise typer.BadParameter(f"a shape is whole numbers with x between them, the batch first: 32x16; got {text!r}")
    return tuple(map(int, text.split("x")))


def model_named(text: str, setup: Setup) -> Model:
    """The `Model` that a text names, or one of the function from a width to a module or of the architecture it names.

    Raises:
        typer.BadParameter: where it names none of them, or one that has itself what the setup gives.
    """
    if text.startswith(PREFIX):
        _check_alone(setup, ("inputs", "tokens"), f"{text} learns random tokens or images that are made for it")
        rate = setup.rate or _RATE
        return preset_named(text.removeprefix(PREFIX), rate=rate, steps=setup.steps, scaled=setup.scaled)
    found = _imported_model(text, setup)
    return found if setup.scaled is None else scaled(found, setup.scaled)


def _imported_model(text: str, setup: Setup) -> Model:
    module, colon, name = text.rpartition(":")
    if not colon or not module or not name.isidentifier():
        raise typer.BadParameter(f"{_FORM}; got {text!r}")
    found = _in(_imported(module), module, name)
    from torch import nn

    from theorychecks.models import Model

    if isinstance(found, Model):
        has = f"{text} is a tc.Model, which has batches and an optimizer of its own"
        _check_alone(setup, ("inputs", "tokens", "rate"), has)
        return found
    if not callable(found) or isinstance(found, nn.Module):
        raise typer.BadParameter(
            f"a gate takes a tc.Model, or a function from a width to a module; {text} is {_described(found)}. "
            "`theorychecks new NAME --gate` writes a model to be edited"
        )
    if not setup.inputs:
        raise typer.BadParameter(
            f"{text} is no tc.Model but a function, of which a gate must know what to train it on. Give the shape of a "
            "batch, --inputs=32x16, and --tokens=N where inputs are whole numbers below N; or write a tc.Model, which "
            "`theorychecks new NAME --gate` has an example of"
        )
    return _built_by(found, name, setup)


def _check_alone(setup: Setup, options: tuple[str, ...], has: str) -> None:
    """Refuse options that are for a function, of what has these things itself."""
    if given := [f"--{name}" for name in options if getattr(setup, name)]:
        raise typer.BadParameter(
            f"{has}: leave {' and '.join(given)} out, or name a function from a width to a module, which has none"
        )


def _imported(module: str) -> ModuleType:
    """A module by its name, from the current directory or installed, or by its file."""
    if module.endswith(".py") or "/" in module:
        return _from_file(Path(module))
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise typer.BadParameter(
            f"{_FORM}; there is no module {module!r}, neither installed nor in {Path.cwd()}. Change to its directory, "
            "or name its file"
        ) from error


def _from_file(file: Path) -> ModuleType:
    if not file.is_file():
        raise typer.BadParameter(f"{_FORM}; there is no file {str(file)!r}")
    # As a script has it: what lies beside the file can be imported by it.
    sys.path.insert(0, str(file.parent.resolve()))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise typer.BadParameter(f"{_FORM}; {str(file)!r} is no Python file")
    # Dataclasses and pickles look a module up; what is there already, a library's `types` say, stays what it is.
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(file.stem, module)
    spec.loader.exec_module(module)
    return module


def _in(module: ModuleType, called: str, name: str) -> Any:
    if hasattr(module, name):
        return getattr(module, name)
    own = [each for each in vars(module) if not each.startswith("_")]
    models = [each for each in own if type(getattr(module, each)).__name__ == "Model"]
    near = list(dict.fromkeys([*get_close_matches(name, own, n=3), *models]))[:5]
    meant = f"; there are {', '.join(near)}" if near else ""
    raise typer.BadParameter(f"{called} has nothing named {name!r}{meant}. Name a tc.Model, or a function of the width")


def _built_by(build: Callable[[int], Any], name: str, setup: Setup) -> Model:
    """A model under Adam with one rate, held to targets that are drawn once, by the squared error."""
    import torch

    from theorychecks.models import Model
    from theorychecks.models.model import tensors_in

    def loss(outputs: Any, _targets: Tensor) -> Tensor:
        (first, *_) = tensors_in(outputs).values()
        targets = torch.randn(first.shape, generator=torch.Generator().manual_seed(_LOSS_SEED), dtype=first.dtype)
        return (first - targets).square().mean() / 2

    draw, rate = torch.Generator().manual_seed(0), setup.rate or _RATE
    if setup.tokens is None:
        inputs = torch.randn(setup.inputs, generator=draw)
    else:
        inputs = torch.randint(setup.tokens, setup.inputs, generator=draw)
    batch = (inputs, torch.zeros(setup.inputs[0]))
    drawn = "normal inputs" if setup.tokens is None else f"whole numbers below {setup.tokens}"
    shape = "x".join(map(str, setup.inputs))
    say(f"{name} says nothing of its training: {shape} {drawn}, random targets, squared error, Adam at {rate:g}")
    return Model(
        build,
        lambda module: torch.optim.Adam(module.parameters(), lr=rate),
        [batch] * setup.steps,
        loss=loss,
        name=name,
        axis=setup.axis,
    )


def _described(value: object) -> str:
    from torch import nn

    if isinstance(value, nn.Module):
        return f"one {type(value).__name__} of one width; name the function that builds it"
    return f"of type {type(value).__name__}"
