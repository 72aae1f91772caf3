"""Lengths: dimensions of parameters, how they grow with the width, and which shapes are of one architecture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final, NamedTuple

from torch import nn

from theorychecks.models.errors import ModelError
from theorychecks.models.model import OF_TRAINING, Model, plural_of

_SLACK: Final = 0.05
"""Part of a size by which it may be off a line: powers of the width do not show it."""
_WHAT_GROWS: Final = {
    "width": ". Use the argument of build(width) for the sizes that are to grow.",
    "heads": ", or splits one width among them. Keep the size of a head fixed: project to heads * size.",
    "experts": ". Use the argument of build(experts) for the number of experts, each with weights of its own.",
}
_NAMES_STAY: Final = "keep depth and names fixed"
_WHAT_STAYS: Final = {"heads": "keep names fixed, and project to all heads by one matrix, to heads * size,"}


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
        raise ModelError(f"{model.title} has no parameters at {model.axis} {widths[0]}: there is nothing to train.")
    for name, parameter in first.items():
        if parameter.ndim != second[name].ndim:
            raise ModelError(
                f"{model.title}: `{name}` has shape {tuple(parameter.shape)} at {model.axis} {widths[0]} and "
                f"{tuple(second[name].shape)} at {widths[1]}. Keep the number of dimensions fixed in "
                f"build({model.axis})."
            )
    lengths = {name: tuple(map(Length, parameter.shape, second[name].shape)) for name, parameter in first.items()}
    if model.axis not in OF_TRAINING and not any(
        length.grows for dimensions in lengths.values() for length in dimensions
    ):
        raise ModelError(
            f"{model.title} has the same shapes at {model.axis} {widths[0]} and {widths[1]}: build ignores its "
            f"{model.axis}{_WHAT_GROWS[model.axis]}"
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


def check_growth(model: Model, shapes: Mapping[int, Mapping[str, Sequence[int]]]) -> None:
    """Refuse sizes that are not a n + b over all widths, but for rounding to multiples: that stop growing, say.

    Three intervals are met by one line if the middle one is met between the ends of lines through the outer ones, and
    all are if each three are (Helly's theorem, for the line's two numbers).

    Args:
        model: whose they are.
        shapes: of parameters, by width and name.

    Raises:
        ModelError: naming the parameter, its sizes and the widths.
    """
    widths, seen = sorted(shapes), set[tuple[int, ...]]()
    for name, shape in shapes[widths[0]].items() if widths else ():
        for place in range(len(shape)):
            sizes = tuple(shapes[width][name][place] for width in widths)
            if sizes not in seen and not _on_a_line(widths, sizes):
                raise ModelError(
                    f"{model.title}: `{name}` has sizes {sizes} at {plural_of(model.axis)} {tuple(widths)}, which do "
                    f"not grow in proportion to the {model.axis}: models of these {plural_of(model.axis)} are not of "
                    f"one family, and have no exponents. Let build({model.axis}) keep what grows in proportion at all "
                    "of them (sizes may be rounded to multiples, and have a fixed part), or take "
                    f"{plural_of(model.axis)} below a size at which it stops growing."
                )
            seen.add(sizes)


def _on_a_line(widths: Sequence[int], sizes: Sequence[int]) -> bool:
    """Whether sizes differ from some line by no more than rounding to the multiples that they are, or a little."""
    multiple = math.gcd(*sizes)
    slack = [max(multiple / 2, _SLACK * size) for size in sizes]
    spans = [(size - more, size + more) for size, more in zip(sizes, slack, strict=True)]
    for first, middle, last in combinations(zip(widths, spans, strict=True), 3):
        share = (middle[0] - first[0]) / (last[0] - first[0])
        low, high = (first[1][end] + share * (last[1][end] - first[1][end]) for end in (0, 1))
        if low > middle[1][1] or high < middle[1][0]:
            return False
    return True


def other_parameters(model: Model, widths: tuple[int, int], other: Sequence[str]) -> ModelError:
    """What is said of a module whose parameters are not those of its model at another width."""
    return ModelError(
        f"{model.title} has other parameters at {model.axis} {widths[1]} than at {widths[0]}: {', '.join(other[:4])}. "
        f"A gate compares one architecture across {plural_of(model.axis)}: {_WHAT_STAYS.get(model.axis, _NAMES_STAY)} "
        f"in build({model.axis})."
    )
