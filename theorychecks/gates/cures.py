"""Cures: whether an epsilon or a weight decay is behind an update that is off, told by training without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from theorychecks.finding import Finding
from theorychecks.gates.examined import Examined
from theorychecks.gates.signs import OFF, Sign, given_beyond, with_multipliers
from theorychecks.observables.coordinates import Moment

_NO_EPSILON: Final = 1e-30
"""Square roots of smaller numbers, in single precision, are zero."""


def retried(examined: Examined, signs: Sequence[Sign], findings: Mapping[Moment, Finding]) -> list[Sign]:
    """Updates that are in order once an epsilon is none, or nothing decays, are laid to that.

    A decay makes updates too large, or too small where it is a part of gradients that Adam normalises.
    Gradients that something else makes too small come near to an epsilon that is no larger than usual: what is left of
    such an update without it is what its rate, or a multiplier, is off by.
    """
    rates = [sign for sign in signs if _is_rate(sign)]
    small = [sign for sign in rates if sign.off < 0]
    told: dict[Sign, Sign] = {}
    if small and examined.optimizing.scale_free:
        for sign, left in _moved(examined, _without_epsilon(examined), small, findings).items():
            told[sign] = sign._replace(kind="epsilon") if abs(left) <= OFF else sign._replace(off=left)
    remaining = [sign for sign in rates if _is_rate(told.get(sign, sign))]
    if remaining and examined.decays and not examined.optimizing.opaque:
        for sign, left in _moved(examined, without_decay(examined), remaining, findings).items():
            if abs(left) <= OFF:
                told[sign] = sign._replace(kind="weight decay")
    signs = [told.get(sign, sign) for sign in signs]
    left_over = {sign.moment for sign in told.values() if _is_rate(sign)}
    if not left_over:
        return signs
    # What is left may be that of a multiplier; that of a rate was told by few trainings.
    signs = with_multipliers(examined, signs, findings)
    return [sign._replace(sure=False) if _is_rate(sign) and sign.moment in left_over else sign for sign in signs]


def _is_rate(sign: Sign) -> bool:
    return sign.kind == "learning rate"


def _without_epsilon(examined: Examined) -> Examined:
    adjustment = examined.model.adjustment
    return examined.with_adjustment(lambda width: replace(adjustment(width), epsilon=_NO_EPSILON))


def without_decay(examined: Examined) -> Examined:
    """The same model, whose weights do not decay."""
    adjustment = examined.model.adjustment
    return examined.with_adjustment(lambda width: replace(adjustment(width), decay={}, undecayed=True))


def _moved(
    examined: Examined, changed: Examined, signs: Sequence[Sign], findings: Mapping[Moment, Finding]
) -> dict[Sign, float]:
    """By how much updates are off in a changed set-up, of those that are clearly less off there than as it is.

    Both are told by the same few trainings over all widths. Least squares read less off what bends than its interval
    does, so that an update need not be off by these trainings as it is: the cure has to move it.
    """

    def off(tried: Examined, moment: Moment) -> float:
        wanted = findings[moment].expectation.exponent or 0.0
        return tried.slope(moment.coordinate, moment.step) - given_beyond(tried, findings, moment) - wanted

    before, after = examined.over_all(), changed.over_all()
    left = {sign: off(after, sign.moment) for sign in signs}
    return {s: left[s] for s in signs if abs(off(before, s.moment)) - abs(left[s]) > OFF / 2}
