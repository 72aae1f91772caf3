"""The tables that tests leave, as one page of Markdown."""

from simulation import standard_error

_HEAD = """# Calibration

How often intervals miss and verdicts err, counted on simulated measurements whose truth is known.
`python -m pytest tests/calibration` counts again and writes this page.

Rates are in per cent, and a number in brackets is the one stated beforehand, by an independent simulation.
**(!)** marks a rate that is worse than the stated one by more than three Monte Carlo standard errors of both.
Half-widths are medians over the replications.
Generators are fixed, so the same code gives the same page.
"""


class Tables:
    """Tables in sections; sections in the order of their names, tables in the order in which they came."""

    def __init__(self):
        self._sections = {}

    def __bool__(self):
        return bool(self._sections)

    def add(self, section, title, columns, rows, note=""):
        """Add a table.

        Args:
            section: its heading, which begins with its number: "1. Coverage".
            title: of the table.
            columns: names.
            rows: sequences as long as `columns`, of text or numbers.
            note: what a reader must know, replications included.
        """
        rows = [[str(entry) for entry in row] for row in rows]
        if wrong := [row for row in rows if len(row) != len(columns)]:
            raise ValueError(f"{title}: {len(columns)} columns, but a row has {len(wrong[0])}: {wrong[0]}")
        lines = [f"### {title}", ""]
        lines += [note, ""] if note else []
        lines += [_line(columns), _line(["---"] * len(columns)), *map(_line, rows), ""]
        self._sections.setdefault(section, []).append("\n".join(lines))

    def markdown(self):
        """The whole page."""
        parts = [_HEAD]
        for section in sorted(self._sections):
            parts += [f"## {section}\n", *self._sections[section]]
        return "\n".join(parts)


def _line(entries):
    return "| " + " | ".join(entries) + " |"


def percent(rate):
    """A rate in per cent: 97.3."""
    return f"{100 * rate:.1f}"


def beside(rate, text, short):
    """A measured rate, the stated one in brackets, and a mark where it falls short."""
    return f"{percent(rate)} ({text}){' **(!)**' if short else ''}"


def largest_error(rates, replications):
    """The largest Monte Carlo standard error of some rates, in per cent."""
    return f"{100 * max(standard_error(rate, replications) for rate in rates):.1f}"


def errors_note(replications):
    """What R replications mean for rates near 50, 95 and 99 per cent."""
    at = ", ".join(f"{100 * standard_error(rate, replications):.1f} at {100 * rate:.0f}%" for rate in (0.5, 0.95, 0.99))
    return f"R = {replications:,}; Monte Carlo standard error in points: {at}."
