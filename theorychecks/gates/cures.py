"""Cures: whether an epsilon or a weight decay is behind an update that is off, told by training without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from theorychecks.finding import Finding
from theorychecks.gates.culprit import Kind
from theorychecks.gates.examined import Examined
from theorychecks.gates.signs import OFF, Sign, given_beyond
from theorychecks.observables.coordinates import Moment

_NO_EPSILON: Final = 1e-30
"""Square roots of smaller numbers, in single precision, are zero."""


def retried(examined: Examined, signs: Sequence[Sign], findings: Mapping[Moment, Finding]) -> list[Sign]:
    """Updates that are in order once an epsilon is none, or nothing decays, are laid to that.

    A decay makes updates too large, or too small where it is a part of gradients that Adam normalises.
    """
    rates = [sign for sign in signs if sign.kind == "learning rate"]
    small = [sign for sign in rates if sign.off < 0]
    decays = examined.optimizing.decays or any(examined.model.adjustment(width).decay for width in examined.widths)
    cured: dict[Sign, Kind] = {}
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
    examined: Examined, changed: Examined, signs: Sequence[Sign], findings: Mapping[Moment, Finding]
) -> list[Sign]:
    """Those updates that are not off in a changed set-up, and clearly less so than as it is.

    Both are told by the same few trainings over all widths. Least squares read less off what bends than its interval
    does, so that an update need not be off by these trainings as it is: the cure has to move it.
    """

    def off(tried: Examined, moment: Moment) -> float:
        wanted = findings[moment].expectation.exponent or 0.0
        return abs(tried.slope(moment.coordinate, moment.step) - given_beyond(tried, findings, moment) - wanted)

    before, after = examined.over_all(), changed.over_all()
    left = {sign: off(after, sign.moment) for sign in signs}
    return [s for s in signs if left[s] <= OFF and off(before, s.moment) - left[s] > OFF / 2]
