"""Routed: which coordinates a model has whose weights choose what is called, by so many seeds as call all of it."""

from __future__ import annotations

from theorychecks.models import Anatomy, Model
from theorychecks.models.coordinates import Coordinate
from theorychecks.models.hooks import call_of
from theorychecks.models.routing import MOST_DRAWS
from theorychecks.models.training import coordinates_called


def called_by_any(model: Model, anatomy: Anatomy, width: int) -> tuple[list[Coordinate], list[Coordinate]]:
    """Coordinates at the start and later that some seed has, in the order of a forward pass; nothing is trained.

    Args:
        model: which.
        anatomy: its parts at this width.
        width: at which it is built.
    """
    wanted = {call_of(name) for name, part in anatomy.modules.items() if part.routed}
    adjustment = model.adjustment(width)
    first, later = dict[Coordinate, None](), dict[Coordinate, None]()
    for seed in range(MOST_DRAWS):
        names = coordinates_called(model, width, (0,), seed, anatomy=anatomy, adjustment=adjustment)
        first |= dict.fromkeys(names[0])
        later |= dict.fromkeys(names[1])
        if seed and wanted <= {call_of(name.module) for name in first}:
            break
    places = {call: place for place, call in enumerate(dict.fromkeys(map(call_of, anatomy.modules)))}

    def place_of(name: Coordinate) -> int:
        return places.get(call_of(name.module), len(places))

    return sorted(first, key=place_of), sorted(later, key=place_of)
