"""Premises: what a judgement follows from besides its measurement, written so that it can be judged anew anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import cache
from typing import Any, cast

import theorychecks.statistics
from theorychecks.statistics.judgement import Judgement
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.prediction import Prediction


@dataclass(frozen=True, kw_only=True)
class Premises:
    """What a judgement follows from, besides the measurement that it holds.

    Attributes:
        prediction: its class, "theorychecks.statistics:PowerLaw".
        values: of its fields; none of a class that is not exported by `theorychecks.statistics`: no other one is made
            anew, since a report must not say what code is run.
        against: what the measurement was held against, unless it is the ratio to that already.
    """

    prediction: str
    values: Mapping[str, object] = field(default_factory=dict)
    against: Measurement | None = None


@cache
def known_predictions() -> Mapping[str, type[Any]]:
    """All predictions that theorychecks.statistics exports, by the name that premises have: no others are rebuilt."""
    package = theorychecks.statistics
    return {
        f"{package.__name__}:{name}": kind
        for name, kind in vars(package).items()
        if isinstance(kind, type) and is_dataclass(kind) and hasattr(kind, "judge")
    }


def premises_of(
    prediction: Prediction, judgement: Judgement, given: Measurement, against: Measurement | None
) -> Premises:
    """What a judgement follows from.

    Args:
        prediction: that was judged.
        judgement: of it.
        given: what was measured; what was judged is either this or its ratio to the next.
        against: what that was compared with, if anything.
    """
    kind = type(prediction)
    for name, known in known_predictions().items():
        if kind is known:
            beside = against if judgement.measurement is given else None
            return Premises(prediction=name, values=asdict(cast(Any, prediction)), against=beside)
    return Premises(prediction=f"{kind.__module__}:{kind.__qualname__}")
