"""The report of one run: every claim, every finding with its numbers, and where they come from."""

import json
from dataclasses import dataclass
from typing import Final, Literal, NoReturn, cast

from theorychecks.claims.declaration import Claim
from theorychecks.drawing import table
from theorychecks.finding import Finding, Findings
from theorychecks.provenance import Provenance
from theorychecks.reporting.codec import ReportError, decode, encode, written
from theorychecks.reporting.error_budget import ErrorBudget

SCHEMA: Final = 3
"""The number of the schema that this version reads and writes; reports/README.md describes it."""

Outcome = Literal["pass", "fail", "inconclusive", "error", "skipped", "not run"]
"""How a claim ends: three verdicts; an error, which says nothing of the theory; and two ways of not being judged."""

Profile = Literal["quick", "default", "full"]

_SHOWN: Final = 20
"""Findings of a claim, in a notebook; a gate has hundreds."""


@dataclass(frozen=True, kw_only=True)
class ClaimRecord(Claim):
    """A claim and how it ended.

    Attributes:
        test: the pytest node id; `pytest <test>` runs it again.
        outcome: how it ended.
        error: what went wrong, if something did.
        reason: why it was skipped or not run.
        seed: of the run.
        seconds: how long it took.
        findings: in the order in which they were judged.
        notes: what a reader is told besides: the diagnosis of a model that fails its gate, a table of mutations.
    """

    test: str
    outcome: Outcome
    error: str | None = None
    reason: str | None = None
    seed: int
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        """What a notebook shows: the claim, how it ended, and its findings, those first that are not as wanted."""
        shown = Findings(sorted(self.findings, key=lambda finding: finding.passed)[:_SHOWN])
        count = f"{len(self.findings)}, {sum(finding.passed for finding in self.findings)} as wanted"
        more = f"; {len(shown)} are shown" if len(shown) < len(self.findings) else ""
        told = [("outcome", self.outcome), *(("error", each) for each in (self.error,) if each)]
        return super()._repr_html_() + table((), [*told, ("findings", count + more)]) + shown._repr_html_()


@dataclass(frozen=True, kw_only=True)
class Suite:
    """The counts of a run; what was collected was judged or skipped, unless claims broke, were lost or not reached.

    Attributes:
        claims: how many claims the report holds.
        collected, judged, reported: claims that were found, that came to a verdict on all that they have to be judged
            by, and that a process reported on.
        passed, failed, inconclusive, errors, skipped, not_run: claims by outcome.
        trends_failed: trends that fail, and do not fail the run; they are not among `failed`.
        lost: node ids of claims whose worker died, or that were never reported on though the run came to its end.
        stopped: why the run ended before its end.
        findings: how many findings the report holds.
        seed: of the run.
        error_budget: how many wrong verdicts chance may give.
        wall_seconds: how long the run took.
        profile: how much was run.
    """

    claims: int
    collected: int
    judged: int
    reported: int
    passed: int
    failed: int
    inconclusive: int
    errors: int
    skipped: int
    not_run: int
    trends_failed: int
    lost: tuple[str, ...]
    stopped: str | None
    findings: int
    seed: int
    error_budget: ErrorBudget
    wall_seconds: float
    profile: Profile


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one run found.

    Attributes:
        schema: the number of the shape that its file has.
        claims: in the order in which the run reported them.
        suite: the counts of the run.
        provenance: where the numbers come from.
    """

    schema: Literal[3] = 3
    claims: tuple[ClaimRecord, ...]
    suite: Suite
    provenance: Provenance

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """Return the report that `text` holds; raise `ReportError` when it is none of this schema."""
        document = checked_document(text)
        if document.get("runs") == "left out":
            raise ReportError(
                "this is a summary, without the values of the runs. Read the report.json of the run, or run the claims "
                "again."
            )
        return decode(cls, document)

    def to_json(self) -> str:
        """Return the report as JSON text, lists of numbers and texts on one line each."""
        return written(encode(self)) + "\n"


def claim_to_json(claim: ClaimRecord) -> str:
    """Return a claim as text that travels with a test's report; raise `ReportError` where JSON cannot hold it."""
    return json.dumps(encode(claim, "the claim"), allow_nan=False)


def claim_from_json(text: str) -> ClaimRecord:
    """Return the claim that `claim_to_json` has written."""
    return decode(ClaimRecord, json.loads(text), "the claim")


def checked_document(text: str) -> dict[str, object]:
    """Return the JSON object in `text`; raise `ReportError` when it is none, or is of another schema."""
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ReportError(
            f"the report is not JSON: {error}. It may have been cut short while it was written; run the claims again."
        ) from error
    if not isinstance(document, dict):
        raise ReportError(
            f"the report is a {type(document).__name__}; it must be a JSON object. Is this file a report.json?"
        )
    found = cast(dict[str, object], document)
    number = found.get("schema")
    if type(number) is not int or number != SCHEMA:
        raise ReportError(
            f"the report has schema {number!r}; this version of theorychecks reads schema {SCHEMA}. "
            f"Read it with the version that wrote it (see provenance.versions in the file), or run the claims again."
        )
    return found


def _refuse_constant(constant: str) -> NoReturn:
    raise ReportError(
        f"the report contains {constant}, which is not JSON. "
        'Write null for a number that does not exist, and "inf" for an infinite one.'
    )
