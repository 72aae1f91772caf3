"""Costs: which findings take more work than before, of the same number of runs at the same axis values.

Work is counted in floating-point operations, which no other load of a machine changes, or in trainings where nobody
has counted these. Where there are neither, seconds are told, which alarm nobody: the same numbers took forty times as
long on a machine that had other things to do. How many runs a finding needs is chance: another look, or other shares of
the axis values, is no other cost. What a run at axis value x takes is some power of x, so runs alone explain at most
the largest ratio over such powers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from theorychecks.reporting.comparison.sides import SideFinding, Work

FACTOR: Final = 1.5
"""From which on operations or trainings are more; a search for a rate takes some more or less by chance."""
SECONDS_FACTOR: Final = 10.0
SECONDS: Final = 10.0
"""From which on seconds are told: more by this factor, and by so many."""
_POWERS: Final = (-2, -1, 0, 1, 2, 3)
"""Of the axis value: from steps up to a time at smaller rates, to products of square matrices."""

Unit = Literal["operations", "trainings", "seconds"]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a finding's numbers take in both runs.

    Attributes:
        claim: the name of its claim.
        old, new: the finding in both runs.
        unit: in what it is counted.
        before, after: so many.
        ratio: of after to before, as far as the numbers of runs do not explain it.
    """

    claim: str
    old: SideFinding
    new: SideFinding
    unit: Unit
    before: float
    after: float
    ratio: float


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Costs of what both runs have found.

    Attributes:
        compared: of how many findings, by operations or trainings.
        dearer, cheaper: of each claim the finding that became dearest, or cheapest, where there is such a one.
        slower: of each claim the finding that took longest by the clock, where nothing else is counted.
    """

    compared: int
    dearer: tuple[Cost, ...]
    cheaper: tuple[Cost, ...]
    slower: tuple[Cost, ...]


def find_costs(pairs: Sequence[tuple[str, SideFinding, SideFinding]]) -> Costs:
    """Claims that take more work than before, and less.

    Findings are passed over that do not have the verdict they need, that fresh seeds were drawn for, or that another
    engine measured.
    """
    ratios = [both for pair in pairs if (both := _ratios(*pair)) is not None]
    counted = [both for both in ratios if both[0].unit != "seconds"]
    return Costs(
        compared=len(counted),
        dearer=_worst([more for more, _ in counted if more.ratio > FACTOR]),
        cheaper=tuple(map(_turned, _worst([less for _, less in counted if less.ratio > FACTOR]))),
        slower=_worst([more for more, _ in ratios if more.unit == "seconds" and _is_slower(more)]),
    )


def _is_slower(cost: Cost) -> bool:
    return cost.ratio > SECONDS_FACTOR and cost.after - cost.before > SECONDS


def _worst(costs: Sequence[Cost]) -> tuple[Cost, ...]:
    """Of each claim the cost that grew most, the largest first."""
    found = dict[str, Cost]()
    for each in sorted(costs, key=lambda each: each.ratio, reverse=True):
        found.setdefault(each.claim, each)
    return tuple(found.values())


def _ratios(claim: str, old: SideFinding, new: SideFinding) -> tuple[Cost, Cost] | None:
    """The cost of a finding, and the cost the other way round."""
    same_design = (old.work.engine, old.work.axis_values) == (new.work.engine, new.work.axis_values)
    if not (same_design and all(each.passed and each.work.alone for each in (old, new))):
        return None
    counted = _counted(old.work, new.work)
    if counted is None:
        return None
    unit, before, after = counted
    more = after / before / _explained(old.work, new.work)
    less = before / after / _explained(new.work, old.work)
    return (
        Cost(claim=claim, old=old, new=new, unit=unit, before=before, after=after, ratio=more),
        Cost(claim=claim, old=new, new=old, unit=unit, before=after, after=before, ratio=less),
    )


def _turned(cost: Cost) -> Cost:
    """A cost that was looked at from the second run to the first, from the first to the second."""
    return Cost(
        claim=cost.claim,
        old=cost.new,
        new=cost.old,
        unit=cost.unit,
        before=cost.after,
        after=cost.before,
        ratio=1 / cost.ratio,
    )


def _counted(old: Work, new: Work) -> tuple[Unit, float, float] | None:
    """In what the work of both is counted, and how much each took."""
    units: tuple[tuple[Unit, float | None, float | None], ...] = (
        ("operations", old.flops, new.flops),
        ("trainings", old.trainings, new.trainings),
        ("seconds", old.seconds, new.seconds),
    )
    return next(((unit, before, after) for unit, before, after in units if before and after), None)


def _explained(old: Work, new: Work) -> float:
    """By which factor more runs, or runs at other axis values, can have made the work more."""
    largest = max(old.axis_values)
    shares = [[(value / largest) ** power for value in old.axis_values] for power in _POWERS]
    return max(_weighted(new.seeds, each) / _weighted(old.seeds, each) for each in shares)


def _weighted(seeds: Sequence[int], each: Sequence[float]) -> float:
    return sum(count * share for count, share in zip(seeds, each, strict=True))
