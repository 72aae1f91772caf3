"""Preset models: hf:ARCHITECTURE on the command line, as a small model of it, and models that are scaled by role."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from theorychecks.cli.printing import say
from theorychecks.cli.quantities import hyphened

if TYPE_CHECKING:
    from theorychecks.models import Model
    from theorychecks.networks import Parametrization

PREFIX: Final = "hf:"
"""Of what names an architecture, in the place of a module."""
_BASE: Final = 64
"""The width from which initial weights and learning rates scale."""


def preset_named(text: str, *, rate: float, steps: int, scaled: str | None) -> Model:
    """The family of an architecture of transformers, or of a config's file.

    Args:
        text: an architecture that has a preset, or the path of a config.json.
        rate: of AdamW.
        steps: of training.
        scaled: the parametrization that it is given, by name; none to leave it as it comes.

    Raises:
        typer.BadParameter: for another architecture, for a file that is no config, and without transformers.
    """
    from theorychecks.models import ModelError
    from theorychecks.presets import hf_model
    from theorychecks.presets.hugging_face import KNOWN

    is_file = text.endswith(".json") or "/" in text
    if not is_file and text not in KNOWN:
        raise typer.BadParameter(_unknown(text))
    if importlib.util.find_spec("transformers") is None:
        raise typer.BadParameter(
            f"{PREFIX}{text} is a model of the package transformers, which is not installed: "
            "pip install 'theorychecks[hf]'"
        )
    import transformers

    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call] # the package leaves it so
    meant = None if scaled is None else _parametrization(scaled)
    try:
        config = _config(Path(text)) if is_file else text
        model = hf_model(config, parametrization=meant, rate=rate, base_width=_BASE)
    except ModelError as error:
        raise typer.BadParameter(str(error)) from error
    how = "as it comes" if meant is None else f"scaled as {meant.name} has it"
    say(
        f"{model.title} {how}: small, with readouts of weights of their own and heads of 16; random inputs, AdamW at "
        f"{rate:g} without decay; nothing is downloaded"
    )
    return replace(model, batches=[model.batches[0]] * steps, steps=steps)  # type: ignore[index] # all are the same


def scaled(model: Model, name: str) -> Model:
    """A model with initial weights and learning rates by role.

    Raises:
        typer.BadParameter: for an unknown parametrization, and for a model along its depth.
    """
    from theorychecks.presets import parametrized

    meant = _parametrization(name)
    if model.axis != "width":
        raise typer.BadParameter(
            f"{model.title} is built along its {model.axis}, and --scaled={name} says how a model scales with its width"
        )
    return parametrized(model, meant, base_width=_BASE)


def _parametrization(name: str) -> Parametrization:
    from theorychecks.networks.parametrization import PARAMETRIZATIONS

    named = {hyphened(known): found for known, found in PARAMETRIZATIONS.items()}
    if (found := named.get(hyphened(name))) is None:
        raise typer.BadParameter(f"a model is --scaled as one of {', '.join(named)}; got {name!r}")
    return found


def _config(file: Path) -> Any:
    """A config of transformers, from its file."""
    import transformers

    from theorychecks.presets.hugging_face import KNOWN

    if not file.is_file():
        raise typer.BadParameter(f"there is no file {str(file)!r}. {_unknown(str(file))}")
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise typer.BadParameter(f"{str(file)!r} is no JSON: {error}") from error
    kind = settings.pop("model_type", None) if isinstance(settings, dict) else None
    if kind not in KNOWN:
        raise typer.BadParameter(f"{str(file)!r} has the model_type {kind!r}. {_unknown(str(kind))}")
    return transformers.AutoConfig.for_model(kind, **settings)


def _unknown(text: str) -> str:
    from theorychecks.presets.hugging_face import KNOWN

    return (
        f"Architectures with a preset are {', '.join(f'{PREFIX}{kind}' for kind in KNOWN)}, and {PREFIX}PATH names the "
        f"config.json of one of these; got {text!r}. Nothing is downloaded. For another one write a tc.Model, which "
        "`theorychecks new NAME --gate` has an example of"
    )
