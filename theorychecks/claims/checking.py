"""Checking: a source is held against a prediction, which must be SUPPORTED, or REFUTED in a control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from theorychecks.arguments import check_text
from theorychecks.claims.recording import given, now_recording
from theorychecks.finding import Findings
from theorychecks.judging import Unmeasured, findings_of
from theorychecks.sources import Against, check_source
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.prediction import Prediction, Role, check_prediction

if TYPE_CHECKING:
    from theorychecks.experiment import Design


class ClaimFailure(AssertionError):  # noqa: N818 - it is an assertion that failed, not an error in the test
    """A prediction is refuted, or a control supported."""


class ClaimUndecided(Exception):  # noqa: N818 - it is an outcome, as a failure is
    """Nothing follows for a prediction or a control, and the message says what would decide it."""


def check(
    source: Design | Measurement,
    prediction: Prediction,
    *,
    against: Against = None,
    label: str = "",
) -> Findings:
    """Measure, and hold every reading against a prediction, which must be SUPPORTED.

    Inside a claim run by pytest the findings are recorded and judged together at the end, so that one failure does not
    hide the others; elsewhere the first failure raises.

    Args:
        source: a sweep, a quantity over its axis, or a measurement made elsewhere.
        prediction: what theory says of it.
        against: divides the source, seed by seed, before it is judged: another design, a measurement, or what theory
            says, as a positive number or a function of the axis value; for `SameLaw`, the other ensemble.
        label: what reports call it; the observable's title by default.

    Returns:
        One finding a reading; they print line by line, and a notebook shows them as a table.

    Raises:
        ClaimFailure: outside of a recorded claim, if a reading refutes the prediction.
        ClaimUndecided: likewise, if one leaves it open.
        ValueError: if the design could never decide, or what it is held against does not fit, before anything is
            trained; or if no run gives a number.
        TypeError: if the source, the prediction or what it is held against is none.
    """
    __tracebackhide__ = True
    return _record("prediction", source, prediction, against, label)


def check_refuted(
    source: Design | Measurement,
    prediction: Prediction,
    *,
    against: Against = None,
    label: str = "",
) -> Findings:
    """Like `check`, for a control: every reading must REFUTE the prediction."""
    __tracebackhide__ = True
    return _record("control", source, prediction, against, label)


def _record(
    role: Role,
    source: Design | Measurement,
    prediction: Prediction,
    against: Against,
    label: str,
) -> Findings:
    __tracebackhide__ = True
    check_text(label, "a label", like="weight change")
    check_prediction(prediction)
    check_source(source)
    recorder = now_recording.get()
    if recorder is not None and not isinstance(source, Measurement):
        recorder.note_range(source, prediction, role)
    findings = findings_of(
        source,
        prediction,
        against=against,
        role=role,
        label=label,
        given=given.get(),
        conditions=recorder.conditions if recorder else None,
    )
    if isinstance(findings, Unmeasured):
        return findings
    if recorder is None:
        _raise_unless_passed(findings)
    else:
        for finding in findings:
            recorder.add(finding)
    return findings


def _raise_unless_passed(findings: Findings) -> None:
    __tracebackhide__ = True
    for finding in findings:
        if not finding.passed:
            outcome = ClaimFailure if finding.outcome == "fail" else ClaimUndecided
            raise outcome(
                f"{finding.label} is {finding.verdict.value}, a {finding.role} must be {finding.wanted.value}: "
                f"{finding.reason}"
            )
