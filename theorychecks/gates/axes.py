"""Axes: what is predicted of a model's coordinates along each, and what a failure along it is laid to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from theorychecks.finding import Finding
from theorychecks.gates.culprit import Diagnosis
from theorychecks.gates.depth import predicted_in_depth
from theorychecks.gates.diagnosis import diagnose
from theorychecks.gates.diagnosis_in_depth import diagnose_in_depth
from theorychecks.gates.diagnosis_in_experts import diagnose_in_experts
from theorychecks.gates.examined import Examined
from theorychecks.gates.expectations import predicted
from theorychecks.gates.experts import predicted_in_experts
from theorychecks.gates.values import IN_NUMBER
from theorychecks.networks import DepthParametrization, Parametrization
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import HalfInteger

NOTHING_PREDICTED: Final = "nothing is predicted of any coordinate; its roles leave all unchecked"


def predicted_along(
    examined: Examined,
    parametrization: Parametrization | DepthParametrization,
    moments: Sequence[Moment],
    *,
    first_update: int | None,
) -> dict[Moment, HalfInteger]:
    """What is predicted of those coordinates of a model of which something is; its first update may not be known."""
    if isinstance(parametrization, DepthParametrization):
        return predicted_in_depth(parametrization, examined.anatomy, moments)
    if examined.sweep.axis == "experts":
        return predicted_in_experts(examined.anatomy, moments)
    scale_free = examined.optimizing.scale_free
    expected = predicted(parametrization, examined.anatomy, moments, scale_free=scale_free, first_update=first_update)
    if examined.sweep.axis == "heads":
        return {moment: replace(each, corrections=IN_NUMBER) for moment, each in expected.items()}
    return expected


def diagnosed(examined: Examined, findings: Mapping[Moment, Finding]) -> Diagnosis:
    """What is wrong with a model of which these are the findings."""
    along = {"depth": diagnose_in_depth, "experts": diagnose_in_experts}
    return along.get(examined.sweep.axis, diagnose)(examined, findings)
