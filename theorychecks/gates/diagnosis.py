"""Diagnosis: where a model goes wrong first, and whether its init, learning rate or multiplier is the likely culprit.

Read off the coordinates themselves (derived here): what a module returns before training, by what it is given, is its
init times its multiplier; its effective update after one step, by what it is given, its learning rate times its
multiplier. What is off by more than that follows from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from theorychecks.gates.source import Moment, Source
from theorychecks.modules.coordinates import EFFECTIVE, INPUT, SIZE, Coordinate
from theorychecks.modules.hooks import LOGITS, plain
from theorychecks.statistics import Finding, Interval

Kind = Literal["init", "learning rate", "multiplier"]
_OFF: Final = 0.25
"""Half of the smallest step between exponents: what is off by less follows from elsewhere."""
_MOVES_AS_WELL: Final = {True: "its weight decay", False: "the optimizer's epsilon"}
"""What makes updates too large, or too small, besides a learning rate."""


@dataclass(frozen=True)
class Culprit:
    """What is probably wrong with some parts of a model.

    Attributes:
        kind: "init", "learning rate" or "multiplier".
        where: the parts, with a star for numbers in which they differ: `blocks.*.mlp.fc2.weight`.
        exponent: of the width, by which it is too large, or too small where it is negative.
        interval: of the coordinate that shows it, on fresh seeds where it was confirmed there.
        first: that coordinate.
        parts: by name, in the order of the forward pass.
        readable: whether its init shows, which tells a learning rate from a multiplier; that of zeros does not.
        sure: whether the coordinate that shows it is refuted itself, and not undecided beside others that are.
    """

    kind: Kind
    where: str
    exponent: float
    interval: Interval
    first: Moment
    parts: tuple[str, ...]
    readable: bool = True
    sure: bool = True

    def __str__(self) -> str:
        large = self.exponent > 0
        ends = f"[{self.interval.low:+.2f}, {self.interval.high:+.2f}]"
        others = [] if self.readable else ["its multiplier"]
        others += [_MOVES_AS_WELL[large]] if self.kind == "learning rate" else []
        others += ["a bias added to them"] if LOGITS in self.where else []
        alike = f"{' or '.join(others)} would show alike; " if others else ""
        size, way = abs(self.exponent), "large" if large else "small"
        doubt, where = "" if self.sure else "perhaps ", self.where or "the model"
        return (
            f"{doubt}{self.kind} of `{where}` too {way} by {_halves(size)} ({alike}n^{size:.2f} as "
            f"measured; {self.first} has the exponent interval {ends})"
        )


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a model, in the order in which it shows; false where nothing is.

    Attributes:
        title: of the model.
        first: the first coordinate that is refuted, by steps and then by the forward pass.
        culprits: what is likely to be wrong.
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
                "- neither its init nor an update of its own is off: look at multipliers outside of modules on its way"
            )
        return "\n".join(lines)


def diagnose(source: Source, findings: Mapping[Moment, Finding], drawn_from: int) -> Diagnosis:
    """What the coordinates that fail have in common.

    Args:
        source: of the numbers, also of those that are not judged.
        findings: by coordinate, in order.
        drawn_from: which seeds they are from.
    """
    failing = {moment: finding for moment, finding in findings.items() if finding.outcome == "fail"}
    culprits = _culprits(source, findings, failing, drawn_from)
    if failing and not culprits:
        doubted = {moment: finding for moment, finding in findings.items() if not finding.passed}
        culprits = [replace(culprit, sure=False) for culprit in _culprits(source, findings, doubted, drawn_from)]
    return Diagnosis(source.model.title, next(iter(failing), None), tuple(culprits), len(failing), len(findings))


def _culprits(
    source: Source, findings: Mapping[Moment, Finding], failing: Mapping[Moment, Finding], drawn_from: int
) -> list[Culprit]:
    inits: dict[Moment, float] = {}
    rates: dict[Moment, float] = {}
    order = list(findings)
    for moment, finding in failing.items():
        coordinate, exponent = moment.coordinate, finding.expectation.exponent or 0.0
        measured = finding.fit.exponent if finding.fit else exponent
        # A layer that is given too much returns too much; a multiplier before it is meant to give it less.
        before = order[: order.index(moment)]
        misled = any(_upstream(other, moment) and _misses(findings[other]) for other in before)
        given = source.slope(Coordinate(coordinate.module, INPUT), moment.step, drawn_from) if misled else 0.0
        off = measured - given - exponent
        own = source.anatomy.own.get(_module(coordinate), ())
        if _shows_init(moment) and (own or LOGITS in coordinate.module) and _is_off(off):
            inits[moment] = off
        if coordinate.quantity == EFFECTIVE and moment.step == _first_step(coordinate, findings) and _is_off(off):
            rates[moment] = off
    readable = {_module(moment.coordinate) for moment in findings if _shows_init(moment)}
    by_module: dict[str, list[tuple[Moment, float]]] = {}
    for moment, off in rates.items():
        by_module.setdefault(_module(moment.coordinate), []).append((moment, off))
    found: dict[tuple[Kind, str], list[tuple[Moment, float, str]]] = {}
    explained = set[Moment]()
    for moment, off in inits.items():
        module = _module(moment.coordinate)
        kind: Kind = "init"
        if LOGITS in module:
            kind = "multiplier"
        else:
            both = [m for m, o in by_module.get(module, []) if _is_multiplier(off, o, scale_free=source.scale_free)]
            kind = "multiplier" if both else "init"
            explained.update(both)
        found.setdefault((kind, _pattern(module)), []).append((moment, off, module))
    for moment, off in rates.items():
        if moment not in explained:
            name = moment.coordinate.parameter
            found.setdefault(("learning rate", _pattern(name)), []).append((moment, off, name))
    culprits = []
    for (kind, pattern), members in found.items():
        moment, off, name = members[0]
        confirmed = failing[moment].confirmation
        interval = (confirmed.interval if confirmed else None) or failing[moment].interval
        assert interval is not None
        where = pattern if len(members) > 1 else name
        parts = tuple(part for _, _, part in members)
        shown = kind != "learning rate" or _module(moment.coordinate) in readable
        # What plain gradients do is scaled by all that follows, so that updates tell less than what is off before them.
        sure = kind != "learning rate" or source.scale_free or not inits
        culprits.append(Culprit(kind, where, off, interval, moment, parts, shown, sure))
    return culprits


def _upstream(other: Moment, moment: Moment) -> bool:
    return (
        other.step == moment.step
        and other.coordinate.quantity == SIZE
        and other.coordinate.module != moment.coordinate.module
    )


def _misses(finding: Finding) -> bool:
    wanted = finding.expectation.exponent or 0.0
    return not finding.passed and finding.fit is not None and _is_off(finding.fit.exponent - wanted)


def _is_multiplier(init: float, update: float, *, scale_free: bool) -> bool:
    """A multiplier scales both alike, and the gradient once more."""
    return abs(update - init) < _OFF or (not scale_free and abs(update - 2 * init) < _OFF)


def _shows_init(moment: Moment) -> bool:
    return moment.coordinate.quantity == SIZE and moment.step == 0


def _is_off(exponent: float) -> bool:
    return abs(exponent) > _OFF


def _first_step(coordinate: Coordinate, findings: Mapping[Moment, Finding]) -> int:
    return min(moment.step for moment in findings if moment.coordinate == coordinate)


def _module(coordinate: Coordinate) -> str:
    return plain(coordinate.module)


def _pattern(name: str) -> str:
    return re.sub(r"(?<![^.])\d+(?![^. ])", "*", name)


def _halves(exponent: float) -> str:
    """The nearest half-integer power of the width."""
    halves = max(round(2 * exponent), 1)
    return f"n^{halves // 2}" if halves % 2 == 0 else f"n^{halves}/2"
