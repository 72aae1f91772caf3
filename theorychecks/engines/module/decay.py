"""Decay: by which part a model's parameters shrink in a step without a gradient, whatever its optimizer is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from theorychecks.engines.module.refusals import unanswerable
from theorychecks.engines.module.trainer import Trainer
from theorychecks.models import Model
from theorychecks.models.checks import memory, optimizer_of
from theorychecks.models.depth import everywhere_in
from theorychecks.models.state import as_it_was
from theorychecks.models.training import drawn

_ASKED: Final = "times of decay are"
_STEPS: Final = 4
"""Three tell a momentum, which spreads a decay in the gradient over its own time; a fourth shows that it is one."""
_UNEVEN: Final = 1e-2
"""Relative scatter over entries and sizes above which what a step takes away is no part of the weights."""
_ROUNDING: Final = 1e-8
"""Times the root of a part: a change from step to step below which it is rounding, and not yet a momentum."""
_CLOSE: Final = 1e-4
"""Relative distance from a momentum's fourth step within which one is a momentum's."""


def decay_times(trainer: Trainer, width: int) -> dict[tuple[str, str], float]:
    """One over the part of each parameter that a step takes away by decay alone, by name and role; those that shrink.

    Raises:
        Unanswerable: if nothing decays, a function makes the steps, or what they take away is no part of the weights.
    """
    model, anatomy = trainer.model, trainer.anatomy_at(width)
    taken = {name: _in_the_end(parts) for name, parts in _taken(trainer, width).items()}
    if not taken:
        raise unanswerable(
            model,
            _ASKED,
            f"its optimizer takes nothing away from any parameter at {model.axis} {width}",
            "Give it a weight_decay, for those parameters that are to decay.",
        )
    if uneven := [name for name, part in taken.items() if math.isnan(part)]:
        raise unanswerable(
            model,
            _ASKED,
            f"steps without a gradient take no fixed part of `{uneven[0]}` away, as where the decay is in a gradient "
            "that Adam divides by its own size, changes from step to step, or with a momentum makes weights swing, "
            "or is dampened beyond it",
            "Take a decoupled decay, torch.optim.AdamW, scheduled from outside; decay in a gradient has a time of its "
            "own under SGD alone, where a step takes little.",
        )
    roles, places = {part.name: part.role for part in anatomy.parameters}, anatomy.places
    named = {name if places is None else places.everywhere(name): name for name in taken}
    return {
        (every, roles.get(name, "unchecked")): 1 / taken[name] for every, name in named.items() if every is not None
    }


def decaying(trainer: Trainer, width: int) -> frozenset[str]:
    """Parameters of which a step takes a part by decay alone, the same of all entries and sizes; it may change by step.

    Raises:
        Unanswerable: if a function makes the steps, or none can be made without a gradient.
    """
    places = trainer.anatomy_at(width).places
    found = {name for name, parts in _taken(trainer, width).items() if not any(map(math.isnan, parts))}
    return frozenset(found if places is None else everywhere_in(found, places))


def _taken(trainer: Trainer, width: int) -> Mapping[str, Sequence[float]]:
    """The part of each parameter that each of the first steps takes without a gradient, of those that change.

    NaN where it is no part of the weights: another one of other entries, or of weights twice as large.
    """
    small, large = (_taken_of(trainer, width, size) for size in (1.0, 2.0))
    return {
        name: [one if _agree(one, other) else math.nan for one, other in zip(parts, large[name], strict=True)]
        for name, parts in small.items()
        if any(parts)
    }


def _taken_of(trainer: Trainer, width: int, size: float) -> Mapping[str, Sequence[float]]:
    """The same of all parameters at weights between this size and twice that."""
    model = trainer.model
    with as_it_was(), memory(model, width):
        module = drawn(model, width, (0,), 0, 1).module
        optimizers = optimizer_of(model, module, width)
        if not isinstance(optimizers, list):
            raise unanswerable(
                model,
                _ASKED,
                "a function makes its training steps, each with a gradient",
                "Ask a tc.Model whose optimizer(module) returns the optimizer that the function has inside.",
            )
        parameters = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
        taken: dict[str, list[float]] = {name: [] for name in parameters}
        with _double(parameters, size), torch.no_grad():
            for _ in range(_STEPS):
                before = {name: parameter.clone() for name, parameter in parameters.items()}
                for parameter in parameters.values():
                    parameter.grad = torch.zeros_like(parameter)
                _step(model, optimizers)
                for name, parameter in parameters.items():
                    taken[name].append(_part(1 - parameter / before[name]))
    return taken


def _agree(one: float, other: float) -> bool:
    return abs(one - other) <= _UNEVEN * max(abs(one), abs(other))


@contextmanager
def _double(parameters: Mapping[str, nn.Parameter], size: float) -> Iterator[None]:
    """Inside of the block parameters lie between a size and twice it, in doubles, which show a decay of 1e-7."""
    kept = {name: parameter.data for name, parameter in parameters.items()}
    for parameter in parameters.values():
        parameter.grad = None
        evenly = torch.linspace(size, 2 * size, parameter.numel(), dtype=torch.float64, device=parameter.device)
        parameter.data = evenly.reshape(parameter.shape)
    try:
        yield
    finally:
        for name, parameter in parameters.items():
            parameter.grad = None
            parameter.data = kept[name]


def _step(model: Model, optimizers: Sequence[Optimizer]) -> None:
    try:
        for optimizer in optimizers:
            optimizer.step()
    except Exception as error:  # somebody's optimizer may raise anything, which is told
        raise unanswerable(
            model,
            _ASKED,
            f"its optimizer makes no step without a gradient ({type(error).__name__}: {error})",
            "Compute rate * decay of its groups in a tc.quantity(along=...).",
        ) from error


def _part(shrunk: Tensor) -> float:
    """One number for all entries, negative where they grow; NaN where they shrink by several."""
    low, high = float(shrunk.min()), float(shrunk.max())
    return float(shrunk.mean()) if high - low <= _UNEVEN * float(shrunk.abs().max()) else math.nan


def _in_the_end(parts: Sequence[float]) -> float:
    """The part that late steps take away, where a momentum takes more and more at the first ones; NaN for all else.

    With a momentum each weight is a fixed combination of the last two, whose larger root is the part that stays.
    """
    first, second, third, fourth = parts
    if not all(part >= 0 for part in parts):  # NaN among them
        return math.nan
    if all(abs(after - before) <= _ROUNDING * math.sqrt(after) for before, after in pairwise(parts)):
        return fourth
    if not (first < second < 1 and third < 1):
        return math.nan
    momentum = (third - second) / (second - first) * (1 - first) * (1 - second)
    taken = second - momentum * first / (1 - first)
    both = 1 - momentum + taken
    expected = taken + momentum * third / (1 - third)
    # Weights that a step takes so much of that they swing have no such part.
    discriminant = both**2 - 4 * taken
    if 0 <= momentum < 1 and discriminant >= 0 and abs(fourth - expected) <= _CLOSE * fourth:
        return 2 * taken / (both + math.sqrt(discriminant))
    return math.nan
