"""The suite's error budget: how many wrong verdicts a run may give, and how often chance alone fails a night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from scipy import stats

from theorychecks.statistics.cells import NO_NOISE
from theorychecks.statistics.interval import CONFIDENCE
from theorychecks.statistics.verdict import CLEAR

NIGHTS: Final = 365
"""In a year of nightly runs, each on fresh seeds; a run on pinned seeds is drawn once for each change of the code."""


def error_budget(findings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Bound the number of wrong verdicts among these findings, and of false alarms if they were run every night.

    Each wrong SUPPORTED or REFUTED has a probability of at most (1 - confidence) / 2, over all looks: an interval or a
    test has to err. That many wrong verdicts are reached only if every truth lies at the edge of its margin with the
    worst correction of its class, and laws outside of their class are not counted.
    A false alarm takes a clear miss, and another on fresh seeds; how many to expect is said for truths where the
    estimates are.

    Args:
        findings: documents of findings (`Finding.to_document`).
    """
    tail = (1 - CONFIDENCE) / 2
    return {
        "confidence": CONFIDENCE,
        "tail_error": tail,
        "findings": len(findings),
        "expected_wrong_verdicts_at_most": tail * len(findings),
        "failing_level": CLEAR,
        "false_alarms_a_year_at_most": NIGHTS * sum(map(_at_most, findings)),
        "false_alarms_a_year_expected": NIGHTS * sum(false_alarm(finding) for finding in findings),
        "undecided_a_night_expected": sum(1 - f["power"]["support"] for f in findings if _is_predicted_exponent(f)),
        "note": "Reached only if every true exponent lay at the edge of its margin, under the worst correction of the "
        "finite-size class. Findings share networks, so wrong ones would come together.",
    }


def _at_most(finding: Mapping[str, Any]) -> float:
    """Numbers that are given cannot be drawn again, and fail at once."""
    return CLEAR**2 if finding["repeatable"] else CLEAR


def false_alarm(finding: Mapping[str, Any]) -> float:
    """Probability that a night's fresh seeds fail a finding, and its confirmation too, if its estimate is the truth.

    All looks are taken to have the noise of the last one.
    """
    if not _is_predicted_exponent(finding):
        # A refuted control lies outside of its margin, mostly far; what has no exponent is bounded by its level.
        return 0.0 if finding["role"] == "control" else _at_most(finding)
    predicted = finding["prediction"]
    above = sum(finding["interval"]) / 2 - predicted["exponent"]
    off = {"upper_bound": above, "lower_bound": -above}.get(predicted["kind"], abs(above))
    # Noise must overcome the way from the interval's middle to the margin's end, and the bias that the interval allows
    # for; from beyond that end no alarm is false.
    inside = max(predicted["margin"] - off, 0.0)
    way = (inside + finding["bias_bound"]) / max(finding["standard_error"], NO_NOISE)
    looks, freedom = (finding["looks"] or {"planned": 1})["planned"], finding["degrees_of_freedom"]
    once: float = looks * float(stats.t.sf(stats.t.isf(CLEAR / looks, freedom) + way, freedom))
    return min(once, 1.0) * (1.0 if _at_most(finding) == CLEAR else min(once, 1.0))


def _is_predicted_exponent(finding: Mapping[str, Any]) -> bool:
    return finding["role"] == "prediction" and finding["exponent"] is not None and finding["power"] is not None
