"""Diagnosis along the number of experts: where what a mixture returns is off, and no expert is, its multiplier is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from theorychecks.finding import Finding
from theorychecks.gates.culprit import Culprit, Diagnosis
from theorychecks.gates.diagnosis import culprits_of
from theorychecks.gates.examined import Examined
from theorychecks.gates.signs import OFF, module_of
from theorychecks.models.coordinates import CHANGE, SIZE
from theorychecks.models.experts import ExpertsAnatomy
from theorychecks.models.hooks import starred
from theorychecks.models.roles import within
from theorychecks.observables.coordinates import Moment


def diagnose_in_experts(examined: Examined, findings: Mapping[Moment, Finding]) -> Diagnosis:
    """What the coordinates that fail have in common; see `diagnose`."""
    failing = [moment for moment, finding in findings.items() if finding.outcome == "fail"]
    culprits = culprits_of(examined, findings) if failing else []
    culprits = [*_multipliers(examined, findings, culprits), *culprits]
    culprits.sort(key=lambda culprit: not culprit.sure)
    title = examined.model.title
    return Diagnosis(title, next(iter(failing), None), tuple(culprits), len(failing), len(findings))


def _multipliers(examined: Examined, findings: Mapping[Moment, Finding], culprits: Sequence[Culprit]) -> list[Culprit]:
    """Multipliers of mixtures that are off though all rates inside are right, alike ones as one; see `few`."""
    anatomy = examined.anatomy
    assert isinstance(anatomy, ExpertsAnatomy)
    found = list[Culprit]()
    blamed = [part for culprit in culprits for part in culprit.parts]
    for moment, finding in findings.items():
        name, off = module_of(moment.coordinate), finding.exponent
        shown = SIZE if name in anatomy.few else CHANGE
        first = moment.coordinate.quantity == shown and examined.moves_at(moment.coordinate) == moment.step
        if not first or name not in anatomy.innermost or finding.passed or off is None or abs(off) <= OFF:
            continue
        if any(within(part, name) for part in blamed):
            continue
        interval = finding.confirmation.interval if finding.confirmation else None
        interval = interval or finding.interval
        assert interval is not None
        sure = finding.outcome == "fail"
        found.append(Culprit("multiplier", name, off, interval, moment, (name,), sure=sure, axis=examined.sweep.axis))
    alike = len(found) > 1 and all(abs(each.exponent - found[0].exponent) < OFF for each in found)
    pattern = starred(found[0].where) if found else ""
    if not alike or {name for name in anatomy.innermost if starred(name) == pattern} != {one.where for one in found}:
        return found
    mean = sum(each.exponent for each in found) / len(found)
    parts = tuple(each.where for each in found)
    return [replace(found[0], where=pattern, parts=parts, exponent=mean, sure=any(each.sure for each in found))]
