"""Prediction: what a theory says of a quantity, and the one interface by which everything it can say is judged."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

from theorychecks.statistics.judgement import Expectation, Judgement, Power
from theorychecks.statistics.measurement import Measurement

Role = Literal["prediction", "control"]
"""A prediction must be SUPPORTED, a control REFUTED."""


class Demands(NamedTuple):
    """The smallest design on which a prediction can be judged: so many axis values, and seeds at each of them."""

    points: int
    seeds: int


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A design before anything is measured.

    Attributes:
        axis_values: where runs are made.
        seeds: how many, at each of them.
        axis: what varies.
        role: a control need not be able to support.
        against: seeds of what it is held against, where that is something.
    """

    axis_values: Sequence[float]
    seeds: Sequence[int]
    axis: str = "width"
    role: Role = "prediction"
    against: Sequence[int] | None = None

    @classmethod
    def of(cls, measurement: Measurement) -> Layout:
        """That of a measurement."""
        return cls(axis_values=measurement.axis_values, seeds=measurement.seeds, axis=measurement.axis)

    def check_pairs(self) -> None:
        """Refuse a comparison run by run of unequal numbers of runs.

        Raises:
            ValueError: with both.
        """
        if self.against is not None and tuple(self.seeds) != tuple(self.against):
            raise ValueError(
                f"a paired comparison needs the same seeds on both sides; got {tuple(self.seeds)} against "
                f"{tuple(self.against)}"
            )


class Prediction(Hashable, Protocol):
    """What a theory says of a quantity, and how a measurement is held against it; a frozen value of anybody's.

    Whatever decides over widths and seeds asks `demands` and `power`, which know the design and its noise, and never
    `judge`, which knows the result: that keeps the error rates of repeated looks below the sum of their levels.
    """

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers, as far as it has any, and its kind in a word."""
        ...

    def phrase(self, axis: str) -> str:
        """The prediction in a few words for a table, "at most n^-0.5"; an exponent is one of the axis."""
        ...

    def demands(self, points: int, confidence: float) -> Demands:
        """The smallest design that can be judged, out of so many axis values, at this confidence."""
        ...

    def admit(self, layout: Layout, *, confidence: float = ...) -> None:
        """Refuse a design on which the prediction could never be judged, before minutes are spent on it.

        Raises:
            ValueError: with the way out.
        """
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

    def judge(
        self, measurement: Measurement, other: Measurement | None = None, *, confidence: float = ...
    ) -> Judgement:
        """Hold a measurement against the prediction, or its relation to another measurement."""
        ...


_MEMBERS: Final = ("expectation", "phrase", "demands", "admit", "power", "judge")


def check_prediction(given: object) -> None:
    """Refuse what does not have all that a `Prediction` has, before anything is measured.

    Raises:
        TypeError: with what is missing, or with how a class is called.
    """
    missing = [name for name in _MEMBERS if not hasattr(given, name)]
    if isinstance(given, type) and len(missing) < len(_MEMBERS):
        name = given.__name__
        raise TypeError(f"a prediction is held against the source; got the class {name}. Call it: tc.{name}(...)")
    if len(missing) == len(_MEMBERS):
        raise TypeError(f"a prediction is a PowerLaw, Plateau, Ordering or another of the README's; got {given!r}")
    if missing:
        raise TypeError(
            f"the prediction {given!r} is incomplete: it has no {', '.join(missing)}. "
            "theorychecks.statistics.Prediction says what each of them is."
        )
    try:
        hash(given)
    except TypeError as error:
        raise TypeError(
            f"a prediction is a value, so that plans can be kept; {given!r} has no hash. "
            "Write @dataclass(frozen=True) above its class."
        ) from error
