"""Examination: what a model is made of, found out before it is trained: its parts, its optimizer, its memory."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import psutil
import torch
from torch import nn
from torch.optim import Optimizer

from theorychecks.models.checks import check_sizes, groups_of, memory, optimizer_of, untouched
from theorychecks.models.depth import depth_anatomy
from theorychecks.models.errors import ModelError
from theorychecks.models.experts import experts_anatomy
from theorychecks.models.heads import heads_anatomy
from theorychecks.models.model import Axis, Model, Step, plural_of
from theorychecks.models.precision import WithoutAutocast
from theorychecks.models.roles import Anatomy, anatomy
from theorychecks.models.state import as_it_was, weights_as_they_were
from theorychecks.models.training import Drawn, drawn

_COPIES: Final = 6
"""Of all weights: themselves, the first ones, gradients, two moments, and a step in the making."""


@dataclass(frozen=True)
class Optimizing:
    """What can be told of a model's optimizer without a step.

    Attributes:
        scale_free: whether its updates do not depend on the size of gradients, as Adam's do not.
        decays: whether weights decay.
        opaque: whether it is a function that makes whole steps, of which nothing can be told.
    """

    scale_free: bool
    decays: bool
    opaque: bool

    @property
    def plain(self) -> bool:
        """Whether updates are as large as gradients, for sure."""
        return not self.scale_free and not self.opaque


_OF_BLOCKS: Final[Mapping[Axis, Callable[..., Anatomy]]] = {"depth": depth_anatomy, "experts": experts_anatomy}


def examined(model: Model, widths: tuple[int, ...], steps: int) -> tuple[Anatomy, Optimizing]:
    """A model's parts, once it has shown that it can be trained, and what can be told of its optimizer.

    Args:
        model: which.
        widths: two or more; the first two tell what grows, and the last how much memory it takes.
        steps: for which it is to have batches; along the training length a single one does.

    Raises:
        ModelError: if it cannot.
    """
    narrow, wide = widths[:2]
    steps = 1 if model.axis == "training length" else steps
    with as_it_was():
        with memory(model, narrow):
            first = drawn(model, narrow, (0,), 0, steps)
            again = _redrawn(model, first, narrow, steps)
        with memory(model, wide):
            second = drawn(model, wide, (0,), 0, 1)
        check_sizes(model, {narrow: first.batches[0], wide: second.batches[0]})
        kept = (weights_as_they_were(first.module), weights_as_they_were(second.module))
        with untouched(model, narrow, first.batches[0]), kept[0], kept[1]:
            optimizing = _told(optimizer_of(model, first.module, narrow))
            compared = _OF_BLOCKS.get(model.axis)
            if compared is None:
                more = functools.partial(_redrawn_at, model)
                compared = functools.partial(heads_anatomy if model.axis == "heads" else anatomy, draw=more)
            with WithoutAutocast():
                parts = compared(model, first.module, second.module, (narrow, wide), first.batches[0], again=again)
    check_room(model, parts, widths[-1])
    return parts, optimizing


def check_room(model: Model, parts: Anatomy, width: int) -> None:
    """Refuse a width at which one model in training does not fit into the memory that is free.

    Raises:
        ModelError: with what it would take.
    """
    needed, free = _COPIES * 4 * parts.weights_at(width), psutil.virtual_memory().available
    if needed > free:
        raise ModelError(
            f"{model.title} would run out of memory at {model.axis} {width}: its weights, their gradients and moments "
            f"take some {needed / 1e9:.0f} GB there, and {free / 1e9:.0f} GB are free. Take smaller "
            f"{plural_of(model.axis)}."
        )


def _told(made: list[Optimizer] | Step) -> Optimizing:
    groups = groups_of(made) if isinstance(made, list) else []
    return Optimizing(
        scale_free=any("eps" in group for group in groups),
        decays=any(group.get("weight_decay") for group in groups),
        opaque=not isinstance(made, list),
    )


def _redrawn_at(model: Model, width: int, seed: int) -> nn.Module:
    with memory(model, width):
        return drawn(model, width, (0,), seed, 1).module


def _redrawn(model: Model, first: Drawn, width: int, steps: int) -> nn.Module:
    """The model from another seed.

    Raises:
        ModelError: if it is the same for every seed, on the same batches.
    """
    values = [parameter.detach().clone() for parameter in first.module.parameters()]
    second = drawn(model, width, (0,), 1, steps)
    others = list(second.module.parameters())
    same = bool(values) and all(torch.equal(a, b) for a, b in zip(values, others, strict=True))
    if same and not callable(model.batches):
        raise ModelError(
            f"{model.title}: {model.call_of_build(width)} gives the same weights whatever torch's seed, so that seeds "
            "tell nothing of the noise. Draw the weights inside of build from torch's global generator, and set no "
            "seed there."
        )
    return second.module
