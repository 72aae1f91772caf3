"""Rare: coordinates of experts that rows of a batch reach in too few runs to be judged, and how a reader is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from theorychecks.finding import Finding
from theorychecks.gates.examined import Examined
from theorychecks.models import ModelError
from theorychecks.models.hooks import starred
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics.exponents import ENOUGH_SEEDS

_SHOWN: Final = 3


def is_rare(examined: Examined, finding: Finding) -> bool:
    """Whether a coordinate had too few numbers at some width, up to the last look that was taken."""
    return examined.anatomy.routed and finding.measurement.has_undefined


def check_reached(examined: Examined, judged: Iterable[Moment], rare: Iterable[Moment]) -> None:
    """Refuse a model that has a rare coordinate of which no expert of that name is judged.

    Raises:
        ModelError: naming them.
    """
    known = set(map(_of_all, judged))
    if lacking := [moment for moment in rare if _of_all(moment) not in known]:
        experts = " and ".join(f"`{name}`" for name in dict.fromkeys(_of_all(moment)[0] for moment in lacking))
        raise ModelError(
            f"{examined.model.title}: no expert of {experts} is reached in {ENOUGH_SEEDS} runs or more at every "
            f"{examined.sweep.axis}. Give a batch of more rows, or take fewer experts."
        )


def _of_all(moment: Moment) -> tuple[str, str, str, int]:
    """A coordinate by the names that all experts share."""
    (module, quantity, parameter), step = moment
    return starred(module), starred(parameter), quantity, step


def note_on(rare: Sequence[Moment]) -> str:
    """That these are not judged, in a line."""
    experts = list(dict.fromkeys(f"`{moment.coordinate.module}`" for moment in rare))
    more = f" and {len(experts) - _SHOWN} more" if len(experts) > _SHOWN else ""
    return (
        f"- not judged: {len(rare)} coordinates of {', '.join(experts[:_SHOWN])}{more}, of which too few runs have a "
        "number; give a batch of more rows to have them judged"
    )
