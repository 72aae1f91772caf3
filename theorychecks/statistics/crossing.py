"""Crossing: at which axis value the probability of success crosses one half."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy import stats

from theorychecks.statistics.interval import CONFIDENCE, Interval, check_confidence
from theorychecks.statistics.logistic import LogisticCurve
from theorychecks.statistics.measurement import Measurement, Status
from theorychecks.statistics.prediction import Demands
from theorychecks.statistics.verdict import Expectation, Finding, Power, Remedy, Verdict, decide

_FEWEST_SEEDS: Final = 10
"""With three runs a point a profile interval covers 91.5% of the time, with ten 95%."""
_MISFIT: Final = 0.005
"""A curve that chance bends so rarely is no logistic one."""
_PLANNED: Final = 0.6
"""A half-width of 0.6 margins leaves room for the estimate itself."""


@dataclass(frozen=True)
class Crossing:
    """The probability of success crosses one half at this axis value.

    The measurement holds an indicator for each run: 1 is a success, 0 (`Status.ZERO`) a failure. Runs are independent,
    and their log-odds are linear in the logarithm of the axis, rising or falling; the interval of the crossing comes
    from the profile likelihood. Where all runs fail up to one point and all succeed from the next one on, or from the
    one after that, or the other way round, no slope is too steep. The interval is then the bracket between the two
    points: it misses the crossing only if all n runs at one end of it went against the odds, at most once in 2^n.

    Attributes:
        at: the predicted axis value.
        within: the relative margin: from at / (1 + within) to at (1 + within).
    """

    at: float
    within: float = field(default=0.1, kw_only=True)

    def __post_init__(self) -> None:
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

    def demands(self, points: int, confidence: float) -> Demands:
        """All points, two or more, with ten runs."""
        return Demands(max(points, 2), _FEWEST_SEEDS)

    def admit(self, axis_values: Sequence[float], seeds: Sequence[int], *, confidence: float = CONFIDENCE) -> None:
        """Refuse fewer than ten runs a point, and points on one side of the predicted crossing."""
        if min(seeds) < _FEWEST_SEEDS:
            raise ValueError(
                f"a probability is estimated from {_FEWEST_SEEDS} runs a point or more; got {tuple(seeds)}"
            )
        if not axis_values[0] < self.at < axis_values[-1]:
            raise ValueError(
                f"a crossing at {self.at:g} is seen from both sides; got points {axis_values[0]:g}..{axis_values[-1]:g}"
            )

    def power(
        self, axis_values: Sequence[float], seeds: Sequence[int], noise: float, confidence: float = CONFIDENCE
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

    def judge(self, measurement: Measurement, *, confidence: float = CONFIDENCE) -> Finding:
        """SUPPORTED when the interval of the crossing lies inside the margin, REFUTED when it is disjoint from it.

        Raises:
            ValueError: for a value that is no indicator, shared seeds, fewer than ten runs a point, or points on one
                side of the predicted crossing.
        """
        check_confidence(confidence)
        self.admit(measurement.axis_values, measurement.seeds, confidence=confidence)
        _check_indicators(measurement)
        verdict, p_value, interval, remedy = Verdict.INCONCLUSIVE, None, None, None
        # A failure is no missing run.
        missing = any(status not in (Status.OK, Status.ZERO) for row in measurement.statuses for status in row)
        curve = _curve(measurement)
        found = None if missing else _interval(curve, (1 - confidence) / 2)
        if missing:
            reason = "some runs neither succeeded nor failed; count each as 1 or as 0"
            remedy = Remedy(limited_by="missing runs", text=reason)
        elif found is None:
            reason = f"success does not clearly depend on the {measurement.axis}: more runs, or points further apart"
            remedy = Remedy(limited_by="noise", text=reason)
        elif not curve.bracket and curve.misfit < _MISFIT:
            reason = (
                f"flagged (lack of fit): log-odds are not linear in log {measurement.axis}, p = {curve.misfit:.2g}; "
                "take points nearer to the crossing"
            )
            remedy = Remedy(limited_by="flags", text=reason)
        else:
            interval = Interval(math.exp(found.low), math.exp(found.high))
            verdict = decide(interval, self.allowed)
            shown, limits = f"[{interval.low:.4g}, {interval.high:.4g}]", [f"{end:.4g}" for end in self.allowed]
            how = ", between points where all runs agree" if curve.bracket else ""
            where = {Verdict.SUPPORTED: "inside", Verdict.REFUTED: "outside"}.get(verdict, "partly inside")
            reason = f"the crossing lies in {shown}{how}, {where} [{', '.join(limits)}]"
            if verdict is Verdict.INCONCLUSIVE:
                remedy = self._remedy(reason, curve, found, measurement)
                reason = remedy.text
            else:
                p_value = self._p_value(verdict, curve)
        return Finding(
            expectation=self.expectation,
            measurement=measurement,
            verdict=verdict,
            reason=reason,
            confidence=confidence,
            interval=interval,
            p_value=p_value,
            remedy=remedy,
        )

    def _p_value(self, verdict: Verdict, curve: LogisticCurve) -> float:
        if curve.bracket:
            return float(2.0 ** -min(curve.runs[list(curve.bracket)]))
        beyond = [float(stats.norm.sf(math.sqrt(max(curve.deviance(math.log(end)), 0.0)))) for end in self.allowed]
        return max(beyond)

    def _remedy(self, reason: str, curve: LogisticCurve, found: Interval, measurement: Measurement) -> Remedy:
        if curve.bracket:
            return Remedy(limited_by="boundary", text=f"{reason}: points between its ends, which no seeds replace")
        half, margin = (found.high - found.low) / 2, math.log1p(self.within)
        if half <= margin / 2:
            return Remedy(limited_by="boundary", text=f"{reason}: near the boundary, more runs and points")
        factor, most = (half / (_PLANNED * margin)) ** 2, max(measurement.seeds)
        text = f"{reason}: about {math.ceil(factor * most)} runs a point instead of {most}"
        return Remedy(limited_by="noise", text=text, effort=factor)


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


def _curve(measurement: Measurement) -> LogisticCurve:
    return LogisticCurve(
        points=np.log(np.asarray(measurement.axis_values)),
        successes=np.array([row.count(Status.OK) for row in measurement.statuses], dtype=np.float64),
        runs=np.array(measurement.seeds, dtype=np.float64),
    )


def _interval(curve: LogisticCurve, level: float) -> Interval | None:
    if curve.bracket:
        return Interval(*(float(curve.points[end]) for end in curve.bracket))
    return curve.interval(level)
