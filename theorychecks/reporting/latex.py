r"""A report as a LaTeX table: one line a claim, its exponent with the interval, widths and seeds.

It needs the packages `booktabs` and `longtable`, and LuaLaTeX or XeLaTeX where texts have letters that pdfLaTeX lacks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from theorychecks.finding import Finding
from theorychecks.reporting import tally, wording
from theorychecks.reporting.literal import in_a_line
from theorychecks.reporting.report import ClaimRecord, Report
from theorychecks.reporting.selection import worst_finding

_COLUMNS: Final = ("claim", "quantity", "predicted", "exponent", "interval", "axis", "seeds", "verdict")
_ALIGNED: Final = r"@{}p{0.12\textwidth} p{0.19\textwidth} p{0.1\textwidth} r l p{0.15\textwidth} r l@{}"
_SPECIAL: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\texttt{\char34}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    "\N{SOFT HYPHEN}": r"\-",
    # After the end of a row these would be its options.
    "[": "{[}",
    "*": "{*}",
}
_LIGATURES: Final = re.compile(r"([-,])(?=\1)")
"""Two of these are set as one other sign."""
_POWER: Final = re.compile(r"(at most |at least |)(.+)\^([+-]?[0-9]+(?:\.[0-9]+)?)", re.DOTALL)
_SHOWN: Final = 120
_LONG_WORD: Final = re.compile(r"\S{25,}")
_WORD_PART: Final = 12


def render_latex(report: Report) -> str:
    """Return the report as a `longtable` with the rules of `booktabs`: of each claim the worst of its findings."""
    suite = report.suite
    commit = report.provenance.git_commit
    about = [
        "% " + in_a_line(f"{tally.counts(suite)}; seed {suite.seed}, profile {suite.profile}"),
        "% " + in_a_line(f"{report.provenance.created}, commit {commit or 'unknown'}"),
        r"% \usepackage{booktabs,longtable,textcomp}; LuaLaTeX or XeLaTeX for letters that pdfLaTeX lacks",
        r"% In landscape, at \footnotesize, it fits a page of A4.",
    ]
    head = [_row([latex(name) for name in _COLUMNS]), r"\midrule", r"\endhead", r"\bottomrule", r"\endlastfoot"]
    rows = [_row(_cells(claim)) for claim in report.claims]
    table = [rf"\begin{{longtable}}{{{_ALIGNED}}}", r"\toprule", *head, *rows, r"\end{longtable}"]
    return "\n".join([*about, *table]) + "\n"


def latex(text: str) -> str:
    """Return text that LaTeX sets as it is, on one line; very long words may be broken."""
    breaking = _LONG_WORD.sub(_with_breaks, in_a_line(text))
    return _LIGATURES.sub(r"\1{}", "".join(_SPECIAL.get(each, each) for each in breaking))


def _with_breaks(match: re.Match[str]) -> str:
    word = match.group()
    return "\N{SOFT HYPHEN}".join(word[start : start + _WORD_PART] for start in range(0, len(word), _WORD_PART))


def _cells(claim: ClaimRecord) -> Sequence[str]:
    finding = worst_finding(claim)
    name = latex(wording.clip(claim.id, _SHOWN))
    if finding is None or not tally.has_verdict(claim):
        said = latex(wording.clip(tally.first_line(claim), _SHOWN))
        return (name, said, "", "", "", "", "", latex(claim.outcome))
    return (
        name,
        latex(wording.clip(finding.label, _SHOWN) + (" (control)" if finding.role == "control" else "")),
        _predicted(finding),
        "--" if finding.exponent is None else f"${finding.exponent:+z.2f}$",
        "--" if finding.interval is None else f"$[{finding.interval.low:+z.2f},\\,{finding.interval.high:+z.2f}]$",
        _axis(finding),
        wording.seed_range(finding.measurement.seeds).replace("..", "--"),
        latex(finding.verdict.value),
    )


def _predicted(finding: Finding) -> str:
    """What theory says, a power of the axis with its exponent raised."""
    power = _POWER.fullmatch(wording.clip(finding.predicted, _SHOWN))
    if power is None:
        return latex(wording.clip(finding.predicted, _SHOWN))
    bound, base, exponent = power.groups()
    return bound + ("$n" if base == "n" else f"{latex(base)}$") + f"^{{{exponent}}}$"


def _axis(finding: Finding) -> str:
    first, last = finding.measurement.axis_values[0], finding.measurement.axis_values[-1]
    return f"{latex(wording.clip(finding.measurement.axis, 40))} {_number(first)}--{_number(last)}"


def _number(value: float) -> str:
    return wording.axis_number(value).replace(",", r"\,")


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"
