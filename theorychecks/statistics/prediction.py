"""Prediction: what a theory says of a quantity, and the one interface by which everything it can say is judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.verdict import Expectation, Finding, Power


class Demands(NamedTuple):
    """The smallest design on which a prediction can be judged: so many axis values, and seeds at each of them."""

    points: int
    seeds: int


@runtime_checkable
class Prediction(Protocol):
    """What a theory says of a quantity, and how a measurement is held against it.

    Whatever decides over widths and seeds asks `demands` and `power`, which know the design and its noise, and never
    `judge`, which knows the result: that keeps the error rates of repeated looks below the sum of their levels.
    """

    def __hash__(self) -> int:
        """Predictions are values: frozen dataclasses, say."""
        ...

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers."""
        ...

    def demands(self, points: int, confidence: float) -> Demands:
        """The smallest design that can be judged, out of so many axis values, at this confidence."""
        ...

    def admit(self, axis_values: Sequence[float], seeds: Sequence[int], *, confidence: float = ...) -> None:
        """Refuse a design on which the prediction could never be judged, before minutes are spent on it."""
        ...

    def power(
        self,
        axis_values: Sequence[float],
        seeds: Sequence[int],
        noise: float,
        confidence: float,
        *,
        shared_seeds: bool = ...,
    ) -> Power:
        """What a design could detect, if the logarithm of one run had this standard deviation.

        Over shared seeds it is that of a run less the level of its draw.
        """
        ...

    def judge(self, measurement: Measurement, *, confidence: float = ...) -> Finding:
        """Hold a measurement against the prediction: the verdict, why, and what would decide where it is open."""
        ...


@runtime_checkable
class TwoSampled(Protocol):
    """A prediction about two ensembles that are not paired, and whose runs no ratio compares."""

    def judge_against(self, measurement: Measurement, other: Measurement, *, confidence: float = ...) -> Finding:
        """Hold the two against each other."""
        ...
