"""Records of a report whose numbers are chosen, not measured: values are 2 n^exponent times exact factors."""

import math
from dataclasses import replace
from typing import Any

from theorychecks.claims.declaration import Paper as Paper
from theorychecks.finding import Effort, Finding, Looks
from theorychecks.provenance import Provenance
from theorychecks.reporting import ClaimRecord, Report, Suite
from theorychecks.reporting.error_budget import ErrorBudget
from theorychecks.statistics import FiniteSizeClass, Interval, Judgement, Measurement, Power, Verdict
from theorychecks.statistics.cells import Estimate
from theorychecks.statistics.curvature import Check
from theorychecks.statistics.exponents import PowerLaw, power_text
from theorychecks.statistics.interval import Fit
from theorychecks.statistics.judgement import Expectation

WIDTHS = (128, 256, 512, 1024, 2048, 4096)
QUIET = Check(fired=False, statistic=0.02, bound=0.2, meaning="the local exponent changes")


def finding(
    *,
    exponent: float | None = -1.0,
    predicted: float = -1.0,
    verdict: str = "supported",
    role: str = "prediction",
    label: str = "hidden 2, frobenius",
    runs: int = 6,
    axis: str = "width",
    values: Any = None,
    reason: str = "the interval lies inside the margin",
    checks: dict[str, Check] | None = None,
    **changes: Any,
) -> Finding:
    """Return a finding with runs on 2 n^exponent, spread by the factors exp(-0.1 .. 0.1), and a matching fit."""
    spread = [math.exp(0.2 * k / max(runs - 1, 1) - 0.1) for k in range(runs)]
    slope = 0.0 if exponent is None else exponent
    cells = values or [[2.0 * n**slope * factor for factor in spread] for n in WIDTHS]
    prediction = PowerLaw(predicted, within=0.15 if predicted == -1.0 else 0.05, rival=-0.5)
    judgement = Judgement(
        measurement=Measurement.of(WIDTHS, cells, axis=axis),
        verdict=Verdict(verdict),
        reason=reason,
        confidence=0.95,
        fit=None if exponent is None else fit(exponent, checks or {"drift": QUIET}),
        interval=None if exponent is None else Interval(exponent - 0.05, exponent + 0.05),
        allowed=prediction.allowed,
        p_value=0.0007,
    )
    found = Finding(
        label=label,
        role=role,
        setting={"activation": "tanh", "depth": "3", "parametrization": "STANDARD"},
        predicted=power_text(axis, predicted),
        expectation=prediction.expectation,
        judgement=judgement,
        reason=reason,
        p_value=0.0007,
        power=Power(detectable=0.21, support=0.93),
        looks=Looks(taken=2, planned=4, budget=16),
        repeatable=True,
        engine="dense",
        effort=Effort(seconds=1.5, flops=2.5e9, trainings=4 * len(WIDTHS)),
    )
    return replace(found, **changes)


def fit(exponent: float, checks: dict[str, Check]) -> Fit:
    """Return a fit of this exponent, with the interval that findings here have."""
    estimate = Estimate(exponent, 0.009, 21.0)
    return Fit(
        exponent=exponent,
        prefactor=2.0,
        interval=Interval(exponent - 0.05, exponent + 0.05),
        bias_bound=0.03,
        standard_error=0.009,
        degrees_of_freedom=21.0,
        confidence=0.95,
        finite_size=FiniteSizeClass(omegas=(0.5, 1.0)),
        checks=checks,
        local_exponents=(exponent,) * (len(WIDTHS) - 1),
        locations=(0.0,) * len(WIDTHS),
        weights=(0.0,) * len(WIDTHS),
        trimmed=True,
        average="mean of logs",
        lowest=estimate,
        highest=estimate,
        shift=0.0,
        noise=0.1,
        among=1,
    )


def control(**changes: Any) -> Finding:
    """Return a control that is refuted, as it must be: its runs do not decay."""
    settings = {"activation": "tanh", "depth": "3", "parametrization": "MAXIMAL_UPDATE"}
    return finding(**({"exponent": 0.0, "verdict": "refuted", "role": "control", "setting": settings} | changes))


def ordering(**changes: Any) -> Finding:
    """Return a finding without a fit."""
    said = {"expectation": Expectation(kind="ordering"), "predicted": "an ordering"}
    told = {name: changes.pop(name, default) for name, default in said.items()}
    found = finding(exponent=None, **({"label": "loss order"} | changes))
    return replace(found, judgement=replace(found.judgement, allowed=None), **told)


def claim(**changes: Any) -> ClaimRecord:
    """Return a claim that passes, with one prediction and its control."""
    record = ClaimRecord(
        id="LZ-1/hidden-frobenius",
        test="properties/test_lazy.py::test_hidden_weights_move_by_one_over_width",
        statement="After O(1) steps a hidden matrix has moved by Theta(1/n) of its Frobenius norm.",
        source="Lee et al. 2019, arXiv:1902.06720, Fig. 1",
        outcome="pass",
        seed=0,
        seconds=3.0,
        findings=(finding(), control()),
    )
    lists = {name: tuple(changes[name]) for name in ("findings", "notes") if name in changes}
    return replace(record, **(changes | lists))


def failing_claim(**changes: Any) -> ClaimRecord:
    """Return a claim whose prediction is refuted: the runs decay like n^-1/2 where 1/n is predicted."""
    refuted = finding(exponent=-0.5, verdict="refuted", reason="the interval lies outside the margin")
    about = {"id": "LZ-2/failing", "test": "properties/test_lazy.py::test_failing[tanh 3]", "outcome": "fail"}
    return claim(**(about | {"findings": [refuted, control()]} | changes))


def report(*claims: ClaimRecord, **suite_changes: Any) -> Report:
    """Return a report with these claims and the counts that belong to them."""
    outcomes = [c.outcome for c in claims]
    findings = sum(len(c.findings) for c in claims)
    budget = ErrorBudget(
        confidence=0.95,
        tail_error=0.025,
        findings=findings,
        expected_wrong_verdicts_at_most=0.025 * findings,
        failing_level=0.005,
        false_alarms_a_year_at_most=365 * 0.005**2 * findings,
        false_alarms_a_year_expected=0.001,
        undecided_a_night_expected=0.07 * findings,
        note="conditional on the finite-size class",
    )
    suite = Suite(
        claims=len(claims),
        collected=len(claims),
        judged=sum(outcomes.count(outcome) for outcome in ("pass", "fail", "inconclusive")),
        reported=len(claims) - outcomes.count("not run"),
        passed=outcomes.count("pass"),
        failed=outcomes.count("fail"),
        inconclusive=outcomes.count("inconclusive"),
        errors=outcomes.count("error"),
        skipped=outcomes.count("skipped"),
        not_run=outcomes.count("not run"),
        trends_failed=0,
        lost=(),
        stopped=None,
        findings=findings,
        seed=0,
        error_budget=budget,
        wall_seconds=12.5,
        profile="quick",
    )
    provenance = Provenance(
        created="2025-01-02T03:04:05+00:00",
        git_commit="0123456789abcdef",
        git_dirty=False,
        versions={"python": "3.11.7", "torch": "2.13.0"},
        device="cpu",
        threads=2,
        command="pytest properties -n 2",
        platform="Linux x86_64",
    )
    return Report(claims=tuple(claims), suite=replace(suite, **suite_changes), provenance=provenance)
