"""Exponents that moved: by more than the noise of both runs and the bias of both fits allow.

Exponents of two runs differ by the noise of their seeds, and by the bias of finite-size corrections, which is the same
where the runs have the same axis values. What is allowed is the sum of both bias bounds and a quantile of Student's t
for the noise, whose level is shared among all exponents that are compared (Bonferroni: many share networks, and no
independence is assumed), and among the looks of both runs, since each could have been the last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scipy import special

from theorychecks.reporting.comparison.sides import SideFinding, Uncertainty
from theorychecks.statistics.cells import NO_NOISE

LEVEL: Final = 0.01
"""At most so often two runs of the same truth have an exponent that is said to have moved, among all they share."""
ROUNDING: Final = 1e-4
"""A difference that other machines, which add in another order, may make of the same networks."""
_LATER: Final = 0.25
"""How the shares of looks fall: most runs end with the first one, and the shares add up to one."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """An exponent that moved.

    Attributes:
        claim: the name of its claim.
        old, new: the finding in both runs.
        allowed: the largest difference of exponents that is none.
    """

    claim: str
    old: SideFinding
    new: SideFinding
    allowed: float

    @property
    def difference(self) -> float:
        """By how much the exponent rose."""
        assert self.old.exponent is not None
        assert self.new.exponent is not None
        return self.new.exponent - self.old.exponent


@dataclass(frozen=True, kw_only=True)
class Moves:
    """Exponents of both runs.

    Attributes:
        compared: how many there are.
        equal: how many are the same number in both.
        moved: those that moved, the farthest beyond what is allowed first.
    """

    compared: int
    equal: int
    moved: tuple[Move, ...]


def find_moves(pairs: Sequence[tuple[str, SideFinding, SideFinding]]) -> Moves:
    """Exponents that moved among findings of two runs, each with the name of its claim.

    A pair without a finite exponent on both sides is passed over; its verdict tells.
    """
    comparable = [pair for pair in pairs if _has_exponent(pair[1]) and _has_exponent(pair[2])]
    found = [
        Move(claim=claim, old=old, new=new, allowed=_allowed(old, new, len(comparable)))
        for claim, old, new in comparable
    ]
    moved = [each for each in found if abs(each.difference) > each.allowed]
    return Moves(
        compared=len(found),
        equal=sum(each.difference == 0 for each in found),
        moved=tuple(sorted(moved, key=lambda each: abs(each.difference) / each.allowed, reverse=True)),
    )


def _has_exponent(finding: SideFinding) -> bool:
    return finding.exponent is not None and math.isfinite(finding.exponent) and finding.uncertainty is not None


def _allowed(old: SideFinding, new: SideFinding, among: int) -> float:
    assert old.uncertainty is not None
    assert new.uncertainty is not None
    return max(allowed_difference(old.uncertainty, new.uncertainty, among), ROUNDING)


def allowed_difference(old: Uncertainty, new: Uncertainty, among: int) -> float:
    """The largest difference of two exponents of the same truth, but for a share of the level.

    Args:
        old: how far the first may lie from the truth.
        new: how far the second may.
        among: how many exponents share the level.
    """
    tail = LEVEL / 2 / among * _share(old) * _share(new)
    variances = [max(each.standard_error, NO_NOISE) ** 2 for each in (old, new)]
    if not math.isfinite(sum(variances)):
        return math.inf
    noise = -float(special.stdtrit(_freedom(old, new, variances), tail)) * math.sqrt(sum(variances))
    return old.bias + new.bias + noise


def _freedom(old: Uncertainty, new: Uncertainty, variances: Sequence[float]) -> float:
    """Of the difference: all there are where equal truths have equal variances, else Welch's and Satterthwaite's."""
    freedoms = (old.degrees_of_freedom, new.degrees_of_freedom)
    if old.seeds == new.seeds:
        return sum(freedoms)
    return sum(variances) ** 2 / sum(each**2 / freedom for each, freedom in zip(variances, freedoms, strict=True))


def _share(run: Uncertainty) -> float:
    return 1.0 if run.looks is None else (1 - _LATER) * _LATER ** (run.looks - 1)
