"""Diagnosis along the depth: the multiplier of blocks first, and the rates in them as one where they are off alike.

What a block adds to the stream is its multiplier times what it makes of the stream. Where that is off, so is the stream
and all that is given the stream: the first block, which is given what no block has changed, then speaks for all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from theorychecks.finding import Finding
from theorychecks.gates.culprit import Culprit, Diagnosis
from theorychecks.gates.diagnosis import culprits_of
from theorychecks.gates.examined import Examined
from theorychecks.models.coordinates import ADDED, EFFECTIVE
from theorychecks.models.depth import DepthAnatomy
from theorychecks.models.hooks import plain
from theorychecks.observables.coordinates import Moment


def diagnose_in_depth(examined: Examined, findings: Mapping[Moment, Finding]) -> Diagnosis:
    """What the coordinates that fail have in common; see `diagnose`."""
    anatomy = examined.anatomy
    assert isinstance(anatomy, DepthAnatomy)
    firsts = {names[0]: f"{kind.prefix}*" for kind, names in anatomy.blocks.names.items()}
    failing = [moment for moment, finding in findings.items() if finding.outcome == "fail"]
    streams_off = any(moment.coordinate.quantity == ADDED for moment in failing)
    told = findings
    if streams_off:
        order = list(dict.fromkeys(plain(name) for name in anatomy.modules))
        inside = [name for name in order if _is_in(name, firsts)]
        heard = {*order[: order.index(inside[0])], *inside}
        told = {moment: f for moment, f in findings.items() if plain(moment.coordinate.module) in heard}
    culprits = culprits_of(examined, told) if failing else []
    for kind, names in anatomy.blocks.names.items():
        rates = {moment.coordinate.parameter for moment in told if moment.coordinate.quantity == EFFECTIVE}
        culprits = _as_one(culprits, {name for name in rates if _is_in(name, names)}, f"{kind.prefix}*")
    if streams_off:
        culprits = [_of_all(culprit, firsts) for culprit in culprits]
        culprits.sort(key=lambda culprit: culprit.first.coordinate.quantity != ADDED)
    title = examined.model.title
    return Diagnosis(title, next(iter(failing), None), tuple(culprits), len(failing), len(findings))


def _of_all(culprit: Culprit, firsts: Mapping[str, str]) -> Culprit:
    """What is said of the first block, said of all; what it adds is off for sure, as what others add is."""
    where = culprit.where
    for first, every in firsts.items():
        where = where.replace(first, every)
    return replace(culprit, where=where, sure=culprit.sure or culprit.first.coordinate.quantity == ADDED)


def _as_one(culprits: Sequence[Culprit], inside: Collection[str], where: str) -> list[Culprit]:
    """Rates of all parameters in blocks as one culprit, in the place of the first, where they are off alike."""
    rates = [culprit for culprit in culprits if culprit.kind == "learning rate" and set(culprit.parts) <= set(inside)]
    parts = tuple(part for culprit in rates for part in culprit.parts)
    halves = {round(2 * culprit.exponent) for culprit in rates}
    if len(rates) < 2 or set(parts) != set(inside) or len(halves) > 1:
        return list(culprits)
    mean = sum(culprit.exponent * len(culprit.parts) for culprit in rates) / len(parts)
    sure = 2 * sum(culprit.sure for culprit in rates) > len(rates)
    one = replace(rates[0], where=where, parts=parts, exponent=mean, alike=(), sure=sure)
    return [one if culprit is rates[0] else culprit for culprit in culprits if culprit not in rates[1:]]


def _is_in(name: str, modules: Collection[str]) -> bool:
    return any(name == module or name.startswith((f"{module}.", f"{module} ")) for module in modules)
