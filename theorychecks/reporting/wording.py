"""The words of a report: one way to say each number, in Markdown, on the page and in a plot."""

import shlex
from collections.abc import Sequence

from theorychecks.reporting.report import BudgetDocument, ClaimDocument, FindingDocument, ProvenanceDocument
from theorychecks.reporting.selection import WANTED, failing_findings, finding_passes

# An outcome is a symbol and a word, so that colour is never needed to read it.
OUTCOMES = {
    "pass": "✓ pass",
    "fail": "✗ fail",
    "inconclusive": "? inconclusive",
    "error": "! error",
    "skipped": "↷ skipped",
    "not run": "○ not run",
}

# Before a count of runs without a finite positive value, in a plot.
NOT_FINITE_MARK = "\N{MULTIPLICATION SIGN}"


def clip(text: str, length: int) -> str:
    """Return `text`, cut to `length` characters with a note of how many are missing."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text) - length} more characters)"


def number(value: float | None) -> str:
    """Return a number to three digits, or a dash."""
    return "-" if value is None else f"{value:.3g}"


def axis_number(value: float) -> str:
    """Return an axis value in full, in groups of three digits."""
    return f"{int(value):,}" if value == int(value) else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Return a time as a reader would say it."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def power(axis: str, exponent: float | None) -> str:
    """Return "n^-0.5" for an exponent in the width, "samples^-0.5" for one in another axis."""
    if exponent is None:
        return "-"
    return f"{_base(axis)}^0" if exponent == 0 else f"{_base(axis)}^{exponent:+.3g}"


def measured_power(finding: FindingDocument) -> str:
    """Return the fitted power, "n^-0.98"; a dash where nothing was fitted."""
    exponent = finding["exponent"]
    return "-" if exponent is None else f"{_base(finding['axis'])}^{exponent:+z.2f}"


def measured(finding: FindingDocument) -> str:
    """Return the fitted power with its interval; the bare verdict where nothing was fitted."""
    if finding["exponent"] is None:
        return finding["verdict"]
    return f"{measured_power(finding)}, {interval(finding)}"


def _base(axis: str) -> str:
    return "n" if axis == "width" else axis


def interval(finding: FindingDocument) -> str:
    """Return "95% interval [-1.03, -0.94]"; a dash where there is none."""
    ends = finding["interval"]
    return "-" if ends is None else f"{percent(finding['confidence'])} interval [{ends[0]:+z.2f}, {ends[1]:+z.2f}]"


def percent(fraction: float) -> str:
    """Return a fraction in per cent, without digits that say nothing."""
    return f"{100 * fraction:.6g}%"


def verdict(finding: FindingDocument) -> str:
    """Return the verdict with a symbol that says whether it is the wanted one."""
    if finding_passes(finding):
        return f"✓ {finding['verdict']}" + (", as a control must be" if finding["role"] == "control" else "")
    symbol = "?" if finding["verdict"] == "inconclusive" else "✗"
    return f"{symbol} {finding['verdict']}" + (
        ", and a control must be refuted" if finding["role"] == "control" else ""
    )


def predicted_power(finding: FindingDocument) -> str:
    """Return the power that theory says, "at most n^-0.5"."""
    prediction = finding["prediction"]
    if prediction["exponent"] is None:
        return _WITHOUT_EXPONENT[prediction["kind"]]
    bound = {"upper_bound": "at most ", "lower_bound": "at least "}.get(prediction["kind"], "")
    return bound + power(finding["axis"], prediction["exponent"] or 0.0)


_WITHOUT_EXPONENT = {
    "ordering": "an ordering",
    "interior_optimum": "an optimum inside",
    "collapse": "one curve",
    "same_law": "one law",
    "identity": "an identity",
    "logarithmic_growth": "growth like a logarithm",
    "crossing": "a crossing of one half",
}


def predicted(finding: FindingDocument) -> str:
    """Return what theory says, with its margin and its rival."""
    prediction = finding["prediction"]
    parts = [predicted_power(finding)]
    if prediction["margin"] is not None:
        parts.append(f"within {prediction['margin']:.3g}")
    if prediction["rival"] is not None:
        parts.append(f"(rival {power(finding['axis'], prediction['rival'])})")
    return " ".join(parts)


def rule(finding: FindingDocument) -> str:
    """Return the rule by which the verdict is reached, with its numbers."""
    prediction = finding["prediction"]
    exponent, margin = prediction["exponent"] or 0.0, prediction["margin"]
    if prediction["exponent"] is None or margin is None:
        return "supported when the data are as predicted beyond chance, refuted when they are not, else inconclusive"
    low, high = f"{exponent - margin:+.3g}", f"{exponent + margin:+.3g}"
    inside, outside = {
        "upper_bound": (f"reaches no higher than {high}", f"lies above {high}"),
        "lower_bound": (f"reaches no lower than {low}", f"lies below {low}"),
    }.get(prediction["kind"], (f"lies inside [{low}, {high}]", "lies outside it"))
    return f"supported when the whole interval {inside} and no flag fired, refuted when it {outside}, else inconclusive"


def error_parts(finding: FindingDocument) -> str:
    """Return the two parts of the interval's half-width: what is bias and what is noise."""
    ends, bias = finding["interval"], finding["bias_bound"]
    if ends is None or bias is None:
        return "-"
    half_width = (ends[1] - ends[0]) / 2
    noise = f"{max(half_width - bias, 0.0):.3f} noise (standard error {number(finding['standard_error'])}"
    return f"±{half_width:.3f} = {bias:.3f} bias + {noise}, {number(finding['degrees_of_freedom'])} degrees of freedom)"


def axis_range(finding: FindingDocument) -> str:
    """Return "width 128..16,384"."""
    values = finding["axis_values"]
    if not values:
        return f"{finding['axis']}: none"
    return f"{finding['axis']} {axis_number(min(values))}..{axis_number(max(values))}"


def seed_range(seeds: Sequence[int]) -> str:
    """Return "10", or "6..10" where axis values have different numbers of seeds."""
    if not seeds:
        return "0"
    return str(seeds[0]) if min(seeds) == max(seeds) else f"{min(seeds)}..{max(seeds)}"


def scope(finding: FindingDocument) -> str:
    """Return where the exponent holds: a statement about a range, under a class of finite-size corrections."""
    values, allowed = finding["axis_values"], finding["finite_size_class"]
    if not values:
        return "on no axis value"
    text = f"on [{axis_number(min(values))}, {axis_number(max(values))}]"
    if allowed is None:
        return text
    omegas = ", ".join(f"{omega:.3g}" for omega in allowed["omegas"])
    size = f"|c| ≤ {allowed['constant']:.3g}" if allowed["rho"] is None else f"rho ≤ {allowed['rho']:.3g}"
    unit = "" if allowed["unit"] == 1 else f", in units of {allowed['unit']:.3g}"
    return f"{text}, extrapolated under the finite-size class {size}, ω in {{{omegas}}}{unit}"


def flags_fired(finding: FindingDocument) -> str:
    """Return the flags that fired, each with its statistic, its bound and its meaning; "none" where none did."""
    fired = [
        f"{name}: {flag['statistic']:.3g} against a bound of {flag['bound']:.3g} ({flag['meaning']})"
        for name, flag in finding["flags"].items()
        if flag["fired"]
    ]
    return "; ".join(fired) or "none"


def not_finite(finding: FindingDocument) -> str:
    """Return the counts of runs without a finite positive value, by axis value."""
    lost = [
        f"{count} of {seeds} at {axis_number(value)}"
        for value, seeds, count in zip(finding["axis_values"], finding["seeds"], finding["not_finite"], strict=True)
        if count
    ]
    return ", ".join(lost) or "none"


def setting(finding: FindingDocument) -> str:
    """Return the setting of the finding, "activation=tanh, depth=3"."""
    return ", ".join(f"{name}={value}" for name, value in finding["setting"].items())


def reproduce(claim: ClaimDocument) -> str:
    """Return the command that runs the claim again."""
    seed = f" --theory-seed={claim['seed']}" if claim["seed"] else ""
    return f"pytest {shlex.quote(claim['test'])}{seed}"


def explanation(claim: ClaimDocument, finding: FindingDocument) -> list[tuple[str, str]]:
    """Return, name by name, why a finding has its verdict, what would decide it, and how to see it again."""
    return [
        ("predicted", predicted(finding)),
        ("rule", rule(finding)),
        ("measured", f"{measured(finding)} {scope(finding)}"),
        ("error", error_parts(finding)),
        ("runs", f"{axis_range(finding)}, {seed_range(finding['seeds'])} seeds, {finding['engine']}"),
        ("looks", looks(finding)),
        ("not finite", not_finite(finding)),
        ("flags", flags_fired(finding)),
        ("setting", setting(finding) or "-"),
        ("reason", finding["reason"] or "none given"),
        ("could see", certificate(finding)),
        ("reproduce", reproduce(claim)),
    ]


def numbers(finding: FindingDocument) -> list[tuple[str, str]]:
    """Return every number of a finding, name by name."""
    prediction, axis = finding["prediction"], finding["axis"]
    return [
        ("predicted", predicted(finding)),
        ("measured", measured(finding)),
        ("half-width", error_parts(finding)),
        ("margin, rival", f"{number(prediction['margin'])}, {power(axis, prediction['rival'])}"),
        ("prefactor", number(finding["prefactor"])),
        (
            "breakdown C",
            f"{number(finding['breakdown_c'])} (the largest C tried under which it is SUPPORTED)",
        ),
        ("local exponents", ", ".join(f"{exponent:+.2f}" for exponent in finding["local_exponents"]) or "-"),
        ("flags fired", flags_fired(finding)),
        ("flags checked", ", ".join(finding["flags"]) or "none"),
        ("runs", f"{axis_range(finding)}, {seed_range(finding['seeds'])} seeds at each"),
        ("not finite", not_finite(finding)),
        ("means", _means(finding)),
        ("looks", looks(finding)),
        ("p value", f"{number(finding['p_value'])} (of so clear a verdict if it were wrong)"),
        ("could see", certificate(finding)),
        ("setting", setting(finding) or "-"),
        ("engine", finding["engine"]),
        ("effort", effort(finding)),
        ("rule", rule(finding)),
        ("reason", finding["reason"] or "-"),
    ]


def effort(finding: FindingDocument) -> str:
    """Say how many networks were trained for a finding, and what that cost."""
    values, giga = sum(finding["seeds"]), finding["flops"] / 1e9
    each = f" ({finding['trainings'] / values:.3g} for each value)" if finding["trainings"] > values else ""
    work = f"{giga:,.0f}" if giga >= 100 else f"{giga:.3g}"
    return f"{finding['trainings']:,} trainings{each}, {work} GFLOP, {duration(finding['seconds'])}"


def looks(finding: FindingDocument) -> str:
    """Return how many looks a sequential design took, and what its budget was."""
    taken = finding["looks"]
    if taken is None:
        return "one, a fixed number of seeds"
    return (
        f"{taken['taken']} of {taken['planned']}, on a budget of {taken['budget']} networks at every {finding['axis']}"
    )


def certificate(finding: FindingDocument) -> str:
    """Return the power certificate: what the whole budget could have detected, whatever it found."""
    able = finding["power"]
    if able is None:
        return "-"
    seen = f"refutes a departure of {number(able['detectable'])} nine times in ten"
    if finding["exponent"] is None:
        return seen
    return f"{seen}, supports an exact power law with probability {able['support']:.2f}"


def false_alarms(budget: BudgetDocument) -> str:
    """Return how often chance alone would fail a night's run, in a year, and leave a finding open, in a night."""
    return (
        f"{budget['false_alarms_a_year_expected']:.2g} false alarms a year expected where the estimates are the truth, "
        f"at most {budget['false_alarms_a_year_at_most']:.2g} where every truth is at its edge; "
        f"{budget['undecided_a_night_expected']:.2g} undecided findings a night"
    )


def _means(finding: FindingDocument) -> str:
    trimmed = "trimmed" if finding["trimmed"] else "untrimmed"
    seeds = "the same seeds" if finding["shared_seeds"] else "other seeds"
    return f"{finding['prediction']['average']}, {trimmed}, {seeds} at every {finding['axis']}"


def provenance(document: ProvenanceDocument) -> list[tuple[str, str]]:
    """Return, name by name, where the numbers come from."""
    changes = {True: ", with uncommitted changes", False: "", None: ", unknown whether changed"}
    commit = document["git_commit"]
    return [
        ("created", document["created"]),
        ("code", "no commit known" if commit is None else f"commit {commit}{changes[document['git_dirty']]}"),
        ("command", document["command"]),
        ("device", f"{document['device']}, {document['threads']} threads"),
        ("platform", document["platform"]),
        ("versions", ", ".join(f"{name} {version}" for name, version in document["versions"].items())),
    ]


_FINDINGS_TOLD = 6


def account(claim: ClaimDocument) -> str:
    """Return a claim that did not pass as text for a terminal: what broke, or every failing finding explained."""
    blocks = [f"{claim['outcome'].upper()}  {claim['id']}: {clip(claim['statement'], 200)}"]
    if claim["error"]:
        blocks.append(claim["error"])
    blocks += claim["notes"]
    failing = failing_findings(claim)
    for finding in failing[:_FINDINGS_TOLD]:
        rows = [f"  {name:<11}{text}" for name, text in explanation(claim, finding)]
        heading = (
            f"{finding['verdict'].upper()}  {finding['label']} ({finding['role']}, wanted {WANTED[finding['role']]})"
        )
        blocks.append("\n".join([heading, *rows]))
    if len(failing) > _FINDINGS_TOLD:
        blocks.append(f"and {len(failing) - _FINDINGS_TOLD} more findings like these, all in the report")
    return "\n\n".join(blocks)
