"""Culprits: what is probably wrong with some parts of a model, and what a reader is told of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import Interval

Kind = Literal["init", "learning rate", "multiplier", "epsilon", "weight decay"]
_MENDED: Final = {"init": "its std", "learning rate": "it", "multiplier": "it"}
"""What is to be multiplied where a kind is off."""


@dataclass(frozen=True)
class Culprit:
    """What is probably wrong with some parts of a model.

    Attributes:
        kind: "init", "learning rate", "multiplier", "epsilon" or "weight decay".
        where: the parts, with a star for numbers in which they differ where that names no other part:
            `blocks.*.mlp.fc2.weight`; their names, separated by commas, where it would.
        exponent: of the axis, by which it is too large, or too small where it is negative; of an epsilon or a decay,
            that of the updates it spoils.
        interval: of the coordinate that shows it, on fresh seeds where it was confirmed there.
        first: that coordinate.
        parts: by name, in the order of the forward pass.
        alike: what else would show alike.
        sure: whether it can be nothing else: the coordinate that shows it is refuted itself, its kind is no close call,
            and it does not follow from what is off before it.
        axis: along which exponents are.
    """

    kind: Kind
    where: str
    exponent: float
    interval: Interval
    first: Moment
    parts: tuple[str, ...]
    alike: tuple[str, ...] = ()
    sure: bool = True
    axis: str = "width"

    def __str__(self) -> str:
        ends = f"[{self.interval.low:+.2f}, {self.interval.high:+.2f}]"
        alike = f"{' or '.join(self.alike)} would show alike; " if self.alike else ""
        base = "n" if self.axis == "width" else self.axis
        halves = f"{base}^{_halves(abs(self.exponent))}"
        size, way = abs(self.exponent), "large" if self.exponent > 0 else "small"
        doubt = "" if self.sure else "perhaps "
        where = ", ".join(f"`{name or 'the model'}`" for name in self.where.split(", "))
        shown = f"{self.first} has the exponent interval {ends}"
        if self.kind in ("epsilon", "weight decay"):
            return (
                f"{doubt}{self.kind} of the optimizer too large for {where} (without it updates scale as they should, "
                f"with it they are too {way} by {halves}; {shown})"
            )
        measured = f"{base}^{size:.2f} as measured"
        return (
            f"{doubt}{self.kind} of {where} too {way} by {halves} "
            f"({alike}{measured}; {shown}; multiply {_MENDED[self.kind]} by {self._remedy})"
        )

    @property
    def _remedy(self) -> str:
        """What undoes the power of the axis, in words of code."""
        ratio = f"base/{self.axis}" if self.exponent > 0 else f"{self.axis}/base"
        power = _halves(abs(self.exponent))
        return ratio if power == "1" else f"({ratio})^({power})"


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a model, in the order in which it shows; false where nothing is.

    Attributes:
        title: of the model.
        first: the first coordinate that is refuted, by steps and then by the forward pass.
        culprits: what is likely to be wrong, what is sure first.
        failing: how many coordinates scale otherwise than predicted.
        judged: how many there are.
    """

    title: str
    first: Moment | None
    culprits: tuple[Culprit, ...]
    failing: int
    judged: int

    def __bool__(self) -> bool:
        return self.first is not None

    def __str__(self) -> str:
        if self.first is None:
            return f"{self.title}: none of {self.judged} coordinates scales otherwise than predicted"
        lines = [
            f"{self.title}: {self.failing} of {self.judged} coordinates scale otherwise than predicted, and on fresh "
            f"seeds again. The first is `{self.first}`.",
            *(f"- {culprit}" for culprit in self.culprits),
        ]
        if not self.culprits:
            lines.append(
                "- no update of its own is off, and no init that is judged: look at multipliers outside of modules on "
                "its way, and at the init of a readout that has a bias or is tied, which is not judged"
            )
        return "\n".join(lines)


def _halves(exponent: float) -> str:
    """The nearest half-integer."""
    halves = max(round(2 * exponent), 1)
    return f"{halves // 2}" if halves % 2 == 0 else f"{halves}/2"
