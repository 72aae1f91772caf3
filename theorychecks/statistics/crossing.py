"""Crossing: at which axis value the probability of success crosses one half."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy import special

from theorychecks.arguments import settle_numbers
from theorychecks.statistics.interval import CONFIDENCE, Interval, check_confidence
from theorychecks.statistics.judgement import Expectation, Judgement, Power, Verdict, decide, undecided
from theorychecks.statistics.measurement import Measurement, ratio_to
from theorychecks.statistics.medians import fewest_runs
from theorychecks.statistics.monotone import Transition
from theorychecks.statistics.prediction import Demands, Layout
from theorychecks.statistics.remedies import Remedy, more_runs
from theorychecks.statistics.statuses import Status

_FEWEST_SEEDS: Final = 10
"""With fewer only a steep transition is seen."""
_NORMAL_90: Final = -float(special.ndtri(0.1))
_SIDES: Final = ("below", "above")
_SLIGHT: Final = 0.02
"""A share of successes so near to one half that no number of runs is worth asking for."""


@dataclass(frozen=True)
class Crossing:
    """The probability of success crosses one half at this axis value.

    The measurement holds an indicator for each run: 1 is a success, 0 (`Status.ZERO`) a failure. Runs are independent,
    and the probability rises along the axis, or falls; no other shape is assumed, so that asymmetric curves and those
    that saturate are judged as well as logistic ones (see `monotone`). The interval of the crossing has its ends at
    measured points: more runs bring them to the next points, and only more points between.

    Attributes:
        at: the predicted axis value.
        within: the relative margin: from at / (1 + within) to at (1 + within).
    """

    at: float
    within: float = field(default=0.1, kw_only=True)

    def __post_init__(self) -> None:
        settle_numbers(self, at="2.0", within="0.1")
        if not (math.isfinite(self.at) and self.at > 0 and math.isfinite(self.within) and self.within > 0):
            raise ValueError(
                f"a crossing has a positive axis value and a positive margin; got {self.at} within {self.within}"
            )

    @property
    def expectation(self) -> Expectation:
        """The prediction in numbers: the margin is relative."""
        return Expectation(kind="crossing", margin=self.within)

    @property
    def allowed(self) -> Interval:
        """Axis values that the prediction allows, margin included."""
        return Interval(self.at / (1 + self.within), self.at * (1 + self.within))

    def phrase(self, axis: str) -> str:
        """What reports call it."""
        return "a crossing of one half"

    def demands(self, points: int, confidence: float) -> Demands:
        """All points, two or more, with ten runs, or as many as all have to agree for a steep transition to be seen."""
        return Demands(max(points, 2), max(_FEWEST_SEEDS, fewest_runs((1 - confidence) / 2)))

    def admit(self, layout: Layout, *, confidence: float = CONFIDENCE) -> None:
        """Refuse fewer than ten runs a point, and points on one side of the predicted crossing."""
        layout.check_pairs()
        needed = self.demands(len(layout.axis_values), confidence).seeds
        if min(layout.seeds) < needed:
            raise ValueError(
                f"a probability is estimated from {needed} runs a point or more; got {tuple(layout.seeds)}"
            )
        if not layout.axis_values[0] < self.at < layout.axis_values[-1]:
            raise ValueError(
                f"a crossing at {self.at:g} is seen from both sides; got points "
                f"{layout.axis_values[0]:g}..{layout.axis_values[-1]:g}"
            )

    def power(
        self,
        axis_values: Sequence[float],
        seeds: Sequence[int],
        noise: float,
        confidence: float = CONFIDENCE,
        *,
        shared_seeds: bool = False,
    ) -> Power:
        """What a grid could detect if the transition were steeper than its steps, in logarithms of axis values.

        A step that hides the crossing hides a departure too; seeds and noise play no part, and a slower transition is
        not considered.
        """
        logs = np.log(np.asarray(axis_values, dtype=np.float64)) - math.log(self.at)
        margin, widest = math.log1p(self.within), float(np.diff(logs).max(initial=0.0))
        below, above = logs[logs < 0].max(initial=-math.inf), logs[logs >= 0].min(initial=math.inf)
        bracket = float(max(-below, above))
        return Power(detectable=margin + widest, support=float(bracket <= margin), resolution=math.expm1(bracket))

    def judge(
        self, measurement: Measurement, other: Measurement | None = None, *, confidence: float = CONFIDENCE
    ) -> Judgement:
        """SUPPORTED when the interval of the crossing lies inside the margin, REFUTED when it is disjoint from it.

        Raises:
            ValueError: for a value that is no indicator, shared seeds, fewer than ten runs a point, or points on one
                side of the predicted crossing.
        """
        measurement = ratio_to(measurement, other)
        check_confidence(confidence)
        self.admit(Layout.of(measurement), confidence=confidence)
        _check_indicators(measurement)
        # A failure is no missing run.
        if any(status not in (Status.OK, Status.ZERO) for row in measurement.statuses for status in row):
            text = "some runs neither succeeded nor failed; count each as 1 or as 0"
            return undecided(
                measurement, Remedy(limited_by="missing runs", text=text), confidence, allowed=self.allowed
            )
        level, transition = (1 - confidence) / 2, _transition(measurement)
        interval = transition.interval(level)
        if interval is None:
            text = f"success does not clearly depend on the {measurement.axis}: more runs, or points further apart"
            return undecided(measurement, Remedy(limited_by="noise", text=text), confidence, allowed=self.allowed)
        verdict, (low, high) = decide(interval, self.allowed), self.allowed
        where = {Verdict.SUPPORTED: "inside", Verdict.REFUTED: "outside"}.get(verdict, "partly inside")
        found = f"[{interval.low:.4g}, {interval.high:.4g}], {where} [{low:.4g}, {high:.4g}]"
        reason = f"the crossing lies in {found}"
        if verdict is Verdict.INCONCLUSIVE:
            remedy = self._remedy(reason, transition, level, measurement)
            return undecided(measurement, remedy, confidence, interval=interval, allowed=self.allowed)
        p_value = (
            max(transition.p_above(low), transition.p_below(high))
            if verdict is Verdict.SUPPORTED
            else min(transition.p_above(high), transition.p_below(low))
        )
        return Judgement(
            measurement=measurement,
            verdict=verdict,
            reason=reason,
            confidence=confidence,
            interval=interval,
            allowed=self.allowed,
            p_value=p_value,
        )

    def _remedy(self, reason: str, transition: Transition, level: float, measurement: Measurement) -> Remedy:
        inside = [k for k, point in enumerate(transition.points) if self.allowed.low <= point <= self.allowed.high]
        if len(inside) < len(_SIDES):
            text = f"{reason}: points inside the margin, on both sides of the crossing, which no runs replace"
            return Remedy(limited_by="boundary", text=text)
        # A success is the likelier outcome beyond the crossing.
        clear = min(0.5 - transition.shares[inside[0]], transition.shares[inside[-1]] - 0.5)
        most = max(measurement.seeds)
        needed = ((_NORMAL_90 - float(special.ndtri(level / 2))) / (2 * max(clear, _SLIGHT))) ** 2
        if clear < _SLIGHT or needed <= most:
            return Remedy(limited_by="boundary", text=f"{reason}: near the boundary, more runs and points")
        return more_runs(reason, needed / most, most, "runs a point")


def _check_indicators(measurement: Measurement) -> None:
    if measurement.shared_seeds:
        raise ValueError(
            "a probability needs independent runs at every point; got shared seeds. Draw others at each point, or find "
            "the crossing of every seed and predict that as a quantity of its own"
        )
    for axis_value, cell, row in zip(measurement.axis_values, measurement.values, measurement.statuses, strict=True):
        for seed, (value, status) in enumerate(zip(cell, row, strict=True)):
            if status is Status.OK and value != 1.0:
                raise ValueError(
                    f"a run succeeds (1) or fails (0); {measurement.name} is {value:g} at {measurement.axis} "
                    f"{axis_value:g}, seed {seed}. Compare it with its threshold first."
                )


def _transition(measurement: Measurement) -> Transition:
    return Transition.of(
        points=np.asarray(measurement.axis_values),
        successes=np.array([row.count(Status.OK) for row in measurement.statuses]),
        runs=np.array(measurement.seeds),
    )
