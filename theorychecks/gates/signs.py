"""Signs: what each coordinate shows of a part's init, learning rate or multiplier, and by how much that is off.

Read off the coordinates themselves (derived here): what a module returns before training, by what it is given, is its
init times its multiplier; its effective update after one step, by what it is given, its learning rate times its
multiplier. What is off by more than that follows from elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from theorychecks.finding import Finding
from theorychecks.gates.culprit import Kind
from theorychecks.gates.examined import Examined
from theorychecks.models.coordinates import ADDED, EFFECTIVE, INPUT, RELATIVE, SIZE, Coordinate
from theorychecks.models.hooks import LOGITS, plain
from theorychecks.models.roles import within
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import Interval

OFF: Final = 0.25
"""Half of the smallest step between exponents: what is off by less follows from elsewhere."""
_BORDER: Final = 0.1
"""An init and an update that agree to OFF within this may as well not agree."""
_FAINT: Final = -0.5
"""The power at which what a layer is given grows before training, where that is small then."""


class Sign(NamedTuple):
    """One part's share in a culprit: what shows it, by how much the part is off, and whether that is sure."""

    moment: Moment
    kind: Kind
    part: str
    off: float
    interval: Interval
    sure: bool = True


def signs_of(examined: Examined, findings: Mapping[Moment, Finding]) -> list[Sign]:
    """Inits and updates that are off, those of inits first; a multiplier takes the place of both.

    Those that fail are sure, and others that are not supported in doubt.
    """
    inits, rates = list[Sign](), list[Sign]()
    for moment, finding in findings.items():
        if finding.passed or finding.exponent is None:
            continue
        shows_rate = moment.coordinate.quantity in (EFFECTIVE, RELATIVE) and _shows_rate(examined, moment, findings)
        if _is_told_relatively(moment, findings) or not (shows_rate or shows_init(examined, moment)):
            continue
        given = given_beyond(examined, findings, moment)
        if given:
            # Both bend alike, and are read alike: by least squares, as an interval that allows for corrections is not.
            given += finding.exponent - examined.slope(*moment)
        shift = given + (finding.expectation.exponent or 0.0)
        off = finding.exponent - shift
        # What keeps below a bound has nothing to be blamed for.
        if abs(off) <= OFF or (off < 0 and _is_bounded_above(finding)):
            continue
        # Queries and keys that are off make their products off by twice as much, and nothing tells them from values.
        caused = any(_makes_logits(sign.part, moment) for sign in inits)
        found = finding.confirmation.interval if finding.confirmation else None
        interval = found or finding.interval
        assert interval is not None
        sure = finding.outcome == "fail" and (interval.low - shift > OFF or interval.high - shift < -OFF)
        sure = sure and not caused
        if shows_rate:
            rates.append(Sign(moment, "learning rate", moment.coordinate.parameter, off, interval, sure))
        elif alike := [s for s in inits if moment.coordinate.quantity == ADDED and _is_behind(s, moment, off)]:
            # What a block adds follows from what its layers return, and shows it once more.
            inits = [sign._replace(sure=sign.sure or sure) if sign in alike else sign for sign in inits]
        else:
            name = _router_of(examined, moment) or module_of(moment.coordinate)
            kind: Kind = "multiplier" if LOGITS in name or moment.coordinate.quantity == ADDED else "init"
            inits.append(Sign(moment, kind, name, off, interval, sure))
    return with_multipliers(examined, [*inits, *rates], findings)


def with_multipliers(examined: Examined, signs: Sequence[Sign], findings: Mapping[Moment, Finding]) -> list[Sign]:
    """Signs of which those of inits and learning rates that a multiplier explains are one."""
    right = {module_of(moment.coordinate) for moment in findings if _is_right_rate(examined, moment, findings)}
    inits = [sign for sign in signs if sign.kind in ("init", "multiplier")]
    rates = [sign for sign in signs if sign.kind == "learning rate"]
    others = [sign for sign in signs if sign not in inits and sign not in rates]
    return [*_in_doubt(examined, *_explained(examined, inits, rates, right)), *others]


def _explained(
    examined: Examined, inits: Sequence[Sign], rates: Sequence[Sign], right: Collection[str]
) -> tuple[list[Sign], list[Sign]]:
    """Inits that are multipliers, since updates of the same module are off alike; these updates are left out.

    A multiplier scales all updates of its module. Where another one is right, what is off is given to a weight inside
    of the module, as the state of a recurrent cell is, and follows from the init.

    Args:
        examined: the model.
        inits: what is off before training.
        rates: updates that are off.
        right: modules of which some update is as it should be.
    """
    named, explained, inside = list[Sign](), list[Sign](), list[Sign]()
    for place, init in enumerate(inits):
        # By plain gradients what is off in layers behind shows in its updates as well.
        followed = examined.optimizing.plain and place + 1 < len(inits)
        own = [rate for rate in rates if module_of(rate.moment.coordinate) == init.part]
        apart = {rate: _apart(init.off, rate.off, scale_free=examined.optimizing.scale_free) for rate in own}
        alike = [rate for rate in own if apart[rate] < OFF]
        close = any(abs(distance - OFF) < _BORDER for distance in apart.values())
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


def _in_doubt(examined: Examined, inits: Sequence[Sign], rates: Sequence[Sign]) -> list[Sign]:
    """What plain gradients do is scaled by all that follows: updates tell less than what is off before them."""
    if examined.optimizing.scale_free:
        return [*inits, *rates]
    first = min((rate.moment.step for rate in rates), default=0)
    doubted = [rate._replace(sure=rate.sure and not inits and rate.moment.step == first) for rate in rates]
    return [*inits, *doubted]


def given_beyond(examined: Examined, findings: Mapping[Moment, Finding], moment: Moment) -> float:
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
        own = examined.anatomy.used_in(module_of(moment.coordinate))
        part = next(part for part in own if part.name == moment.coordinate.parameter)
        # A bias moves by itself; plain gradients hold what a matrix is given once more.
        times = 0 if not part.matrix and any(p.matrix for p in own) else 1 + examined.optimizing.plain
    beyond = examined.slope(Coordinate(moment.coordinate.module, INPUT), moment.step) - meant
    if moment.coordinate.quantity == EFFECTIVE and not any(p.matrix for p in own):
        # A norm takes out what it is given too much, and a gain alone returns it.
        returned = examined.slope(Coordinate(moment.coordinate.module, SIZE), moment.step)
        times = times if abs(returned - beyond) <= OFF else 0
    return times * beyond


def _is_told_relatively(moment: Moment, findings: Mapping[Moment, Finding]) -> bool:
    """Whether an update is judged by what its layer is given, which tells by how much its rate is off."""
    relative = moment.coordinate._replace(quantity=RELATIVE)
    return moment.coordinate.quantity == EFFECTIVE and Moment(relative, moment.step) in findings


def _upstream(other: Moment, moment: Moment) -> bool:
    return (
        other.step == moment.step
        and other.coordinate.quantity == SIZE
        and other.coordinate.module != moment.coordinate.module
    )


def _misses(finding: Finding) -> bool:
    wanted = finding.expectation.exponent or 0.0
    return not finding.passed and finding.exponent is not None and abs(finding.exponent - wanted) > OFF


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


def shows_init(examined: Examined, moment: Moment) -> bool:
    """Whether something shows an init: what a layer returns before training, attention logits, or what a block adds."""
    if moment.coordinate.quantity == ADDED:
        return examined.moves_at(moment.coordinate) == moment.step
    if moment.coordinate.quantity != SIZE or moment.step:
        return False
    module = module_of(moment.coordinate)
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
    return abs(examined.slope(moment.coordinate, first) - wanted) > OFF


def _is_right_rate(examined: Examined, moment: Moment, findings: Mapping[Moment, Finding]) -> bool:
    """Whether something is a first update that is neither too large nor too small."""
    finding = findings[moment]
    told = moment.coordinate.quantity == EFFECTIVE and finding.passed and not finding.expectation.kind.endswith("bound")
    return told and _shows_rate(examined, moment, findings)


def _router_of(examined: Examined, moment: Moment) -> str:
    """The module of which a matrix of its own reads out the logits that its softmax is given, or nothing."""
    owner, _, rest = module_of(moment.coordinate).rpartition(LOGITS)
    owner, anatomy = owner.strip(), examined.anatomy
    if rest or not anatomy.own.get(owner) or anatomy.holds_layers(owner):
        return ""
    matrices = [part for part in anatomy.used_in(owner) if part.matrix]
    return owner if matrices and all(part.role == "output" for part in matrices) else ""


def _makes_logits(part: str, moment: Moment) -> bool:
    """Whether a layer is inside of the module of which a coordinate is the size of attention logits."""
    owner, _, rest = module_of(moment.coordinate).rpartition(LOGITS)
    return moment.coordinate.quantity == SIZE and not rest and bool(owner.strip()) and within(part, owner.strip())


def _is_behind(sign: Sign, added: Moment, off: float) -> bool:
    """Whether a layer inside of a block is off as what that adds is, before it is multiplied."""
    inside = sign.kind == "init" and within(sign.part, module_of(added.coordinate))
    return inside and abs(sign.off - off) <= OFF


def module_of(coordinate: Coordinate) -> str:
    """The module in which something is read."""
    return plain(coordinate.module)
