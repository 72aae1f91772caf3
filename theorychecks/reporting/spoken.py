"""Verdicts and error rates in sentences, for readers who do not know the rule."""

from __future__ import annotations

import math
from collections.abc import Mapping

from theorychecks.finding import Finding
from theorychecks.reporting import tally, wording
from theorychecks.reporting.error_budget import ErrorBudget
from theorychecks.reporting.margins import margin_used
from theorychecks.reporting.origins import origins_text
from theorychecks.reporting.report import ClaimRecord, Suite
from theorychecks.statistics.interval import Interval
from theorychecks.statistics.judgement import Verdict

_SETTINGS_SHOWN = 160
_KINDS = {
    "claim": "theorem or derivation",
    "trend": "trend, an empirical regularity",
    "gate": "gate on a model",
    "plateau": "no change with the width",
}


def besides(suite: Suite) -> str:
    """Return how the claims end that do not pass, "None is refuted; 5 are undecided."."""
    rest = [
        (suite.trends_failed, "trend fails, which is reported only", "trends fail, which is reported only"),
        (suite.inconclusive, "is undecided", "are undecided"),
        (suite.errors, "broke, which says nothing of the theory", "broke, which says nothing of the theory"),
        (suite.skipped + suite.not_run, "was not judged", "were not judged"),
    ]
    refuted = f"{suite.failed} {'is' if suite.failed == 1 else 'are'} refuted" if suite.failed else "None is refuted"
    said = [refuted, *(f"{count} {one if count == 1 else many}" for count, one, many in rest if count)]
    return "; ".join(said) + "."


def settings(finding: Finding) -> str:
    """Return what a finding was given, "activation tanh, depth 3"; nothing where it was given nothing."""
    return _listed(finding.setting)


def _listed(setting: Mapping[str, str]) -> str:
    said = ", ".join(f"{name} {value.strip(_QUOTES)}" for name, value in setting.items())
    return said if len(said) <= _SETTINGS_SHOWN else said[: _SETTINGS_SHOWN - 1] + "…"


_QUOTES = "'\""


def title(finding: Finding) -> str:
    """Return which quantity a finding is about, and in which setting."""
    given = settings(finding)
    label = finding.label or "the quantity"
    return f"{label} ({given})" if given else label


def kind(name: str) -> str:
    """Return a kind of claim, or of prediction, in words."""
    return _KINDS.get(name, name.replace("_", " "))


def verdict_in_words(finding: Finding, companion: Finding | None) -> str:
    """Return why a finding has its verdict, and whether what it stands beside has the one that it needs."""
    said = [_said(finding)]
    if finding.role == "prediction" and companion is not None and companion.role == "control":
        said.append(_of_control(companion, finding))
    return " ".join(said)


def what_decides(finding: Finding) -> str:
    """Return what would decide an open finding, or what a decided one could have seen."""
    if finding.verdict is Verdict.INCONCLUSIVE:
        return f"To decide it: {finding.reason}"
    able = finding.power
    if able is None or not math.isfinite(able.detectable):
        return ""
    what = "departure from the predicted exponent" if finding.exponent is not None else "departure (log-ratio)"
    return f"This design refutes a {what} of {wording.number(able.detectable)} nine times in ten."


def cost(claim: ClaimRecord, finding: Finding | None) -> str:
    """Return how long a claim took in this run, what the numbers of the finding shown took, and where they are from."""
    said = [f"{wording.duration(claim.seconds)} in this run"]
    if finding is not None and (finding.effort.trainings or finding.effort.seconds >= 1):
        said.append(f"the numbers shown: {wording.effort(finding)}")
    if finding is not None and any(origin.source != "run" for origin in finding.origins):
        said.append(origins_text(finding))
    return "; ".join(said)


def how_often_wrong(budget: ErrorBudget) -> list[str]:
    """Return the error budget in plain words, a paragraph each."""
    tail = 1 / budget.tail_error if budget.tail_error > 0 else math.inf
    worst = wording.number(budget.expected_wrong_verdicts_at_most)
    return [
        f"Each verdict rests on an interval, and an interval errs on a given side at most once in "
        f"{wording.number(tail)}. Over {budget.findings:,} findings that makes at most {worst} wrong verdicts: "
        "the worst case, and no estimate. It is reached only if every true exponent lies at the edge of its margin, "
        "under the worst correction of the finite-size class. Findings share networks, so wrong ones would come "
        "together.",
        f"A failed claim needs more than one unlucky draw: chance must give its verdict less often than "
        f"{wording.percent(budget.failing_level)} on the pinned seeds, and again on fresh ones. Run every night on "
        f"fresh seeds, the whole report would give {wording.number(budget.false_alarms_a_year_expected, 2)} false "
        f"alarms a year where the estimates are the truth, and "
        f"{wording.number(budget.false_alarms_a_year_at_most, 2)} at most; about "
        f"{wording.number(budget.undecided_a_night_expected, 2)} findings a night would be left undecided by chance.",
    ]


def without_verdict(claim: ClaimRecord) -> str:
    """Return why a claim has no verdict."""
    return wording.clip(tally.first_line(claim), 300)


def _said(finding: Finding) -> str:
    role = f"The {finding.role}, {wording.predicted(finding)}, is"
    wanted = "" if finding.passed else f", and it must be {finding.wanted.value}"
    if not _is_about_an_exponent(finding) or finding.interval is None or finding.judgement.allowed is None:
        return f"{role} {finding.verdict.value}{wanted}: {finding.reason}."
    where = {Verdict.SUPPORTED: "inside", Verdict.REFUTED: "outside"}.get(finding.verdict, "which crosses the edge of")
    used = margin_used(finding)
    share = f"; {wording.percent(used)} of the margin is used" if _is_inside(finding) else ""
    if _is_inside(finding):
        where = "inside"
    said = (
        f"{role} {finding.verdict.value}{wanted}: on {wording.axis_range(finding)} the exponent lies in "
        f"{_ends(finding.interval)} with {wording.percent(finding.judgement.confidence)} confidence, {where} "
        f"{_allowed(finding.judgement.allowed)}{share}."
    )
    flags = wording.flags_fired(finding)
    return said if flags == "none" else f"{said} A check of the fit objects: {flags}."


def _is_inside(finding: Finding) -> bool:
    interval, allowed = finding.interval, finding.judgement.allowed
    return interval is not None and allowed is not None and interval.inside(allowed)


def _of_control(control: Finding, prediction: Finding) -> str:
    """What became of a control, named by that in which it differs."""
    where = _listed({name: value for name, value in control.setting.items() if prediction.setting.get(name) != value})
    in_which = f" ({where})" if where else ""
    must = "" if control.passed else ", though it must be refuted"
    told = f"Its control{in_which} is {control.verdict.value}{must}"
    if not _is_about_an_exponent(control) or control.interval is None:
        return f"{told}: {control.reason}."
    held = "" if control.predicted == prediction.predicted else f", held against {control.predicted}"
    return f"{told}: the exponent lies in {_ends(control.interval)}{held}."


def _is_about_an_exponent(finding: Finding) -> bool:
    return finding.exponent is not None and finding.expectation.exponent is not None


def _ends(interval: Interval) -> str:
    return f"[{interval.low:+z.2f}, {interval.high:+z.2f}]"


def _allowed(allowed: Interval) -> str:
    if math.isinf(allowed.low):
        return f"what is allowed, at most {allowed.high:+z.2f}"
    if math.isinf(allowed.high):
        return f"what is allowed, at least {allowed.low:+z.2f}"
    return f"what is allowed, {_ends(allowed)}"
