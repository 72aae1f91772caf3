"""The suite's error budget: how many wrong verdicts a run may give, and how often chance alone fails a night."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scipy import special

from theorychecks.finding import Finding
from theorychecks.statistics.cells import NO_NOISE
from theorychecks.statistics.interval import CONFIDENCE, Interval
from theorychecks.statistics.judgement import CLEAR

NIGHTS: Final = 365
"""In a year of nightly runs, each on fresh seeds; a run on pinned seeds is drawn once for each change of the code."""
NOTE: Final = (
    "Reached only if every true exponent lay at the edge of its margin, under the worst correction of the finite-size "
    "class. Findings share networks, so wrong ones would come together."
)


@dataclass(frozen=True, kw_only=True)
class ErrorBudget:
    """How many wrong verdicts a run of this size may give, and how many false alarms a year of nights.

    Attributes:
        confidence: of intervals, over all looks.
        tail_error: how often one end of an interval errs, at most.
        findings: how many there are.
        expected_wrong_verdicts_at_most: reached only as the note says.
        failing_level: the p value below which a verdict fails a claim, twice.
        false_alarms_a_year_at_most: if the suite were run nightly on fresh seeds, and every truth lay at its edge.
        false_alarms_a_year_expected: the same where the estimates are the truth.
        undecided_a_night_expected: findings that chance leaves open.
        note: what the bounds assume.
    """

    confidence: float
    tail_error: float
    findings: int
    expected_wrong_verdicts_at_most: float
    failing_level: float
    false_alarms_a_year_at_most: float
    false_alarms_a_year_expected: float
    undecided_a_night_expected: float
    note: str


def error_budget(findings: Sequence[Finding]) -> ErrorBudget:
    """Bound the number of wrong verdicts among these findings, and of false alarms if they were run every night.

    Each wrong SUPPORTED or REFUTED has a probability of at most (1 - confidence) / 2, over all looks: an interval or a
    test has to err. That many wrong verdicts are reached only if every truth lies at the edge of its margin with the
    worst correction of its class, and laws outside of their class are not counted.
    A false alarm takes a clear miss, and another on fresh seeds; how many to expect is said for truths where the
    estimates are.
    """
    tail = (1 - CONFIDENCE) / 2
    return ErrorBudget(
        confidence=CONFIDENCE,
        tail_error=tail,
        findings=len(findings),
        expected_wrong_verdicts_at_most=tail * len(findings),
        failing_level=CLEAR,
        false_alarms_a_year_at_most=NIGHTS * sum(map(_at_most, findings)),
        false_alarms_a_year_expected=NIGHTS * sum(map(false_alarm, findings)),
        undecided_a_night_expected=sum(
            1 - finding.power.support for finding in findings if finding.power and _is_predicted_exponent(finding)
        ),
        note=NOTE,
    )


def _at_most(finding: Finding) -> float:
    """Numbers that are given cannot be drawn again, and fail at once."""
    return CLEAR**2 if finding.repeatable else CLEAR


def false_alarm(finding: Finding) -> float:
    """Probability that a night's fresh seeds fail a finding, and its confirmation too, if its estimate is the truth.

    All looks are taken to have the noise of the last one.
    """
    fit, interval, allowed = finding.judgement.fit, finding.interval, finding.judgement.allowed
    if not _is_predicted_exponent(finding) or fit is None or interval is None or allowed is None:
        # A refuted control lies outside of its margin, mostly far; what has no exponent is bounded by its level.
        return 0.0 if finding.role == "control" else _at_most(finding)
    middle = (interval.low + interval.high) / 2
    # Noise must overcome the way from the interval's middle to the margin's end, and the bias that the interval allows
    # for; from beyond that end no alarm is false.
    end = _refuting(finding, allowed)
    inside = max(min(middle - end.low, end.high - middle), 0.0)
    way = (inside + fit.bias_bound) / max(fit.standard_error, NO_NOISE)
    looks, freedom = finding.looks.planned if finding.looks else 1, fit.degrees_of_freedom
    once = min(looks * float(special.stdtr(freedom, special.stdtrit(freedom, CLEAR / looks) - way)), 1.0)
    return once**2 if finding.repeatable else once


def _refuting(finding: Finding, allowed: Interval) -> Interval:
    """What an interval must lie outside of to refute: of a half-integer, what is nearest to it."""
    expected = finding.expectation
    if not expected.kind.startswith("half_integer") or expected.exponent is None or expected.margin is None:
        return allowed
    low, high = expected.exponent - expected.margin, expected.exponent + expected.margin
    return Interval(-math.inf if expected.kind == "half_integer_bound" else low, high)


def _is_predicted_exponent(finding: Finding) -> bool:
    fitted = finding.exponent is not None and math.isfinite(finding.exponent)
    return finding.role == "prediction" and fitted and finding.power is not None
