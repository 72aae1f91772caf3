"""Diagnosis: where a model goes wrong first, and whether its init, learning rate or multiplier is the likely culprit.

Signs of one kind, in parts that are called alike, make one culprit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from theorychecks.finding import Finding
from theorychecks.gates.culprit import Culprit, Diagnosis, Kind
from theorychecks.gates.cures import retried
from theorychecks.gates.examined import Examined
from theorychecks.gates.signs import OFF, Sign, module_of, shows_init, signs_of
from theorychecks.models.hooks import LOGITS, plain, starred
from theorychecks.observables.coordinates import Moment


def diagnose(examined: Examined, findings: Mapping[Moment, Finding]) -> Diagnosis:
    """What the coordinates that fail have in common.

    Args:
        examined: the model, with all its coordinates.
        findings: by coordinate, in order.
    """
    failing = [moment for moment, finding in findings.items() if finding.outcome == "fail"]
    culprits = culprits_of(examined, findings) if failing else []
    return Diagnosis(examined.model.title, next(iter(failing), None), tuple(culprits), len(failing), len(findings))


def culprits_of(examined: Examined, findings: Mapping[Moment, Finding]) -> list[Culprit]:
    """What is off by itself among coordinates that are not supported, what is sure first."""
    signs = retried(examined, signs_of(examined, findings), findings)
    return sorted(_culprits(examined, findings, signs), key=lambda culprit: not culprit.sure)


def _culprits(examined: Examined, findings: Mapping[Moment, Finding], signs: Sequence[Sign]) -> list[Culprit]:
    """Signs of one kind, of parts that differ in numbers alone, by sign and power of the width."""
    groups: list[list[Sign]] = []
    for sign in signs:
        for group in groups:
            if _belongs(sign, group):
                group.append(sign)
                break
        else:
            groups.append([sign])
    readable = {module_of(moment.coordinate) for moment in findings if shows_init(examined, moment)}
    culprits = []
    for group in groups:
        first = group[0]
        parts = tuple(dict.fromkeys(sign.part for sign in group))
        off = sum(sign.off for sign in group) / len(group)
        sure = all(sign.sure for sign in group) or (len(group) > 2 and sum(s.sure for s in group) > len(group) / 2)
        alike = _alike(examined, first, module_of(first.moment.coordinate) in readable)
        where = _where(examined, first.kind, parts)
        axis = examined.sweep.axis
        culprits.append(Culprit(first.kind, where, off, first.interval, first.moment, parts, alike, sure, axis))
    return culprits


def _belongs(sign: Sign, group: Sequence[Sign]) -> bool:
    """Whether a sign is off as a group is, in parts that are called alike."""
    first = group[0]
    if sign.kind != first.kind or (sign.off > 0) != (first.off > 0):
        return False
    if sign.kind in ("epsilon", "weight decay"):
        return True
    return starred(sign.part) == starred(first.part) and all(abs(sign.off - other.off) < OFF for other in group)


def _alike(examined: Examined, sign: Sign, readable: bool) -> tuple[str, ...]:
    found = []
    if sign.kind == "learning rate":
        # An init of zeros does not show, which would tell a learning rate from a multiplier.
        found += [] if readable else ["its multiplier"]
        found += [_MOVES_AS_WELL[sign.off > 0]] if examined.optimizing.opaque else []
    if LOGITS in sign.part:
        found.append("a bias added to them")
    return tuple(found)


_MOVES_AS_WELL: Final = {True: "its weight decay", False: "the optimizer's epsilon"}
"""What makes updates too large, or too small, besides a learning rate."""


def _where(examined: Examined, kind: Kind, parts: Sequence[str]) -> str:
    """Names of parts, or one with stars where that is the name of no other part."""
    anatomy = examined.anatomy
    every = [name for name in anatomy.modules if anatomy.own.get(plain(name)) or LOGITS in name]
    if kind not in ("init", "multiplier"):
        every = [part.name for part in anatomy.parameters]
    names = list[str]()
    for pattern in dict.fromkeys(map(starred, parts)):
        meant = [part for part in parts if starred(part) == pattern]
        called = {plain(name) for name in every if starred(plain(name)) == pattern}
        names += [pattern] if len(meant) > 1 and called == set(meant) else meant
    return ", ".join(names)
