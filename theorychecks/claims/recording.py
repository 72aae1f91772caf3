"""Recording: findings of one claim as they are judged, and what the claim was given meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from theorychecks.claims.outcome import Outcome, missing_among, outcome_of
from theorychecks.finding import Finding
from theorychecks.judging import Conditions
from theorychecks.statistics.axis import plural
from theorychecks.statistics.prediction import Prediction, Role

if TYPE_CHECKING:
    from theorychecks.experiment import Design


@dataclass
class Recorder:
    """Findings of one claim as they are judged.

    Attributes:
        findings: in order.
        conditions: what the run imposes on the claim.
        gate: whether the claim is a gate, of which either a prediction or a control is enough.
        ranges: widths at which a sweep has been held against a prediction.
        notes: what a reader is told besides the findings.
    """

    findings: list[Finding] = field(default_factory=list)
    conditions: Conditions = field(default_factory=Conditions)
    gate: bool = False
    ranges: dict[object, tuple[float, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Record a finding, in the place of the same one of an earlier run of the same setting."""
        for position, known in enumerate(self.findings):
            if _identity(known) == _identity(finding):
                self.findings[position] = finding
                return
        self.findings.append(finding)

    def note_range(self, design: Design, prediction: Prediction, role: Role) -> None:
        """Refuse a second range for one prediction: the better of two is chosen after seeing the data.

        Raises:
            ValueError: if the same networks were held against the same kind of prediction at other widths.
        """
        kind = prediction.expectation.kind
        key = *design.subject, design.drawn_from, design.selection, kind, role, tuple(given.get().items())
        before = self.ranges.setdefault(key, design.axis_values)
        now = design.axis_values
        if before != now:
            raise ValueError(
                f"the same runs were held against a {kind} at {plural(design.axis)} {before[0]:g}..{before[-1]:g}, and "
                f"now at {now[0]:g}..{now[-1]:g}: a range chosen after seeing the data has no error rate. "
                "Judge one range, or draw other runs for the second: root_seed=1."
            )

    @property
    def outcome(self) -> Outcome:
        """What the findings say of the claim."""
        return outcome_of(self.findings)

    def missing(self) -> str | None:
        """What a claim that has run still lacks."""
        return missing_among(self.findings, gate=self.gate)


def _identity(finding: Finding) -> tuple[object, ...]:
    return finding.role, finding.label, finding.expectation, finding.measurement, tuple(sorted(finding.setting.items()))


now_recording: ContextVar[Recorder | None] = ContextVar("theorychecks_recorder", default=None)
given: ContextVar[Mapping[str, str]] = ContextVar("theorychecks_setting", default=MappingProxyType({}))
"""What the running claim was given, by name."""


@contextmanager
def recording(recorder: Recorder, setting: Mapping[str, str] | None = None) -> Iterator[Recorder]:
    """Record findings instead of raising, until the end of the block."""
    recorder_token, setting_token = now_recording.set(recorder), given.set(setting or {})
    try:
        yield recorder
    finally:
        now_recording.reset(recorder_token)
        given.reset(setting_token)
