"""Checking: a source is held against a prediction, which must be SUPPORTED, or REFUTED in a control."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from theorychecks.claims.findings import Findings
from theorychecks.claims.recording import given, now_recording
from theorychecks.looks import Conditions, findings_of
from theorychecks.statistics.arguments import check_text
from theorychecks.statistics.measurement import Measurement
from theorychecks.statistics.prediction import Prediction
from theorychecks.statistics.verdict import Role

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
    against: Design | Measurement | None = None,
    label: str = "",
) -> Findings:
    """Measure, and hold every reading against a prediction, which must be SUPPORTED.

    Inside a claim run by pytest the findings are recorded and judged together at the end, so that one failure does not
    hide the others; elsewhere the first failure raises.

    Args:
        source: a sweep, a scan, or a measurement made elsewhere.
        prediction: what theory says of it.
        against: divides the source, seed by seed, before it is judged; for `SameLaw`, the other ensemble.
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
    against: Design | Measurement | None = None,
    label: str = "",
) -> Findings:
    """Like `check`, for a control: every reading must REFUTE the prediction."""
    __tracebackhide__ = True
    return _record("control", source, prediction, against, label)


def _record(
    role: Role,
    source: Design | Measurement,
    prediction: Prediction,
    against: Design | Measurement | None,
    label: str,
) -> Findings:
    __tracebackhide__ = True
    check_text(label, "a label", like="weight change")
    if isinstance(prediction, type) and hasattr(prediction, "judge"):
        name = prediction.__name__
        raise TypeError(f"a prediction is held against the source; got the class {name}. Call it: tc.{name}(...)")
    if not isinstance(prediction, Prediction):
        raise TypeError(f"a prediction is a PowerLaw, Plateau, Ordering or another of the README's; got {prediction!r}")
    recorder = now_recording.get()
    conditions = recorder.conditions if recorder else Conditions()
    context = _context(source)
    if recorder is not None and not isinstance(source, Measurement):
        recorder.note_range(source, prediction, role)
    found = findings_of(source, prediction, against=against, role=role, conditions=conditions)
    title = label or context.pop("title")
    context.pop("title", None)
    findings = Findings()
    for parts, finding in found.items():
        finding = replace(
            finding,
            label=", ".join(text for text in (title, str(parts)) if text),
            role=role,
            setting={**given.get(), **context},
            engine=finding.engine or "given",
        )
        findings.append(finding)
        if recorder is not None:
            recorder.add(finding)
    if recorder is None:
        _raise_unless_passed(findings)
    return findings


def _context(source: Design | Measurement) -> dict[str, str]:
    """What reports say of how a source comes about, and its title."""
    if isinstance(source, Measurement):
        return {"title": source.name}
    # Plain pytest runs load this module too, and must not wait for torch.
    from theorychecks.experiment import Design

    if not isinstance(source, Design):
        raise TypeError(f"a Sweep, a Scan or a Measurement is checked; got {source!r}")
    return {"title": source.title, **source.setting}


def _raise_unless_passed(findings: Findings) -> None:
    __tracebackhide__ = True
    for finding in findings:
        if not finding.passed:
            outcome = ClaimFailure if finding.outcome == "fail" else ClaimUndecided
            raise outcome(
                f"{finding.label} is {finding.verdict.value}, a {finding.role} must be {finding.wanted.value}: "
                f"{finding.reason}"
            )
