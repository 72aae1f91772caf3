"""Experts: how each of a mixture's coordinates scales with the number of its experts.

An expert that gets many rows moves by Theta(1), as all that keeps its size does: by Adam at rates that do not depend on
the number E of experts, by plain gradients at rates of E, since each expert has a share of the loss. What few experts
make for a row, or all of them on average, moves by Theta(1) as well; an average of independent experts is O(E^-1/2)
before training. These are the exponents of mean-field limits in the number of experts (Jiang, Bordelon, Pehlevan, Hanin
2026, arXiv:2601.20205, abstract). `properties/test_heads_and_experts.py` has those of what is added, of router logits
and of both matrices of experts, each by itself and all in one parameter, as claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from theorychecks.gates.values import BOUNDED_IN_NUMBER, CONSTANT_IN_NUMBER
from theorychecks.models import Anatomy
from theorychecks.models.coordinates import ADDED, CHANGE, EFFECTIVE, INPUT, PROPAGATING, RELATIVE, SIZE, Coordinate
from theorychecks.models.experts import ExpertsAnatomy
from theorychecks.models.hooks import plain
from theorychecks.models.part import Part
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import HalfInteger


def predicted_in_experts(anatomy: Anatomy, moments: Sequence[Moment]) -> dict[Moment, HalfInteger]:
    """What is known of coordinates along the number of experts, as one family of so many predictions."""
    assert isinstance(anatomy, ExpertsAnatomy)
    found = {each: _expected(anatomy, each.coordinate) for each in moments}
    known = {moment: expected for moment, expected in found.items() if expected is not None}
    return {moment: replace(expected, among=len(known)) for moment, expected in known.items()}


def _expected(anatomy: ExpertsAnatomy, coordinate: Coordinate) -> HalfInteger | None:
    module = anatomy.module_of(coordinate.module)
    if module is None or module.role == "unchecked" or coordinate.quantity in (INPUT, ADDED, RELATIVE):
        return None
    if module.routed and coordinate.quantity in (CHANGE, PROPAGATING):
        return None
    if module.role == "attention logits":
        return BOUNDED_IN_NUMBER
    if coordinate.quantity == EFFECTIVE:
        part = next(p for p in anatomy.used_in(plain(module.name)) if p.name == coordinate.parameter)
        return None if part.role == "unchecked" else _update(anatomy, part, module)
    mixture = plain(module.name) in anatomy.mixtures
    if module.role == "hidden":
        # What comes into an expert is the stream's change, which is judged where it is made.
        return None if coordinate.quantity == PROPAGATING else CONSTANT_IN_NUMBER
    if coordinate.quantity in (CHANGE, PROPAGATING) and module.name in anatomy.jumps:
        # A row that is routed anew jumps by Theta(1), and the more experts there are, the more often, by a logarithm.
        return None
    if mixture:
        averages = plain(module.name) not in anatomy.few
        return BOUNDED_IN_NUMBER if averages and coordinate.quantity == SIZE else CONSTANT_IN_NUMBER
    return BOUNDED_IN_NUMBER if module.fades and coordinate.quantity == SIZE else CONSTANT_IN_NUMBER


def _update(anatomy: ExpertsAnatomy, part: Part, module: Part) -> HalfInteger:
    if module.role != "hidden" and module.faint and part.matrix:
        # The update of a matrix that is given something small is no larger than that.
        return BOUNDED_IN_NUMBER
    # A router inside of a mixture's own parameters is seen by what is mixed, beside all else.
    return BOUNDED_IN_NUMBER if part.role == "input" and module.role != "input" else CONSTANT_IN_NUMBER
