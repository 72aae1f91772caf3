"""Depth: how each of a residual network's coordinates scales with the number of its blocks.

With the multiplier 1/L on each block, rates of Adam that do not depend on L and independent blocks, the stream and what
is inside of blocks are Theta(1), and so are their changes (Dey et al. 2025, arXiv:2505.01618). With L^-1/2 and rates of
L^-1/2 in blocks (Yang et al. 2023, arXiv:2310.02244) the stream and its changes are Theta(1), and blocks' own updates
L^-1/2. With none the stream grows. `properties/test_depth.py` has these exponents as claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from theorychecks.gates.expectations import CONSTANT
from theorychecks.models import Anatomy, Model
from theorychecks.models.blocks import FEWEST
from theorychecks.models.coordinates import ADDED, CHANGE, EFFECTIVE, INPUT, PROPAGATING, Coordinate
from theorychecks.models.depth import DepthAnatomy
from theorychecks.models.hooks import plain
from theorychecks.models.model import OF_TRAINING, check_model, plural_of
from theorychecks.networks import COMPLETE_P, DEPTH_MUP, DepthParametrization
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import FiniteSizeClass, HalfInteger
from theorychecks.statistics.design import check_widths
from theorychecks.statistics.interval import FEWEST_POINTS

_SPAN: Final = 8
IN_DEPTH: Final = FiniteSizeClass(rho=3 / 8, omegas=(0.5, 1.0), unit=1, fewest_units=FEWEST)
"""The stream of L independent blocks is off by L^-1/2, and its steps are off by 1/L."""
CONSTANT_IN_DEPTH: Final = HalfInteger(0.0, corrections=IN_DEPTH)
BOUNDED_IN_DEPTH: Final = HalfInteger(0.0, at_most=True, corrections=IN_DEPTH)


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


def check_depths(given: object, axis: str) -> tuple[int, ...]:
    """Depths, or numbers of heads or experts, one by one, as plain integers.

    Raises:
        TypeError, ValueError: unless they are five or more whole numbers from 4 on that span a factor of 8.
    """
    depths = check_widths(given, axis)
    first = max(depths[0], FEWEST) if depths else FEWEST
    if len(depths) < FEWEST_POINTS or depths[0] < FEWEST or depths[-1] < _SPAN * depths[0]:
        raise ValueError(
            f"{plural_of(axis)} are {FEWEST_POINTS} or more, begin at {FEWEST} or above and span a factor of {_SPAN} "
            f"or more, so that powers of the {axis} show; got {depths}. "
            f"Try {plural_of(axis)}={tuple(first * 2**k for k in range(FEWEST_POINTS))}."
        )
    return depths


def check_known_in_depth(parametrization: object) -> None:
    """Refuse a parametrization of which nothing is predicted along the depth.

    Raises:
        ValueError: with those of which something is.
    """
    if parametrization not in (COMPLETE_P, DEPTH_MUP):
        name = getattr(parametrization, "name", parametrization)
        raise ValueError(f"a coordinate check along the depth takes tc.COMPLETE_P or tc.DEPTH_MUP; got {name!r}")


def constant(axis: str) -> HalfInteger:
    """Theta(1) along an axis."""
    return CONSTANT if axis == "width" else CONSTANT_IN_DEPTH


def predicted_in_depth(
    parametrization: DepthParametrization, anatomy: Anatomy, moments: Sequence[Moment]
) -> dict[Moment, HalfInteger]:
    """What a parametrization says of coordinates, as one family of so many predictions."""
    found = {each: _expected(parametrization, anatomy, each.coordinate) for each in moments}
    known = {moment: expected for moment, expected in found.items() if expected is not None}
    return {moment: replace(expected, among=len(known)) for moment, expected in known.items()}


def _expected(parametrization: DepthParametrization, anatomy: Anatomy, coordinate: Coordinate) -> HalfInteger | None:
    """What a parametrization says of a coordinate along the depth; None where it says nothing.

    Where a multiplier stands a model does not say: what a block returns is Theta(1) or small, and what it adds to the
    stream is seen by what the next one is given.
    """
    assert isinstance(anatomy, DepthAnatomy)
    module = anatomy.module_of(coordinate.module)
    if module is None or module.role == "unchecked":
        return None
    if module.routed and coordinate.quantity in (CHANGE, PROPAGATING):
        return None
    name = plain(module.name)
    if coordinate.quantity == INPUT:
        return CONSTANT_IN_DEPTH if anatomy.is_block(name) else None
    if coordinate.quantity == ADDED:
        return HalfInteger(-parametrization.multiplier, corrections=IN_DEPTH)
    if module.role == "attention logits":
        return BOUNDED_IN_DEPTH
    if coordinate.quantity == EFFECTIVE:
        part = next(p for p in anatomy.used_in(name) if p.name == coordinate.parameter)
        inside = parametrization.multiplier - 1 if part.grows else 0.0
        return None if part.role == "unchecked" else HalfInteger(inside, corrections=IN_DEPTH)
    if not module.grows:
        return CONSTANT_IN_DEPTH
    if coordinate.quantity == PROPAGATING:
        # What comes into a block is the stream's change, which is judged where it is made.
        return None
    layer = bool(anatomy.own.get(name)) and not anatomy.holds_layers(name)
    if coordinate.quantity == CHANGE:
        # A norm hands on the stream's change, in the first block that of a few branches, which is 1/L beside Theta(1).
        made = layer and any(part.matrix for part in anatomy.used_in(name))
        return CONSTANT_IN_DEPTH if made and parametrization.multiplier == 1 else BOUNDED_IN_DEPTH
    return CONSTANT_IN_DEPTH if layer else BOUNDED_IN_DEPTH
