"""Entries of the corpus: models as their owners would write them, correct or with one mistake in them."""

from collections.abc import Callable
from typing import NamedTuple

import theorychecks as tc
from theorychecks.networks import DepthParametrization, Parametrization


class Mistake(NamedTuple):
    """What a diagnosis must name: its kind, one of the parts, and the exponent by which that is off."""

    kind: str
    part: str
    exponent: float


class Entry(NamedTuple):
    """A model, what it is meant to be, and what is wrong with it."""

    name: str
    model: Callable[[], tc.Model]
    values: tuple[int, ...]
    """Widths, or depths of a model whose axis is the depth."""
    parametrization: Parametrization | DepthParametrization = tc.MAXIMAL_UPDATE
    mistakes: tuple[Mistake, ...] = ()
    """Of a broken model: any of these is a right diagnosis. None of a correct one."""
