"""Ends: where a search for a learning rate has ended before it found one, and what would take it further."""

from __future__ import annotations

from typing import Final

from theorychecks.models import Model
from theorychecks.networks import Training
from theorychecks.observables.observable import Observable
from theorychecks.observables.optimal_rate import OptimalLearningRate
from theorychecks.observables.stability import MaxStableLearningRate
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.statuses import Status

_SEEN: Final = {
    Status.ABOVE: ("the last loss is smallest at", "training is still stable at"),
    Status.BELOW: ("the last loss is smallest at", "training is unstable down to"),
}
"""By the side on which it lies, of the best rate and of the largest stable one."""


def ends_of(observable: Observable, subject: Training | Model, measurement: Measurement) -> str:
    """At which end of its rates a search has stopped, in how many runs, and what to change; empty where in none."""
    if not isinstance(observable, OptimalLearningRate | MaxStableLearningRate):
        return ""
    found = (_end(observable, subject, measurement, status) for status in _SEEN)
    return "; ".join(filter(None, found))


def _end(
    observable: OptimalLearningRate | MaxStableLearningRate,
    subject: Training | Model,
    measurement: Measurement,
    status: Status,
) -> str:
    bounds = [
        (value, axis_value)
        for axis_value, values, statuses in zip(
            measurement.axis_values, measurement.values, measurement.statuses, strict=True
        )
        for value, each in zip(values, statuses, strict=True)
        if each is status
    ]
    if not bounds:
        return ""
    above, reach = status is Status.ABOVE, observable.reach
    end, way = ("highest", "larger") if above else ("lowest", "smaller")
    bound, where = max(bounds) if above else min(bounds)
    whose = " times the model's own" if isinstance(subject, Model) else ""
    seen = _SEEN[status][isinstance(observable, MaxStableLearningRate)]
    return (
        f"{seen} the {end} rate that was tried in {len(bounds)} of {sum(measurement.seeds)} runs, "
        f"{bound:.3g}{whose} at {measurement.axis} {where:g}: give the training learning rates {way} by a factor of "
        f"{2.0**reach:g}, or {type(observable).__name__} reach={2 * reach:g} instead of {reach:g}"
    )
