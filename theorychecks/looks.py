"""Looks: plan, measure, judge, stop or go on; what a budget is spent in, until every reading is settled."""

from __future__ import annotations

import math
import operator
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import TypeAlias

from theorychecks.finding import WANTED, Looks
from theorychecks.progress import looking
from theorychecks.sources import Sample, Source
from theorychecks.statistics.exponents import ENOUGH_SEEDS
from theorychecks.statistics.interval import CONFIDENCE
from theorychecks.statistics.judgement import Judgement, Power, Verdict, is_clear
from theorychecks.statistics.measurement import FEWEST_SEEDS
from theorychecks.statistics.parts import Parts
from theorychecks.statistics.prediction import Prediction, Role
from theorychecks.statistics.sequential import Schedule, plan, pooled_noise, rounded_up, schedule
from theorychecks.statistics.shares import has_few_runs, left_to_others
from theorychecks.statistics.statuses import defined

Predicted: TypeAlias = Prediction | Mapping[Parts, Prediction]
"""What is predicted of all readings, or of each; readings of which nothing is predicted are not judged."""


@dataclass(frozen=True)
class Seen:
    """A reading as the last look that it needed has shown it."""

    judgement: Judgement
    looks: Looks | None
    sample: Sample

    @property
    def p_value(self) -> float | None:
        """Over all looks."""
        p_value = self.judgement.p_value
        return p_value if self.looks is None or p_value is None else min(1.0, self.looks.planned * p_value)

    def fails(self, role: Role) -> bool:
        """Whether it is clearly decided otherwise than its role wants."""
        verdict = self.judgement.verdict
        return verdict not in (WANTED[role], Verdict.INCONCLUSIVE) and is_clear(self.p_value)

    def settled(self, role: Role) -> bool:
        """Whether no further look is wanted."""
        return self.judgement.verdict is WANTED[role] or self.fails(role)

    @property
    def hopeless(self) -> bool:
        """Whether more of the same will not help: somewhere not a single run has a number, and numbers are needed.

        Nor will they where runs without one are left out, and the whole budget has too few others, by the share seen.
        """
        measurement, remedy = self.judgement.measurement, self.judgement.remedy
        if remedy is None or remedy.limited_by != "missing runs":
            return False
        if any(map(operator.eq, measurement.not_finite, measurement.seeds)):
            return True
        if not self.sample.conditional or self.looks is None:
            return False
        shares = map(operator.truediv, defined(measurement.statuses), measurement.seeds)
        return any(share * self.looks.budget < ENOUGH_SEEDS for share in shares)


def in_looks(
    source: Source,
    predicted: Predicted,
    role: Role = "prediction",
    *,
    only: Collection[Parts] | None = None,
    joint: bool = False,
    alike: Mapping[Parts, Hashable] | None = None,
    confidence: float = CONFIDENCE,
) -> dict[Parts, Seen]:
    """Measure and judge until every reading is settled, or nothing is left to be spent.

    Args:
        source: what is measured.
        predicted: what it is held against.
        role: which verdict is wanted.
        only: readings that are judged; all unless given.
        joint: whether the first clear failure of one is the end for all.
        alike: of which law readings are; those that few runs have want no look once most others of it are settled.
        confidence: of the verdicts, over all looks.
    """
    timetable = _strictest(source, predicted, confidence)
    seen: dict[Parts, Seen] = {}
    counts: tuple[int, ...] = ()
    noise: float | None = None
    for taken, spend in enumerate(timetable.spends, start=1):
        looks = None
        if source.budget is None:
            counts = source.counts
        else:
            counts = _counts(source, predicted, timetable, spend, noise, counts)
            looks = Looks(taken=taken, planned=len(timetable.spends), budget=source.budget)
        with looking(taken, len(timetable.spends)):
            sample = source.measured(counts)
        noises = list[float]()
        for parts, pair in sample.pairs.items():
            prediction = of_reading(predicted, parts)
            if prediction is None or (only is not None and parts not in only):
                continue
            if parts in seen and seen[parts].settled(role) and pair[1] is None:
                # Its verdict stands; its noise is wanted for the plan of the others.
                found = pooled_noise(pair[0], prediction.expectation.average)
            else:
                judgement = prediction.judge(*pair, confidence=timetable.confidence)
                if parts not in seen or not seen[parts].settled(role):
                    seen[parts] = Seen(judgement, looks, sample)
                found = _noise(judgement, prediction)
            if found is not None:
                noises.append(found)
        noise = max(noises, default=noise)
        fallen = joint and any(each.fails(role) for each in seen.values())
        settled = {parts: each.settled(role) for parts, each in seen.items()}
        waiting = {parts for parts, each in seen.items() if not (settled[parts] or each.hopeless)}
        few = {parts for parts in waiting if sample.conditional and has_few_runs(seen[parts].judgement.measurement)}
        if fallen or (waiting == few and left_to_others(few, settled, alike or {}) == few):
            break
    return seen


def first_looks(source: Source, predicted: Predicted, looks: int) -> list[tuple[int, ...]]:
    """Seeds at each of the first axis values by the end of each of so many looks, as far as there are so many.

    The first look is as it is taken; the noise that later ones are planned from is not known yet.
    """
    if source.budget is None:
        return [source.counts]
    timetable = _strictest(source, predicted, CONFIDENCE)
    found: list[tuple[int, ...]] = []
    for spend in timetable.spends[:looks]:
        found.append(_counts(source, predicted, timetable, spend, None, found[-1] if found else ()))
    return found


def distinct(predicted: Predicted) -> Sequence[Prediction]:
    """All that is predicted of anything."""
    return list(dict.fromkeys(predicted.values())) if isinstance(predicted, Mapping) else [predicted]


def of_reading(predicted: Predicted, parts: Parts) -> Prediction | None:
    """What is predicted of a reading."""
    return predicted.get(parts) if isinstance(predicted, Mapping) else predicted


def power_of(source: Source, prediction: Prediction, judgement: Judgement) -> Power | None:
    """What the whole budget could have detected, by the noise that was found, rounded up by 9% at most."""
    measurement = judgement.measurement
    found = _noise(judgement, prediction)
    if found is None:
        return None
    noise = rounded_up(found)
    axis_values, counts = measurement.axis_values, measurement.seeds
    if source.budget is not None:
        timetable = _timetable(source, prediction, CONFIDENCE)
        planned = _planned(source, prediction, timetable, timetable.spends[-1], noise, measurement.made)
        # As many of further runs are left out as of those that were made.
        share = sum(counts) / sum(measurement.made)
        counts = tuple(max(math.floor(share * count), FEWEST_SEEDS) for count in planned)
        axis_values = tuple(float(value) for value in source.axis_values[: len(counts)])
    return _power(prediction, axis_values, counts, noise, judgement.confidence, measurement.shared_seeds)


@lru_cache(maxsize=4096)
def _power(
    prediction: Prediction,
    axis_values: tuple[float, ...],
    counts: tuple[int, ...],
    noise: float,
    confidence: float,
    shared_seeds: bool,
) -> Power:
    return prediction.power(axis_values, counts, noise, confidence, shared_seeds=shared_seeds)


def _noise(judgement: Judgement, prediction: Prediction) -> float | None:
    """Standard deviation of a run's logarithm, as the fit has found it where there is one."""
    fit, average = judgement.fit, prediction.expectation.average
    if fit is not None and fit.average == average:
        return fit.noise
    return pooled_noise(judgement.measurement, average)


def _strictest(source: Source, predicted: Predicted, confidence: float) -> Schedule:
    """The timetable of the most demanding prediction, which says what the smallest design is."""
    return max((_timetable(source, each, confidence) for each in distinct(predicted)), key=lambda each: each.spends[0])


def _counts(
    source: Source,
    predicted: Predicted,
    timetable: Schedule,
    spend: float,
    noise: float | None,
    have: tuple[int, ...],
) -> tuple[int, ...]:
    """Seeds that all predictions together want."""
    plans = [_planned(source, each, timetable, spend, noise, have) for each in distinct(predicted)]
    return tuple(max(each) for each in zip_longest(*plans, fillvalue=0))


def _timetable(source: Source, prediction: Prediction, confidence: float) -> Schedule:
    if source.budget is None:
        return Schedule((math.inf,), confidence)
    return schedule(prediction, source.axis_values, source.costs, source.budget, confidence, source.shares)


def _planned(
    source: Source,
    prediction: Prediction,
    timetable: Schedule,
    spend: float,
    noise: float | None,
    have: tuple[int, ...],
) -> tuple[int, ...]:
    return plan(
        prediction,
        source.axis_values,
        source.costs,
        spend,
        noise=noise,
        confidence=timetable.confidence,
        have=have,
        equal=source.shared_seeds,
    )
