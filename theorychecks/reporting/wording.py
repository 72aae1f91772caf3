"""The words of a report: one way to say each number, in Markdown, on the page and in a plot."""

import math
import shlex
from collections.abc import Sequence

from theorychecks.finding import Finding
from theorychecks.provenance import Provenance
from theorychecks.reporting.error_budget import ErrorBudget
from theorychecks.reporting.origins import origins_text
from theorychecks.reporting.report import ClaimRecord
from theorychecks.reporting.rule import rule
from theorychecks.statistics.exponents import power_text
from theorychecks.statistics.judgement import Verdict

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


def css_class(outcome: str) -> str:
    """Return an outcome as a class of the page's style."""
    return outcome.replace(" ", "-")


def clip(text: str, length: int) -> str:
    """Return `text`, cut to `length` characters with a note of how many are missing."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text) - length} more characters)"


def literal(text: str) -> str:
    """Return a text of which a terminal obeys nothing, lines aside."""
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)


def number(value: float | None, digits: int = 3) -> str:
    """Return a number to three digits, "0.0214", "1,340" or "1.2e-6"; a dash for none."""
    if value is None:
        return "-"
    rounded = float(f"{value:.{digits}g}")
    if not math.isfinite(rounded) or rounded == 0 or 1e-4 < abs(rounded) < 1e7:
        return f"{rounded:,.0f}" if abs(rounded) >= 10**digits else f"{rounded:.{digits}g}"
    mantissa, _, power_of_ten = f"{rounded:.{digits - 1}e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(power_of_ten)}"


def axis_number(value: float) -> str:
    """Return an axis value in full, in groups of three digits, where it is not too long to read."""
    return f"{int(value):,}" if value == int(value) and abs(value) < 1e7 else number(value, 4)


def duration(seconds: float) -> str:
    """Return a time as a reader would say it."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def power(axis: str, exponent: float | None) -> str:
    """Return "n^-0.5" for an exponent in the width, "samples^-0.5" for one in another axis; a dash for none."""
    return "-" if exponent is None else power_text(axis, exponent)


def measured_power(finding: Finding) -> str:
    """Return the fitted power, "n^-0.98"; a dash where nothing was fitted."""
    if finding.exponent is None:
        return "-"
    base = "n" if finding.measurement.axis == "width" else finding.measurement.axis
    return f"{base}^{finding.exponent:+z.2f}"


def measured(finding: Finding) -> str:
    """Return the fitted power with its interval; the bare verdict where nothing was fitted."""
    if finding.exponent is None:
        return finding.verdict.value
    return f"{measured_power(finding)}, {interval(finding)}"


def interval(finding: Finding) -> str:
    """Return "95% interval [-1.03, -0.94]"; a dash where there is none."""
    ends = finding.interval
    return (
        "-" if ends is None else f"{percent(finding.judgement.confidence)} interval [{ends[0]:+z.2f}, {ends[1]:+z.2f}]"
    )


def percent(fraction: float) -> str:
    """Return a fraction in per cent as people write it: two digits of what is missing to none or all, "98.3%"."""
    least = 100 * min(fraction, 1 - fraction)
    decimals = max(1 - math.floor(math.log10(least)), 0) if least > 0 else 0
    whole, _, rest = f"{100 * fraction:.{decimals}f}".partition(".")
    return f"{whole}.{rest.rstrip('0')}".rstrip(".") + "%"


def verdict(finding: Finding) -> str:
    """Return the verdict with a symbol that says whether it is the wanted one."""
    is_control = finding.role == "control"
    if finding.passed:
        return f"✓ {finding.verdict.value}" + (", as a control must be" if is_control else "")
    symbol = "?" if finding.verdict is Verdict.INCONCLUSIVE else "✗"
    return f"{symbol} {finding.verdict.value}" + (", and a control must be refuted" if is_control else "")


def predicted(finding: Finding) -> str:
    """Return what theory says, with its margin and its rival."""
    expected, parts = finding.expectation, [finding.predicted]
    if expected.margin is not None:
        parts.append(f"within {expected.margin:.3g}")
    if expected.rival is not None:
        parts.append(f"(rival {power(finding.measurement.axis, expected.rival)})")
    return " ".join(parts)


def error_parts(finding: Finding) -> str:
    """Return the two parts of the interval's half-width: what is bias and what is noise."""
    fit, ends = finding.judgement.fit, finding.interval
    if ends is None or fit is None:
        return "-"
    half_width = (ends.high - ends.low) / 2
    noise = f"{max(half_width - fit.bias_bound, 0.0):.3f} noise (standard error {number(fit.standard_error)}"
    return (
        f"±{half_width:.3f} = {fit.bias_bound:.3f} bias + {noise}, {number(fit.degrees_of_freedom)} degrees of freedom)"
    )


def axis_range(finding: Finding) -> str:
    """Return "width 128..16,384"."""
    measurement = finding.measurement
    first, last = measurement.axis_values[0], measurement.axis_values[-1]
    return f"{measurement.axis} {axis_number(first)}..{axis_number(last)}"


def seed_range(seeds: Sequence[int]) -> str:
    """Return "10", or "6..10" where axis values have different numbers of seeds."""
    return str(seeds[0]) if min(seeds) == max(seeds) else f"{min(seeds)}..{max(seeds)}"


def scope(finding: Finding) -> str:
    """Return where the exponent holds: a statement about a range, under a class of finite-size corrections."""
    values, fit = finding.measurement.axis_values, finding.judgement.fit
    text = f"on [{axis_number(values[0])}, {axis_number(values[-1])}]"
    if fit is None:
        return text
    allowed = fit.finite_size
    omegas = ", ".join(f"{omega:.3g}" for omega in allowed.omegas)
    size = f"|c| ≤ {allowed.constant:.3g}" if allowed.rho is None else f"rho ≤ {allowed.rho:.3g}"
    unit = "" if allowed.unit == 1 else f", in units of {allowed.unit:.3g}"
    return f"{text}, extrapolated under the finite-size class {size}, ω in {{{omegas}}}{unit}"


def flags_fired(finding: Finding) -> str:
    """Return the flags that fired, each with its statistic, its bound and its meaning; "none" where none did."""
    fired = [
        f"{name}: {check.statistic:.3g} against a bound of {check.bound:.3g} ({check.meaning})"
        for name, check in (finding.judgement.fit.checks if finding.judgement.fit else {}).items()
        if check.fired
    ]
    return "; ".join(fired) or "none"


def not_finite(finding: Finding) -> str:
    """Return the counts of runs without a finite positive value, by axis value."""
    measurement = finding.measurement
    lost = [
        f"{count} of {seeds} at {axis_number(value)}"
        for value, seeds, count in zip(measurement.axis_values, measurement.seeds, measurement.not_finite, strict=True)
        if count
    ]
    return ", ".join(lost) or "none"


def judged_by(finding: Finding) -> list[tuple[str, str]]:
    """Return of how many runs a finding has numbers, where others were left out; nothing where none was."""
    measurement = finding.measurement
    if not any(measurement.left_out):
        return []
    counts = zip(measurement.seeds, measurement.made, measurement.axis_values, strict=True)
    return [("judged by", ", ".join(f"{seeds} of {made} at {axis_number(at)}" for seeds, made, at in counts))]


def setting(finding: Finding) -> str:
    """Return the setting of the finding, "activation=tanh, depth=3"."""
    return ", ".join(f"{name}={value}" for name, value in finding.setting.items())


def reproduce(claim: ClaimRecord) -> str:
    """Return the command that runs the claim again."""
    seed = f" --theory-seed={claim.seed}" if claim.seed else ""
    return f"pytest {shlex.quote(claim.test)}{seed}"


def explanation(claim: ClaimRecord, finding: Finding) -> list[tuple[str, str]]:
    """Return, name by name, why a finding has its verdict, what would decide it, and how to see it again."""
    return [
        ("predicted", predicted(finding)),
        ("rule", rule(finding)),
        ("measured", f"{measured(finding)} {scope(finding)}"),
        ("error", error_parts(finding)),
        ("runs", f"{axis_range(finding)}, {seed_range(finding.measurement.seeds)} seeds, {finding.engine}"),
        ("origin", origins_text(finding)),
        ("looks", looks(finding)),
        *judged_by(finding),
        ("not finite", not_finite(finding)),
        ("flags", flags_fired(finding)),
        ("setting", setting(finding) or "-"),
        ("reason", finding.reason or "none given"),
        ("could see", certificate(finding)),
        ("reproduce", reproduce(claim)),
    ]


def numbers(finding: Finding, *, breakdown: bool = True) -> list[tuple[str, str]]:
    """Return every number of a finding, name by name; its breakdown constant takes a millisecond, and may be left out.

    Args:
        finding: of which.
        breakdown: whether that constant is among them.
    """
    expected, fit, axis = finding.expectation, finding.judgement.fit, finding.measurement.axis
    slopes = [f"{exponent:+.2f}" for exponent in (fit.local_exponents if fit else ()) if math.isfinite(exponent)]
    return [
        ("predicted", predicted(finding)),
        ("measured", measured(finding)),
        ("half-width", error_parts(finding)),
        ("margin, rival", f"{number(expected.margin)}, {power(axis, expected.rival)}"),
        ("prefactor", number(fit.prefactor if fit else None)),
        *([("breakdown C", f"{number(finding.breakdown)} {_BREAKDOWN}")] if breakdown else []),
        ("local exponents", ", ".join(slopes) or "-"),
        ("flags fired", flags_fired(finding)),
        ("flags checked", ", ".join(fit.checks if fit else ()) or "none"),
        ("runs", f"{axis_range(finding)}, {seed_range(finding.measurement.seeds)} seeds at each"),
        *judged_by(finding),
        ("not finite", not_finite(finding)),
        ("means", _means(finding)),
        ("looks", looks(finding)),
        ("p value", f"{number(finding.p_value)} (of so clear a verdict if it were wrong)"),
        ("could see", certificate(finding)),
        ("setting", setting(finding) or "-"),
        ("engine", finding.engine),
        ("effort", effort(finding)),
        ("origin", origins_text(finding)),
        ("rule", rule(finding)),
        ("reason", finding.reason or "-"),
    ]


_BREAKDOWN = "(the largest C tried under which it is SUPPORTED)"


def effort(finding: Finding) -> str:
    """Say how many networks were trained for a finding, and what that cost."""
    spent, values = finding.effort, sum(finding.measurement.made)
    each = f" ({number(spent.trainings / values)} for each value)" if spent.trainings > values else ""
    said = [f"{spent.trainings:,} trainings{each}"] if spent.trainings else []
    said += [f"{number(spent.flops / 1e9)} GFLOP"] if spent.flops else []
    return ", ".join([*said, duration(spent.seconds)])


def looks(finding: Finding) -> str:
    """Return how many looks a sequential design took, and what its budget was."""
    taken = finding.looks
    if taken is None:
        return "one, a fixed number of seeds"
    axis = finding.measurement.axis
    return f"{taken.taken} of {taken.planned}, on a budget of {taken.budget} networks at every {axis}"


def certificate(finding: Finding) -> str:
    """Return the power certificate: what the whole budget could have detected, whatever it found."""
    able = finding.power
    if able is None:
        return "-"
    detectable = able.detectable if math.isfinite(able.detectable) else None
    seen = f"refutes a departure of {number(detectable)} nine times in ten"
    if finding.exponent is None:
        return seen
    return f"{seen}, supports an exact power law with probability {able.support:.2f}"


def false_alarms(budget: ErrorBudget) -> str:
    """Return how often chance alone would fail a night's run, in a year, and leave a finding open, in a night."""
    return (
        f"{budget.false_alarms_a_year_expected:.2g} false alarms a year expected where the estimates are the truth, "
        f"at most {budget.false_alarms_a_year_at_most:.2g} where every truth is at its edge; "
        f"{budget.undecided_a_night_expected:.2g} undecided findings a night"
    )


def _means(finding: Finding) -> str:
    fit, measurement = finding.judgement.fit, finding.measurement
    trimmed = "trimmed" if fit and fit.trimmed else "untrimmed"
    seeds = "the same seeds" if measurement.shared_seeds else "other seeds"
    return f"{finding.expectation.average}, {trimmed}, {seeds} at every {measurement.axis}"


def provenance(document: Provenance) -> list[tuple[str, str]]:
    """Return, name by name, where the numbers come from."""
    changes = {True: ", with uncommitted changes", False: "", None: ", unknown whether changed"}
    commit, anew = document.git_commit, document.judged_anew
    return [
        ("created", document.created),
        ("code", "no commit known" if commit is None else f"commit {commit}{changes[document.git_dirty]}"),
        ("command", document.command),
        ("device", f"{document.device}, {document.threads} threads"),
        ("platform", document.platform),
        ("versions", ", ".join(f"{name} {version}" for name, version in document.versions.items())),
        *([] if anew is None else [("judged anew", anew)]),
    ]
