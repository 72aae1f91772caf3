"""Expectations: how each of a model's coordinates scales with its width, by role, under a declared parametrization.

Maximal update: Yang, Hu 2021 (arXiv:2011.14522), and for transformers Yang et al. 2022 (arXiv:2203.03466, Appendix J
and Desiderata J.1): every feature and every change of one is Theta(1), except attention logits before training and
what fades with the matrices that read out (see `models.fading`), outputs foremost, which are O(n^-1/2) then and whose
changes are bounded from above, while updates of the readouts themselves are Theta(1). An update of what is itself given
something small is as small as that, by gradient descent smaller still, and later as large as that has become (by Adam
of one step as n^-1/2, of four as n^-0.1 to n^-0.35 from width 64 to 1024 in plain torch): it is bounded, too. By that
which is given, the first one is Theta(1) under optimizers that normalise gradients; later ones may grow from one
constant to another while what is given turns from what was drawn to what has been learned (derived here).
Lazy training: Jacot et al. 2018 (arXiv:1806.07572) and Lee et al. 2019 (arXiv:1902.06720, Theorem 2.1): features move
by O(n^-1/2), outputs by Theta(1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from theorychecks.models import Anatomy
from theorychecks.models.coordinates import CHANGE, EFFECTIVE, INPUT, PROPAGATING, RELATIVE, SIZE, Coordinate
from theorychecks.models.hooks import plain
from theorychecks.models.part import Part
from theorychecks.networks import MAXIMAL_UPDATE, NTK, Parametrization
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import HalfInteger

CONSTANT = HalfInteger(0.0)
BOUNDED = HalfInteger(0.0, at_most=True)
FALLING = HalfInteger(-0.5)
SMALL_AT_FIRST = HalfInteger(-0.5, at_most=True)


def check_known(parametrization: object, axis: str = "width") -> None:
    """Refuse a parametrization of which no coordinates are predicted here along an axis.

    Raises:
        ValueError: with those that are.
    """
    if axis != "width" and parametrization != MAXIMAL_UPDATE:
        name = getattr(parametrization, "name", parametrization)
        raise ValueError(f"a coordinate check along the {axis} takes tc.MAXIMAL_UPDATE; got {name!r}")
    if parametrization not in (MAXIMAL_UPDATE, NTK):
        name = getattr(parametrization, "name", parametrization)
        raise ValueError(
            f"a coordinate check takes tc.MAXIMAL_UPDATE or tc.NTK; got {name!r}. Declare what your model is "
            "meant to be: under the standard parametrization with one learning rate nothing stays Theta(1)."
        )


def predicted(
    parametrization: Parametrization,
    anatomy: Anatomy,
    moments: Sequence[Moment],
    *,
    scale_free: bool,
    first_update: int | None,
) -> dict[Moment, HalfInteger]:
    """What a parametrization says of coordinates, as one family of so many predictions.

    Args:
        parametrization: which.
        anatomy: of the model.
        moments: in order of their steps, each of which there is something to be read of.
        scale_free: whether updates do not depend on the size of gradients.
        first_update: the step that is the first to move a parameter; None if it is not known.
    """
    found = {
        each: _expected(parametrization, anatomy, each.coordinate, each.step, scale_free=scale_free) for each in moments
    }
    for each in moments:
        told = parametrization != NTK and scale_free and each.step == first_update
        if each.coordinate.quantity == RELATIVE and not told:
            found[each] = None
    known = {moment: expected for moment, expected in found.items() if expected is not None}
    return {moment: replace(expected, among=len(known)) for moment, expected in known.items()}


def _expected(
    parametrization: Parametrization, anatomy: Anatomy, coordinate: Coordinate, step: int, *, scale_free: bool
) -> HalfInteger | None:
    """What a parametrization says of a coordinate after so many steps; None where it says nothing."""
    module = anatomy.module_of(coordinate.module)
    if module is None or coordinate.quantity == INPUT or module.role == "unchecked":
        return None
    if module.routed and coordinate.quantity in (CHANGE, PROPAGATING):
        return None
    fed = module.name in anatomy.fed
    if coordinate.quantity == EFFECTIVE:
        part = _part(anatomy, module, coordinate)
        if part.role == "unchecked":
            return None
        if fed:
            return BOUNDED
        # Inside of a module with layers a parameter may act on what is small at first, as logits are.
        acts_on_logits = module.contracted or anatomy.holds_layers(plain(module.name))
        moves = scale_free and part.matrix and not acts_on_logits
        return _update(parametrization, part, module, added=anatomy.adds(part), moves=moves)
    if coordinate.quantity == RELATIVE:
        return None if fed or _part(anatomy, module, coordinate).role == "unchecked" else CONSTANT
    if fed:
        # A layer's outputs of a fixed number are drawn as its other ones are, or smaller by n^-1/2 as readouts.
        return BOUNDED if coordinate.quantity == SIZE else None
    if coordinate.quantity == PROPAGATING:
        return _propagated(parametrization, module)
    if parametrization == NTK:
        return _lazy(module, coordinate, step)
    return _maximal(module, coordinate, step)


def _part(anatomy: Anatomy, module: Part, coordinate: Coordinate) -> Part:
    return next(part for part in anatomy.used_in(plain(module.name)) if part.name == coordinate.parameter)


def _maximal(module: Part, coordinate: Coordinate, step: int) -> HalfInteger:
    if module.role == "attention logits":
        # A random query is orthogonal to its keys up to n^-1/2, and in deeper layers a few steps leave it so: those of
        # the decoder in properties/test_your_model.py change by n^-0.45. What makes logits too small is not seen here.
        orthogonal = coordinate.quantity == SIZE and step == 0 and (module.grows or module.fades)
        return SMALL_AT_FIRST if orthogonal else BOUNDED
    if (module.role == "output" or module.fades) and coordinate.quantity == SIZE:
        return SMALL_AT_FIRST if step == 0 and module.fades else BOUNDED
    if coordinate.quantity == SIZE and module.contracted:
        # Two vectors may be orthogonal up to n^-1/2 before training, and aligned later.
        return BOUNDED
    if coordinate.quantity == CHANGE and (module.role in ("input", "output") or module.fades):
        # What is read out moves by its weights' update, Theta(1) and judged by itself, and by what propagates to it,
        # which may be O(n^-1/2) and the larger part at widths that one can afford. So does what a softmax makes of it.
        return BOUNDED
    return CONSTANT


def _lazy(module: Part, coordinate: Coordinate, step: int) -> HalfInteger | None:
    if module.role == "attention logits":
        return None
    if coordinate.quantity == CHANGE and module.role == "hidden":
        return FALLING
    later = module.role == "output" and step
    return BOUNDED if coordinate.quantity == SIZE and (later or module.contracted) else CONSTANT


def _update(parametrization: Parametrization, part: Part, module: Part, *, added: bool, moves: bool) -> HalfInteger:
    if part.role == "fixed" and (module.fades or (module.role != "output" and not moves)):
        # By gradient descent what lies before all that grows moves by n^-1/2 at first, by Adam by Theta(1). A scale of
        # what is small at first moves that by as little, and so does one of attention logits.
        return BOUNDED
    if module.fades and part.role != "output":
        return BOUNDED
    if module.faint and parametrization != NTK and part.matrix:
        # A readout of what is small at first, or a matrix with a bias: its update is no larger than what it is given.
        return BOUNDED
    return FALLING if parametrization == NTK and (added or module.role == "hidden") else CONSTANT


def _propagated(parametrization: Parametrization, module: Part) -> HalfInteger:
    if module.role in ("output", "input") or module.fades:
        # What is aligned with the first readout is Theta(1), and what is not O(n^-1/2).
        return BOUNDED
    return FALLING if parametrization == NTK else CONSTANT
