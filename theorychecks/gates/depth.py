"""Depth: how each of a residual network's coordinates scales with the number of its blocks.

With the multiplier 1/L on each block, rates of Adam that do not depend on L and independent blocks, the stream and what
is inside of blocks are Theta(1), and so are their changes (Dey et al. 2025, arXiv:2505.01618). With L^-1/2 and rates of
L^-1/2 in blocks (Yang et al. 2023, arXiv:2310.02244) the stream and its changes are Theta(1), and blocks' own updates
L^-1/2. With none the stream grows. `properties/test_depth.py` has these exponents as claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from theorychecks.gates.values import BOUNDED_IN_NUMBER, CONSTANT_IN_NUMBER, IN_NUMBER
from theorychecks.models import Anatomy
from theorychecks.models.coordinates import ADDED, CHANGE, EFFECTIVE, INPUT, PROPAGATING, Coordinate
from theorychecks.models.depth import DepthAnatomy
from theorychecks.models.hooks import plain
from theorychecks.networks import COMPLETE_P, DEPTH_MUP, DepthParametrization
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import HalfInteger


def check_known_in_depth(parametrization: object) -> None:
    """Refuse a parametrization of which nothing is predicted along the depth.

    Raises:
        ValueError: with those of which something is.
    """
    if parametrization not in (COMPLETE_P, DEPTH_MUP):
        name = getattr(parametrization, "name", parametrization)
        raise ValueError(f"a coordinate check along the depth takes tc.COMPLETE_P or tc.DEPTH_MUP; got {name!r}")


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
        return CONSTANT_IN_NUMBER if anatomy.is_block(name) else None
    if coordinate.quantity == ADDED:
        return HalfInteger(-parametrization.multiplier, corrections=IN_NUMBER)
    if module.role == "attention logits":
        return BOUNDED_IN_NUMBER
    if coordinate.quantity == EFFECTIVE:
        part = next(p for p in anatomy.used_in(name) if p.name == coordinate.parameter)
        inside = parametrization.multiplier - 1 if part.grows else 0.0
        return None if part.role == "unchecked" else HalfInteger(inside, corrections=IN_NUMBER)
    if not module.grows:
        return CONSTANT_IN_NUMBER
    if coordinate.quantity == PROPAGATING:
        # What comes into a block is the stream's change, which is judged where it is made.
        return None
    layer = bool(anatomy.own.get(name)) and not anatomy.holds_layers(name)
    if coordinate.quantity == CHANGE:
        # A norm hands on the stream's change, in the first block that of a few branches, which is 1/L beside Theta(1).
        made = layer and any(part.matrix for part in anatomy.used_in(name))
        return CONSTANT_IN_NUMBER if made and parametrization.multiplier == 1 else BOUNDED_IN_NUMBER
    return CONSTANT_IN_NUMBER if layer else BOUNDED_IN_NUMBER
