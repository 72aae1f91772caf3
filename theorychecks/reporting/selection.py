"""Which findings a reader sees first, and which stand side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from theorychecks.finding import Finding
from theorychecks.reporting.margins import margin_missed, margin_used
from theorychecks.reporting.report import ClaimRecord
from theorychecks.statistics.judgement import Verdict


@dataclass(frozen=True, slots=True)
class Pair:
    """A prediction and the controls that show where it stops holding; controls without a prediction stand alone."""

    prediction: Finding | None
    controls: tuple[Finding, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The prediction, if there is one, then its controls."""
        return (*(() if self.prediction is None else (self.prediction,)), *self.controls)


def failing_findings(claim: ClaimRecord) -> list[Finding]:
    """Return the findings that keep the claim from passing, the worst first."""
    return sorted((f for f in claim.findings if not f.passed), key=badness, reverse=True)


def worst_finding(claim: ClaimRecord) -> Finding | None:
    """Return the finding that speaks most against the claim; None for a claim without findings.

    A wrong verdict is worse than an open one; among those that pass, the worst is the prediction whose interval
    uses up most of its margin, and of controls alone the one that is refuted most narrowly.
    """
    return max(claim.findings, key=badness, default=None)


def pairs(findings: Sequence[Finding]) -> list[Pair]:
    """Return every finding exactly once, each control beside the prediction with its label.

    Where several predictions share the label (the examples of a quantified claim), a control goes to the one whose
    setting is most like its own, and, among equals, to the one with the fewest controls so far.
    """
    predictions = [f for f in findings if f.role == "prediction"]
    controls_of: list[list[Finding]] = [[] for _ in predictions]
    alone: list[Pair] = []
    for control in (f for f in findings if f.role == "control"):
        same_label = [i for i, p in enumerate(predictions) if p.label == control.label]
        if same_label:
            best = max(same_label, key=lambda i: (_likeness(predictions[i], control), -len(controls_of[i])))
            controls_of[best].append(control)
        else:
            alone.append(Pair(None, (control,)))
    return [Pair(p, tuple(c)) for p, c in zip(predictions, controls_of, strict=True)] + alone


def most_telling(claims: Sequence[ClaimRecord], room: int) -> list[Finding]:
    """Return the findings to be drawn where there is room for so many, however many claims and findings there are.

    Every claim has the one that comes nearest to its margin, even where there is less room than claims, and then its
    counterpart: a prediction's control, a control's prediction. What room is left goes to the worst of the others,
    failures before those that come next nearest, each with its counterpart.
    """
    first: list[Finding] = []
    counterparts: list[Finding] = []
    others: list[Pair] = []
    for claim in claims:
        by_need = sorted(pairs(claim.findings), key=worst_of, reverse=True)
        if not by_need:
            continue
        nearest, *rest = by_need
        first.append(max(nearest.findings, key=badness))
        counterparts += _counterpart(nearest, first[-1], claim)
        others += [nearest, *rest]
    others.sort(key=worst_of, reverse=True)
    chosen: dict[int, Finding] = {}
    for finding in chain(first, counterparts, _in_turn(others)):
        if len(chosen) >= max(room, len(first)):
            break
        chosen.setdefault(id(finding), finding)
    return list(chosen.values())


def badness(finding: Finding) -> tuple[int, float]:
    """Say how much a finding speaks against its claim: the more, the larger."""
    if not finding.passed:
        return (2 if finding.verdict is Verdict.INCONCLUSIVE else 3), margin_used(finding)
    if finding.role == "prediction":
        return 1, margin_used(finding)
    return 0, -margin_missed(finding)


def worst_of(pair: Pair) -> tuple[int, float]:
    """Say how much a pair speaks against its claim, by the worse of the two: the more, the larger."""
    return max(map(badness, pair.findings))


def counterpart(claim: ClaimRecord, finding: Finding) -> Finding | None:
    """Return what a finding of a claim stands beside: a prediction's control, or a control's prediction."""
    pair = next(pair for pair in pairs(claim.findings) if any(each is finding for each in pair.findings))
    return next(iter(_counterpart(pair, finding, claim)), None)


def _counterpart(pair: Pair, finding: Finding, claim: ClaimRecord) -> list[Finding]:
    """What a finding stands beside: of its pair, or else of the claim, since a control's label may be another."""
    others = [f for f in pair.findings if f.role != finding.role]
    others = others or [f for f in claim.findings if f.role != finding.role]
    return [max(others, key=badness)] if others else []


def _in_turn(by_need: Iterable[Pair]) -> Iterable[Finding]:
    for pair in by_need:
        yield from sorted(pair.findings, key=badness, reverse=True)


def _likeness(prediction: Finding, control: Finding) -> int:
    return len(prediction.setting.items() & control.setting.items())
