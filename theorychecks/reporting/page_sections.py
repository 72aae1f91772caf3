"""Sections of the page: a claim with the figure of its worst finding, and all its findings for those who ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from theorychecks.beside import of_each
from theorychecks.finding import Finding
from theorychecks.reporting import spoken, tally, wording
from theorychecks.reporting.contents import Entry
from theorychecks.reporting.gate_plots import Coordinate, coordinates, plot_step
from theorychecks.reporting.packing import packed
from theorychecks.reporting.plots import plot_finding
from theorychecks.reporting.rendering import template
from theorychecks.reporting.selection import badness, counterpart, most_telling, pairs, worst_finding, worst_of
from theorychecks.statistics.judgement import Verdict

_ELEMENTS: Final = 9700
"""On the page, which has fewer than 10,000; a figure that has no room is drawn when a reader asks."""
_ELEMENTS_A_CLAIM: Final = 24
"""Besides its figure."""
_ON_DEMAND: Final = 3000
"""Findings whose figures wait, compressed to some kilobyte each; the page stays below 5 MB."""
_POINTS: Final = 90
"""Runs drawn in a figure."""
_LINES: Final = 6000
_FEWEST_LINES: Final = 10
_TEXT_SHOWN: Final = 8000
_NUMBER_SHOWN: Final = 1000
_STEPS_SHOWN: Final = 6


@dataclass(frozen=True, slots=True)
class Section:
    """A claim as the page shows it.

    Attributes:
        entry: the claim and its place.
        state: its outcome, as a class of the page's style.
        worst: the finding that speaks most against it, where findings say how it ended.
        companion: what that one stands beside, its control.
        figure: the two of them, where there is room.
        steps: of a gate, a heading and a figure for each step.
        error: what went wrong, or why it was not judged.
        notes: what it says besides.
        lines: its findings, one a line.
        lines_left_out: how many have none.
        packed: its findings with figures and all numbers, for the page's script.
        count: of its findings.
    """

    entry: Entry
    state: str
    worst: Finding | None
    companion: Finding | None
    figure: str
    steps: list[tuple[str, str]]
    error: str
    notes: list[str]
    lines: list[str]
    lines_left_out: int
    packed: str
    count: int

    @property
    def title(self) -> str:
        """Which finding is shown, and what it was given."""
        return "" if self.worst is None else spoken.title(self.worst)

    @property
    def words(self) -> str:
        """The verdict in words."""
        return "" if self.worst is None else spoken.verdict_in_words(self.worst, self.companion)

    @property
    def decides(self) -> str:
        """What would decide it."""
        return "" if self.worst is None else spoken.what_decides(self.worst)


def sections(found: Sequence[Entry]) -> list[Section]:
    """Return a section for every claim, in the order of the report."""
    on_demand = {id(finding) for finding in most_telling([entry.claim for entry in found], _ON_DEMAND)}
    findings = sum(len(entry.claim.findings) for entry in found)
    share = min(_LINES / max(findings, 1), 1.0)
    room = _Room(_ELEMENTS - _ELEMENTS_A_CLAIM * len(found))
    by_need = sorted(found, key=_need, reverse=True)
    asked = [
        (entry.claim.findings, [place for place, each in enumerate(entry.claim.findings) if id(each) in on_demand])
        for entry in found
    ]
    waiting = {id(entry): text for entry, text in zip(found, of_each(_waiting, asked), strict=True)}
    made = {id(entry): _section(entry, waiting[id(entry)], share, room) for entry in by_need}
    return [made[id(entry)] for entry in found]


class _Room:
    """Elements that figures may still have."""

    def __init__(self, elements: int) -> None:
        self.left = elements

    def take(self, figure: str) -> str:
        """The figure, or nothing where it has no room."""
        needed = figure.count("<") - figure.count("</")
        if needed > self.left:
            return ""
        self.left -= needed
        return figure


def _need(entry: Entry) -> tuple[int, float]:
    worst = worst_finding(entry.claim)
    return (-1, 0.0) if worst is None else badness(worst)


def _section(entry: Entry, waiting: str, share: float, room: _Room) -> Section:
    claim = entry.claim
    worst = worst_finding(claim) if tally.has_verdict(claim) else None
    companion = None if worst is None else counterpart(claim, worst)
    steps = _steps(coordinates(claim.findings), room) if claim.gate else []
    shown = max(int(len(claim.findings) * share), _FEWEST_LINES)
    return Section(
        entry=entry,
        state=wording.css_class(claim.outcome),
        worst=worst,
        companion=companion,
        figure=room.take(plot_finding(worst, companion, points_drawn=_POINTS)) if worst and not steps else "",
        steps=steps,
        error=wording.clip(claim.error or claim.reason or "", _TEXT_SHOWN),
        notes=[wording.clip(note, _TEXT_SHOWN) for note in claim.notes],
        lines=[_line(finding) for finding in claim.findings[:shown]],
        lines_left_out=max(len(claim.findings) - shown, 0),
        packed=waiting,
        count=len(claim.findings),
    )


def _steps(found: Sequence[Coordinate], room: _Room) -> list[tuple[str, str]]:
    quantities = list(dict.fromkeys(each.quantity for each in found))
    numbers = sorted({each.step for each in found})[:_STEPS_SHOWN]
    by_step = [(number, [each for each in found if each.step == number]) for number in numbers]
    figures = [(_step_name(number, each), room.take(plot_step(each, quantities))) for number, each in by_step]
    return [(name, figure) for name, figure in figures if figure]


def _step_name(number: int, found: Sequence[Coordinate]) -> str:
    refuted = sum(each.finding.verdict is Verdict.REFUTED for each in found)
    undecided = sum(each.finding.verdict is Verdict.INCONCLUSIVE for each in found)
    when = "Before training" if number == 0 else f"After step {number}"
    said = [f"{len(found)} coordinates"]
    said += [f"{refuted} not as predicted"] if refuted else []
    said += [f"{undecided} undecided"] if undecided else []
    return f"{when}: {', '.join(said)}"


def _waiting(asked: tuple[Sequence[Finding], Sequence[int]]) -> str:
    """Findings of a claim, those at the places that were asked for, as the page's script unpacks them."""
    findings, places = asked
    return packed(_cards(findings, {id(findings[place]) for place in places})) if findings else ""


def _cards(findings: Sequence[Finding], on_demand: set[int]) -> list[str]:
    """Findings as pieces of the page, the worst first, each prediction before its controls."""
    cards = list[str]()
    for pair in sorted(pairs(findings), key=worst_of, reverse=True):
        for finding in pair.findings:
            if id(finding) in on_demand:
                control = pair.controls[0] if finding is pair.prediction and pair.controls else None
                cards.append(_card(finding, control, breakdown=not cards))
    return cards


def _card(finding: Finding, control: Finding | None, *, breakdown: bool) -> str:
    return template("finding.html.j2").render(
        finding=finding,
        title=spoken.title(finding),
        state=_state(finding),
        verdict=wording.verdict(finding),
        words=spoken.verdict_in_words(finding, None),
        numbers=[(name, wording.clip(text, _NUMBER_SHOWN)) for name, text in _numbers(finding, breakdown=breakdown)],
        figure=plot_finding(finding, control, points_drawn=_POINTS),
    )


def _numbers(finding: Finding, *, breakdown: bool) -> list[tuple[str, str]]:
    holds = [] if finding.exponent is None else [("holds", wording.scope(finding))]
    return holds + wording.numbers(finding, breakdown=breakdown)


def _line(finding: Finding) -> str:
    parts = (wording.verdict(finding), finding.role, spoken.title(finding), wording.measured(finding))
    return " · ".join(" ".join(part.split()) for part in parts)


def _state(finding: Finding) -> str:
    if finding.passed:
        return "pass"
    return "inconclusive" if finding.verdict is Verdict.INCONCLUSIVE else "fail"
