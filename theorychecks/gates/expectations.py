"""Expectations: how each of a model's coordinates scales with its width, by role, under a declared parametrization.

Maximal update: Yang, Hu 2021 (arXiv:2011.14522), and for transformers Yang et al. 2022 (arXiv:2203.03466, Appendix J
and Desiderata J.1): every feature and every change of one is Theta(1), except the outputs and attention logits before
training, which are O(n^-1/2) unless the readout is tied to the embedding, or has a bias that is not zero. Lazy
training: Jacot et al. 2018 (arXiv:1806.07572) and Lee et al. 2019 (arXiv:1902.06720, Theorem 2.1): features move by
O(n^-1/2), outputs by Theta(1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from theorychecks.models import Anatomy
from theorychecks.models.coordinates import CHANGE, EFFECTIVE, INPUT, PROPAGATING, SIZE, Coordinate
from theorychecks.models.hooks import call_of, plain
from theorychecks.models.roles import Part
from theorychecks.networks import MAXIMAL_UPDATE, NTK, Parametrization
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import PowerLaw, UpperBound

MARGIN = 0.24
"""A gate asks which half-integer: up to half the distance to the next one, the nearest is the predicted one."""
CONSTANT = PowerLaw(0.0, within=MARGIN, rival=0.5)
BOUNDED = UpperBound(0.0, within=MARGIN, rival=0.5)
FALLING = PowerLaw(-0.5, within=MARGIN, rival=0.0)
SMALL_AT_FIRST = UpperBound(-0.5, within=MARGIN, rival=0.0)
Expected = PowerLaw | UpperBound


def check_known(parametrization: object) -> None:
    """Refuse a parametrization of which no coordinates are predicted here.

    Raises:
        ValueError: with those that are.
    """
    if parametrization not in (MAXIMAL_UPDATE, NTK):
        name = getattr(parametrization, "name", parametrization)
        raise ValueError(
            f"a coordinate check takes tc.MAXIMAL_UPDATE or tc.NTK; got {name!r}. Declare what your model is "
            "meant to be: under the standard parametrization with one learning rate nothing stays Theta(1)."
        )


def predicted(parametrization: Parametrization, anatomy: Anatomy, moments: Sequence[Moment]) -> dict[Moment, Expected]:
    """What a parametrization says of coordinates, as one family of so many predictions."""
    found = {each: _expected(parametrization, anatomy, each.coordinate, each.step) for each in moments}
    known = {moment: expected for moment, expected in found.items() if expected is not None}
    return {moment: replace(expected, among=len(known)) for moment, expected in known.items()}


def _expected(parametrization: Parametrization, anatomy: Anatomy, coordinate: Coordinate, step: int) -> Expected | None:
    """What a parametrization says of a coordinate after so many steps; None where it says nothing."""
    module = anatomy.modules.get(call_of(coordinate.module))
    if module is None or coordinate.quantity == INPUT or module.role == "unchecked":
        return None
    if coordinate.quantity == EFFECTIVE:
        part = next(p for p in anatomy.used_in(plain(module.name)) if p.name == coordinate.parameter)
        added = part.role in ("input", "vector") and anatomy.holds_layers(plain(module.name))
        return None if part.role == "unchecked" else _update(parametrization, part, module, added=added)
    if coordinate.quantity == PROPAGATING:
        return _propagated(parametrization, module)
    if parametrization == NTK:
        return _lazy(module, coordinate, step)
    return _maximal(module, coordinate, step, small=not (anatomy.biased or _is_tied(anatomy)))


def _maximal(module: Part, coordinate: Coordinate, step: int, *, small: bool) -> Expected:
    if module.role == "attention logits":
        # A random query is orthogonal to its keys up to n^-1/2, and in deeper layers a few steps leave it so: those of
        # the decoder in properties/test_your_model.py change by n^-0.45. What makes logits too small is not seen here.
        orthogonal = coordinate.quantity == SIZE and step == 0 and module.grows
        return SMALL_AT_FIRST if orthogonal else BOUNDED
    if module.role == "output" and coordinate.quantity == SIZE:
        return SMALL_AT_FIRST if step == 0 and small else BOUNDED
    if module.role == "input" and coordinate.quantity == CHANGE:
        return BOUNDED
    return CONSTANT


def _lazy(module: Part, coordinate: Coordinate, step: int) -> Expected | None:
    if module.role == "attention logits":
        return None
    if coordinate.quantity == CHANGE and module.role == "hidden":
        return FALLING
    return BOUNDED if module.role == "output" and coordinate.quantity == SIZE and step else CONSTANT


def _update(parametrization: Parametrization, part: Part, module: Part, *, added: bool) -> Expected:
    if part.role == "fixed" and module.role != "output":
        # By gradient descent what lies before all that grows moves by n^-1/2 at first, by Adam by Theta(1).
        return BOUNDED
    return FALLING if parametrization == NTK and (added or module.role == "hidden") else CONSTANT


def _propagated(parametrization: Parametrization, module: Part) -> Expected:
    if module.role in ("output", "input"):
        # What is aligned with the first readout is Theta(1), and what is not O(n^-1/2).
        return BOUNDED
    return FALLING if parametrization == NTK else CONSTANT


def _is_tied(anatomy: Anatomy) -> bool:
    return any(part.name in anatomy.tied for part in anatomy.parameters if part.role in ("output", "input"))
