"""Adjusted models: somebody's model, with something done to its set-up besides what its owner does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields

from theorychecks.models.adjustment import Adjustment
from theorychecks.models.model import Model


@dataclass(frozen=True, eq=False)
class AdjustedModel(Model):
    """A model, and what else is done to its set-up at each width.

    Attributes:
        adjust: from a width to an adjustment.
    """

    adjust: Callable[[int], Adjustment] = field(kw_only=True)

    def adjustment(self, width: int) -> Adjustment:
        """What is done at a width."""
        return self.adjust(width)


def adjusted_model(model: Model, adjust: Callable[[int], Adjustment]) -> AdjustedModel:
    """A model with an adjustment, in the place of one that it may have."""
    return AdjustedModel(**{each.name: getattr(model, each.name) for each in fields(Model)}, adjust=adjust)
