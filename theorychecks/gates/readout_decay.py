"""Decay of readouts: where it makes up much of their updates, what they learn is judged without any decay."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from theorychecks.finding import Finding
from theorychecks.gates.cures import without_decay
from theorychecks.gates.examined import Examined
from theorychecks.models.coordinates import EFFECTIVE
from theorychecks.models.hooks import plain
from theorychecks.networks import MAXIMAL_UPDATE, DepthParametrization, Parametrization
from theorychecks.observables.coordinates import Moment
from theorychecks.statistics import HalfInteger, Measurement

_MUCH: Final = 0.1
"""Of an update's logarithm, at the narrowest width: less moves no exponent over a factor of 8 by more than 0.05."""

_GRAVEST: Final = ("fail", "inconclusive", "pass")
Judge = Callable[[Examined, Mapping[Moment, HalfInteger], str], dict[Moment, Finding]]
"""From a model, what is predicted of its coordinates, and a label to findings."""


def learned_apart(
    examined: Examined,
    expected: Mapping[Moment, HalfInteger],
    parametrization: Parametrization | DepthParametrization,
) -> dict[Moment, HalfInteger]:
    """What is predicted without a decay, of updates of readouts that a decay makes up much of.

    What a step takes of a readout W moves outputs by rate * decay * W x, which falls as n^-1/2 where rate * decay does
    not grow, and what it learns by Theta(1): both together fall as long as the decay is the larger part, and are
    bounded alone. A few trainings with the decay and without it tell how much it is.

    None where what a decay takes need not fall, as in other parametrizations and along other axes, nor where a function
    makes the steps. One in gradients that Adam normalises is no part of the weights, and is judged as it is. What is
    learned without a decay is taken for what is learned with it, as where the size of a step does not depend on that of
    the weights.
    """
    if parametrization != MAXIMAL_UPDATE or examined.sweep.axis != "width":
        return {}
    if examined.optimizing.opaque or not examined.decays:
        return {}
    updates = [moment for moment, each in expected.items() if not each.at_most and _is_of_readout(examined, moment)]
    shrinking = examined.shrinking() if updates else ()
    updates = [moment for moment in updates if moment.coordinate.parameter in shrinking]
    learned = without_decay(examined).measurements if updates else {}
    return {
        moment: expected[moment]
        for moment in updates
        if moment in learned and _MUCH < _log_ratio(examined.measurements[moment], learned[moment]) < math.inf
    }


def bounded(expected: Mapping[Moment, HalfInteger], apart: Collection[Moment]) -> dict[Moment, HalfInteger]:
    """What is predicted with the decay, of all coordinates."""
    return {moment: replace(each, at_most=True) if moment in apart else each for moment, each in expected.items()}


def judged_apart(
    examined: Examined, findings: Mapping[Moment, Finding], apart: Mapping[Moment, HalfInteger], judge: Judge
) -> tuple[dict[Moment, Finding], Examined]:
    """Findings of all coordinates, of which some are judged without a decay as well, and the model that explains them.

    Of two findings on one update that counts which says more against it, or what is learned where they say the same.
    """
    if not apart:
        return dict(findings), examined
    learning = without_decay(examined)
    learned = judge(learning, apart, f"{examined.model.title} without weight decay")
    # What is wrong without a decay, and with it keeps its bound, is none of the decay's.
    only = all(findings[moment].passed for moment in apart) and not all(each.passed for each in learned.values())
    worse = {
        moment: min((finding, findings[moment]), key=lambda each: _GRAVEST.index(each.outcome))
        for moment, finding in learned.items()
    }
    return {**findings, **worse}, learning if only else examined


def _is_of_readout(examined: Examined, moment: Moment) -> bool:
    name, quantity, parameter = moment.coordinate
    used = examined.anatomy.used_in(plain(name)) if quantity == EFFECTIVE else ()
    return any(part.name == parameter and part.role == "output" and part.matrix for part in used)


def _log_ratio(one: Measurement, other: Measurement) -> float:
    """How far apart two updates are at the narrowest width; without end where one is nothing."""
    first, second = (_mean_log(each.values[0]) for each in (one, other))
    return abs(first - second) if math.isfinite(first) and math.isfinite(second) else math.inf


def _mean_log(values: Sequence[float]) -> float:
    logs = [math.log(value) for value in values if value > 0]
    return sum(logs) / len(logs) if logs else -math.inf


def note_on_decay(apart: Collection[Moment]) -> str:
    """What was judged without its decay, and why, in a line."""
    names = ", ".join(dict.fromkeys(moment.coordinate.parameter for moment in apart))
    return (
        f"- judged without weight decay: what {names} learns; what a step takes of a readout falls with the width, and "
        "with it its update is judged from above"
    )
