"""A comparison in words: a line that says it all, and tables, which each format lays out in its own way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from theorychecks.reporting import tally, wording
from theorychecks.reporting.comparison.changes import Comparison, VerdictChange
from theorychecks.reporting.comparison.costs import FACTOR, SECONDS_FACTOR, Cost
from theorychecks.reporting.comparison.moves import LEVEL, Move
from theorychecks.reporting.comparison.sides import Side, SideClaim, SideFinding

_COMMIT_SHOWN: Final = 10
_WHY_SHOWN: Final = 300
_NAME_SHOWN: Final = 160

_BY_OPERATIONS: Final = (
    f"By a factor of {FACTOR:g} or more in operations, or in trainings where these are not counted, for as many runs "
    "at the same axis values; of each claim the finding that changed most."
)
_BY_CLOCK: Final = (
    f"{SECONDS_FACTOR:g} times as long or more for as many runs, where neither operations nor trainings are counted. "
    "Other programs on the machine do that as well, so it is no reason to fail."
)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Changes of one kind.

    Attributes:
        title: what they are.
        note: how they are found, in a sentence or two.
        columns: their headings.
        rows: as many cells each; texts of anybody's, not escaped.
        alarming: whether the comparison can fail on them.
    """

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    alarming: bool = False


def conclusion(comparison: Comparison) -> str:
    """Say in a line what changed for the worse beyond chance, or that nothing did, and which claims came and went."""
    c = comparison
    kinds = [each.kind for each in c.verdicts]
    worse = _counted(
        (sum(each.alarms for each in c.verdicts), "verdict for the worse", "verdicts for the worse"),
        (len(c.moves.moved), "exponent moved", "exponents moved"),
        (len(c.costs.dearer), "claim takes more work", "claims take more work"),
    )
    others = _counted(
        (kinds.count("better"), "claim passes now", "claims pass now"),
        (kinds.count("unjudged"), "claim is no longer judged", "claims are no longer judged"),
        (len(c.vanished), "claim vanished", "claims vanished"),
        (len(c.appeared), "claim appeared", "claims appeared"),
    )
    return "; ".join(filter(None, [worse or "nothing changed for the worse", others]))


def _counted(*counts: tuple[int, str, str]) -> str:
    return ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts if count)


def facts(comparison: Comparison) -> list[tuple[str, str]]:
    """Say name by name which runs these are, and how much of them was compared."""
    c, moves = comparison, comparison.moves
    apart = f"; in one run only, by settings that are drawn or other predictions: {c.findings_apart:,}"
    near = moves.compared - moves.equal - len(moves.moved)
    found = [
        ("old", _run(c.old)),
        ("new", _run(c.new)),
        ("compared", f"{c.shared:,} claims, {c.findings_shared:,} findings{apart if c.findings_apart else ''}"),
        (
            "exponents",
            f"{moves.compared:,} compared: {moves.equal:,} equal, {near:,} within what is allowed, "
            f"{len(moves.moved):,} moved",
        ),
        ("work", f"that of {c.costs.compared:,} findings compared, by operations or trainings"),
    ]
    if c.findings_changed:
        found.append(("findings", f"{c.findings_changed:,} have other verdicts in claims that ended as before"))
    return found + [("note", note) for note in _cautions(comparison)]


def tables(comparison: Comparison) -> list[Table]:
    """Say what changed, the most urgent first; what there is none of is left out."""
    c, costs = comparison, comparison.costs
    changes = {kind: [each for each in c.verdicts if each.kind == kind] for kind in ("open by chance", "better")}
    others = [each for each in c.verdicts if each.kind in ("other", "unjudged")]
    found = [
        _verdicts(
            "Verdicts for the worse",
            "Claims that fail or broke, and claims that are open where the same networks were drawn.",
            [each for each in c.verdicts if each.alarms],
            alarming=True,
        ),
        _exponents(c.moves.moved),
        _costs("What takes more work", costs.dearer, alarming=True),
        _verdicts("Open on other networks", _by_chance(c), changes["open by chance"]),
        _verdicts("Claims that pass now", "", changes["better"]),
        _verdicts("Other changes", "No verdict of this run, or one trouble in the place of another.", others),
        _costs("What takes less work", costs.cheaper),
        _costs("What took longer by the clock", costs.slower),
        _claims("Claims that do not pass, as before", "", c.standing),
        _claims("Claims that vanished", "Only the old run has them.", c.vanished),
        _claims("Claims that appeared", "Only the new run has them.", c.appeared),
    ]
    return [table for table in found if table.rows]


def _run(side: Side) -> str:
    suite, provenance = side.suite, side.provenance
    commit = provenance.git_commit
    code = f"at {commit[:_COMMIT_SHOWN]}{'+' if provenance.git_dirty else ''}" if commit else "at an unknown commit"
    incomplete = "" if tally.is_whole(suite) else "; INCOMPLETE"
    return (
        f"{tally.counts(suite)}; {provenance.created} {code}, seed {suite.seed}, profile {suite.profile}, "
        f"{wording.duration(suite.wall_seconds)}{incomplete}"
    )


def _cautions(comparison: Comparison) -> list[str]:
    old, new = comparison.old, comparison.new
    found = []
    if old.suite.profile != new.suite.profile:
        found.append(f"the profiles differ, {old.suite.profile} and {new.suite.profile}: so do settings and widths")
    if not comparison.same_seed:
        found.append("the seeds differ: other networks were drawn, and other settings")
    summaries = " and ".join(name for name, side in (("old", old), ("new", new)) if not side.whole)
    if summaries:
        found.append(
            f"{summaries}: a summary, without standard errors. All of its intervals is taken for noise, so exponents "
            "may move further before it is told"
        )
    return found


def _by_chance(comparison: Comparison) -> str:
    expected = comparison.new.suite.error_budget.undecided_a_night_expected
    return (
        "They passed, and are undecided on networks that were drawn anew, which says nothing against them: chance "
        f"leaves {expected:.2g} of the new run's {comparison.new.suite.findings:,} findings open."
    )


def _verdicts(title: str, note: str, changes: Sequence[VerdictChange], *, alarming: bool = False) -> Table:
    return Table(
        title=title,
        note=note,
        columns=("change", "claim", "why"),
        rows=tuple(
            (
                f"{wording.OUTCOMES[each.old.outcome]} → {wording.OUTCOMES[each.new.outcome]}",
                wording.clip(each.new.name, _NAME_SHOWN),
                wording.clip(_why(each), _WHY_SHOWN),
            )
            for each in changes
        ),
        alarming=alarming,
    )


def _why(change: VerdictChange) -> str:
    """The first of the findings whose verdicts changed, or what broke."""
    if change.new.reason:
        return (change.new.reason.splitlines() or [change.new.reason])[0]
    if not change.findings:
        return "by findings that only one of the runs has"
    old, new = change.findings[0]
    rest = f", and {len(change.findings) - 1} more" if len(change.findings) > 1 else ""
    figures = "" if new.exponent is None else f", {_exponent(old)} → {_exponent(new)}"
    return f"{_finding(new)}: {old.verdict.value} → {new.verdict.value}{figures}{rest}"


def _exponents(moves: Sequence[Move]) -> Table:
    return Table(
        title="Exponents that moved",
        note=(
            "Each moved by more than both bias bounds and the noise of both runs allow, at a level that all exponents "
            f"share: in {LEVEL:.0%} of comparisons of equal truths, at most, there is such a one."
        ),
        columns=("claim", "finding", "old", "new", "moved by", "allowed"),
        rows=tuple(
            (
                wording.clip(each.claim, _NAME_SHOWN),
                wording.clip(_finding(each.new), _WHY_SHOWN),
                _exponent(each.old, _digits(each)),
                _exponent(each.new, _digits(each)),
                f"{each.difference:+.2g}",
                f"±{each.allowed:.2g}",
            )
            for each in moves
        ),
        alarming=True,
    )


def _costs(title: str, costs: Sequence[Cost], *, alarming: bool = False) -> Table:
    return Table(
        title=title,
        note=_BY_CLOCK if costs and costs[0].unit == "seconds" else _BY_OPERATIONS,
        columns=("claim", "finding", "old", "new", "for as many runs"),
        rows=tuple(
            (
                wording.clip(each.claim, _NAME_SHOWN),
                wording.clip(_finding(each.new), _WHY_SHOWN),
                _amount(each, each.before),
                _amount(each, each.after),
                f"{each.ratio:.2g} times",
            )
            for each in costs
        ),
        alarming=alarming,
    )


def _claims(title: str, note: str, claims: Sequence[SideClaim]) -> Table:
    return Table(
        title=title,
        note=note,
        columns=("outcome", "claim", "statement"),
        rows=tuple(
            (
                wording.OUTCOMES[each.outcome],
                wording.clip(each.name, _NAME_SHOWN),
                wording.clip(next(iter(each.statement.splitlines()), ""), _WHY_SHOWN),
            )
            for each in claims
        ),
    )


def _finding(finding: SideFinding) -> str:
    """Return "control: hidden 2, frobenius (activation=tanh, depth=3)"."""
    setting = ", ".join(f"{name}={value}" for name, value in finding.setting.items())
    role = "control: " if finding.role == "control" else ""
    return f"{role}{finding.label}" + (f" ({setting})" if setting else "")


def _digits(move: Move) -> int:
    """After the point: two, or as many as show that an exponent moved."""
    return max(2, 1 - math.floor(math.log10(abs(move.difference))))


def _exponent(finding: SideFinding, digits: int = 2) -> str:
    """Return "n^-0.98 [-1.03, -0.94]"; a dash where nothing was fitted."""
    if finding.exponent is None:
        return "-"
    low_high = () if finding.interval is None else finding.interval
    ends = f" [{', '.join(f'{end:+z.{digits}f}' for end in low_high)}]" if low_high else ""
    base = "n" if finding.axis == "width" else finding.axis
    return f"{base}^{finding.exponent:+z.{digits}f}{ends}"


def _amount(cost: Cost, amount: float) -> str:
    if cost.unit == "seconds":
        return wording.duration(amount)
    return f"{amount / 1e9:.3g} GFLOP" if cost.unit == "operations" else f"{amount:,.0f} trainings"
