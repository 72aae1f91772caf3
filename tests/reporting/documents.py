"""Report documents whose numbers are chosen, not measured: values are 2 n^exponent times exact factors."""

import math
from typing import Any

WIDTHS = [128, 256, 512, 1024, 2048, 4096]


def finding(
    *,
    exponent: float = -1.0,
    predicted: float = -1.0,
    verdict: str = "supported",
    role: str = "prediction",
    label: str = "hidden 2, frobenius",
    runs: int = 6,
    kind: str = "power_law",
    **changes: Any,
) -> dict[str, Any]:
    """Return a finding with runs on 2 n^exponent, spread by the factors exp(-0.1 .. 0.1), and a matching fit."""
    spread = [math.exp(0.2 * k / max(runs - 1, 1) - 0.1) for k in range(runs)]
    document: dict[str, Any] = {
        "label": label,
        "role": role,
        "setting": {"activation": "tanh", "depth": "3", "parametrization": "STANDARD"},
        "axis": "width",
        "axis_values": list(WIDTHS),
        "seeds": [runs] * len(WIDTHS),
        "values": [[2.0 * n**exponent * factor for factor in spread] for n in WIDTHS],
        "not_finite": [0] * len(WIDTHS),
        "prediction": {"kind": kind, "exponent": predicted, "margin": 0.15, "rival": -0.5, "average": "mean of logs"},
        "exponent": exponent,
        "prefactor": 2.0,
        "interval": [exponent - 0.05, exponent + 0.05],
        "bias_bound": 0.03,
        "standard_error": 0.009,
        "degrees_of_freedom": 21.0,
        "confidence": 0.95,
        "finite_size_class": {
            "constant": 3.0,
            "omegas": [0.5, 1.0],
            "rho": None,
            "unit": 1.0,
            "towards": "infinity",
        },
        "breakdown_c": 7.5,
        "local_exponents": [exponent] * (len(WIDTHS) - 1),
        "flags": {
            "drift": {"fired": False, "statistic": 0.02, "bound": 0.2, "meaning": "the local exponent changes"},
        },
        "trimmed": True,
        "shared_seeds": False,
        "verdict": verdict,
        "reason": "the interval lies inside the margin",
        "limited_by": None,
        "p_value": 0.0007,
        "power": {"detectable": 0.21, "support": 0.93},
        "looks": {"taken": 2, "planned": 4, "budget": 16},
        "confirmation": None,
        "repeatable": True,
        "engine": "dense",
        "seconds": 1.5,
        "flops": 2.5e9,
        "trainings": 4 * len(WIDTHS),
    }
    return document | changes


def control(**changes: Any) -> dict[str, Any]:
    """Return a control that is refuted, as it must be: its runs do not decay."""
    settings = {"activation": "tanh", "depth": "3", "parametrization": "MAXIMAL_UPDATE"}
    return finding(**({"exponent": 0.0, "verdict": "refuted", "role": "control", "setting": settings} | changes))


def ordering(**changes: Any) -> dict[str, Any]:
    """Return a finding without a fit."""
    without_fit = dict.fromkeys(
        (
            "exponent",
            "prefactor",
            "interval",
            "bias_bound",
            "standard_error",
            "degrees_of_freedom",
            "breakdown_c",
            "finite_size_class",
        )
    )
    prediction = {"kind": "ordering", "exponent": None, "margin": None, "rival": None, "average": "mean of logs"}
    return finding(label="loss order") | without_fit | {"prediction": prediction, "local_exponents": []} | changes


def claim(**changes: Any) -> dict[str, Any]:
    """Return a claim that passes, with one prediction and its control."""
    document: dict[str, Any] = {
        "id": "LZ-1/hidden-frobenius",
        "test": "properties/test_lazy.py::test_hidden_weights_move_by_one_over_width",
        "statement": "After O(1) steps a hidden matrix has moved by Theta(1/n) of its Frobenius norm.",
        "source": "Lee et al. 2019, arXiv:1902.06720, Fig. 1",
        "trend": False,
        "gate": False,
        "paper": None,
        "outcome": "pass",
        "error": None,
        "reason": None,
        "seed": 0,
        "seconds": 3.0,
        "findings": [finding(), control()],
        "notes": [],
    }
    return document | changes


def failing_claim(**changes: Any) -> dict[str, Any]:
    """Return a claim whose prediction is refuted: the runs decay like n^-1/2 where 1/n is predicted."""
    refuted = finding(exponent=-0.5, verdict="refuted", reason="the interval lies outside the margin")
    return claim(
        **(
            {
                "id": "LZ-2/failing",
                "test": "properties/test_lazy.py::test_failing[tanh 3]",
                "outcome": "fail",
                "findings": [refuted, control()],
            }
            | changes
        )
    )


def report(*claims: dict[str, Any]) -> dict[str, Any]:
    """Return a report document with these claims and the counts that belong to them."""
    outcomes = [c["outcome"] for c in claims]
    findings = sum(len(c["findings"]) for c in claims)
    budget = {
        "confidence": 0.95,
        "tail_error": 0.025,
        "findings": findings,
        "expected_wrong_verdicts_at_most": 0.025 * findings,
        "failing_level": 0.005,
        "false_alarms_a_year_at_most": 365 * 0.005**2 * findings,
        "false_alarms_a_year_expected": 0.001,
        "undecided_a_night_expected": 0.07 * findings,
        "note": "conditional on the finite-size class",
    }
    suite = {
        "claims": len(claims),
        "collected": len(claims),
        "judged": sum(outcomes.count(outcome) for outcome in ("pass", "fail", "inconclusive")),
        "reported": len(claims) - outcomes.count("not run"),
        "passed": outcomes.count("pass"),
        "failed": outcomes.count("fail"),
        "inconclusive": outcomes.count("inconclusive"),
        "errors": outcomes.count("error"),
        "skipped": outcomes.count("skipped"),
        "not_run": outcomes.count("not run"),
        "trends_failed": 0,
        "lost": [],
        "stopped": None,
        "findings": findings,
        "seed": 0,
        "error_budget": budget,
        "wall_seconds": 12.5,
        "profile": "quick",
    }
    provenance = {
        "created": "2025-01-02T03:04:05+00:00",
        "git_commit": "0123456789abcdef",
        "git_dirty": False,
        "versions": {"python": "3.11.7", "torch": "2.13.0"},
        "device": "cpu",
        "threads": 2,
        "command": "pytest properties -n 2",
        "platform": "Linux x86_64",
    }
    return {"schema": 1, "claims": list(claims), "suite": suite, "provenance": provenance}
