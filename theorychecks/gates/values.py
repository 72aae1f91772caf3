"""Values of an axis: which ones a check takes, and what Theta(1) is along it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from theorychecks.gates.expectations import CONSTANT
from theorychecks.models import Model
from theorychecks.models.blocks import FEWEST
from theorychecks.models.model import OF_TRAINING, check_model, plural_of
from theorychecks.statistics import FiniteSizeClass, HalfInteger
from theorychecks.statistics.design import check_widths
from theorychecks.statistics.interval import FEWEST_POINTS

_SPAN: Final = 8
IN_NUMBER: Final = FiniteSizeClass(rho=3 / 8, omegas=(0.5, 1.0), unit=1, fewest_units=FEWEST)
"""A sum over m independent blocks, heads or experts is off by m^-1/2, and its steps are off by 1/m."""
CONSTANT_IN_NUMBER: Final = HalfInteger(0.0, corrections=IN_NUMBER)
BOUNDED_IN_NUMBER: Final = HalfInteger(0.0, at_most=True, corrections=IN_NUMBER)


def chosen_values(model: Model, **values: Sequence[int] | None) -> Sequence[int]:
    """Values of the axis along which a model is built, of those that are given for each axis.

    Raises:
        TypeError: for what is no model, for values of another axis, or for a model whose training varies.
    """
    check_model(model)
    if model.axis in OF_TRAINING:
        raise TypeError(
            f"{model.title} is a model along the {model.axis}, on which its module does not depend: a coordinate "
            "check predicts nothing. Sweep an observable of it, tc.Sweep(tc.DecayTime(), model, "
            f"{plural_of(model.axis)}=...), or check it along its width."
        )
    wanted, given = plural_of(model.axis), [name for name, got in values.items() if got is not None]
    chosen = values.get(wanted)
    if chosen is None or given != [wanted]:
        raise TypeError(
            f"{model.title} is built along the {model.axis}, and takes {wanted}=(...) alone; got "
            f"{' and '.join(given) or 'no values'}. A model whose build takes its depth is "
            'tc.Model(build, ..., axis="depth"); "heads" and "experts" are axes as well.'
        )
    return chosen


def check_numbers(given: object, axis: str) -> tuple[int, ...]:
    """Depths, or numbers of heads or experts, one by one, as plain integers.

    Raises:
        TypeError, ValueError: unless they are five or more whole numbers from 4 on that span a factor of 8.
    """
    numbers = check_widths(given, axis)
    first = max(numbers[0], FEWEST) if numbers else FEWEST
    if len(numbers) < FEWEST_POINTS or numbers[0] < FEWEST or numbers[-1] < _SPAN * numbers[0]:
        raise ValueError(
            f"{plural_of(axis)} are {FEWEST_POINTS} or more, begin at {FEWEST} or above and span a factor of {_SPAN} "
            f"or more, so that powers of the {axis} show; got {numbers}. "
            f"Try {plural_of(axis)}={tuple(first * 2**k for k in range(FEWEST_POINTS))}."
        )
    return numbers


def constant(axis: str) -> HalfInteger:
    """Theta(1) along an axis."""
    return CONSTANT if axis == "width" else CONSTANT_IN_NUMBER
