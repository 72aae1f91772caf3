"""Lengths: dimensions of parameters, how they grow with the width, and which shapes are of one architecture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from theorychecks.models.errors import ModelError
from theorychecks.models.model import Model


class Length(NamedTuple):
    """One of a parameter's dimensions, at the two widths that tell what grows.

    Of a dimension a part may grow and a part be fixed, as in a projection onto n query and 64 key and value entries.
    """

    narrow: int
    wide: int

    @property
    def grows(self) -> bool:
        """Whether the model's width sets it."""
        return self.wide > self.narrow

    def at(self, width: int, widths: tuple[int, int]) -> float:
        """What it is at another width, a n + b through what it is at two."""
        first, second = widths
        return self.narrow + max(self.wide - self.narrow, 0) * (width - first) / (second - first)


def lengths_of(
    model: Model, narrow: nn.Module, wide: nn.Module, widths: tuple[int, int]
) -> dict[str, tuple[Length, ...]]:
    """Dimensions of parameters, some of which grow.

    Raises:
        ModelError: if the two have other parameters, none of them, or nothing grows.
    """
    first, second = dict(narrow.named_parameters()), dict(wide.named_parameters())
    if list(first) != list(second):
        raise other_parameters(model, widths, sorted(set(first) ^ set(second)) or ["their order"])
    if not first:
        raise ModelError(f"{model.title} has no parameters at width {widths[0]}: there is nothing to train.")
    for name, parameter in first.items():
        if parameter.ndim != second[name].ndim:
            raise ModelError(
                f"{model.title}: `{name}` has shape {tuple(parameter.shape)} at width {widths[0]} and "
                f"{tuple(second[name].shape)} at {widths[1]}. Keep the number of dimensions fixed in build(width)."
            )
    lengths = {name: tuple(map(Length, parameter.shape, second[name].shape)) for name, parameter in first.items()}
    if not any(length.grows for dimensions in lengths.values() for length in dimensions):
        raise ModelError(
            f"{model.title} has the same shapes at width {widths[0]} and {widths[1]}: build ignores its width. "
            "Use the argument of build(width) for the sizes that are to grow."
        )
    return lengths


def admit(lengths: Sequence[Length], shape: Sequence[int], width: int, widths: tuple[int, int]) -> bool:
    """Whether a parameter may have a shape at a width: sizes may be rounded to multiples, and not stop growing."""
    for length, given in zip(lengths, shape, strict=True):
        affine = length.at(width, widths)
        # At two widths what rounding has added looks like a fixed part.
        proportional = length.narrow * width / widths[0] if length.grows else affine
        if not min(affine, proportional) / 2 < given < 2 * max(affine, proportional):
            return False
    return True


def other_parameters(model: Model, widths: tuple[int, int], other: Sequence[str]) -> ModelError:
    """What is said of a module whose parameters are not those of its model at another width."""
    return ModelError(
        f"{model.title} has other parameters at width {widths[1]} than at {widths[0]}: {', '.join(other[:4])}. "
        "A gate compares one architecture across widths: keep depth and names fixed in build(width)."
    )
