"""Finding: a judgement in a claim, with the role it plays there and how its numbers came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from theorychecks.drawing import Picture, picture, scene_of, table
from theorychecks.origin import Origin
from theorychecks.premises import Premises
from theorychecks.statistics.breakdown import breakdown_constant
from theorychecks.statistics.interval import Interval
from theorychecks.statistics.judgement import Expectation, Judgement, Power, Verdict, is_clear
from theorychecks.statistics.measurement import ADDED_LATER, Measurement
from theorychecks.statistics.prediction import Role

WANTED: Final = {"prediction": Verdict.SUPPORTED, "control": Verdict.REFUTED}
"""The verdict that a claim needs of each role."""


@dataclass(frozen=True, kw_only=True)
class Looks:
    """How a sequential design came to its verdict: each look has a share of the level, and the last one decides.

    Attributes:
        taken: looks that were taken.
        planned: looks that the budget has room for.
        budget: the most that may be spent, in runs at every axis value.
    """

    taken: int
    planned: int
    budget: int


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """The same prediction judged on fresh seeds, after a verdict that would fail the claim.

    Attributes:
        verdict: on fresh seeds.
        p_value: over all looks.
        interval: of the judged quantity.
        reason: why, and what would decide it.
    """

    verdict: Verdict
    p_value: float | None
    interval: Interval | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """What numbers have cost.

    Attributes:
        seconds: how long it took.
        flops: floating-point operations of all matrix products.
        trainings: networks trained, each time that one was.
    """

    seconds: float = 0.0
    flops: float = 0.0
    trainings: int = 0

    def __add__(self, other: Effort) -> Effort:
        return Effort(
            seconds=self.seconds + other.seconds,
            flops=self.flops + other.flops,
            trainings=self.trainings + other.trainings,
        )


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One judged prediction or control, with all its numbers; `judging` makes it.

    Attributes:
        label: which of the claim's quantities this is.
        role: a prediction must be SUPPORTED, a control REFUTED.
        setting: what the claim was given, as text.
        predicted: the prediction in a few words, "at most n^-0.5".
        expectation: the prediction in numbers.
        judgement: what the statistics say of the last look.
        reason: why, and what would decide it or what fresh seeds say.
        ends: where runs that are missing ended before what they look for, and what to change; empty where none did.
        p_value: bound on the probability of so clear a verdict if it is wrong, over all looks.
        power: what the whole budget could have detected.
        looks: of a sequential design.
        confirmation: on fresh seeds, of a verdict that would fail the claim.
        repeatable: whether fresh seeds can be drawn; numbers that are given cannot be drawn again.
        engine: which engine measured, from which width on.
        effort: what the numbers have cost, those of the confirmation included.
        origins: which runs have measured the numbers, likewise; none where they are given.
        premises: by which it can be judged anew; none of a finding that was derived from others.
    """

    label: str
    role: Role
    setting: Mapping[str, str] = field(default_factory=dict)
    predicted: str
    expectation: Expectation
    judgement: Judgement
    reason: str
    p_value: float | None = None
    power: Power | None = None
    looks: Looks | None = None
    confirmation: Confirmation | None = None
    repeatable: bool = False
    engine: str = ""
    effort: Effort = field(default_factory=Effort)
    origins: tuple[Origin, ...] = ()
    premises: Premises | None = None
    ends: str = field(default="", metadata=ADDED_LATER)

    @property
    def verdict(self) -> Verdict:
        """What follows."""
        return self.judgement.verdict

    @property
    def wanted(self) -> Verdict:
        """The verdict that the claim needs of this finding."""
        return WANTED[self.role]

    @property
    def passed(self) -> bool:
        """Whether the verdict is the one the claim needs."""
        return self.verdict is self.wanted

    @property
    def clear(self) -> bool:
        """Whether the verdict is decided clearly enough to fail a claim, were it not the wanted one."""
        return self.verdict is not Verdict.INCONCLUSIVE and is_clear(self.p_value)

    @property
    def measurement(self) -> Measurement:
        """What was judged."""
        return self.judgement.measurement

    @property
    def interval(self) -> Interval | None:
        """Of the judged quantity."""
        return self.judgement.interval

    @property
    def exponent(self) -> float | None:
        """As it was fitted, where one was."""
        return self.judgement.fit.exponent if self.judgement.fit else None

    @property
    def breakdown(self) -> float | None:
        """The largest finite-size constant C (or rho) under which the verdict is SUPPORTED; of some that are tried."""
        fit, allowed = self.judgement.fit, self.judgement.allowed
        return breakdown_constant(fit, self.measurement, allowed) if fit and allowed else None

    @property
    def outcome(self) -> Literal["pass", "fail", "inconclusive"]:
        """The finding's share in its claim's outcome.

        It fails on a clear verdict that fresh seeds repeat as clearly, where there are any; anything less is open.
        """
        if self.passed:
            return "pass"
        if not self.clear:
            return "inconclusive"
        fresh = self.confirmation
        return (
            "fail" if fresh is None or (fresh.verdict is self.verdict and is_clear(fresh.p_value)) else "inconclusive"
        )

    def __str__(self) -> str:
        """The finding in a line: what was judged, the verdict, and the numbers behind it."""
        measured, interval = self.measurement, self.interval
        margin = "" if self.expectation.margin is None else f" within {self.expectation.margin:g}"
        found = "no exponent" if self.exponent is None else f"{self.exponent:+.3g}"
        found += f" [{interval.low:+.3g}, {interval.high:+.3g}]" if interval else ""
        return (
            f"{self.label or 'finding'} ({self.role}): {self.verdict.value.upper()}, {self.predicted}{margin}; "
            f"measured {found} on {measured.axis} {measured.axis_values[0]:g}..{measured.axis_values[-1]:g}"
        )

    def plot(self) -> Picture:
        """All runs on logarithmic axes, with the fitted power, the predicted one and its rival: SVG, in a notebook."""
        about = scene_of(self.judgement, self.expectation, title=self.label, predicted=self.predicted)
        return picture(about)

    def _repr_html_(self) -> str:
        """What a notebook shows: the numbers and the plot."""
        setting = ", ".join(f"{name} = {value}" for name, value in self.setting.items())
        rows = [*zip(_COLUMNS, _cells(self), strict=True), ("setting", setting or "-")]
        return table((), rows) + str(self.plot())


class Findings(list[Finding]):
    """Findings of one check, one a reading; printed line by line, and shown as a table in a notebook."""

    def __str__(self) -> str:
        """One line a finding."""
        return "\n".join(map(str, self))

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        return table(_COLUMNS, map(_cells, self))


_COLUMNS: Final = ("quantity", "role", "verdict", "predicted", "measured", "interval", "reason")


def _cells(finding: Finding) -> tuple[str, ...]:
    margin, interval = finding.expectation.margin, finding.interval
    return (
        finding.label,
        finding.role,
        finding.verdict.value.upper() if finding.passed else f"{finding.verdict.value.upper()}, not as wanted",
        finding.predicted + ("" if margin is None else f" within {margin:g}"),
        "-" if finding.exponent is None else f"{finding.exponent:+z.3f}",
        "-" if interval is None else f"[{interval.low:+z.3f}, {interval.high:+z.3f}]",
        finding.reason,
    )
