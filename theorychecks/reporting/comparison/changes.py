"""What changed between two runs: the claims of both, those that only one has, and what is to be told of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from theorychecks.reporting.codec import ReportError
from theorychecks.reporting.comparison.costs import Costs, find_costs
from theorychecks.reporting.comparison.moves import Moves, find_moves
from theorychecks.reporting.comparison.sides import FindingKey, Side, SideClaim, SideFinding
from theorychecks.reporting.tally import UNJUDGED

Alarm = Literal["verdict", "exponent", "cost"]
ALARMS: Final[tuple[Alarm, ...]] = get_args(Alarm)
"""What a comparison can fail on."""

Kind = Literal["worse", "open", "open by chance", "better", "unjudged", "other"]
"""What has become of a claim: it is refuted or broke; one that passed is open, on the same networks or on others; it
passes; it is no longer judged; or it changed from one trouble to another."""
_BAD: Final = ("fail", "error")
_STANDING: Final = (*_BAD, "inconclusive")
_URGENCY: Final[tuple[Kind, ...]] = get_args(Kind)
_NAMED: Final = 3


@dataclass(frozen=True, kw_only=True)
class VerdictChange:
    """A claim that ended otherwise.

    Attributes:
        old, new: the claim in both runs.
        kind: what has become of it.
        findings: of both runs, with other verdicts.
    """

    old: SideClaim
    new: SideClaim
    kind: Kind
    findings: tuple[tuple[SideFinding, SideFinding], ...]

    @property
    def alarms(self) -> bool:
        """Whether this is more than chance makes of other seeds."""
        return self.kind in ("worse", "open")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What changed from one run to another.

    Attributes:
        old, new: the runs.
        shared: how many claims both have.
        appeared, vanished: claims that only one run has.
        verdicts: claims that ended otherwise, the most urgent first.
        standing: claims that ended as before, and did not pass.
        findings_changed: how many findings have another verdict in claims that ended as before.
        findings_shared: how many findings both have.
        findings_apart: how many findings of shared claims only one run has, since their settings are drawn, or their
            predictions changed.
        moves: exponents.
        costs: work.
    """

    old: Side
    new: Side
    shared: int
    appeared: tuple[SideClaim, ...]
    vanished: tuple[SideClaim, ...]
    verdicts: tuple[VerdictChange, ...]
    standing: tuple[SideClaim, ...]
    findings_changed: int
    findings_shared: int
    findings_apart: int
    moves: Moves
    costs: Costs

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """What is to be told."""
        fired: Mapping[Alarm, object] = {
            "verdict": [each for each in self.verdicts if each.alarms],
            "exponent": self.moves.moved,
            "cost": self.costs.dearer,
        }
        return tuple(alarm for alarm in ALARMS if fired[alarm])

    @property
    def same_seed(self) -> bool:
        """Whether nothing was drawn anew."""
        return self.old.suite.seed == self.new.suite.seed


def compare(old: Side, new: Side) -> Comparison:
    """What changed from one run to another.

    Raises:
        ReportError: where they share no claim.
    """
    shared = [(claim, new.claims[name]) for name, claim in old.claims.items() if name in new.claims]
    if not shared:
        raise ReportError(
            f"the two runs share no claim: the first has {_some(old.claims)}, the second {_some(new.claims)}. Compare "
            "two runs of the same claims, which are known by their ids."
        )
    pairs = [(before.name, *both) for before, after in shared for both in _pairs(before.findings, after.findings)]
    same_seed = old.suite.seed == new.suite.seed
    changes = [_change(*both, same_seed=same_seed) for both in shared if both[0].outcome != both[1].outcome]
    changed = {each.old.name for each in changes}
    return Comparison(
        old=old,
        new=new,
        shared=len(shared),
        appeared=tuple(claim for name, claim in new.claims.items() if name not in old.claims),
        vanished=tuple(claim for name, claim in old.claims.items() if name not in new.claims),
        verdicts=tuple(sorted(changes, key=lambda each: _URGENCY.index(each.kind))),
        standing=tuple(new for old, new in shared if old.outcome == new.outcome in _STANDING),
        findings_changed=sum(a.verdict is not b.verdict for name, a, b in pairs if name not in changed),
        findings_shared=len(pairs),
        findings_apart=sum(len(a.findings) + len(b.findings) for a, b in shared) - 2 * len(pairs),
        moves=find_moves(pairs),
        costs=find_costs(pairs),
    )


def _pairs(
    old: Mapping[FindingKey, SideFinding], new: Mapping[FindingKey, SideFinding]
) -> Iterable[tuple[SideFinding, SideFinding]]:
    return [(finding, new[key]) for key, finding in old.items() if key in new]


def _change(old: SideClaim, new: SideClaim, *, same_seed: bool) -> VerdictChange:
    pairs = _pairs(old.findings, new.findings)
    return VerdictChange(
        old=old,
        new=new,
        kind=_kind(old, new, same_seed=same_seed),
        findings=tuple((a, b) for a, b in pairs if a.verdict is not b.verdict),
    )


def _kind(old: SideClaim, new: SideClaim, *, same_seed: bool) -> Kind:
    if new.outcome in _BAD:
        return "other" if old.outcome in _BAD else "worse"
    if new.outcome in UNJUDGED:
        return "other" if old.outcome in UNJUDGED else "unjudged"
    if new.outcome == "pass":
        return "better"
    if old.outcome != "pass":
        return "other"
    return "open" if same_seed and _same_engines(old, new) else "open by chance"


def _same_engines(old: SideClaim, new: SideClaim) -> bool:
    """Whether the same networks were drawn: each engine draws its own."""
    return all(a.work.engine == b.work.engine for a, b in _pairs(old.findings, new.findings))


def _some(claims: Collection[str]) -> str:
    named = ", ".join(map(repr, list(claims)[:_NAMED]))
    rest = len(claims) - _NAMED
    return f"{named or 'none'}{f' and {rest} more' if rest > 0 else ''}"
