"""Refusals: what a model cannot be asked, why not, and the way out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import get_args

import torch

from theorychecks.arguments import is_whole
from theorychecks.engines import Limits, Points, Unanswerable
from theorychecks.engines.module.blueprint import Blueprint
from theorychecks.engines.module.layers import ModuleLayer
from theorychecks.engines.run import Weighting
from theorychecks.models import Model


def check_points(model: Model, points: str) -> None:
    """Refuse points that a model does not have."""
    if points not in get_args(Points):
        raise ValueError(f"points are {' or '.join(map(repr, get_args(Points)))}; got {points!r}")
    if points != "train":
        raise unanswerable(
            model,
            f"values at {points} inputs are",
            "it has batches to train on, and no others",
            "Read points='train', its first batch.",
        )


def check_outputs(model: Model, blueprint: Blueprint) -> torch.Size:
    """Refuse a model that returns nothing but its loss, and give the shape of the outputs of others."""
    if blueprint.layers.outputs is None:
        raise unanswerable(
            model,
            "its outputs are",
            "it returns its loss and no other tensor with dimensions",
            "Return outputs beside the loss, or give tc.Model(..., loss=...).",
        )
    return blueprint.layers.outputs


def check_outside_loss(model: Model) -> None:
    """Refuse a model whose loss cannot be had from outputs that are not its own."""
    if model.loss is None:
        raise unanswerable(
            model,
            "the loss's derivative in its outputs is",
            "it computes its loss itself, out of reach",
            "Give tc.Model(..., loss=...), from outputs and targets to a number.",
        )


def check_hidden(model: Model, blueprint: Blueprint) -> None:
    """Refuse a model without a hidden layer that is known to be one."""
    if not blueprint.hidden:
        reasons = "; ".join(f"`{name}`: {why}" for name, why in [*blueprint.layers.left_out.items()][:3])
        raise unanswerable(
            model,
            "sizes of hidden layers are",
            f"none of its matrices is a layer of its own ({reasons})",
            "Write its products as nn.Linear, nn.Embedding or a convolution.",
        )


def check_limited(model: Model, blueprint: Blueprint, limits: Limits) -> None:
    """Refuse trainings at several rates where there are none, or with a limit on what the model does not have."""
    check_scalable(model, blueprint)
    if limits.activations < math.inf:
        check_hidden(model, blueprint)
    if limits.outputs < math.inf:
        check_outputs(model, blueprint)


def check_scalable(model: Model, blueprint: Blueprint) -> None:
    """Refuse a model whose learning rates cannot be scaled."""
    if blueprint.unscalable:
        raise unanswerable(
            model,
            "trainings at several learning rates are",
            blueprint.unscalable,
            "Let optimizer(module) return a torch.optim.Optimizer whose steps are its learning rates times something.",
        )


def reached_layers(model: Model, blueprint: Blueprint, width: int) -> Sequence[ModuleLayer]:
    """Refuse a model of which a batch does not reach all layers, and give those of others."""
    if unreached := blueprint.layers.unreached:
        named = ", ".join(f"`{name}`" for name in unreached[:3])
        raise unanswerable(
            model,
            "what is read off each layer is",
            f"at {model.axis} {width} no row of its batch reaches {named}{', ...' if unreached[3:] else ''}",
            "Give a batch of more rows, or a coordinate check, which judges what is reached.",
        )
    return blueprint.layers.layers


def check_unrouted(model: Model, *, routed: bool) -> None:
    """Refuse a model whose weights choose what its modules are called on."""
    if routed:
        raise unanswerable(
            model,
            "what its layers are given and return is",
            "its weights route what they are called on, which is other rows for each seed and after each step",
            "Read its weights, outputs or losses, or compute all experts and weight them.",
        )


def counted(model: Model, blueprint: Blueprint, weighting: str) -> Mapping[str, float]:
    """How much gradients count by parameter in a tangent kernel.

    Raises:
        Unanswerable: if learning rates are asked for and not known.
        ValueError: for an unknown weighting.
    """
    if weighting not in get_args(Weighting):
        raise ValueError(f"a weighting is {' or '.join(map(repr, get_args(Weighting)))}; got {weighting!r}")
    rates = blueprint.rates
    if weighting == "none":
        return {name: float(rates is None or rates[name] > 0) for name in blueprint.trained}
    if rates is None:
        raise unanswerable(
            model,
            "a tangent kernel weighted by learning rates is",
            "a function makes its training steps, whose rates are not known",
            "Take weighting='none', or let optimizer(module) return a torch.optim.Optimizer.",
        )
    return rates


def kept_times(times: Sequence[int] | None, steps: int) -> tuple[int, ...]:
    """Times at which weights are kept, the start among them."""
    kept = (0, steps) if times is None else (0, *times)
    for time in kept:
        if isinstance(time, bool) or not isinstance(time, int) or not 0 <= time <= steps:
            raise ValueError(f"times are whole numbers of updates between 0 and steps={steps}; got {time!r}")
    return tuple(sorted(set(kept)))


def unanswerable(model: Model, asked: str, why: str, way_out: str) -> Unanswerable:
    """What is said where a model cannot answer: what is asked for, why it cannot, and the way out."""
    return Unanswerable(f"{asked} asked for, and {model.title} cannot say: {why}. {way_out}")


def not_described(model: Model) -> Unanswerable:
    """What is said where an observable asks for an MLP's description."""
    return unanswerable(
        model,
        "its network, data, loss and learning rates are",
        "a tc.Model describes none of them",
        "Measure what is read off run.layers, features, outputs, losses and weights, or train a tc.Training.",
    )


def check_number(model: Model, noun: str, given: int, first: int, layers: int) -> None:
    """Refuse a number that no layer has; a negative one would be counted from the end."""
    last = first + layers - 1
    if not is_whole(given, first, last):
        raise ValueError(
            f"there is no {noun} {given!r}: {model.title} has {layers} layers, numbered from {first} to {last} there. "
            "run.layers describes them, and run.left_out what is none."
        )
