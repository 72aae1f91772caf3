"""Rare: coordinates of experts that rows of a batch reach in too few runs to be judged, and how a reader is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from theorychecks.finding import Finding
from theorychecks.gates.examined import Examined
from theorychecks.observables.coordinates import Moment

_SHOWN: Final = 3


def is_rare(examined: Examined, finding: Finding | None) -> bool:
    """Whether a coordinate had too few numbers at some width, up to the last look that was taken."""
    return finding is not None and examined.anatomy.routed and finding.measurement.has_undefined


def told(rare: Sequence[Moment]) -> str:
    """That these are not judged, in a line."""
    experts = list(dict.fromkeys(f"`{moment.coordinate.module}`" for moment in rare))
    more = f" and {len(experts) - _SHOWN} more" if len(experts) > _SHOWN else ""
    return (
        f"- not judged: {len(rare)} coordinates of {', '.join(experts[:_SHOWN])}{more}, which rows of the batch reach "
        "in too few runs; give a batch of more rows to have them judged"
    )
