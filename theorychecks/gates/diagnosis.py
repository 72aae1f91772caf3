"""Diagnosis: where a model goes wrong first, and whether its init, learning rate or multiplier is the likely culprit.

Read off the coordinates themselves (derived here): what a module returns before training, by what it is given, is its
init times its multiplier; its effective update after one step, by what it is given, its learning rate times its
multiplier. What is off by more than that follows from elsewhere. Whether an epsilon or a weight decay is behind an
update is told by training without them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from theorychecks.finding import Finding
from theorychecks.gates.culprit import Culprit, Diagnosis, Kind
from theorychecks.gates.examined import Examined
from theorychecks.models.coordinates import ADDED, EFFECTIVE, INPUT, RELATIVE, SIZE, Coordinate
from theorychecks.models.hooks import LOGITS, plain, starred
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import Interval

_OFF: Final = 0.25
"""Half of the smallest step between exponents: what is off by less follows from elsewhere."""
_BORDER: Final = 0.1
"""An init and an update that agree to _OFF within this may as well not agree."""
_FAINT: Final = -0.5
"""The power at which what a layer is given grows before training, where that is small then."""
_NO_EPSILON: Final = 1e-30
"""Square roots of smaller numbers, in single precision, are zero."""


class _Sign(NamedTuple):
    """One part's share in a culprit: what shows it, by how much the part is off, and whether that is sure."""

    moment: Moment
    kind: Kind
    part: str
    off: float
    interval: Interval
    sure: bool = True


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
    signs = _retried(examined, _signs(examined, findings), findings)
    return sorted(_culprits(examined, findings, signs), key=lambda culprit: not culprit.sure)


def _signs(examined: Examined, findings: Mapping[Moment, Finding]) -> list[_Sign]:
    """Inits and updates that are off, those of inits first; a multiplier takes the place of both.

    Those that fail are sure, and others that are not supported in doubt.
    """
    inits, rates = list[_Sign](), list[_Sign]()
    for moment, finding in findings.items():
        if finding.passed or finding.exponent is None:
            continue
        shows_rate = moment.coordinate.quantity in (EFFECTIVE, RELATIVE) and _shows_rate(examined, moment, findings)
        if not (shows_rate or _shows_init(examined, moment)):
            continue
        given = _given(examined, findings, moment)
        off = finding.exponent - given - (finding.expectation.exponent or 0.0)
        # What keeps below a bound has nothing to be blamed for.
        if abs(off) <= _OFF or (off < 0 and _is_bounded_above(finding)):
            continue
        found = finding.confirmation.interval if finding.confirmation else None
        interval = found or finding.interval
        assert interval is not None
        shift = given + (finding.expectation.exponent or 0.0)
        sure = finding.outcome == "fail" and (interval.low - shift > _OFF or interval.high - shift < -_OFF)
        if shows_rate:
            rates.append(_Sign(moment, "learning rate", moment.coordinate.parameter, off, interval, sure))
        else:
            name = _module(moment.coordinate)
            kind: Kind = "multiplier" if LOGITS in name or moment.coordinate.quantity == ADDED else "init"
            inits.append(_Sign(moment, kind, name, off, interval, sure))
    right = {_module(moment.coordinate) for moment, f in findings.items() if _is_right_rate(examined, moment, findings)}
    return _in_doubt(examined, *_with_multipliers(examined, inits, rates, right))


def _with_multipliers(
    examined: Examined, inits: Sequence[_Sign], rates: Sequence[_Sign], right: Collection[str]
) -> tuple[list[_Sign], list[_Sign]]:
    """Inits that are multipliers, since updates of the same module are off alike; these updates are left out.

    A multiplier scales all updates of its module. Where another one is right, what is off is given to a weight inside
    of the module, as the state of a recurrent cell is, and follows from the init.

    Args:
        examined: the model.
        inits: what is off before training.
        rates: updates that are off.
        right: modules of which some update is as it should be.
    """
    named, explained, inside = list[_Sign](), list[_Sign](), list[_Sign]()
    for place, init in enumerate(inits):
        # By plain gradients what is off in layers behind shows in its updates as well.
        followed = examined.optimizing.plain and place + 1 < len(inits)
        own = [rate for rate in rates if _module(rate.moment.coordinate) == init.part]
        apart = {rate: _apart(init.off, rate.off, scale_free=examined.optimizing.scale_free) for rate in own}
        alike = [rate for rate in own if apart[rate] < _OFF]
        close = any(abs(distance - _OFF) < _BORDER for distance in apart.values())
        if alike and (init.part in right or (followed and not any(_is_twice(init.off, rate.off) for rate in alike))):
            inside += alike
            init = init._replace(sure=init.sure and not followed)
        elif alike:
            sure = (init.sure or any(rate.sure for rate in alike)) and not followed
            init = init._replace(kind="multiplier", sure=sure)
            explained += alike
        named.append(init._replace(sure=init.sure and not close))
    doubted = [rate._replace(sure=rate.sure and rate not in inside) for rate in rates if rate not in explained]
    return named, doubted


def _in_doubt(examined: Examined, inits: Sequence[_Sign], rates: Sequence[_Sign]) -> list[_Sign]:
    """What plain gradients do is scaled by all that follows: updates tell less than what is off before them."""
    if examined.optimizing.scale_free:
        return [*inits, *rates]
    first = min((rate.moment.step for rate in rates), default=0)
    doubted = [rate._replace(sure=rate.sure and not inits and rate.moment.step == first) for rate in rates]
    return [*inits, *doubted]


def _given(examined: Examined, findings: Mapping[Moment, Finding], moment: Moment) -> float:
    """The power by which what a module is given grows more than it is meant to, where anything before it is off.

    A layer that is given too much returns too much; a multiplier before it is meant to give it less.
    """
    if moment.coordinate.quantity == RELATIVE:
        return 0.0
    order = list(findings)
    before = order[: order.index(moment)]
    misled = any(_upstream(other, moment) and _misses(findings[other]) for other in before)
    if not misled:
        return 0.0
    module = examined.anatomy.module_of(moment.coordinate.module)
    meant = _FAINT if module is not None and module.faint and moment.step == 0 else 0.0
    times = 1
    if moment.coordinate.quantity == EFFECTIVE:
        own = examined.anatomy.used_in(_module(moment.coordinate))
        part = next(part for part in own if part.name == moment.coordinate.parameter)
        # A bias moves by itself; plain gradients hold what a matrix is given once more.
        times = 0 if not part.matrix and any(p.matrix for p in own) else 1 + examined.optimizing.plain
    return times * (examined.slope(Coordinate(moment.coordinate.module, INPUT), moment.step) - meant)


def _retried(examined: Examined, signs: Sequence[_Sign], findings: Mapping[Moment, Finding]) -> list[_Sign]:
    """Updates that are in order once an epsilon is none, or nothing decays, are laid to that.

    A decay makes updates too large, or too small where it is a part of gradients that Adam normalises.
    """
    rates = [sign for sign in signs if sign.kind == "learning rate"]
    small = [sign for sign in rates if sign.off < 0]
    decays = examined.optimizing.decays or any(examined.model.adjustment(width).decay for width in examined.widths)
    cured: dict[_Sign, Kind] = {}
    if small and examined.optimizing.scale_free:
        for sign in _mended(examined, _without_epsilon(examined), small, findings):
            cured[sign] = "epsilon"
    if (left := [sign for sign in rates if sign not in cured]) and decays and not examined.optimizing.opaque:
        for sign in _mended(examined, _without_decay(examined), left, findings):
            cured[sign] = "weight decay"
    return [sign._replace(kind=cured.get(sign, sign.kind)) for sign in signs]


def _without_epsilon(examined: Examined) -> Examined:
    adjustment = examined.model.adjustment
    return examined.with_adjustment(lambda width: replace(adjustment(width), epsilon=_NO_EPSILON))


def _without_decay(examined: Examined) -> Examined:
    adjustment = examined.model.adjustment
    return examined.with_adjustment(lambda width: replace(adjustment(width), decay={}, undecayed=True))


def _mended(
    examined: Examined, changed: Examined, signs: Sequence[_Sign], findings: Mapping[Moment, Finding]
) -> list[_Sign]:
    """Those updates that are off as it is, and not in a changed set-up, by the same few trainings over all widths."""

    def off(tried: Examined, moment: Moment) -> float:
        wanted = findings[moment].expectation.exponent or 0.0
        return abs(tried.slope(moment.coordinate, moment.step) - _given(tried, findings, moment) - wanted)

    before, after = examined.over_all(), changed.over_all()
    return [sign for sign in signs if off(after, sign.moment) <= _OFF < off(before, sign.moment)]


def _culprits(examined: Examined, findings: Mapping[Moment, Finding], signs: Sequence[_Sign]) -> list[Culprit]:
    """Signs of one kind, of parts that differ in numbers alone, by sign and power of the width."""
    groups: list[list[_Sign]] = []
    for sign in signs:
        for group in groups:
            if _belongs(sign, group):
                group.append(sign)
                break
        else:
            groups.append([sign])
    readable = {_module(moment.coordinate) for moment in findings if _shows_init(examined, moment)}
    culprits = []
    for group in groups:
        first = group[0]
        parts = tuple(dict.fromkeys(sign.part for sign in group))
        off = sum(sign.off for sign in group) / len(group)
        sure = all(sign.sure for sign in group) or (len(group) > 2 and sum(s.sure for s in group) > len(group) / 2)
        alike = _alike(examined, first, _module(first.moment.coordinate) in readable)
        where = _where(examined, first.kind, parts)
        axis = examined.sweep.axis
        culprits.append(Culprit(first.kind, where, off, first.interval, first.moment, parts, alike, sure, axis))
    return culprits


def _belongs(sign: _Sign, group: Sequence[_Sign]) -> bool:
    """Whether a sign is off as a group is, in parts that are called alike."""
    first = group[0]
    if sign.kind != first.kind or (sign.off > 0) != (first.off > 0):
        return False
    if sign.kind in ("epsilon", "weight decay"):
        return True
    return starred(sign.part) == starred(first.part) and all(abs(sign.off - other.off) < _OFF for other in group)


def _alike(examined: Examined, sign: _Sign, readable: bool) -> tuple[str, ...]:
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
    every = [name for name in anatomy.modules if anatomy.own.get(name) or LOGITS in name]
    if kind not in ("init", "multiplier"):
        every = [part.name for part in anatomy.parameters]
    names = list[str]()
    for pattern in dict.fromkeys(map(starred, parts)):
        meant = [part for part in parts if starred(part) == pattern]
        called = {plain(name) for name in every if starred(plain(name)) == pattern}
        names += [pattern] if len(meant) > 1 and called == set(meant) else meant
    return ", ".join(names)


def _upstream(other: Moment, moment: Moment) -> bool:
    return (
        other.step == moment.step
        and other.coordinate.quantity == SIZE
        and other.coordinate.module != moment.coordinate.module
    )


def _misses(finding: Finding) -> bool:
    wanted = finding.expectation.exponent or 0.0
    return not finding.passed and finding.exponent is not None and abs(finding.exponent - wanted) > _OFF


def _apart(init: float, update: float, *, scale_free: bool) -> float:
    """How far an init and an update are from one multiplier, which scales both alike, and the gradient once more."""
    once = abs(update - init)
    # Twice an init has twice its error.
    return once if scale_free else min(once, abs(update - 2 * init) / 2)


def _is_twice(init: float, update: float) -> bool:
    return abs(update - 2 * init) / 2 < abs(update - init)


def _is_bounded_above(finding: Finding) -> bool:
    allowed = finding.judgement.allowed
    return allowed is not None and allowed.low == -math.inf


def _shows_init(examined: Examined, moment: Moment) -> bool:
    if moment.coordinate.quantity == ADDED:
        return examined.moves_at(moment.coordinate) == moment.step
    if moment.coordinate.quantity != SIZE or moment.step:
        return False
    module = _module(moment.coordinate)
    layer = bool(examined.anatomy.own.get(module)) and not examined.anatomy.holds_layers(module)
    return layer or LOGITS in moment.coordinate.module


def _shows_rate(examined: Examined, moment: Moment, findings: Mapping[Moment, Finding]) -> bool:
    """Whether an update shows its learning rate: it is the first one, or the first was the same for all weights."""
    first = examined.moves_at(moment.coordinate)
    if first is None or first == moment.step:
        return True
    if Moment(moment.coordinate, first) in findings:
        return False
    wanted = findings[moment].expectation.exponent or 0.0
    return abs(examined.slope(moment.coordinate, first) - wanted) > _OFF


def _is_right_rate(examined: Examined, moment: Moment, findings: Mapping[Moment, Finding]) -> bool:
    """Whether something is a first update that is neither too large nor too small."""
    finding = findings[moment]
    told = moment.coordinate.quantity == EFFECTIVE and finding.passed and not finding.expectation.kind.endswith("bound")
    return told and _shows_rate(examined, moment, findings)


def _module(coordinate: Coordinate) -> str:
    return plain(coordinate.module)
